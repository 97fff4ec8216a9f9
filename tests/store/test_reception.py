"""Artifacts that arrive in chunks: interrupted, damaged, left, refused."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import (
    Batch,
    CorruptArtifactError,
    SqliteStore,
    StoreFullError,
    digest_of,
    manifest_of,
    open_store,
)
from tests.contracts.store import MIB, fill, keep, key_of, noise, result_of

DATA = noise(4 * MIB)
MANIFEST = manifest_of([DATA])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "store") as store:
        yield store


def arriving(store: SqliteStore) -> list[Path]:
    return sorted((store.path / "incoming").glob("*"))


def contents(store: SqliteStore) -> list[Path]:
    return [path for path in (store.path / "blobs").rglob("*") if path.is_file()]


def suspend_with(store: SqliteStore, *indices: int) -> Path:
    """Leave a reception with some chunks, and return its file."""
    reception = store.receive(MANIFEST)
    fill(reception, DATA, indices)
    reception.suspend()
    (file,) = arriving(store)
    return file


def rows(store: SqliteStore, query: str) -> list[tuple[object, ...]]:
    with store.database.read() as connection:
        return connection.execute(query).fetchall()


# ---- what is stored


def test_what_arrived_is_an_artifact_like_any_other(store: SqliteStore) -> None:
    reception = store.receive(MANIFEST)
    fill(reception, DATA, [3, 1, 0, 2])
    digest = reception.close()
    store.commit(Batch(results=[result_of("a", digest)])).result()
    (file,) = contents(store)
    assert file.stat().st_mode & 0o777 == 0o400
    assert file.read_bytes() == DATA
    assert arriving(store) == []
    with open_store(store.path) as other:
        assert other.open(digest).view() == DATA
        assert list(other.check()) == []
    assert store.gc(cap_bytes=0).artifacts == 1
    assert contents(store) == []


def test_what_compresses_well_is_stored_compressed(store: SqliteStore) -> None:
    data = bytes(5 * MIB) + b"voxel"
    reception = store.receive(manifest_of([data]))
    fill(reception, data, range(6))
    digest = reception.close()
    store.commit(Batch(results=[result_of("a", digest)])).result()
    assert store.stats().bytes_stored < 10_000
    assert store.open(digest).view() == data
    assert arriving(store) == []


def test_a_file_that_was_not_sound_when_it_was_written_is_found_out(
    store: SqliteStore,
) -> None:
    reception = store.receive(MANIFEST)
    fill(reception, DATA, range(4))
    (file,) = arriving(store)
    with file.open("r+b") as handle:  # as a broken disk would
        handle.write(b"broken")
    digest = reception.close()
    store.commit(Batch(results=[result_of("a", digest)])).result()
    with open_store(store.path) as other, pytest.raises(CorruptArtifactError):
        other.open(digest)


# ---- what is taken up


def say_all_is_there(store: SqliteStore) -> None:
    query = "UPDATE receptions SET present = x'01010101'"
    store.database.transact(lambda c: c.execute(query))


def test_the_note_of_who_suspended_is_believed_while_the_file_is_unchanged(
    store: SqliteStore,
) -> None:
    suspend_with(store, 0, 3)
    say_all_is_there(store)
    assert store.receive(MANIFEST).missing() == []


@pytest.mark.parametrize("how", ["written", "copied"])
def test_a_file_that_changed_since_it_was_noted_is_hashed(
    store: SqliteStore, how: str
) -> None:
    file = suspend_with(store, 0, 3)
    say_all_is_there(store)
    status = file.stat()
    if how == "written":
        with file.open("r+b") as handle:
            handle.write(b"x")
    else:
        file.write_bytes(file.read_bytes())
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    is_sound = how == "copied"
    missing = [range(1, 3)] if is_sound else [range(3)]
    assert store.receive(MANIFEST).missing() == missing


def test_the_note_of_another_boot_is_not_believed(store: SqliteStore) -> None:
    suspend_with(store, 0, 3)
    store.database.transact(
        lambda c: c.execute(
            "UPDATE receptions SET state = 'x' || state, present = ?", (b"\1" * 4,)
        )
    )
    assert store.receive(MANIFEST).missing() == [range(1, 3)]


@pytest.mark.parametrize("length", [0, 5, MIB + 5, 9 * MIB])
def test_a_file_of_another_length_is_put_right(store: SqliteStore, length: int) -> None:
    file = suspend_with(store, 0, 1)
    os.truncate(file, length)
    reception = store.receive(MANIFEST)
    fill(reception, DATA, [i for part in reception.missing() for i in part])
    assert store.open(reception.close()).view() == DATA


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    written=st.sets(st.integers(0, 3)),
    wrecked=st.sets(st.integers(0, len(DATA) - 1), max_size=6),
)
def test_damage_while_nobody_looked_never_comes_through(
    tmp_path_factory: pytest.TempPathFactory, written: set[int], wrecked: set[int]
) -> None:
    with open_store(tmp_path_factory.mktemp("r") / "store") as store:
        file = suspend_with(store, *written)
        with file.open("r+b") as handle:
            for at in wrecked:
                handle.seek(at)
                handle.write(bytes([DATA[at] ^ 255]))
        reception = store.receive(MANIFEST)
        missing = {index for part in reception.missing() for index in part}
        spoilt = {at // MIB for at in wrecked}
        assert missing == set(range(4)) - (written - spoilt)
        fill(reception, DATA, missing)
        assert store.open(reception.close()).view() == DATA


def test_what_somebody_is_receiving_is_left_alone(store: SqliteStore) -> None:
    with open_store(store.path) as other:
        mine = store.receive(MANIFEST)
        fill(mine, DATA, [0])
        theirs = other.receive(MANIFEST)
        assert theirs.missing() == [range(4)]
        assert len(arriving(store)) == 2
        theirs.suspend()
        assert other.receive(MANIFEST).missing() == [range(4)]
        fill(mine, DATA, [1, 2, 3])
        assert mine.close() == digest_of([DATA])


def test_receptions_of_many_threads_end_in_one_artifact(store: SqliteStore) -> None:
    def work(turn: int) -> None:
        reception = store.receive(MANIFEST)
        order = [index for part in reception.missing() for index in part]
        fill(reception, DATA, order[turn % 4 :])
        if turn % 3 == 0:
            reception.suspend()
        elif reception.missing():
            reception.abort()
        else:
            assert reception.close() == MANIFEST.digest

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(24)))
    keep(store, "a", DATA)
    assert store.open(MANIFEST.digest).view() == DATA
    assert len(contents(store)) == store.stats().artifacts == 1


# ---- what is dropped


def test_what_nobody_went_on_with_for_a_day_is_swept(store: SqliteStore) -> None:
    file = suspend_with(store, 0)
    assert store.gc().orphans == 0
    os.utime(file, (time.time() - 90_000,) * 2)
    assert store.gc(dry_run=True).orphans == 1
    assert store.gc().orphans == 1
    assert arriving(store) == []
    store.commit(Batch()).result()
    assert rows(store, "SELECT * FROM receptions") == []


def test_an_old_reception_that_is_going_on_is_not_swept(store: SqliteStore) -> None:
    reception = store.receive(MANIFEST)
    fill(reception, DATA, range(4))
    os.utime(arriving(store)[0], (0, 0))
    assert store.gc().orphans == 0
    with open_store(store.path) as other:
        assert other.gc().orphans == 0
    assert store.open(reception.close()).view() == DATA


def test_a_store_that_is_used_sweeps_without_being_told(store: SqliteStore) -> None:
    file = suspend_with(store, 0)
    os.utime(file, (0, 0))
    with open_store(store.path) as other:
        other.commit(Batch()).result()
    assert arriving(store) == []


def test_leaving_drops_what_was_arriving(store: SqliteStore) -> None:
    suspend_with(store, 0)
    store.remove_origin("import")
    assert len(arriving(store)) == 1
    store.remove_origin("peer")
    assert arriving(store) == []


# ---- room


def test_what_is_longer_than_the_cap_is_refused_before_it_comes(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "store", cap_bytes=3 * MIB) as store:
        with pytest.raises(StoreFullError, match="cap"):
            store.receive(MANIFEST)
        assert arriving(store) == []


def test_what_the_disk_has_no_room_for_is_refused_before_it_comes(
    tmp_path: Path,
) -> None:
    chunks = (bytes(32),) * (1 << 17)  # 128 GiB, which no disk of a test has left
    disk = os.statvfs(tmp_path)
    # Others may free room meanwhile.
    count = min(len(chunks) - 1, disk.f_bavail * disk.f_frsize // MIB + 4096)
    if count == len(chunks) - 1:
        pytest.skip("this disk has room for everything")
    manifest = type(MANIFEST)(count * MIB, chunks[:count])
    with open_store(tmp_path / "store", cap_bytes=1 << 50) as store:
        with pytest.raises(StoreFullError, match="disk"):
            store.receive(manifest)
        assert arriving(store) == []


def test_a_file_that_may_not_grow_is_a_full_store(store: SqliteStore) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, hard))
    try:
        with pytest.raises(StoreFullError, match="room"):
            store.receive(MANIFEST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert arriving(store) == []


# ---- manifests


def test_a_manifest_is_computed_once_and_goes_with_its_artifact(
    store: SqliteStore,
) -> None:
    query = "SELECT count(*) FROM manifests"
    long, short = keep(store, "a", DATA), keep(store, "b", noise(50_000))
    assert rows(store, query) == [(1,)]  # known when it was written
    store.manifest(short)
    store.commit(Batch()).result()
    assert rows(store, query) == [(2,)]
    with open_store(store.path) as other:
        assert other.manifest(long) == MANIFEST
    store.gc(cap_bytes=0)
    assert rows(store, query) == [(0,)]


def test_a_damaged_manifest_is_computed_again(store: SqliteStore) -> None:
    digest = keep(store, "a", DATA)
    store.database.transact(
        lambda c: c.execute("UPDATE manifests SET manifest = x'00'")
    )
    assert store.manifest(digest) == MANIFEST
    store.commit(Batch()).result()
    assert rows(store, "SELECT manifest FROM manifests") == [(MANIFEST.encode(),)]


@pytest.mark.parametrize("size", [50_000, 2 * MIB])
@pytest.mark.parametrize("how", ["missing", "cut short"])
def test_there_is_no_manifest_of_what_was_lost(
    store: SqliteStore, size: int, how: str
) -> None:
    digest = keep(store, "a", noise(size))
    (file,) = contents(store)
    file.chmod(0o600)
    if how == "missing":
        file.unlink()
    else:
        os.truncate(file, size - 1)
    with open_store(store.path) as other, pytest.raises(CorruptArtifactError):
        other.manifest(digest)
    with open_store(store.path) as other:
        assert other.lookup([key_of("a")]) == {}
