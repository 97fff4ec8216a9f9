"""What may befall a machine: its clock, its disk, its daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from .lab import Lab
from .machine import Settings
from .programs import (
    HEAVY,
    REGIONS,
    SHARING_ALL,
    assert_all_fetched,
    machine,
    meet,
    near_level,
    pair,
    publish,
)
from .waiting import wait_until

STORE_UNUSABLE = 4
"""Exit code of a run whose store is full."""

SPOIL = """
import os, pathlib
blobs = [path for path in pathlib.Path("/store/blobs").rglob("*") if path.is_file()]
assert blobs, "no artifact lies in a file of its own"
for path in blobs:
    state = path.stat()
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(state.st_size // 2)
        byte = file.read(1)[0]
        file.seek(state.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    path.chmod(state.st_mode)
print(len(blobs))
"""
"""Changes one bit of every artifact, and no time of modification."""


@pytest.mark.parametrize("shift", ["+1d", "-1d"])
def test_a_clock_that_is_a_day_off_keeps_nobody_out(
    shift: str, lab: Lab, brain: Path
) -> None:
    first = machine(lab, "first", brain)
    second = machine(lab, "second", brain, settings=Settings(clock=shift))
    second.join(first.found())
    meet(first, second)
    there = publish(REGIONS, first, second)
    here = second.execute(REGIONS)
    assert_all_fetched(here, second)
    assert here.saved == there.saved
    # And the other way round: it signs what others believe.
    for peer in (first, second):
        peer.write("near.imgql", near_level(0.7))
    there = publish("near.imgql", second, first)
    here = first.execute("near.imgql")
    assert_all_fetched(here, first)
    assert here.saved == there.saved


def test_a_damaged_artifact_at_the_server_reaches_nobody(lab: Lab, brain: Path) -> None:
    first, second = pair(lab, brain, SHARING_ALL)
    there = publish(HEAVY, first, second)
    first.run("python3", "-c", SPOIL)
    here = second.execute(HEAVY)
    assert here.executed > 0
    assert here.results == there.results
    assert here.saved == there.saved
    assert second.voxpeer("store", "check").exit_code == 0


def test_a_full_disk_at_the_receiver_does_not_spoil_its_run(
    lab: Lab, brain: Path
) -> None:
    first = machine(lab, "first", brain, settings=SHARING_ALL)
    small = Settings(store_mb=8)
    second = machine(lab, "second", brain, settings=small)
    second.join(first.found())
    meet(first, second)
    there = publish(HEAVY, first, second)
    full = second.voxpeer("run", HEAVY, "--json", check=False)

    # Its results may be lost to the next run, but not to this one.
    assert full.exit_code in (0, STORE_UNUSABLE), full.stderr
    assert "Traceback" not in full.stderr
    saved = second.run("sha256sum", "calm.nii").stdout.split()[0]
    assert [saved] == list(there.saved.values())
    assert second.is_up()
    assert second.voxpeer("store", "check").exit_code == 0
    # What does fit still comes.
    there = publish(REGIONS, first, second)
    here = second.execute(REGIONS)
    assert here.from_peers > 0
    assert here.saved == there.saved


def test_a_daemon_that_is_killed_leaves_runs_alone_and_comes_back_as_it_was(
    lab: Lab, brain: Path
) -> None:
    first, second = pair(lab, brain, SHARING_ALL)
    there = publish(HEAVY, first, second)
    before = second.status()["node_id"]
    first.slow_down(60)
    sent = first.sent_bytes
    process = second.start(HEAVY)
    wait_until(lambda: first.sent_bytes > sent + 3_000_000, "a fetch is on", limit_s=30)
    second.kill_daemon()
    here = second.finish(process)
    assert here.results == there.results
    assert here.saved == there.saved

    second.join()
    meet(first, second)
    assert second.status()["node_id"] == before
    publish(REGIONS, first, second)
    assert_all_fetched(second.execute(REGIONS), second)
