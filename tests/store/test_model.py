"""Two store objects on one folder behave as one dictionary would."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from store import (
    ArtifactNotFoundError,
    Batch,
    Digest,
    NodeKey,
    SharedRow,
    Small,
    digest_of,
    manifest_of,
    open_store,
)
from tests.contracts.store import MIB, fill, keep, key_of, noise, take_over

DATA = [b"", b"one", noise(1000, 1), bytes(40_000), noise(40_000, 2), noise(MIB + 1, 3)]
KEYS = [key_of(number) for number in range(5)]

sides = st.integers(0, 1)
keys = st.sampled_from(range(5))
data = st.sampled_from(DATA)


class TwoStores(RuleBasedStateMachine):
    """What is held may be evicted; what is answered must be what was committed."""

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp()) / "store"
        self.stores = [open_store(self.path), open_store(self.path)]
        self.said: dict[NodeKey, set[bytes]] = {}
        self.must_hold: set[NodeKey] = set()
        self.pinned: dict[Digest, bytes] = {}
        self.follower = self.stores[0].follower()
        self.followed: dict[NodeKey, SharedRow] = {}

    @rule(side=sides, key=keys, data=data, origin=st.sampled_from(["local", "peer"]))
    def keep(self, side: int, key: int, data: bytes, origin: str) -> None:
        keep(self.stores[side], key, data, origin=origin)
        self._said(KEYS[key], data)

    @rule(side=sides, data=data, is_suspended=st.booleans())
    def receive(self, side: int, data: bytes, is_suspended: bool) -> None:
        reception = self.stores[side].receive(manifest_of([data]))
        fill(reception, data, [index for part in reception.missing() for index in part])
        if is_suspended:
            reception.suspend()
        else:
            assert reception.close() == digest_of([data])

    @rule(side=sides, key=keys, data=data)
    def hear(self, side: int, key: int, data: bytes) -> None:
        self.stores[side].note_conflict(KEYS[key], digest_of([data]), "", "peer")
        self.said.setdefault(KEYS[key], set()).update((data, b"a rumour"))

    @rule(side=sides, key=keys, data=st.sampled_from(DATA[:3]))
    def keep_small(self, side: int, key: int, data: bytes) -> None:
        self.stores[side].commit(Batch(small=[Small(KEYS[key], data)])).result()
        self._said(KEYS[key], data)

    def _said(self, key: NodeKey, data: bytes) -> None:
        self.said.setdefault(key, set()).add(data)
        self.must_hold.add(key)

    @rule(side=sides, data=data)
    def pin(self, side: int, data: bytes) -> None:
        store = self.stores[side]
        digest = store.put([data])
        store.commit(Batch()).result()  # others see it from now on
        store.pin("goal", [digest])
        self.pinned[digest] = data

    @rule(side=sides)
    def unpin(self, side: int) -> None:
        self.stores[side].unpin("goal")
        self.pinned.clear()

    @rule(side=sides, cap=st.sampled_from([0, 45_000, 1 << 30]))
    def collect(self, side: int, cap: int) -> None:
        self.stores[side].gc(cap_bytes=cap)
        if cap < 1 << 30:
            self.must_hold.clear()

    @rule(side=sides, key=keys)
    def remove(self, side: int, key: int) -> None:
        self.stores[side].remove([KEYS[key]])
        self.must_hold.discard(KEYS[key])
        assert self.stores[1 - side].lookup([KEYS[key]]) == {}

    @rule(side=sides)
    def check(self, side: int) -> None:
        assert list(self.stores[side].check()) == []

    @rule(side=sides)
    def reopen(self, side: int) -> None:
        self.stores[side].close()
        self.stores[side] = open_store(self.path)

    @rule(side=sides, key=keys)
    def lease(self, side: int, key: int) -> None:
        mine = self.stores[side].lease([KEYS[key]])
        if mine.granted:
            assert self.stores[1 - side].lease([KEYS[key]]).held
            self.stores[side].release([KEYS[key]])
            self.stores[side].commit(Batch()).result()

    @invariant()
    def both_answer_the_truth(self) -> None:
        for store in self.stores:
            found = store.lookup(KEYS)
            for key in KEYS:
                said = self.said.get(key, set())
                if key in found:
                    digest, payload = found[key].result.digest, found[key].payload
                    bytes_ = store.open(digest).view() if payload is None else payload
                    assert bytes(bytes_) in said
                elif key in self.must_hold:
                    assert len(said) > 1

    @invariant()
    def a_follower_knows_the_same(self) -> None:
        for store in self.stores:
            store.lookup(KEYS)  # notes where small results disagree with others
            store.commit(Batch()).result()
        take_over(self.follower, self.followed)
        found = self.stores[1].lookup(KEYS)
        assert {key: row.digest for key, row in self.followed.items()} == {
            key: hit.result.digest for key, hit in found.items() if hit.result.kind
        }

    @invariant()
    def pins_hold(self) -> None:
        for store in self.stores:
            for digest, content in self.pinned.items():
                assert store.open(digest).view() == content

    def teardown(self) -> None:
        self.follower.close()
        for store in self.stores:
            store.close()
        with open_store(self.path) as store:
            assert list(store.check()) == []
            with pytest.raises(ArtifactNotFoundError):
                store.open(Digest(bytes(32)))
        shutil.rmtree(self.path.parent)


TestTwoStores = pytest.mark.slow(TwoStores.TestCase)
TestTwoStores.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None
)
