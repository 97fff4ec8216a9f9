"""What an arbiter promises, whatever it is asked."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.claims import Claims, Settings
from peer.claims.messages import (
    Answer,
    Gone,
    Grant,
    HeldBy,
    Item,
    Lease,
    Members,
    Released,
    Tick,
    Unclaimed,
)

from .realm import boot

CALLERS = ("A", "B", "C")
KEYS = [bytes([number]) * 32 for number in range(3)]
TTL_S = 10.0


def _arbiter(own_settings: Settings | None = None) -> Claims:
    claims = Claims("Z", boot("Z"), Random(1), own_settings)
    claims.step(Members(frozenset(CALLERS)), 0.0)
    return claims


def _insist(key: bytes, *, is_hedge: bool = False, estimate_ms: int = 1000) -> Item:
    return Item(key, estimate_ms, is_hedge=is_hedge, is_insisting=True)


Step = tuple[str, str, int, float]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "hedge", "missing", "renew", "give up", "done"]),
        st.sampled_from(CALLERS),
        st.integers(0, len(KEYS) - 1),
        st.sampled_from([0.0, 0.1, 1.0, 4.0, 11.0]),
    ),
    max_size=40,
)


class Model:
    """What is to be true of grants, told from the outside."""

    def __init__(self, arbiter: Claims) -> None:
        self.arbiter = arbiter
        self.now = 0.0
        self.token = 0
        # Node and holder → token, end of the lease, and whether it is a hedge.
        self.leases: dict[tuple[bytes, str], tuple[int, float, bool]] = {}
        self.hedges: dict[bytes, int] = {}

    def play(self, step: Step) -> None:
        what, caller, number, pause_s = step
        self.now += pause_s
        key = KEYS[number]
        act: dict[str, Callable[[], None]] = {
            "claim": lambda: self._claim(caller, _insist(key)),
            "hedge": lambda: self._claim(caller, _insist(key, is_hedge=True)),
            "missing": lambda: self._claim(
                caller, Item(key, 1000, is_missing=True, is_insisting=True)
            ),
            "renew": lambda: self._renew(caller, key),
            "give up": lambda: self._release(caller, key, is_done=False),
            "done": lambda: self._release(caller, key, is_done=True),
        }
        act[what]()

    def _claim(self, caller: str, item: Item) -> None:
        (answer,) = self.arbiter.claim(self.now, caller, boot(caller), [item])
        if isinstance(answer, Grant):
            self._granted(caller, item.key, answer)
        elif isinstance(answer, HeldBy):
            assert answer.holder != caller
            assert answer.holder in self._holders(item.key)
            assert 200 <= answer.retry_ms <= 2500

    def _granted(self, caller: str, key: bytes, grant: Grant) -> None:
        known = self.leases.get((key, caller))
        holders = self._holders(key)
        if known is not None and caller in holders:
            assert grant.token == known[0]
        else:
            assert grant.token > self.token
            self.token = grant.token
            assert grant.is_hedge == bool(holders)
        self.leases[key, caller] = (grant.token, self.now + TTL_S, grant.is_hedge)
        plain = [each for each in self._holders(key) if not self.leases[key, each][2]]
        assert len(plain) <= 1

    def _renew(self, caller: str, key: bytes) -> None:
        known = self.leases.get((key, caller))
        if known is None or caller not in self._holders(key):
            return
        token, _, is_hedge = known
        lease = Lease(key, "Z", boot("Z"), token, 0, 1000)
        assert self.arbiter.renew(self.now, caller, boot(caller), [lease]) == []
        self.leases[key, caller] = (token, self.now + TTL_S, is_hedge)

    def _release(self, caller: str, key: bytes, *, is_done: bool) -> None:
        known = self.leases.pop((key, caller), None)
        if known is not None:
            released = Released(key, boot("Z"), known[0], is_done)
            self.arbiter.release(self.now, caller, boot(caller), [released])

    def _holders(self, key: bytes) -> list[str]:
        return [
            caller
            for (each, caller), (_, end, _) in self.leases.items()
            if each == key and end > self.now
        ]


@pytest.mark.slow
@given(STEPS)
@settings(max_examples=200)
def test_one_plain_lease_a_node_and_tokens_that_rise(steps: list[Step]) -> None:
    model = Model(_arbiter())
    for step in steps:
        model.play(step)


def _answers(claims: Claims, now: float, caller: str, count: int) -> list[Answer]:
    items = [_insist(number.to_bytes(32, "big")) for number in range(count)]
    return claims.claim(now, caller, boot(caller), items)


def test_one_member_holds_no_more_than_its_share() -> None:
    claims = _arbiter(Settings(max_keys_per_holder=5))
    answers = _answers(claims, 0.0, "A", 8)
    assert [type(each) for each in answers] == [Grant] * 5 + [Unclaimed] * 3
    (other,) = claims.claim(0.0, "B", boot("B"), [_insist(bytes([9]) * 32)])
    assert isinstance(other, Grant)


def test_a_full_table_grants_nothing_more_until_something_ends() -> None:
    claims = _arbiter(Settings(max_keys=5))
    assert _answers(claims, 0.0, "A", 6)[-1] == Unclaimed()
    first = bytes(32)
    claims.release(1.0, "A", boot("A"), [Released(first, boot("Z"), 1, False)])
    assert isinstance(_answers(claims, 1.0, "A", 6)[0], Grant)
    assert claims.states()["table"] == 5


def test_renewals_fill_no_more_than_claims_do() -> None:
    claims = _arbiter(Settings(max_keys_per_holder=5))
    leases = [
        Lease(number.to_bytes(32, "big"), "B", boot("B"), 1, 0, 1000)
        for number in range(9)
    ]
    claims.renew(0.0, "A", boot("A"), leases)
    assert claims.states()["table"] == 5


def test_a_hedge_is_due_when_a_holder_is_slow_or_silent() -> None:
    claims = _arbiter()
    slow, silent = KEYS[:2]
    claims.claim(0.0, "A", boot("A"), [_insist(slow)])
    claims.claim(0.0, "A", boot("A"), [_insist(silent, estimate_ms=60_000)])

    def hedge(now: float, key: bytes) -> Answer:
        (answer,) = claims.claim(now, "B", boot("B"), [_insist(key, is_hedge=True)])
        return answer

    assert isinstance(hedge(2.9, slow), HeldBy)
    assert hedge(3.1, slow) == Grant(3, 10_000, is_hedge=True)
    assert isinstance(hedge(4.4, silent), HeldBy)
    assert hedge(4.6, silent) == Grant(4, 10_000, is_hedge=True)


def test_who_does_not_ask_for_a_hedge_gets_none() -> None:
    claims = _arbiter()
    claims.claim(0.0, "A", boot("A"), [_insist(KEYS[0])])
    (answer,) = claims.claim(9.0, "B", boot("B"), [_insist(KEYS[0])])
    assert isinstance(answer, HeldBy)


def test_leases_of_who_is_gone_end() -> None:
    claims = _arbiter()
    _answers(claims, 0.0, "A", 3)
    claims.step(Gone("A"), 5.0)
    assert claims.states()["table"] == 0


def test_leases_of_an_earlier_process_end_unless_the_next_one_goes_on() -> None:
    claims = _arbiter()
    *_, last = _answers(claims, 0.0, "A", 2)
    claims.step(Gone("A", boot("A", 1)), 5.0)
    others = [_insist(number.to_bytes(32, "big")) for number in range(2)]
    answers = claims.claim(5.1, "B", boot("B"), others)
    assert all(isinstance(each, HeldBy) for each in answers)
    (again,) = claims.claim(5.5, "A", boot("A", 1), [_insist(bytes(32))])
    held, granted = claims.claim(8.1, "B", boot("B"), others)
    assert isinstance(held, HeldBy)
    assert isinstance(last, Grant)
    assert isinstance(again, Grant)
    assert isinstance(granted, Grant)
    assert last.token < again.token < granted.token


def test_what_is_not_renewed_is_let_go_of_without_being_asked_for() -> None:
    claims = _arbiter()
    _answers(claims, 0.0, "A", 3)
    due = claims.next_due(0.0)
    assert due is not None
    assert 10.0 <= due < 12.0
    claims.step(Tick(), due)
    assert claims.states()["table"] == 0


@given(st.integers(-(2**63), 2**63), st.integers(-(2**63), 2**63), st.floats(0.0, 20.0))
def test_numbers_beyond_reason_in_a_renewal_do_no_harm(
    age_ms: int, estimate_ms: int, pause_s: float
) -> None:
    claims = _arbiter()
    lease = Lease(KEYS[0], "B", boot("B"), 1, age_ms, estimate_ms)
    claims.renew(0.0, "A", boot("A"), [lease])
    (answer,) = claims.claim(pause_s, "B", boot("B"), [_insist(KEYS[0])])
    if isinstance(answer, HeldBy):
        assert 0 <= answer.age_ms < 2**32
        assert 0 <= answer.left_ms < 2**32
        assert 200 <= answer.retry_ms <= 2500
    else:
        assert pause_s >= TTL_S
