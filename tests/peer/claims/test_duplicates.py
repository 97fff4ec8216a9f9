"""Executions that were one too many are counted by their causes."""

from __future__ import annotations

from peer.claims.messages import Members

from .realm import Realm, key_ranked


def _causes(realm: Realm) -> dict[str, int]:
    """Return the duplicates that all peers counted together, by cause."""
    causes: dict[str, int] = {}
    for peer in realm.peers.values():
        for name, count in peer.counts.items():
            cause = name.removeprefix("duplicate_executions_")
            if cause != name:
                causes[cause] = causes.get(cause, 0) + count
    return causes


def test_one_execution_is_no_duplicate() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key)
    realm["B"].want(key)
    realm.settle()
    realm["A"].finish(key)
    realm.pass_time(3.0)
    realm["A"].hear("B", key)  # which has fetched it
    assert _causes(realm) == {}


def test_of_two_executions_the_later_counts_and_once() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key)
    realm["B"].want(key)
    realm.settle()
    realm["B"].begin(key)
    realm.pass_time(0.9)
    realm["A"].finish(key)
    realm["B"].hear("A", key)
    realm["B"].finish(key)
    realm["A"].hear("B", key)
    realm.settle()
    assert _causes(realm) == {"begun": 1}


def test_a_result_that_came_before_the_end_counts_when_the_end_comes() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key, estimate_s=9.0)
    realm["B"].want(key, estimate_s=9.0)
    realm.settle()
    realm["B"].begin(key)
    realm["A"].finish(key)
    realm["B"].hear("A", key)
    realm.settle()
    assert realm["B"].state(key) == "arrived"
    assert _causes(realm) == {}
    realm["B"].finish(key)  # too late to be stopped
    assert _causes(realm) == {"begun": 1}


def test_a_hedge_that_comes_second_is_a_hedge() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key)
    realm["B"].want(key)
    realm.pass_time(8.0)
    assert realm["B"].counts["hedges_granted"] == 1
    realm["A"].finish(key)
    realm.holds_fetches = True
    realm["B"].hear("A", key)
    realm["B"].finish(key)
    assert _causes(realm) == {"hedge": 1}


def test_a_slow_holder_that_comes_after_its_hedge_is_a_hedge() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key)
    realm["B"].want(key)
    realm.pass_time(8.0)
    realm.holds_fetches = True
    realm["B"].finish(key)
    realm["A"].hear("B", key)
    realm["A"].finish(key)
    assert _causes(realm) == {"hedge": 1}


def test_an_arbiter_that_forgot_is_the_cause_when_a_lease_was_lost() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm["B"].want(key, estimate_s=30.0)
    realm.settle()
    realm.kill("A")
    realm.restart("A")
    realm["C"].want(key, estimate_s=30.0)
    realm.pass_time(5.0)
    assert realm["B"].state(key) == realm["C"].state(key) == "granted"
    realm.holds_fetches = True
    realm["C"].finish(key)
    realm["B"].hear("C", key)
    realm["B"].finish(key)
    assert _causes(realm) == {"arbiter_lost": 1}


def _divided() -> tuple[Realm, bytes]:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm.separate("A", "B")
    realm["B"].want(key, estimate_s=30.0)
    realm["A"].want(key, estimate_s=30.0)
    realm.pass_time(1.0)
    assert realm["A"].state(key) == realm["B"].state(key) == "granted"
    return realm, key


def test_who_was_out_of_sight_at_the_start_was_behind_a_partition() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    for name, other in (("A", "C"), ("C", "A")):
        realm[name].step(Members(frozenset({"B"})))
        realm.separate(name, other)
    realm.separate("B", "C")
    realm.separate("A", "B")
    realm["A"].want(key, estimate_s=30.0)
    realm["C"].want(key, estimate_s=30.0)
    realm.pass_time(2.0)
    realm.cut.clear()
    realm.meet()
    realm["A"].finish(key)
    realm.holds_fetches = True
    realm["C"].hear("A", key)
    realm["C"].finish(key)
    assert _causes(realm) == {"partition": 1}


def test_a_grant_of_a_second_choice_is_a_matter_of_views() -> None:
    realm, key = _divided()
    realm.cut.clear()
    realm.meet()
    realm["A"].finish(key)
    realm.holds_fetches = True
    realm["B"].hear("A", key)
    realm["B"].finish(key)
    assert _causes(realm) == {"view": 1}


def test_who_finished_first_counts_a_rival_that_it_knew_of() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key)
    realm["B"].want(key)
    realm.settle()
    realm["B"].begin(key)
    realm.pass_time(0.5)
    realm["B"].finish(key)
    realm["B"].hear("A", key)
    realm["B"].hear("A", key)
    assert _causes(realm) == {"begun": 1}
