"""What a hostile disk, clock, process or caller does to a store."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from store import (
    ArtifactNotFoundError,
    Batch,
    CorruptArtifactError,
    Result,
    Small,
    SqliteStore,
    StoreUnusableError,
    artifacts,
    open_store,
)
from tests.contracts.store import MIB, keep, key_of, noise, result_of

ROOT = Path(__file__).parents[2]

COUNT_AND_LEAVE = """
import sys
from pathlib import Path
from store import open_store
with open_store(Path(sys.argv[1])) as store:
    print(store.stats().results)
"""


def results_seen_by_another_process(path: Path) -> int:
    command = [sys.executable, "-c", COUNT_AND_LEAVE, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return int(done.stdout)


def file_of(store: SqliteStore) -> Path:
    (file,) = [path for path in (store.path / "blobs").rglob("*") if path.is_file()]
    return file


def flip_in_place(file: Path) -> None:
    """Change a byte and leave size and time of modification as they were."""
    before = file.stat()
    file.chmod(0o600)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path / "store.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_opening_a_store_twice_keeps_its_log_from_being_removed(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "store") as one:
        keep(one, "a", b"one")
        with open_store(one.path) as two:
            keep(one, "b", b"two")
            assert results_seen_by_another_process(one.path) == 2
            keep(two, "c", b"three")
            assert results_seen_by_another_process(one.path) == 3


@pytest.mark.parametrize("size", [50_000, 2 * MIB])
def test_a_file_changed_behind_its_time_of_modification_is_not_trusted(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "SETTLED_S", 0.0)
    with open_store(tmp_path / "store") as store:
        digest = keep(store, "a", noise(size))
    with open_store(store.path) as store:
        store.open(digest)
    with open_store(store.path) as store:
        store.open(digest)
        flip_in_place(file_of(store))
        with pytest.raises(CorruptArtifactError):
            store.open(digest)


def test_storing_again_what_is_damaged_mends_it(tmp_path: Path) -> None:
    for data in (noise(100), noise(50_000)):
        with open_store(tmp_path / f"store{len(data)}") as store:
            digest = keep(store, "a", data)
        change(
            store.path,
            "UPDATE artifacts SET written_boot = 'another'",
            "UPDATE artifacts SET payload = zeroblob(100) WHERE file IS NULL",
        )
        if len(data) > 100:
            flip_in_place(file_of(store))
        with open_store(store.path) as store:
            assert keep(store, "a", data) == digest
            assert store.open(digest).view() == data
            assert list(store.check()) == []


def test_a_log_without_its_database_is_not_replayed_into_a_new_one(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "store") as store:
        keep(store, "a", b"one")
        log = (store.path / "store.db-wal").read_bytes()
        assert log
    (store.path / "store.db").unlink()
    (store.path / "store.db-wal").write_bytes(log)
    with open_store(store.path) as store:
        assert store.stats().results == 0
        keep(store, "b", b"two")
        assert list(store.check()) == []


def test_a_damaged_page_is_told_in_words(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        for start in range(0, 2000, 500):
            digest = store.put([b"%d" % start])
            rows = [result_of(n, digest) for n in range(start, start + 500)]
            store.commit(Batch(results=rows)).result()
    file = store.path / "store.db"
    with file.open("r+b") as handle:
        for page in range(4, file.stat().st_size // 8192):
            handle.seek(page * 8192)
            handle.write(b"\xff" * 64)
    with (
        pytest.raises(StoreUnusableError, match="damaged"),
        open_store(store.path) as store,
    ):
        store.lookup([key_of(number) for number in range(2000)])


def test_a_cancelled_commit_does_not_stop_the_others(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        digest = store.put([b"one"])
        for number in range(50):
            store.commit(Batch(results=[result_of(number, digest)])).cancel()
        keep(store, "after", b"two")
        assert key_of("after") in store.lookup([key_of("after")])


def test_upkeep_that_fails_does_not_stop_writing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError("broken")

    with open_store(tmp_path / "store") as store:
        store.database.writer.after_group = fail
        keep(store, "a", b"one")
        keep(store, "b", b"two")
        assert store.stats().results == 2
    assert "upkeep" in caplog.text


def test_a_record_needs_its_parts(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        absent = result_of("x", store.put([b"whole"])).digest
        part = key_of("no such artifact")
        result = Result(
            key_of("a"), absent, "sequence", 5, 0.0, 0.0, children=(type(absent)(part),)
        )
        failure = store.commit(Batch(results=[result])).exception()
        assert isinstance(failure, ArtifactNotFoundError)


def test_parts_of_a_dropped_artifact_can_be_collected(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        part = keep(store, "part", noise(40_000, 1))
        whole = store.put([noise(40_000, 2)])
        result = Result(key_of("a"), whole, "sequence", 1, 0, 0, children=(part,))
        store.commit(Batch(results=[result])).result()
        store.pin("goal", [whole])
        (file,) = (store.path / "blobs").rglob(f"{whole.hex()[2:]}*")
        flip_in_place(file)
        with pytest.raises(CorruptArtifactError):
            store.open(whole)
        store.gc(cap_bytes=0)
        assert store.stats().artifacts == 0


def test_one_collection_reaches_parts_that_have_records(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        part = keep(store, "part", noise(40_000, 1))
        whole = store.put([noise(40_000, 2)])
        result = Result(key_of("a"), whole, "sequence", 1, 0, 0, children=(part,))
        store.commit(Batch(results=[result])).result()
        assert store.gc(cap_bytes=0).artifacts == 2
        assert store.stats().bytes_stored == 0


def test_clocks_that_went_back_do_not_upset_the_order_of_eviction(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "store") as store:
        for number, seconds in enumerate([5.0, 0.1, 2.0]):
            keep(store, number, noise(50_000, number), seconds)
    change(store.path, "UPDATE results SET used_ms = used_ms + 2592000000 + 3600000")
    with open_store(store.path) as store:
        store.gc(cap_bytes=100_000)
        held = store.lookup([key_of(number) for number in range(3)])
        assert set(held) == {key_of(0), key_of(2)}


def test_a_small_result_and_a_record_that_disagree_are_a_miss(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        keep(store, "a", b"one")
        keep(store, "b", b"two")
        small = [Small(key_of("a"), b"other"), Small(key_of("b"), b"two")]
        store.commit(Batch(small=small)).result()
        assert set(store.lookup([key_of("a"), key_of("b")])) == {key_of("b")}
        store.commit(Batch()).result()
        assert store.stats().conflicts == 1


def test_a_small_result_that_was_kept_twice_is_listed_once(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        for _ in range(3):
            small = [Small(key_of(number), b"1") for number in range(20)]
            store.commit(Batch(small=small)).result()
        keys = [result.key for result in store.results()]
        assert keys == sorted(key_of(number) for number in range(20))


@pytest.mark.parametrize("column", ["entries", "width", "prefixes"])
def test_listing_and_removing_go_on_beside_a_damaged_segment(
    tmp_path: Path, column: str
) -> None:
    with open_store(tmp_path / "store") as store:
        keep(store, "sound", b"one")
        small = [Small(key_of(number), b"1") for number in range(50)]
        store.commit(Batch(small=small)).result()
    change(
        store.path,
        {
            "entries": "UPDATE small_segments SET entries = zeroblob(2400)",
            "width": "UPDATE small_runs SET width = 0",
            "prefixes": "UPDATE small_runs SET prefixes = zeroblob(200)",
        }[column],
    )
    with open_store(store.path) as store:
        assert key_of("sound") in {result.key for result in store.results()}
        assert store.remove([key_of("sound"), key_of(3)]) >= 1
        store.lookup([key_of(number) for number in range(50)])
        assert list(store.check()) == []


def test_a_sweep_spares_a_file_whose_row_is_still_queued(tmp_path: Path) -> None:
    with open_store(tmp_path / "one") as store, open_store(store.path) as other:
        digest = keep(store, "a", noise(50_000))
        os.utime(file_of(store), (0, 0))
        assert other.gc().orphans == 0
        assert store.open(digest).size_bytes == 50_000


def test_a_file_that_was_swept_before_its_row_fails_the_record(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        with store.database.writer._transaction:  # the writer cannot begin
            digest = store.put([noise(50_000)])
            commit = store.commit(Batch(results=[result_of("a", digest)]))
            file_of(store).unlink()
        assert isinstance(commit.exception(), ArtifactNotFoundError)
        assert store.stats().results == 0


@pytest.mark.slow
def test_a_forked_child_is_told_to_open_the_store_again(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from store import *
from tests.contracts.store import *
store = open_store(Path(sys.argv[1]))
keep(store, "a", noise(5 * MIB))
store.lease([key_of("x")])
child = os.fork()
if child == 0:
    try:
        store.lookup([key_of("a")])
    except StoreUnusableError as error:
        store.close()
        with open_store(store.path) as own:
            held = own.lease([key_of("x")]).held
            keep(own, "b", noise(6 * MIB))
        os._exit(7 if "forked" in str(error) and held else 1)
    os._exit(2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert len(store.lookup([key_of("a"), key_of("b")])) == 2
store.close()
"""
    command = [sys.executable, "-c", script, str(tmp_path / "store")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
