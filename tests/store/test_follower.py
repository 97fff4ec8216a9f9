"""Followers of a store see exactly what a look-up would find."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import (
    Batch,
    NodeKey,
    SharedRow,
    Small,
    SqliteStore,
    StoreUnusableError,
    follower,
    open_store,
    results,
)
from tests.contracts.store import keep, key_of, noise, result_of, take_over


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "store") as store:
        yield store


def keep_many(store: SqliteStore, numbers: range) -> None:
    digest = store.put([b"same"])
    rows = [result_of(number, digest) for number in numbers]
    store.commit(Batch(results=rows)).result()


def held(store: SqliteStore) -> dict[NodeKey, bytes]:
    found = store.lookup([result.key for result in store.results()])
    return {key: hit.result.digest for key, hit in found.items()}


def test_everything_comes_in_batches(store: SqliteStore) -> None:
    count = 2 * follower.BATCH + 10
    keep_many(store, range(count))
    followed = store.follower()
    seen: set[NodeKey] = set()
    has_more = True
    while has_more:
        changes = followed.poll()
        assert len(changes.added) <= follower.BATCH
        seen |= {row.key for row in changes.added}
        has_more = changes.has_more
    assert len(seen) == count
    followed.close()


def test_what_happens_during_the_first_pass_is_not_missed(store: SqliteStore) -> None:
    count = 2 * follower.BATCH
    keep_many(store, range(count))
    followed = store.follower()
    known = {row.key: row for row in followed.poll().added}
    store.remove([key_of(0), key_of(count - 1)])
    keep(store, "late", b"late")  # takes the place of the last row
    take_over(followed, known)
    assert set(known) == set(held(store))
    assert key_of("late") in known
    followed.close()


def test_a_key_that_came_back_with_other_bytes_is_told_anew(
    store: SqliteStore,
) -> None:
    known: dict[NodeKey, SharedRow] = {}
    followed = store.follower()
    keep(store, "a", b"one")
    take_over(followed, known)
    store.remove([key_of("a")])
    digest = keep(store, "a", b"two")
    changes = followed.poll()
    assert [row.digest for row in changes.added] == [digest]
    assert changes.removed == []
    followed.close()


def test_what_came_and_went_unseen_is_not_told(store: SqliteStore) -> None:
    followed = store.follower()
    followed.poll()
    keep(store, "a", b"one")
    store.remove([key_of("a")])
    changes = followed.poll()
    assert (changes.added, changes.removed) == ([], [])
    followed.close()


def test_damage_that_is_dropped_is_told(store: SqliteStore) -> None:
    known: dict[NodeKey, SharedRow] = {}
    followed = store.follower()
    keep(store, "a", noise(50_000))
    take_over(followed, known)
    for file in (store.path / "blobs").rglob("*"):
        if file.is_file():
            file.unlink()
    assert len(list(store.check())) == 1
    take_over(followed, known)
    assert known == {}
    followed.close()


def test_who_has_not_looked_for_long_goes_through_everything(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "LOG_ENTRIES", 100)
    monkeypatch.setattr(results, "LOG_GRAIN", 10)
    monkeypatch.setattr(follower, "BATCH", 20)
    known: dict[NodeKey, SharedRow] = {}
    keep_many(store, range(50))
    followed = store.follower()
    take_over(followed, known)
    store.remove([key_of(number) for number in range(40)])
    for start in range(100, 400, 10):
        keep_many(store, range(start, start + 10))
    with store.database.read() as connection:
        query = "SELECT count(*) FROM result_log"
        assert connection.execute(query).fetchone()[0] <= 110
    take_over(followed, known)
    assert set(known) == set(held(store))
    followed.close()


def test_what_other_rooms_and_uses_write_is_no_change(store: SqliteStore) -> None:
    keep(store, "a", b"one")
    followed = store.follower()
    take_over(followed, {})
    store.database.transact(lambda c: c.execute("UPDATE results SET uses = uses + 1"))
    store.commit(Batch(small=[Small(key_of("s"), b"1")])).result()
    store.pin("goal", [])
    changes = followed.poll()
    assert (changes.added, changes.removed) == ([], [])
    followed.close()


def test_a_closed_follower_says_so(store: SqliteStore) -> None:
    followed = store.follower()
    followed.close()
    with pytest.raises(StoreUnusableError, match="closed"):
        followed.poll()


def test_a_follower_remembers_little(store: SqliteStore) -> None:
    count = 20_000
    for start in range(0, count, 1000):
        keep_many(store, range(start, start + 1000))
    followed = store.follower()
    take_over(followed, {})
    pragma = followed._connection.execute
    (pages,), (size,) = (
        pragma(f"PRAGMA temp.{what}").fetchone() for what in ("page_count", "page_size")
    )
    assert pages * size < 60 * count
    followed.close()


def test_followers_agree_with_look_ups_whatever_happens(tmp_path: Path) -> None:
    chance = random.Random(3)
    with open_store(tmp_path / "store") as one, open_store(one.path) as two:
        known: dict[NodeKey, SharedRow] = {}
        followed = one.follower()
        for _ in range(300):
            store = chance.choice([one, two])
            name, data = chance.randrange(8), b"%d" % chance.randrange(3)
            what = chance.random()
            if what < 0.5:
                keep(store, name, data, origin=chance.choice(["local", "peer"]))
            elif what < 0.7:
                store.remove([key_of(name)])
            elif what < 0.8:
                store.note_conflict(key_of(name), store.put([data]), "", "peer")
            elif what < 0.85:
                store.remove_origin("peer")
            elif what < 0.9:
                store.gc(cap_bytes=0)
            if chance.random() < 0.5:
                take_over(followed, known)
                assert {key: row.digest for key, row in known.items()} == held(two)
                for row in known.values():
                    result = two.lookup([row.key])[row.key].result
                    assert row.origin == result.origin
        assert one.origin_bytes("peer") == sum(
            1 for result in one.results() if result.origin == "peer"
        )
        followed.close()
