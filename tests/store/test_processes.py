"""Several processes on one store, and processes that are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from store import (
    ArtifactNotFoundError,
    Batch,
    NodeKey,
    SharedRow,
    Small,
    SqliteStore,
    digest_of,
    manifest_of,
    open_store,
)
from tests.contracts.store import (
    MIB,
    fill,
    keep,
    key_of,
    noise,
    result_of,
    take_over,
)

ROOT = Path(__file__).parents[2]

HEAD = """
import os, sys
from pathlib import Path
from store import *
from tests.contracts.store import *
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
store = open_store(Path(sys.argv[1]))
def say(*words):
    print(*words, flush=True)
"""

WRITE_FOREVER = """
start = int(sys.argv[2])
say("ready")
number = start
while True:
    size = (40, 5000, 40_000, 1_500_000)[number % 4]
    digest = store.put([noise(size, number)])
    store.commit(Batch(
        results=[result_of(number, digest, size_bytes=size)],
        small=[Small(key_of(("s", number, n)), b"%d" % n) for n in range(50)],
        release=[key_of(number)],
    ))
    store.lease([key_of(number + 1)])
    number += 1
"""

HOLD_LEASE = """
leases = store.lease([key_of("a"), key_of("b")])
say(len(leases.granted))
sys.stdin.readline()
if sys.argv[2] == "finish":
    digest = store.put([b"theirs"])
    batch = Batch(results=[result_of("a", digest)], release=[key_of("a")])
    store.commit(batch).result()
    say("committed")
    sys.stdin.readline()
os._exit(0)
"""

TAKE_EACH_ONCE = """
say("ready")
sys.stdin.readline()
computed = 0
todo = [key_of(number) for number in range(300)]
while todo:
    leases = store.lease(todo[:7])
    for key in leases.granted:
        computed += 1
        digest = store.put([key])
        store.commit(Batch(results=[Result(key, digest, "bytes", 32, 1.0, 1.0)],
                           release=[key])).result()
    done = leases.granted | set(leases.done)
    todo = [key for key in todo if key not in done]
store.close()
say(computed)
"""

RECEIVE_FOREVER = """
import random
chance = random.Random(int(sys.argv[2]))
say("ready")
while True:
    number = chance.randrange(3)
    data = noise(6 * MIB + 5, number) if number else bytes(6 * MIB + 5)
    reception = store.receive(manifest_of([data]))
    indices = [index for part in reception.missing() for index in part]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda index: fill(reception, data, [index]), indices))
    if chance.random() < 0.3:
        reception.suspend()
        continue
    result = result_of(number, reception.close(), size_bytes=len(data))
    store.commit(Batch(results=[replace(result, origin="peer")])).result()
    if chance.random() < 0.7:
        store.remove([key_of(number)])
"""

RECEIVE_AND_STOP = """
data = noise(6 * MIB + 5, 1)
reception = store.receive(manifest_of([data]))
fill(reception, data, [5, 1])
say(*map(list, reception.missing()))
sys.stdin.readline()
"""

ORPHAN = """
def die(*arguments):
    os._exit(0)
store.database.write = die
store.put([noise(50_000)])
"""


def start(script: str, store: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + script, str(store), *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_sound_store(tmp_path: Path) -> None:
    path = tmp_path / "store"
    open_store(path).close()
    chance = random.Random(7)
    for turn in range(8):
        process = start(WRITE_FOREVER, path, str(turn * 10_000))
        assert hear(process) == "ready"
        try:
            process.wait(chance.uniform(0.0, 0.25))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        with open_store(path) as store:
            assert list(store.check()) == []
            for result in store.results(key_of(turn * 10_000).hex()):
                assert store.open(result.digest).size_bytes == result.size_bytes
    with open_store(path) as store:
        assert store.stats().results > 8
        assert store.stats().small_results % 50 == 0
        assert store.stats().small_results == 50 * store.stats().results


def test_a_death_between_rename_and_commit_leaves_an_orphan_only(
    tmp_path: Path,
) -> None:
    process = start(ORPHAN, tmp_path / "store")
    process.communicate()
    with open_store(tmp_path / "store") as store:
        files = [p for p in (store.path / "blobs").rglob("*") if p.is_file()]
        assert len(files) == 1
        assert store.stats().artifacts == 0
        assert list(store.check()) == []
        os.utime(files[0], (0, 0))
        assert store.gc().orphans == 1


def test_a_lease_of_a_living_process_is_held_and_its_result_is_seen(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "store") as store:
        process = start(HOLD_LEASE, store.path, "finish")
        assert hear(process) == "2"
        leases = store.lease([key_of("a"), key_of("c")])
        assert leases.held == {key_of("a")}
        assert leases.granted == {key_of("c")}
        before = store.changes()
        keep(store, "mine", b"own commits are no changes")
        assert store.changes() == before
        tell(process)
        assert hear(process) == "committed"
        assert store.changes() != before
        leases = store.lease([key_of("a"), key_of("b")])
        assert leases.done[key_of("a")].payload == b"theirs"
        assert leases.held == {key_of("b")}
        end(process)


def test_leases_of_a_dead_process_are_taken_over_at_once(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        process = start(HOLD_LEASE, store.path, "die")
        assert hear(process) == "2"
        assert store.lease([key_of("a")]).held == {key_of("a")}
        end(process)
        keys = [key_of("a"), key_of("b")]
        assert store.lease(keys).granted == frozenset(keys)


def test_collection_sweeps_what_dead_processes_left(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        assert store.lease([key_of("mine")]).granted
        process = start(HOLD_LEASE, store.path, "die")
        assert hear(process) == "2"
        end(process)
        locks = sorted((store.path / "runs").iterdir())
        for lock in locks:
            os.utime(lock, (0, 0))
        store.gc()
        assert len(locks) == 2
        assert len(list((store.path / "runs").iterdir())) == 1
        with open_store(store.path) as other:
            assert other.lease([key_of("mine")]).held


def test_closing_gives_leases_back(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as one, open_store(one.path) as two:
        assert one.lease([key_of("a")]).granted
        assert two.lease([key_of("a")]).held
        one.close()
        assert two.lease([key_of("a")]).granted
        assert len(list((two.path / "runs").iterdir())) == 1


def test_what_a_killed_process_received_is_taken_up(tmp_path: Path) -> None:
    data = noise(6 * MIB + 5, 1)
    with open_store(tmp_path / "store") as store:
        process = start(RECEIVE_AND_STOP, store.path)
        assert hear(process) == "[0] [2, 3, 4] [6]"
        meanwhile = store.receive(manifest_of([data]))
        assert meanwhile.missing() == [range(7)]
        meanwhile.abort()
        end(process)
        reception = store.receive(manifest_of([data]))
        assert reception.missing() == [range(1), range(2, 5), range(6, 7)]
        fill(reception, data, [0, 2, 3, 4, 6])
        assert store.open(reception.close()).view() == data


@pytest.mark.slow
def test_receivers_that_are_killed_leave_nothing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "store"
    open_store(path).close()
    chance = random.Random(11)
    known: dict[NodeKey, SharedRow] = {}
    with open_store(path) as store:
        follower = store.follower()
        for turn in range(5):
            processes = [start(RECEIVE_FOREVER, path, f"{turn}{n}") for n in range(2)]
            assert [hear(process) for process in processes] == ["ready"] * 2
            until = time.monotonic() + chance.uniform(0.1, 0.6)
            while time.monotonic() < until:
                for number in range(3):
                    read(store, number)
                take_over(follower, known)
            for process in processes:
                end(process)
            assert list(store.check()) == []
            take_over(follower, known)
            held = store.lookup([key_of(number) for number in range(3)])
            assert set(known) == set(held)
        follower.close()
        for file in (path / "incoming").iterdir():
            os.utime(file, (0, 0))
        store.gc()
        assert list((path / "incoming").iterdir()) == []


def read(store: SqliteStore, number: int) -> None:
    """Read what a receiver stored, if it is still there: whole or not at all."""
    for found in store.lookup([key_of(number)]).values():
        with suppress(ArtifactNotFoundError):
            view = store.open(found.result.digest).view()
            assert digest_of([view]) == found.result.digest


@pytest.mark.slow
def test_processes_that_race_for_leases_compute_each_node_once(
    tmp_path: Path,
) -> None:
    path = tmp_path / "store"
    processes = [start(TAKE_EACH_ONCE, path) for _ in range(3)]
    assert [hear(process) for process in processes] == ["ready"] * 3
    for process in processes:
        tell(process)
    assert sum(int(hear(process)) for process in processes) == 300
    for process in processes:
        process.communicate()
    with open_store(path) as store:
        assert store.stats().results == 300
        assert list(store.check()) == []


def test_two_store_objects_see_each_others_results(tmp_path: Path) -> None:
    def fill(store: SqliteStore, name: str) -> None:
        keep(store, name, noise(40_000))
        small = [Small(key_of((name, n)), b"%d" % n) for n in range(100)]
        store.commit(Batch(small=small)).result()

    with open_store(tmp_path / "store") as one, open_store(one.path) as two:
        for turn in range(12):
            fill(one, f"one {turn}")
            fill(two, f"two {turn}")
            for store in (one, two):
                keys = [key_of((f"{who} {turn}", 7)) for who in ("one", "two")]
                assert set(store.lookup(keys)) == set(keys)
        assert one.stats().artifacts == 1
        assert len([p for p in (one.path / "blobs").rglob("*") if p.is_file()]) == 1
        one.remove([key_of(("two 3", 7))])
        assert two.lookup([key_of(("two 3", 7))]) == {}


def test_a_record_needs_its_artifact_even_if_another_process_evicted_it(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "store") as one, open_store(one.path) as two:
        digest = keep(one, "a", noise(40_000))
        assert two.open(digest).size_bytes == 40_000
        one.gc(cap_bytes=0)
        failure = two.commit(Batch(results=[result_of("b", digest)])).exception()
        assert "not in the store" in str(failure)
