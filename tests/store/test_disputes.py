"""What a key computes to, when several digests were said."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import store.schema
from store import (
    Batch,
    Digest,
    Migrations,
    Reliance,
    Small,
    SqliteStore,
    digest_of,
    open_store,
)
from store.migrations import apply, create
from tests.contracts.store import answer_of, keep, key_of, rely

Event: TypeAlias = tuple[str, bytes]

events = st.lists(
    st.tuples(
        st.sampled_from(["local", "small", "peer", "import", "rumour", "relying"]),
        st.sampled_from([b"one", b"two", b"three"]),
    ),
    max_size=7,
)


def happen(store: SqliteStore, how: str, data: bytes) -> None:
    if how == "small":
        store.commit(Batch(small=[Small(key_of("a"), data)])).result()
    elif how == "rumour":
        store.note_conflict(key_of("a"), digest_of([data]), "", "peer")
    elif how == "relying":
        rely(store, "a", data, ("ada", 1))
    else:
        keep(store, "a", data, origin=how)
    store.lookup([key_of("a")])  # notices what a commit does not
    store.commit(Batch()).result()


def expected(history: Sequence[Event]) -> bytes | None:
    """Return what a key computes to after all that was said and done."""
    here: list[bytes] = []
    said: set[bytes] = set()
    is_disputed = is_settled = False
    for how, data in history:
        is_new = data not in said
        is_local = how in ("local", "small")
        if is_disputed and is_local:
            is_settled = True
        is_disputed = is_disputed or (is_new and (bool(said) or how == "rumour"))
        said.add(data)
        here += [data] if is_local else []
    if not is_disputed:
        return next(iter(said), None)
    return here[0] if is_settled and len(set(here)) == 1 else None


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(events)
def test_an_answer_is_what_all_said_or_what_was_computed_here_since(
    tmp_path_factory: pytest.TempPathFactory, history: list[Event]
) -> None:
    with open_store(tmp_path_factory.mktemp("d") / "store") as store:
        for how, data in history:
            happen(store, how, data)
        right = expected(history)
        digest = None if right is None else digest_of([right])
        assert answer_of(store, "a") == digest
        with open_store(store.path) as other:
            assert answer_of(other, "a") == digest


def test_an_answer_that_was_evicted_can_be_had_from_others_again(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "store") as store:
        keep(store, "a", b"theirs", origin="peer")
        for _ in range(2):
            digest = keep(store, "a", b"ours")
        store.gc(cap_bytes=0)
        assert answer_of(store, "a") is None
        keep(store, "a", b"theirs", origin="peer")
        assert answer_of(store, "a") is None
        keep(store, "a", b"ours", origin="peer")
        assert answer_of(store, "a") == digest


def test_a_lease_is_granted_on_a_key_in_conflict_and_done_once_it_is_settled(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "store") as store:
        keep(store, "a", b"ours")
        keep(store, "a", b"theirs", origin="peer")
        assert store.lease([key_of("a")]).granted == {key_of("a")}
        digest = keep(store, "a", b"ours")
        assert store.lease([key_of("a")]).done[key_of("a")].result.digest == digest


# ---- stores from before


def test_a_store_from_before_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store"
    make_first_version(path, tmp_path, monkeypatch)
    plan, part, whole = (digest_of([data]) for data in (b"plan", b"part", b"whole"))
    change_rows(path, plan, part, whole)
    with open_store(path) as opened:
        found = opened.lookup([key_of("a"), key_of("b")])
        assert set(found) == {key_of("a")}
        result = found[key_of("a")].result
        assert (result.plan, result.children) == (plan, (part,))
        (row,) = opened.follower().poll().added
        assert row.total_bytes == len(b"whole") + len(b"part")
        assert opened.origin_bytes("peer") == len(b"whole") + len(b"part")
        assert opened.origin_bytes("local") == len(b"part")
        assert result.relies_on == (Reliance("", 0),)
        assert opened.relying("", 0) == [key_of("a")]
        keep(opened, "b", b"part")
        assert answer_of(opened, "b") == part


def make_first_version(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "schema_from_before"
    package.mkdir()
    (package / "__init__.py").touch()
    now = Path(next(iter(store.schema.__path__)))
    shutil.copy(now / "0001_store.sql", package)
    monkeypatch.syspath_prepend(tmp_path)
    path.mkdir()
    create(path / "store.db")
    apply(path / "store.db", [Migrations("store", package.name)])


def change_rows(path: Path, plan: Digest, part: Digest, whole: Digest) -> None:
    connection = sqlite3.connect(path / "store.db")
    connection.executemany(
        "INSERT INTO artifacts (digest, size_bytes, stored_bytes, codec, touched_ms,"
        " payload) VALUES (?, ?, ?, 'raw', 0, ?)",
        [
            (digest, len(data), len(data), data)
            for digest, data in ((plan, b"plan"), (part, b"part"), (whole, b"whole"))
        ],
    )
    recipe = b"\x92\xc4\x20" + plan + b"\x90"
    connection.executemany(
        "INSERT INTO results VALUES (?, ?, 'sequence', 5, 1, 1, '', ?, ?, 0, 0, 0, 0)",
        [(key_of("a"), whole, "peer", recipe), (key_of("b"), part, "local", b"")],
    )
    connection.executemany(
        "INSERT INTO artifact_parts VALUES (?, ?)", [(whole, part), (whole, plan)]
    )
    connection.executemany(
        "INSERT INTO conflicts VALUES (?, ?, '', ?, 0)",
        [(key_of("b"), part, "local"), (key_of("b"), whole, "peer")],
    )
    connection.commit()
    connection.close()


def test_an_audit_says_which_of_two_computations_here_is_right(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        for data in (b"wrong", b"right", b"wrong"):
            keep(store, "a", data)
        assert store.lookup([key_of("a")]) == {}
        right = digest_of([b"right"])
        for _ in range(2):
            store.correct(key_of("a"), right, "")
            keep(store, "a", b"wrong")
        store.correct(key_of("a"), right, "")
        keep(store, "a", b"right")
        assert answer_of(store, "a") == right
        # Nobody else can put it in doubt again.
        store.note_conflict(key_of("a"), digest_of([b"wrong"]), "", "peer")
        assert answer_of(store, "a") == right
