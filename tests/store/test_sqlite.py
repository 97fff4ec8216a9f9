"""The SQLite store: the contract, and what is its own."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import (
    ArtifactNotFoundError,
    Batch,
    CorruptArtifactError,
    NodeKey,
    Small,
    SqliteStore,
    StoreFullError,
    StoreUnusableError,
    digest_of,
    open_store,
)
from tests.contracts.store import MIB, StoreContract, keep, key_of, noise, result_of

in_one_store = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "store") as store:
        yield store


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteStore]:
        with open_store(tmp_path / "store") as store:
            yield store


def files_of(store: SqliteStore) -> list[Path]:
    return [path for path in (store.path / "blobs").rglob("*") if path.is_file()]


def reopened(store: SqliteStore) -> SqliteStore:
    store.close()
    return open_store(store.path)


# ---- what stays


def test_everything_is_there_after_closing_and_opening(store: SqliteStore) -> None:
    sizes = (10, 40_000, 2 * MIB)
    digests = [keep(store, size, noise(size)) for size in sizes]
    store.commit(Batch(small=[Small(key_of("s"), b"1")])).result()
    with reopened(store) as again:
        assert again.store_id == store.store_id
        for size, digest in zip(sizes, digests, strict=True):
            assert again.open(digest).view() == noise(size)
        assert len(again.lookup([key_of(10), key_of("s")])) == 2


def test_closing_commits_what_is_queued(store: SqliteStore) -> None:
    digest = store.put([b"queued"])
    store.commit(Batch(results=[result_of("a", digest)]))
    with reopened(store) as again:
        assert key_of("a") in again.lookup([key_of("a")])


def test_a_closed_store_says_so(store: SqliteStore) -> None:
    store.close()
    with pytest.raises(StoreUnusableError, match="closed"):
        store.lookup([key_of("a")])
    with pytest.raises(StoreUnusableError, match="closed"):
        store.commit(Batch())


def test_long_artifacts_are_files_that_cannot_be_written(store: SqliteStore) -> None:
    keep(store, "short", noise(32_767))
    assert files_of(store) == []
    keep(store, "long", noise(32_768))
    (file,) = files_of(store)
    assert file.stat().st_mode & 0o222 == 0


def test_masks_are_compressed_and_noise_is_not(store: SqliteStore) -> None:
    keep(store, "mask", bytes(4 * MIB))
    keep(store, "noise", noise(4 * MIB))
    sizes = sorted(path.stat().st_size for path in files_of(store))
    assert sizes[-1] == 4 * MIB
    assert store.stats().bytes_stored < 4 * MIB + 10_000


@in_one_store
@given(
    near=st.sampled_from([0, 1024, 2048, 32_768, MIB, 2 * MIB]),
    off=st.integers(-3, 3),
    is_noise=st.booleans(),
)
def test_any_length_comes_back(
    store: SqliteStore, near: int, off: int, is_noise: bool
) -> None:
    size = max(0, near + off)
    data = noise(size) if is_noise else bytes(size)
    digest = store.put([data])
    assert digest == digest_of([data])
    assert store.open(digest).view() == data


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.binary(min_size=1, max_size=2).map(lambda b: NodeKey(b.ljust(32, b"k"))),
            st.binary(max_size=40),
            max_size=30,
        ),
        max_size=12,
    )
)
def test_small_results_answer_as_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, batches: list[dict[NodeKey, bytes]]
) -> None:
    expected: dict[NodeKey, set[bytes]] = {}
    with open_store(tmp_path_factory.mktemp("small") / "store") as store:
        for batch in batches:
            small = [Small(key, payload) for key, payload in batch.items()]
            store.commit(Batch(small=small)).result()
            for key, payload in batch.items():
                expected.setdefault(key, set()).add(payload)
        found = store.lookup([*expected, key_of("absent")])
    assert {key: hit.payload for key, hit in found.items()} == {
        key: next(iter(payloads))
        for key, payloads in expected.items()
        if len(payloads) == 1
    }


def test_small_results_are_packed_a_thousand_in_a_row(store: SqliteStore) -> None:
    for start in range(0, 20_000, 1000):
        numbers = range(start, start + 1000)
        store.commit(Batch(small=[Small(key_of(n), b"12345678") for n in numbers]))
    with reopened(store) as again, again.database.read() as connection:
        query = "SELECT count(*), (SELECT count(*) FROM small_runs) FROM small_segments"
        segments, runs = connection.execute(query).fetchone()
        assert segments <= 22
        assert runs < 12
        assert again.stats().small_results == 20_000


# ---- damage


def damage(path: Path, how: str) -> None:
    path.chmod(0o600)
    if how == "truncated":
        os.truncate(path, path.stat().st_size - 1)
    elif how == "emptied":
        os.truncate(path, 0)
    elif how == "missing":
        path.unlink()
    else:
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            (byte,) = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 4]))


@pytest.mark.parametrize("how", ["truncated", "emptied", "missing", "flipped"])
@pytest.mark.parametrize("is_mask", [False, True])
def test_a_damaged_file_becomes_a_miss(
    store: SqliteStore, how: str, is_mask: bool
) -> None:
    data = (noise(40_000) * 10) if is_mask else noise(400_000)
    digest = keep(store, "a", data)
    other = keep(store, "b", noise(400_000, 2))
    store.close()
    (file,) = [path for path in files_of(store) if digest.hex()[2:] in path.name]
    damage(file, how)
    with open_store(store.path) as again:
        with pytest.raises(CorruptArtifactError, match="run the program again"):
            again.open(digest)
        assert set(again.lookup([key_of("a"), key_of("b")])) == {key_of("b")}
        assert again.open(other).size_bytes == 400_000
        assert keep(again, "a", data) == digest
        assert again.open(digest).view() == data


@pytest.mark.parametrize("how", ["truncated", "missing", "flipped"])
def test_a_check_names_and_drops_every_damaged_artifact(
    store: SqliteStore, how: str
) -> None:
    digests = [keep(store, seed, noise(50_000, seed)) for seed in range(4)]
    store.close()
    for file in files_of(store):
        if file.name.startswith((digests[1].hex()[2:], digests[2].hex()[2:])):
            damage(file, how)
    with open_store(store.path) as again:
        found = list(again.check())
        assert {item.digest for item in found} == {digests[1], digests[2]}
        assert {key for item in found for key in item.keys} == {key_of(1), key_of(2)}
        assert all("computed again" in item.consequence for item in found)
        assert set(again.lookup([key_of(n) for n in range(4)])) == {
            key_of(0),
            key_of(3),
        }
        assert list(again.check()) == []


def test_what_was_found_right_is_not_read_again_until_it_changes(
    store: SqliteStore,
) -> None:
    digest = keep(store, "a", noise(50_000))
    (file,) = files_of(store)
    os.utime(file, (time.time() - 60, time.time() - 60))
    with reopened(store) as second:
        assert second.open(digest).size_bytes == 50_000
    with open_store(store.path) as third:
        assert third.open(digest).size_bytes == 50_000
    damage(file, "flipped")
    with open_store(store.path) as fourth, pytest.raises(CorruptArtifactError):
        fourth.open(digest)


def execute(store: SqliteStore, statement: str, *values: object) -> None:
    store.close()
    connection = sqlite3.connect(store.path / "store.db")
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def test_a_damaged_payload_in_the_database_becomes_a_miss(store: SqliteStore) -> None:
    keep(store, "a", b"payload")
    execute(store, "UPDATE artifacts SET payload = x'00'")
    with open_store(store.path) as again:
        assert again.lookup([key_of("a")]) == {}
        assert again.stats().artifacts == 0


def test_a_record_without_bytes_is_found_by_the_check(store: SqliteStore) -> None:
    digest = keep(store, "a", b"payload")
    execute(store, "DELETE FROM artifacts")
    with open_store(store.path) as again:
        (found,) = again.check()
        assert (found.digest, found.keys) == (digest, (key_of("a"),))
        assert again.stats().results == 0


@pytest.mark.parametrize("is_checked", [False, True])
def test_a_damaged_segment_costs_its_own_results_only(
    store: SqliteStore, is_checked: bool
) -> None:
    keys = [key_of(number) for number in range(3000)]
    store.commit(Batch(small=[Small(key, b"1") for key in keys])).result()
    execute(
        store, "UPDATE small_segments SET entries = zeroblob(100) WHERE position = 1"
    )
    with open_store(store.path) as again:
        if is_checked:
            assert len(list(again.check())) == 1
        assert len(again.lookup(keys)) == 3000 - 1024
        assert list(again.check()) == []


def test_a_damaged_part_drops_what_refers_to_it(store: SqliteStore) -> None:
    part = keep(store, "part", noise(50_000))
    whole = store.put([b"whole"])
    result = result_of("whole", whole)
    result = type(result)(key_of("whole"), whole, "sequence", 5, 0, 0, children=(part,))
    store.commit(Batch(results=[result])).result()
    store.close()
    damage(files_of(store)[0], "flipped")
    with open_store(store.path) as again:
        (found,) = again.check()
        assert set(found.keys) == {key_of("part"), key_of("whole")}


# ---- room


def test_the_store_makes_room_below_its_cap(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", cap_bytes=1_000_000) as store:
        for seed in range(30):
            keep(store, seed, noise(100_000, seed), subtree_s=seed)
    with open_store(store.path, cap_bytes=1_000_000) as store:
        assert store.stats().bytes_stored <= 1_000_000
        assert len(files_of(store)) == store.stats().artifacts >= 5
        assert key_of(29) in store.lookup([key_of(29)])


def test_a_full_store_of_pins_refuses_more_and_goes_on(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", cap_bytes=300_000) as store:
        store.pin("goal", [digest_of([noise(95_000, seed)]) for seed in range(3)])
        for seed in range(3):
            keep(store, seed, noise(95_000, seed))
    with open_store(tmp_path / "store", cap_bytes=300_000) as store:
        store.commit(Batch()).result()
        store.commit(Batch()).result()
        with pytest.raises(StoreFullError, match="cap"):
            store.put([noise(50_000, 9)])
        assert len(store.lookup([key_of(n) for n in range(3)])) == 3
        store.unpin("goal")
        assert store.put([noise(50_000, 9)])


def test_what_is_longer_than_the_cap_is_refused_at_once(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", cap_bytes=100_000) as store:
        with pytest.raises(StoreFullError, match="cap"):
            store.put([noise(200_000)])
        with pytest.raises(StoreFullError, match="cap"):
            store.writer(200_000)


def test_the_default_cap_is_a_fifth_of_what_is_left(store: SqliteStore) -> None:
    left = os.statvfs(store.path)
    share = store.cap_bytes / (left.f_bavail * left.f_frsize)
    assert share == pytest.approx(0.2, rel=0.1)


def test_old_files_without_a_row_are_swept_and_fresh_ones_are_not(
    store: SqliteStore,
) -> None:
    keep(store, "a", noise(50_000))
    folder = files_of(store)[0].parent
    for name, age_s in (("old", 4000), ("fresh", 10)):
        (folder / name).write_bytes(b"orphan")
        os.utime(folder / name, (time.time() - age_s,) * 2)
    assert store.gc(dry_run=True).orphans == 1
    assert store.gc().orphans == 1
    assert not (folder / "old").exists()
    assert (folder / "fresh").exists()
    assert len(files_of(store)) == 2


def test_an_artifact_whose_record_may_be_on_its_way_is_kept(store: SqliteStore) -> None:
    digest = store.put([noise(50_000)])
    store.commit(Batch()).result()
    store.gc(cap_bytes=0)
    store.commit(Batch(results=[result_of("a", digest)])).result()
    assert store.open(digest).size_bytes == 50_000


# ---- what the command line needs


def test_records_are_listed_and_found_by_prefix(store: SqliteStore) -> None:
    digest = keep(store, "a", b"one")
    keep(store, "b", b"two")
    store.commit(Batch(small=[Small(key_of("c"), b"3")])).result()
    assert {result.key for result in store.results()} == {
        key_of("a"),
        key_of("b"),
        key_of("c"),
    }
    for text in (key_of("a").hex()[:9], digest.hex()[:8].upper(), digest.hex()):
        assert [result.key for result in store.resolve(text)] == [key_of("a")]
    assert [found.key for found in store.resolve(key_of("c").hex()[:10])] == [
        key_of("c")
    ]
    assert store.resolve("0" * 64) == []
    assert len(store.resolve("", limit=2)) == 2
    with pytest.raises(ValueError, match="not the beginning"):
        store.resolve("xyz")


def test_removed_records_are_gone_with_what_only_they_needed(
    store: SqliteStore,
) -> None:
    one = keep(store, "a", noise(50_000, 1))
    shared = keep(store, "b", noise(50_000, 2))
    keep(store, "c", noise(50_000, 2))
    store.commit(Batch(small=[Small(key_of(n), b"1") for n in range(50)])).result()
    assert store.remove([key_of("a"), key_of("b"), key_of(7), key_of("x")]) == 3
    assert store.lookup([key_of("a"), key_of("b"), key_of(7)]) == {}
    assert len(store.lookup([key_of(n) for n in range(50)])) == 49
    with pytest.raises(ArtifactNotFoundError):
        store.open(one)
    assert store.open(shared).size_bytes == 50_000


def test_pins_are_listed_by_name(store: SqliteStore) -> None:
    digest = keep(store, "a", b"one")
    store.pin("run:1", [digest])
    store.pin("run:1", [digest])
    assert store.pins() == {"run:1": (digest,)}


# ---- threads


def test_many_threads_write_and_read_at_once(store: SqliteStore) -> None:
    def work(thread: int) -> None:
        for number in range(20):
            size = (100, 40_000, MIB + 3)[number % 3]
            data = noise(size, number)
            digest = keep(store, (thread, number), data)
            assert store.open(digest).view() == data
            assert key_of((thread, number)) in store.lookup([key_of((thread, number))])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert store.stats().results == 160
    assert store.stats().artifacts == 20
    assert len(files_of(store)) == 13


def test_one_failing_write_does_not_lose_the_others(store: SqliteStore) -> None:
    store.database.write(lambda c: c.execute("CREATE TABLE t (x UNIQUE)")).result()

    def insert(connection: sqlite3.Connection, value: int) -> None:
        connection.execute("INSERT INTO t VALUES (?)", (-value,))
        connection.execute("INSERT INTO t VALUES (?)", (value % 5,))

    writes = [
        store.database.write(lambda c, n=n: insert(c, n))  # type: ignore[misc]
        for n in range(1, 11)
    ]
    failures = [write for write in writes if write.exception() is not None]
    assert len(failures) == 5
    assert all(isinstance(w.exception(), sqlite3.IntegrityError) for w in failures)
    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (10,)


# ---- what was computed lately


def let_pass(store: SqliteStore, name: object, minutes: float) -> None:
    """Let a result look as if it had been computed so many minutes before."""
    query = "UPDATE results SET created_ms = created_ms - ? WHERE key = ?"
    values = (int(minutes * 60_000), key_of(name))
    store.database.transact(lambda connection: connection.execute(query, values))


def test_what_was_computed_lately_goes_after_everything_older(
    store: SqliteStore,
) -> None:
    for seed, (name, subtree_s) in enumerate(
        [("dear", 1e6), ("lately", 0.0), ("older", 0.0), ("just now", 0.0)]
    ):
        keep(store, name, noise(100_000, seed), subtree_s)
    let_pass(store, "dear", 11)
    let_pass(store, "older", 11)
    let_pass(store, "lately", 9)
    gone = []
    for cap_bytes in (399_999, 299_999, 199_999):
        before = set(store.lookup(list(map(key_of, NAMES))))
        store.gc(cap_bytes=cap_bytes)
        gone.append(before - set(store.lookup(list(map(key_of, NAMES)))))
    assert gone[:2] == [{key_of("older")}, {key_of("dear")}]
    assert len(gone[2]) == 1
    store.gc(cap_bytes=0)
    assert store.stats().artifacts == 0


NAMES = ("dear", "lately", "older", "just now")


def test_old_parts_go_before_what_was_computed_lately(store: SqliteStore) -> None:
    part = keep(store, "part", noise(100_000, 1), subtree_s=1e6)
    whole = store.put([noise(100_000, 2)])
    result = replace(result_of("whole", whole, subtree_s=1e6), children=(part,))
    store.commit(Batch(results=[result])).result()
    keep(store, "new", noise(100_000, 3), subtree_s=0.0)
    let_pass(store, "part", 60)
    let_pass(store, "whole", 60)
    store.gc(cap_bytes=150_000)
    assert set(store.lookup([key_of("part"), key_of("new")])) == {key_of("new")}
