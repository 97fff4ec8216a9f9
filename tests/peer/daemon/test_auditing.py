"""The process that audits in the background: when it is started, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from peer.daemon.auditing import BEGIN_S, Auditing, audit_command
from scheduler.audits import Audit, audit_counts, note_audits
from store import Digest, SqliteStore
from tests.peer.daemon.harness import eventually, key_of, new_store

RATE = 0.01
"""CPU-seconds that the budget of these tests grows in a second."""

LATER = BEGIN_S / RATE + 1
"""When a budget that began at 0 is enough for the first time, in seconds."""

WAIT_FOR_INPUT = "import sys; sys.stdin.read()"

BURN = """
import time
while time.process_time() < 0.5:
    pass
"""

Make = Callable[..., Auditing]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = new_store(tmp_path / "store")
    yield opened
    opened.close()


def want_audit(store: SqliteStore) -> None:
    plan = store.put([b"a plan"])
    note_audits(store, [Audit(key_of(1), Digest(bytes(32)), b"recipe", plan)])


@pytest.fixture
def auditing(store: SqliteStore) -> Iterator[Make]:
    """Make spawners of a Python text in place of the command."""
    made: list[Auditing] = []

    def make(text: str = WAIT_FOR_INPUT) -> Auditing:
        def command(_cpu_s: float) -> Sequence[str]:
            return (sys.executable, "-c", text)

        share = RATE / (os.cpu_count() or 1)
        made.append(Auditing(store, command, share, now=0.0))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def see_its_end(auditing: Auditing, now: float) -> None:
    def has_ended() -> bool:
        auditing.step(now)
        return not auditing.is_running

    eventually(has_ended)


def test_nothing_is_started_when_there_is_nothing_to_audit(auditing: Make) -> None:
    one = auditing()
    one.step(10 * LATER)
    assert not one.is_running


def test_a_process_is_started_once_there_is_cpu_time_for_it(
    store: SqliteStore, auditing: Make
) -> None:
    want_audit(store)
    one = auditing()
    one.step(1.0)
    assert not one.is_running
    one.step(LATER)
    assert one.is_running


def test_nothing_is_started_while_a_run_of_the_store_computes(
    store: SqliteStore, auditing: Make
) -> None:
    want_audit(store)
    one = auditing()
    run = new_store(store.path)
    run.lease([key_of(2)])
    one.step(LATER)
    assert not one.is_running
    run.close()
    one.step(LATER + 60)
    assert one.is_running


@pytest.mark.slow
def test_what_a_process_took_has_to_grow_again(
    store: SqliteStore, auditing: Make
) -> None:
    want_audit(store)
    one = auditing(BURN)
    one.step(LATER)
    see_its_end(one, LATER)
    one.step(LATER + 0.4 / RATE)
    assert not one.is_running
    one.step(LATER + 10 / RATE)
    assert one.is_running


def test_after_a_failure_it_is_tried_again_ever_later(
    store: SqliteStore, auditing: Make
) -> None:
    want_audit(store)
    one = auditing("raise SystemExit(4)")
    now = 100 * LATER
    for wait_s in (60, 120, 240):
        one.step(now)
        assert one.is_running
        see_its_end(one, now)
        one.step(now + wait_s - 1)
        assert not one.is_running
        now += wait_s


def test_a_process_that_found_something_wrong_has_not_failed(
    store: SqliteStore, auditing: Make
) -> None:
    want_audit(store)
    one = auditing("raise SystemExit(9)")
    one.step(100 * LATER)
    see_its_end(one, 100 * LATER)
    one.step(100 * LATER + 10)
    assert one.is_running


def test_the_process_ends_when_its_starter_stops(
    store: SqliteStore, auditing: Make
) -> None:
    want_audit(store)
    one = auditing("import time; time.sleep(600)")
    one.step(LATER)
    assert one.is_running
    started = time.monotonic()
    one.stop()
    assert not one.is_running
    assert time.monotonic() - started < 60


PARENT = """
import sys, time
from pathlib import Path
from peer.daemon.auditing import Auditing
from tests.peer.daemon.harness import new_store
text = "import os, sys; os.write(2, b'%d\\\\n' % os.getpid()); sys.stdin.read()"
store = new_store(Path(sys.argv[1]))
auditing = Auditing(store, lambda _: (sys.executable, "-c", text), 1.0, now=0.0)
auditing.step(1e6)
assert auditing.is_running
time.sleep(600)
"""


@pytest.mark.slow
def test_the_process_ends_when_its_starter_is_killed(store: SqliteStore) -> None:
    want_audit(store)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(store.path)],
        cwd=Path(__file__).parents[3],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert parent.stderr is not None
    pid = int(parent.stderr.readline())
    assert is_alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    eventually(lambda: not is_alive(pid))
    parent.stderr.close()


def is_alive(pid: int) -> bool:
    try:
        # Whoever inherits an orphan may leave it for long.
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
def test_the_real_command_works_through_what_is_open(store: SqliteStore) -> None:
    want_audit(store)
    one = Auditing(store, audit_command(store.path), 1.0, now=0.0)
    one.step(1e6)
    assert one.is_running

    def has_ended() -> bool:
        one.step(1e6)
        return not one.is_running

    eventually(has_ended, 60)
    assert audit_counts(store).open == 0
    assert audit_counts(store).verdicts == {"impossible": 1}
