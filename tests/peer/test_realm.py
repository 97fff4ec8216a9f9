"""Realms from the command line: making, entering, looking, leaving, forgetting."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .conftest import ImageMaker
from .realm_bench import Machine, end, wait_until

pytestmark = pytest.mark.slow

WRONG_USAGE, FAILED, NO_MATCH, ABSENT = 2, 4, 5, 7

PROGRAM = """
load image = "image.nii.gz"
let bright = near(intensity(image) >=. 50)
print "volume" volume(bright)
save "mask.nii.gz" bright
print "six" 2 * 3
"""


class Machines(dict[str, Machine]):
    """Machines by name, made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, name: str) -> Machine:
        machine = self[name] = Machine(self._folder / name, name)
        return machine


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Machines]:
    """Return machines; their daemons are ended afterwards."""
    machines = Machines(tmp_path / "lab")
    yield machines
    for machine in machines.values():
        machine.stop()


@pytest.fixture
def founder(lab: Machines) -> Machine:
    """Return a machine that made a realm, with its daemon running."""
    lab["founder"].join()
    return lab["founder"]


def invited(sponsor: Machine, *words: str) -> str:
    """Return a token."""
    done = sponsor.voxpeer("invite", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ---- joining ----------------------------------------------------------------


def test_the_first_machine_makes_a_realm_and_prints_a_token_that_lets_a_second_in(
    lab: Machines,
) -> None:
    token = lab["first"].join()
    assert token.startswith("vxp1.")
    assert "@127.0.0.1:" in token
    assert "\n" not in token
    assert lab["second"].join(token) == ""
    wait_until(lambda: lab["first"].live() == ["second"], "the first knows the second")
    wait_until(lambda: lab["second"].live() == ["first"], "the second knows the first")
    first, second = lab["first"].status(), lab["second"].status()
    assert first["realm_id"] == second["realm_id"]
    assert (first["is_sponsor"], second["is_sponsor"]) == (True, False)


def test_a_machine_that_has_joined_goes_on_as_who_it_was(founder: Machine) -> None:
    before = founder.status()
    founder.stop()
    done = founder.voxpeer("join", "--detach")
    assert (done.returncode, done.stdout) == (0, "")
    log = founder.store / "realm" / "daemon.log"
    assert "nobody has joined yet; 'voxpeer invite'" in log.read_text()
    after = founder.status()
    assert after["node_id"] == before["node_id"]
    assert after["realm_id"] == before["realm_id"]


def test_the_first_token_is_printed_although_the_first_start_failed(
    lab: Machines,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("join", "--detach", "--listen", f"127.0.0.1:{port}")
        failed = lab["first"].voxpeer(*words)
    assert failed.returncode != 0
    assert "made the realm" in failed.stderr
    assert lab["first"].join().startswith("vxp1.")
    lab["first"].stop()
    assert lab["first"].join() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_daemon_in_the_foreground_says_who_comes_and_ends_cleanly(
    lab: Machines, number: int
) -> None:
    # What this process ignores, under nohup for example, its children ignore too.
    before = signal.signal(number, signal.default_int_handler)
    try:
        first = lab["first"].start()
    finally:
        signal.signal(number, before)
    assert first.stdout is not None
    token = first.stdout.readline().strip()
    lab["second"].join(token)
    wait_until(lambda: lab["first"].live() == ["second"], "the second came")
    stderr = end(first, number)
    assert first.returncode == 0
    assert "made the realm" in stderr
    assert "second came" in stderr
    assert not lab["first"].is_up()


def test_on_a_terminal_the_token_comes_as_the_command_to_type(
    founder: Machine,
) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        founder.command("invite", "--expires", "2h"),
        cwd=founder.folder,
        env=founder.environment,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the terminal's other end was closed
            while chunk := os.read(ours, 65536):
                shown += chunk
        os.close(ours)
    assert process.returncode == 0
    explanation, command = shown.decode().splitlines()
    assert explanation.endswith("good for one machine within 2 hours):")
    assert command.startswith("  voxpeer join vxp1.")


def test_a_daemon_that_only_this_machine_reaches_says_so(founder: Machine) -> None:
    log = founder.store / "realm" / "daemon.log"
    assert "for this machine only" in log.read_text()


def test_a_daemon_that_hangs_is_said_to_hang(founder: Machine) -> None:
    pid = founder.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        done = founder.voxpeer("status")
        assert time.monotonic() - started < 15
        started = time.monotonic()
        leaving = founder.voxpeer("leave", "--yes")
        assert leaving.returncode != 0
        assert f"kill -9 {pid}" in leaving.stderr
        assert time.monotonic() - started < 10
        document = founder.status()
        found = {check["name"]: check for check in doctor(founder)}
    finally:
        os.kill(pid, signal.SIGCONT)
    assert done.returncode == ABSENT
    assert f"runs, pid {pid}, but does not answer" in done.stdout
    assert f"kill -9 {pid}" in done.stderr
    assert (document["running"], document["answers"]) == (True, False)
    assert not found["daemon"]["is_ok"]
    assert "port" not in " ".join(found), "the port is the daemon's own"


def test_only_one_daemon_runs_for_a_store(founder: Machine) -> None:
    pid = founder.status()["pid"]
    for words in ((), ("--detach",)):
        done = founder.voxpeer("join", *words)
        assert done.returncode == FAILED
        assert f"already running, pid {pid}" in done.stderr
    assert founder.status()["pid"] == pid


def test_the_log_of_a_daemon_in_the_background_is_in_the_store(
    founder: Machine,
) -> None:
    log = founder.store / "realm" / "daemon.log"
    assert "founder listens at 127.0.0.1:" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_a_port_in_use_is_said_also_by_a_daemon_in_the_background(
    lab: Machines,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words in ((), ("--detach",)):
            done = lab["first"].voxpeer("join", "--listen", f"127.0.0.1:{port}", *words)
            assert done.returncode == FAILED, done.stderr
            assert port in done.stderr
            assert "--listen" in done.stderr


# ---- tokens that open nothing -----------------------------------------------


def test_a_mistyped_token_is_wrong_usage(founder: Machine, lab: Machines) -> None:
    token = invited(founder)
    for text in ("hello", token[:-30], token.replace("vxp1", "vxp2"), swapped(token)):
        done = lab["second"].voxpeer("join", text)
        assert done.returncode == WRONG_USAGE, done.stderr
        assert "token" in done.stderr
    assert not (lab["second"].store / "realm" / "node.crt").exists()


def swapped(token: str) -> str:
    """Return a token with one digit changed."""
    at = 10
    return token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1 :]


def test_a_token_that_is_used_up_or_has_expired_is_refused(
    founder: Machine, lab: Machines
) -> None:
    used = invited(founder)
    lab["second"].join(used)
    short = invited(founder, "--expires", "1s")
    invited(founder)  # so that the door stays open
    time.sleep(1.1)
    for token in (used, short):
        done = lab["third"].voxpeer("join", token)
        assert done.returncode == FAILED, done.stderr
        assert "error:" in done.stderr


def test_a_token_of_another_realm_neither_opens_this_one_nor_moves_a_store(
    founder: Machine, lab: Machines
) -> None:
    lab["other"].join()
    foreign = invited(lab["other"])
    here = invited(founder).partition("@")[2]
    mixed = f"{foreign.partition('@')[0]}@{here}"
    done = lab["third"].voxpeer("join", mixed)
    assert done.returncode == FAILED, done.stderr

    founder.stop()
    done = founder.voxpeer("join", foreign)
    assert done.returncode == FAILED
    assert "another realm" in done.stderr
    assert "voxpeer leave" in done.stderr


def test_a_token_for_the_realm_that_a_store_is_in_is_not_needed(
    founder: Machine,
) -> None:
    token = invited(founder)
    founder.stop()
    done = founder.voxpeer("join", token, "--detach")
    assert done.returncode == 0, done.stderr
    assert "not used" in done.stderr


def test_a_new_realm_is_not_made_over_another_one(founder: Machine) -> None:
    founder.stop()
    done = founder.voxpeer("join", "--new-realm")
    assert done.returncode == FAILED
    assert "voxpeer leave" in done.stderr
    assert founder.voxpeer("join", "vxp1.x", "--new-realm").returncode == WRONG_USAGE


def test_a_sponsor_that_does_not_answer_is_named(lab: Machines, tmp_path: Path) -> None:
    token = lab["first"].join()
    lab["first"].stop()
    done = lab["second"].voxpeer("join", token)
    assert done.returncode == FAILED
    assert token.partition("@")[2] in done.stderr


def test_keys_that_others_can_read_are_not_used(founder: Machine) -> None:
    founder.stop()
    key = founder.store / "realm" / "node.key"
    key.chmod(0o644)
    done = founder.voxpeer("join")
    assert done.returncode == FAILED
    assert str(key) in done.stderr
    assert "chmod" in done.stderr


# ---- inviting, looking ------------------------------------------------------


def test_an_invitation_says_how_it_can_be_used(founder: Machine) -> None:
    done = founder.voxpeer("invite", "--uses", "3", "--expires", "2h", "--json")
    document = json.loads(done.stdout)
    assert document["token"].startswith("vxp1.")
    assert document["uses"] == 3
    assert document["expires_s"] == 7200
    assert document["is_enrolling"] is True
    founder.stop()
    done = founder.voxpeer("invite")
    assert done.returncode == 0
    assert "no daemon" in done.stderr
    assert done.stdout.startswith("vxp1.")


def test_only_a_sponsor_invites_and_a_founder_makes_sponsors(
    founder: Machine, lab: Machines
) -> None:
    lab["second"].join(invited(founder))
    done = lab["second"].voxpeer("invite")
    assert done.returncode == FAILED
    assert "sponsor" in done.stderr
    lab["third"].join(invited(founder, "--sponsor"))
    assert lab["third"].status()["is_sponsor"] is True
    lab["fourth"].join(invited(lab["third"]))
    assert lab["fourth"].status()["realm_id"] == founder.status()["realm_id"]


def test_commands_that_need_a_realm_say_how_to_get_one(lab: Machines) -> None:
    assert lab["alone"].run('print "x" 1').returncode == 0
    for words in (("invite",), ("leave", "--yes")):
        done = lab["alone"].voxpeer(*words)
        assert done.returncode == FAILED, done.stderr
        assert "voxpeer join" in done.stderr


def test_commands_that_need_a_daemon_say_that_none_runs(lab: Machines) -> None:
    alone = lab["alone"]
    assert alone.run('print "x" 1').returncode == 0
    for words in (("status",), ("peers",), ("peers", "revoke", "x")):
        done = alone.voxpeer(*words)
        assert done.returncode == ABSENT, done.stderr
        assert "no daemon" in done.stderr
        assert "voxpeer join" in done.stderr
    assert alone.status()["running"] is False


def test_a_run_that_requires_the_network_does_not_run_without_it(lab: Machines) -> None:
    done = lab["alone"].run('print "x" 1', "--network", "required")
    assert done.returncode == ABSENT
    assert done.stdout == ""
    assert "voxpeer join" in done.stderr


def test_status_and_peers_are_readable(founder: Machine, lab: Machines) -> None:
    lab["second"].join(invited(founder))
    wait_until(lambda: founder.live() == ["second"], "the second came")
    text = founder.voxpeer("status").stdout
    for part in ("founder", "sponsor", "listening", "certificate", "1 live", "second"):
        assert part in text
    table = founder.voxpeer("peers").stdout
    assert table.splitlines()[0].split()[:2] == ["name", "node"]
    assert "second" in table
    assert founder.voxpeer("peers", "list").returncode == 0
    listed = json.loads(founder.voxpeer("peers", "--json").stdout)["peers"]
    assert [peer["name"] for peer in listed] == ["second"]


def test_a_member_is_revoked_by_name_or_by_the_beginning_of_its_id(
    founder: Machine, lab: Machines
) -> None:
    for name in ("second", "third"):
        lab[name].join(invited(founder))
    wait_until(lambda: founder.live() == ["second", "third"], "both came")
    done = founder.voxpeer("peers", "revoke", "nobody")
    assert done.returncode == NO_MATCH
    assert "voxpeer peers" in done.stderr
    done = lab["third"].voxpeer("peers", "revoke", "second")
    assert done.returncode == FAILED
    assert "sponsor" in done.stderr

    assert founder.voxpeer("peers", "revoke", "second").returncode == 0
    third = str(lab["third"].status()["node_id"])
    done = founder.voxpeer("peers", "revoke", third[:6], "--keep-results")
    assert done.returncode == 0, done.stderr
    states = {peer["name"]: peer["state"] for peer in founder.status()["peers"]}
    assert states == {"second": "revoked", "third": "revoked"}


# ---- leaving, forgetting ----------------------------------------------------


def test_leaving_ends_the_daemon_and_keeps_what_was_computed_here(
    founder: Machine,
) -> None:
    founder.run('print "x" 1 + 2')
    assert founder.voxpeer("leave").returncode == WRONG_USAGE
    assert founder.is_up()
    done = founder.voxpeer("leave", "--yes")
    assert done.returncode == 0, done.stderr
    assert not (founder.store / "realm" / "node.key").exists()
    assert founder.voxpeer("results", "get", "x").stdout.strip() == "3.0"
    assert not founder.is_up()


def image_on(machine: Machine, image: ImageMaker, bench_folder: Path) -> None:
    """Put a small image into a machine's folder."""
    image(size=24)
    data = (bench_folder / "image.nii.gz").read_bytes()
    (machine.folder / "image.nii.gz").write_bytes(data)


def test_forgetting_a_file_removes_what_was_computed_from_it_and_nothing_else(
    lab: Machines, image: ImageMaker, tmp_path: Path
) -> None:
    alone = lab["alone"]
    image_on(alone, image, tmp_path)
    assert alone.run(PROGRAM, "--store-policy", "all").returncode == 0
    (alone.folder / "image.nii.gz").rename(alone.folder / "copy.nii.gz")
    done = alone.voxpeer("forget", "copy.nii.gz", "--dry-run")
    assert done.returncode == 0
    assert "would remove" in done.stdout
    assert alone.voxpeer("results", "show", "volume").returncode == 0

    done = alone.voxpeer("forget", "copy.nii.gz")
    assert done.returncode == 0, done.stderr
    assert "volume of program.imgql" in done.stdout
    assert "mask.nii.gz" in done.stderr
    assert alone.voxpeer("results", "show", "volume").returncode == NO_MATCH
    assert alone.voxpeer("why", "volume").returncode == NO_MATCH
    assert alone.voxpeer("results", "get", "six").stdout.strip() == "6.0"
    held = json.loads(alone.voxpeer("results", "list", "--json").stdout)["results"]
    assert {result["label"] for result in held} <= {"six", None}
    done = alone.voxpeer("forget", "copy.nii.gz")
    assert done.returncode == NO_MATCH


def test_a_file_that_is_not_there_or_that_nothing_came_of_cannot_be_forgotten(
    lab: Machines,
) -> None:
    alone = lab["alone"]
    assert alone.run('print "x" 1').returncode == 0
    assert alone.voxpeer("forget", "no.nii.gz").returncode == WRONG_USAGE
    (alone.folder / "other.nii.gz").write_bytes(b"something")
    done = alone.voxpeer("forget", "other.nii.gz")
    assert done.returncode == NO_MATCH
    assert "other.nii.gz" in done.stderr


def test_a_realm_forgets_what_any_member_computed_from_a_file(
    founder: Machine, lab: Machines, image: ImageMaker, tmp_path: Path
) -> None:
    second = lab["second"]
    second.join(invited(founder))
    wait_until(lambda: founder.live() == ["second"], "the second came")
    for machine in (founder, second):
        image_on(machine, image, tmp_path)
    # Each computes something of its own, which the other cannot know.
    assert founder.run(PROGRAM, "--network", "off").returncode == 0
    other = 'load i = "image.nii.gz"\nprint "max" max(intensity(i))'
    assert second.run(other, "--network", "off").returncode == 0
    done = founder.voxpeer("forget", "image.nii.gz")
    assert done.returncode == 0, done.stderr
    assert "realm" in done.stderr
    wait_until(
        lambda: second.voxpeer("results", "show", "max").returncode == NO_MATCH,
        "the second has forgotten",
    )


# ---- the doctor -------------------------------------------------------------


def doctor(machine: Machine) -> list[dict[str, Any]]:
    """Return what ``doctor`` finds."""
    checks: list[dict[str, Any]]
    checks = json.loads(machine.voxpeer("doctor", "--json").stdout)["checks"]
    return checks


def findings(machine: Machine) -> dict[str, bool]:
    """Return what ``doctor`` says of the network, by name."""
    return {check["name"]: check["is_ok"] for check in doctor(machine)}


def test_the_doctor_looks_at_the_daemon_its_port_and_the_clock(
    founder: Machine,
) -> None:
    found = findings(founder)
    port = founder.address().rpartition(":")[2]
    assert found["daemon"]
    assert found[f"port {port}"]
    assert found["multicast"]
    assert found["clock"]
    founder.stop()
    assert not findings(founder)["daemon"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        founder.environment["VOXPEER_LISTEN"] = f"127.0.0.1:{port}"
        assert not findings(founder)[f"port {port}"]


def test_the_doctor_notices_that_the_clock_is_behind_the_store(
    founder: Machine,
) -> None:
    founder.stop()
    later = time.time() + 7 * 86_400

    def is_noticed() -> bool:
        # The daemon may still be closing the file.
        os.utime(founder.store / "store.db", (later, later))
        return not findings(founder)["clock"]

    wait_until(is_noticed, "the doctor notices")
