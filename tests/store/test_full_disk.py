"""A full disk is said clearly and harms nothing that is stored."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from store import open_store
from tests.contracts.store import keep, key_of

ROOT = Path(__file__).parents[2]

FILL = """
import sys
from pathlib import Path
from store import *
from tests.contracts.store import *
store = open_store(Path(sys.argv[1]), cap_bytes=1 << 40)
kept, failures = [], set()
size = int(sys.argv[2])
for number in range(400):
    try:
        keep(store, number, noise(size, number))
        kept.append(number)
    except StoreFullError:
        failures.add("full")
        if number > len(kept) + 20:
            break
found = store.lookup([key_of(number) for number in kept])
assert len(found) == len(kept), (len(found), len(kept))
for number in kept:
    digest = found[key_of(number)].result.digest
    assert store.open(digest).view() == noise(size, number)
store.close()
print(len(kept), *failures)
"""


def run(path: Path, size: int, limit: int | None = None) -> list[str]:
    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path), str(size)],
        cwd=ROOT,
        preexec_fn=limited,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_file_that_cannot_grow_is_a_full_store(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with open_store(path) as store:
        keep(store, "before", b"one")
    kept, *failures = run(path, 3_000_000, limit=2_000_000)
    assert (kept, failures) == ("0", ["full"])
    with open_store(path) as store:
        assert list(store.check()) == []
        assert key_of("before") in store.lookup([key_of("before")])
        assert not list((path / "tmp").iterdir())


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
@pytest.mark.parametrize("size", [3_000, 200_000, 2_000_000])
def test_a_full_disk_keeps_what_was_kept(tmp_path: Path, size: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        path = disk / "store"
        kept, *failures = run(path, size)
        assert int(kept) > 2
        if size > 3_000:
            assert failures == ["full"]
        with open_store(path) as store:
            assert list(store.check()) == []
            assert store.stats().results == int(kept)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
