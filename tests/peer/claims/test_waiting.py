"""What a peer does while another computes what it wants."""

from __future__ import annotations

from peer.claims.messages import Ask, Fetch, Gone, TellArrived, TellGranted, TellHeld

from .realm import Realm, key_ranked


def _waiting(estimate_s: float = 1.0) -> tuple[Realm, bytes]:
    """A decides, B holds, C waits."""
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm["B"].want(key, estimate_s=estimate_s)
    realm.settle()
    realm["C"].want(key, estimate_s=estimate_s)
    realm.settle()
    assert realm["C"].holder(key) == "B"
    return realm, key


def test_a_holder_that_stays_within_its_time_is_left_alone() -> None:
    realm, key = _waiting(estimate_s=20.0)
    realm.pass_time(19.0)
    assert realm["C"].state(key) == "held"
    assert "B" not in realm["C"].asked(key)
    items = [
        item for each in realm["C"].sent if isinstance(each, Ask) for item in each.items
    ]
    assert not any(item.is_hedge for item in items)


def test_who_knows_that_a_holder_is_late_is_not_told_so_again() -> None:
    realm, _ = _waiting()
    realm.pass_time(2.9)
    held = [each for each in realm["C"].told if isinstance(each, TellHeld)]
    assert len(held) <= 2


def test_what_is_held_is_asked_for_again_every_few_seconds() -> None:
    realm, key = _waiting(estimate_s=20.0)
    realm.pass_time(19.0)
    assert 7 <= len(realm["C"].asked(key)) <= 12


def test_a_slow_holder_gets_one_hedge_beside_it() -> None:
    realm, key = _waiting()
    realm["A"].want(key)
    realm.pass_time(2.9)
    assert realm["C"].state(key) == "held"
    realm.pass_time(3.0)
    said = [realm[name].last(key) for name in "AC"]
    hedges = [each for each in said if isinstance(each, TellGranted)]
    assert len(hedges) == 1
    assert hedges[0].is_hedge


def test_there_are_two_hedges_at_most() -> None:
    realm = Realm("A", "B", "C", "D", "E")
    key = key_ranked("A", "B", "C", "D", "E")
    realm["B"].want(key)
    realm.settle()
    for name in "ACDE":
        realm[name].want(key)
    realm.pass_time(60.0)
    states = sorted(realm[name].state(key) for name in "ACDE")
    assert states == ["granted", "granted", "held", "held"]


def test_the_hedge_that_is_done_first_wins() -> None:
    realm, key = _waiting()
    realm.pass_time(6.0)
    assert realm["C"].state(key) == "granted"
    realm["C"].finish(key)
    assert realm["C"].counts["hedges_granted"] == 1
    assert realm["C"].counts["hedges_won"] == 1


def test_a_holder_that_says_nothing_more_is_replaced_when_its_lease_is_over() -> None:
    realm, key = _waiting(estimate_s=30.0)
    realm.pass_time(2.0)
    realm.kill("B")
    realm.pass_time(14.0)
    assert realm["C"].state(key) == "granted"


def test_a_holder_that_is_gone_is_replaced_at_once() -> None:
    realm, key = _waiting(estimate_s=30.0)
    realm.pass_time(2.0)
    realm.kill("B")
    realm.pass_time(5.0)
    assert realm["C"].state(key) == "held"
    realm.miss("B")
    realm.pass_time(0.0)
    assert realm["C"].last(key) == TellGranted(1, key, False)


def test_a_holder_that_is_heard_of_is_not_gone_whoever_misses_it() -> None:
    realm, key = _waiting(estimate_s=30.0)
    realm.pass_time(7.0)
    realm["A"].step(Gone("B"))
    realm["C"].step(Gone("B"))
    realm.pass_time(7.0)
    assert realm["C"].holder(key) == "B"


def test_a_holder_that_begins_a_new_life_holds_nothing() -> None:
    realm, key = _waiting(estimate_s=30.0)
    realm.kill("B")
    realm.restart("B").want(key_ranked("A", "B", "C", start=5000))
    realm.pass_time(3.6)
    assert realm["C"].state(key) == "granted"


def test_a_new_life_that_claims_again_goes_on() -> None:
    realm, key = _waiting(estimate_s=30.0)
    realm.kill("B")
    realm.restart("B").want(key_ranked("A", "B", "C", start=5000))
    realm.pass_time(2.0)
    realm["B"].want(key, estimate_s=30.0)
    realm.pass_time(8.0)
    assert realm["B"].state(key) == "granted"
    assert realm["C"].holder(key) == "B"


def test_a_new_life_that_is_heard_of_late_keeps_what_it_was_granted() -> None:
    realm, key = _waiting(estimate_s=30.0)
    realm.kill("B")
    realm.restart("B").want(key, estimate_s=30.0)
    realm.pass_time(1.0)
    realm.miss("B")
    realm.pass_time(5.0)
    assert realm["B"].state(key) == "granted"
    assert realm["C"].holder(key) == "B"


def test_a_result_that_cannot_be_had_is_computed_again() -> None:
    realm, key = _waiting()
    realm["B"].finish(key)
    realm["B"].store.clear()
    realm.pass_time(3.0)
    assert realm["C"].last(key) == TellGranted(1, key, False)


def test_of_many_that_miss_a_result_one_computes_it_again() -> None:
    realm = Realm("A", "B", "C", "D", "E")
    key = key_ranked("A", "B", "C", "D", "E")
    realm["B"].want(key)
    realm.settle()
    realm["B"].finish(key)
    realm["B"].store.clear()
    for name in "ACDE":
        realm[name].want(key)
    realm.pass_time(0.7)
    states = [realm[name].state(key) for name in "ACDE"]
    assert states.count("granted") == 1
    assert states.count("held") == 3


def test_who_missed_the_first_result_does_not_spoil_the_second() -> None:
    realm = Realm("A", "B", "C", "D")
    key = key_ranked("A", "B", "C", "D")
    realm["B"].want(key)
    realm.settle()
    realm["B"].finish(key)
    realm["B"].store.clear()
    realm["C"].want(key)
    realm.settle()
    realm["C"].finish(key)
    realm["D"].hear("B", key)
    realm["D"].want(key)
    realm["D"].hear("B", key)
    realm.pass_time(1.0)
    said = realm["D"].last(key)
    assert isinstance(said, TellArrived)
    assert said.fetched.source == "C"


def test_when_one_source_fails_the_next_that_is_known_is_tried() -> None:
    realm, key = _waiting()
    realm.holds_fetches = True
    realm["C"].hear("A", key)
    realm["C"].hear("B", key)
    realm["B"].store.add(key)
    assert [fetch.source for _, fetch in realm.fetches] == ["A"]
    realm.let_fetch()
    realm.let_fetch()
    said = realm["C"].last(key)
    assert isinstance(said, TellArrived)
    assert said.fetched.source == "B"


def test_a_fetch_that_never_ends_is_not_waited_for_when_its_source_is_gone() -> None:
    realm, key = _waiting()
    realm.holds_fetches = True
    realm["B"].finish(key)
    realm.pass_time(1.0)
    assert [fetch.source for _, fetch in realm.fetches] == ["B"]
    realm.kill("B")
    realm.miss("B")
    realm.pass_time(0.0)
    assert realm["C"].state(key) == "granted"


def test_a_fetch_that_lasts_is_not_waited_for_without_end() -> None:
    realm, key = _waiting()
    realm.holds_fetches = True
    realm["B"].finish(key)
    realm.pass_time(20.0)
    assert realm["C"].state(key) == "granted"
    realm.let_fetch()
    assert realm["C"].state(key) == "arrived"


def test_a_grant_is_kept_back_while_the_result_is_on_its_way() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm.holds_fetches = True
    realm["B"].want(key)
    realm["B"].hear("A", key)
    realm.settle()
    assert isinstance(realm["B"].last(key), TellHeld)
    realm.let_fetch()  # A does not have it
    assert realm["B"].last(key) == TellGranted(1, key, False)


def test_what_is_said_to_take_ages_is_believed_only_so_far() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key, estimate_s=1e6)
    realm["B"].want(key, estimate_s=1.0)
    realm.settle()
    said = realm["B"].last(key)
    assert isinstance(said, TellHeld)
    assert said.left_s <= 20.0
    realm.pass_time(65.0)
    assert realm["B"].last(key) == TellGranted(1, key, True)


def test_a_fetch_that_runs_is_not_begun_again_for_every_offer() -> None:
    realm, key = _waiting()
    realm.holds_fetches = True
    for _ in range(5):
        realm["C"].hear("B", key)
    fetches = [each for each in realm["C"].sent if isinstance(each, Fetch)]
    assert len(fetches) == 1


def test_what_nobody_waits_for_is_not_fetched() -> None:
    realm = Realm("A", "B")
    realm["A"].hear("B", bytes(32))
    assert realm["A"].sent == []


def test_a_member_that_is_gone_and_unknown_is_no_trouble() -> None:
    realm = Realm("A", "B")
    realm["A"].step(Gone("Z"))
    assert realm["A"].sent == []
