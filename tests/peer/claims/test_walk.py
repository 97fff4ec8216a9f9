"""Arbiters that do not answer, send elsewhere, or lie."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from peer.claims import Claims
from peer.claims.messages import (
    Answer,
    Answered,
    Ask,
    Better,
    DoneAt,
    Grant,
    HeldBy,
    Item,
    Members,
    TellGranted,
    Unanswered,
    Wanted,
)

from .realm import Peer, Realm, boot, key_ranked


class Liar:
    """Answers every claim alike, whoever asks."""

    def __init__(self, peer: Peer, answer: Answer) -> None:
        self._claims = peer.claims
        self._answer = answer
        self.asked = 0

    def claim(
        self, now: float, caller: str, boot_id: bytes, items: Sequence[Item]
    ) -> list[Answer]:
        self.asked += len(items)
        return [self._answer] * len(items)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._claims, name)


def make_liar(peer: Peer, answer: Answer) -> Liar:
    """Let a peer answer every claim alike."""
    liar = Liar(peer, answer)
    assert isinstance(peer.claims, Claims)
    peer.claims = liar  # type: ignore[assignment]
    return liar


def test_the_first_arbiter_is_asked_twice_and_then_the_next() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm.kill("A")
    realm["C"].want(key)
    realm.pass_time(0.3)
    assert realm["C"].asked(key) == ["A", "A"]
    realm.pass_time(0.3)
    assert realm["C"].asked(key) == ["A", "A", "B"]
    assert realm["C"].state(key) == "granted"
    assert realm["C"].counts["claims_unanswered"] == 2


def test_when_nobody_answers_a_peer_decides_for_itself() -> None:
    realm = Realm("A", "B", "C", "D")
    key = key_ranked("A", "B", "C", "D")
    for name in "ABC":
        realm.kill(name)
    realm["D"].want(key)
    realm.pass_time(1.1)
    assert realm["D"].asked(key) == ["A", "A", "B", "C"]
    assert realm["D"].state(key) == "granted"


def test_who_did_not_answer_is_not_asked_about_the_next_node() -> None:
    realm = Realm("A", "B", "C")
    first, second = (key_ranked("A", "B", "C", start=n * 1000) for n in range(2))
    realm.kill("A")
    realm["C"].want(first)
    realm.pass_time(0.6)
    realm["C"].want(second)
    realm.settle()
    assert realm["C"].asked(second) == ["B"]
    assert realm["C"].state(second) == "granted"


def test_suspicion_ends_and_grows_when_it_is_confirmed() -> None:
    realm = Realm("A", "B")
    keys = [key_ranked("A", "B", start=n * 1000) for n in range(4)]
    realm.kill("A")
    realm["B"].want(keys[0])
    realm.pass_time(2.6)
    realm["B"].want(keys[1])
    realm.pass_time(2.6)  # asked twice again, and now suspect for four seconds
    assert realm["B"].asked(keys[1]) == ["A", "A"]
    realm["B"].want(keys[2])
    realm.settle()
    assert realm["B"].asked(keys[2]) == []
    assert realm["B"].state(keys[2]) == "granted"


def test_an_answer_ends_the_suspicion() -> None:
    realm = Realm("A", "B")
    keys = [key_ranked("A", "B", start=n * 1000) for n in range(3)]
    realm.separate("A", "B")
    realm["B"].want(keys[0])
    realm.pass_time(1.0)
    realm.cut.clear()
    realm["B"].step(Members(frozenset()))
    realm["B"].step(Members(frozenset({"A"})))
    realm["B"].want(keys[1])
    assert realm["B"].asked(keys[1]) == ["A"]


def test_peers_that_suspect_the_same_arbiter_meet_at_the_next() -> None:
    realm = Realm("A", "B", "C", "D")
    key = key_ranked("A", "B", "C", "D")
    realm.kill("A")
    for name in "BCD":
        realm[name].want(key)
    realm.pass_time(1.0)
    states = sorted(realm[name].state(key) for name in "BCD")
    assert states == ["granted", "held", "held"]


def test_who_knows_a_better_arbiter_sends_us_there() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm["C"].step(Members(frozenset("B")))
    realm["C"].want(key)
    # A is not in sight for C, which therefore insists.
    realm.settle()
    assert realm["C"].asked(key) == ["B", "B"]
    assert realm["C"].state(key) == "granted"
    assert realm["C"].counts["claims_redirected"] == 1


def test_who_is_back_from_silence_decides_again_as_others_know() -> None:
    realm = Realm("A", "B", "C")
    first, second = (key_ranked("A", "B", "C", start=n * 1000) for n in range(2))
    realm.separate("A", "C")
    realm["C"].want(first)
    realm.pass_time(0.6)
    realm.pass_time(2.5)
    realm["C"].want(second)  # asked, silent: suspect for 4 s from here
    realm.pass_time(0.5)
    realm.cut.clear()
    realm.pass_time(2.5)
    third = key_ranked("A", "B", "C", start=9000)
    realm["C"].want(third)
    realm.settle()
    assert realm["C"].asked(third) == ["B", "A"]
    assert realm["C"].state(third) == "granted"


def test_a_redirect_to_who_is_dead_costs_one_deadline() -> None:
    realm = Realm("A", "B", "C")
    keys = [key_ranked("A", "B", "C", start=n * 1000) for n in range(3)]
    realm.kill("A")
    realm["C"].want(keys[0])
    realm.pass_time(3.1)
    realm["C"].want(keys[1])
    realm.pass_time(3.1)
    realm["C"].want(keys[2])  # B has not noticed that A is dead
    realm.pass_time(0.3)
    assert realm["C"].asked(keys[2]) == ["B", "A", "B"]
    assert realm["C"].state(keys[2]) == "granted"


@pytest.mark.parametrize("target", ["A", "B", "C", "Z", ""])
def test_redirects_without_end_come_to_an_end(target: str) -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    liars = [make_liar(realm[name], Better(target)) for name in "AB"]
    realm["C"].want(key)
    realm.pass_time(1.0)
    assert realm["C"].state(key) == "granted"
    assert sum(liar.asked for liar in liars) <= 4


def test_an_arbiter_that_names_who_computes_nothing_is_passed_over() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    make_liar(realm["A"], HeldBy("B", 0, 500, 200))
    realm["C"].want(key)
    realm.settle()
    assert realm["C"].holder(key) == "B"
    realm.pass_time(1.5)
    assert realm["C"].state(key) == "granted"


def test_an_arbiter_that_keeps_telling_tales_is_struck() -> None:
    realm = Realm("A", "B", "C", "D")
    keys = [key_ranked("A", "B", "C", "D", start=n * 1000) for n in range(3)]
    liar = make_liar(realm["A"], HeldBy("B", 0, 500, 200))
    realm["D"].want(keys[0])
    realm.pass_time(1.5)
    assert "arbiters_struck" not in realm["D"].counts
    liar._answer = HeldBy("C", 0, 500, 200)
    realm["D"].want(keys[1])
    realm.pass_time(1.5)
    assert realm["D"].counts["arbiters_struck"] == 1
    realm["D"].want(keys[2])
    realm.settle()
    assert "A" not in realm["D"].asked(keys[2])
    assert realm["D"].state(keys[2]) == "granted"


def test_an_arbiter_that_names_the_same_dead_holder_for_long_is_struck() -> None:
    realm = Realm("A", "B", "C")
    make_liar(realm["A"], HeldBy("B", 0, 500, 200))
    realm.kill("B")
    for number in range(8):
        key = key_ranked("A", "B", "C", start=number * 1000)
        realm["C"].want(key)
        realm.pass_time(2.5)
        assert realm["C"].state(key) == "granted"
    assert realm["C"].counts["arbiters_struck"] == 1


def test_a_strike_ends_and_the_next_is_twice_as_long() -> None:
    realm = Realm("A", "B", "C", "D")
    liar = make_liar(realm["A"], HeldBy("B", 0, 500, 200))

    def catch(start: int) -> None:
        for number, name in enumerate("BC"):
            liar._answer = HeldBy(name, 0, 500, 200)
            key = key_ranked("A", "B", "C", "D", start=start + 500 * number)
            realm["D"].want(key)
            realm.pass_time(1.5)

    def is_asked(start: int) -> bool:
        key = key_ranked("A", "B", "C", "D", start=start)
        realm["D"].want(key)
        realm.settle()
        realm["D"].give_up(key)
        return "A" in realm["D"].asked(key)

    catch(0)
    assert not is_asked(2000)
    realm.pass_time(61.0)
    assert is_asked(3000)
    catch(4000)
    realm.pass_time(61.0)
    assert not is_asked(6000)
    realm.pass_time(61.0)
    assert is_asked(7000)


def test_an_arbiter_that_sends_us_to_results_that_are_not_there_is_passed_over() -> (
    None
):
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    make_liar(realm["A"], DoneAt("B"))
    realm["C"].want(key)
    realm.pass_time(1.0)
    assert realm["C"].state(key) == "granted"
    assert realm["C"].asked(key).count("A") <= 3


def test_an_arbiter_that_says_that_we_hold_what_we_do_not_is_passed_over() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    make_liar(realm["A"], HeldBy("C", 0, 500, 200))
    realm["C"].want(key)
    realm.settle()
    assert realm["C"].asked(key) == ["A", "B"]
    assert realm["C"].state(key) == "granted"


def test_a_holder_that_is_its_own_arbiter_is_struck_if_it_keeps_us_waiting() -> None:
    realm = Realm("A", "B", "C")
    make_liar(realm["A"], HeldBy("A", 0, 500, 200))
    for number in range(4):
        key = key_ranked("A", "B", "C", start=number * 1000)
        realm["C"].want(key)
        realm.pass_time(1.5)
        assert realm["C"].holder(key) == "A"
        realm["C"].begin(key)
        realm.pass_time(3.0)
        realm["C"].finish(key)
    assert realm["C"].counts["arbiters_struck"] == 1


def test_answers_that_do_not_fit_the_question_are_no_answer() -> None:
    claims = Claims("B", boot("B"), Random(1))
    claims.step(Members(frozenset({"A"})), 0.0)
    key = key_ranked("A", "B")
    asks = claims.step(Wanted(1, ((key, 1.0),)), 0.0)
    (ask,) = (each for each in asks if isinstance(each, Ask))
    again = claims.step(Answered(ask.number, boot("A"), ()), 0.1)
    (retry,) = (each for each in again if isinstance(each, Ask))
    assert retry.to == "A"
    assert claims.step(Unanswered(ask.number), 0.2) == []
    many = (Grant(1, 10_000), Grant(2, 10_000))
    actions = claims.step(Answered(retry.number, boot("A"), many), 0.3)
    assert any(isinstance(each, TellGranted) for each in actions)
