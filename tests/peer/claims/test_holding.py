"""Leases: renewed, told to a second arbiter, lost, and ended."""

from __future__ import annotations

from peer.claims.messages import (
    HeldBy,
    Item,
    Release,
    Released,
    Renew,
    TellGranted,
    TellHeld,
)

from .realm import Peer, Realm, key_ranked


def _held_by(name: str, estimate_s: float = 60.0) -> tuple[Realm, bytes]:
    realm = Realm("A", "B", "C", "D")
    key = key_ranked("A", "B", "C", "D")
    realm[name].want(key, estimate_s=estimate_s)
    realm.settle()
    assert realm[name].state(key) == "granted"
    return realm, key


def _renewed_at(peer: Peer) -> list[str]:
    return [each.to for each in peer.sent if isinstance(each, Renew)]


def _released_at(peer: Peer) -> dict[str, Released]:
    return {
        each.to: each.released[0] for each in peer.sent if isinstance(each, Release)
    }


def _holder_says(realm: Realm, asked: str, by: str, key: bytes) -> str:
    """Return who holds a node, as a peer answers."""
    claims = realm[asked].claims
    (answer,) = claims.claim(realm.now, by, realm[by].boot_id, [Item(key, 1000)])
    assert isinstance(answer, HeldBy)
    return answer.holder


def test_a_lease_is_renewed_where_it_was_granted_and_at_the_next_in_order() -> None:
    realm, key = _held_by("D")
    realm.pass_time(10.0)
    renewed = _renewed_at(realm["D"])
    assert set(renewed) == {"A", "B"}
    assert 3 <= renewed.count("A") <= 4
    realm.pass_time(20.0)
    realm["C"].want(key)
    realm.settle()
    assert realm["C"].holder(key) == "D"


def test_many_leases_are_renewed_in_one_message() -> None:
    realm = Realm("A", "B", "C")
    keys = [key_ranked("A", "B", "C", start=n * 1000) for n in range(10)]
    for key in keys:
        realm.pass_time(0.02)
        realm["C"].want(key, estimate_s=60.0)
    realm.pass_time(2.0)
    assert sorted(_renewed_at(realm["C"])) == ["A", "B"]


def test_when_the_arbiter_dies_the_next_knows_the_holder() -> None:
    realm, key = _held_by("D")
    realm.pass_time(2.0)
    realm.kill("A")
    realm["C"].want(key)
    realm.pass_time(1.0)
    assert realm["C"].holder(key) == "D"


def test_when_the_arbiter_is_gone_the_lease_moves_on_to_the_next() -> None:
    realm, key = _held_by("D")
    realm.pass_time(2.0)
    realm.kill("A")
    realm.miss("A")
    realm.pass_time(1.0)
    realm.kill("B")
    realm.miss("B")
    realm.pass_time(0.0)
    realm["C"].want(key)
    realm.settle()
    assert realm["C"].holder(key) == "D"


def test_an_arbiter_in_a_new_life_learns_of_the_lease_from_its_renewal() -> None:
    realm, key = _held_by("D")
    realm.pass_time(2.0)
    realm.kill("A")
    realm.restart("A")
    realm.pass_time(3.5)
    realm["C"].want(key)
    realm.settle()
    assert realm["C"].holder(key) == "D"


def test_an_arbiter_that_is_known_to_have_begun_anew_learns_of_the_lease_soon() -> None:
    realm, key = _held_by("D")
    realm.pass_time(3.0)
    realm.kill("A")
    realm.restart("A")
    realm.miss("A")
    realm.pass_time(1.0)
    realm["C"].want(key)
    realm.settle()
    assert realm["C"].holder(key) == "D"


def test_a_lease_that_others_hold_is_lost_and_the_computation_goes_on() -> None:
    realm, key = _held_by("D")
    realm.kill("A")
    realm.restart("A")
    realm["C"].want(key)  # before the renewal
    realm.settle()
    assert realm["C"].state(key) == "granted"
    realm.pass_time(4.0)
    assert realm["D"].counts["leases_lost"] == 1
    assert realm["D"].state(key) == "granted"
    realm.pass_time(10.0)
    assert realm["D"].counts["leases_lost"] == 1


def test_the_holder_itself_always_answers_that_it_is_one() -> None:
    realm, key = _held_by("D")
    assert _holder_says(realm, "D", "C", key) == "D"


def test_who_began_without_a_grant_answers_that_it_computes() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm.kill("A")
    realm["C"].want(key)
    realm["C"].begin(key)
    assert _holder_says(realm, "C", "B", key) == "C"


def test_who_began_without_a_grant_is_granted_when_somebody_answers() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm.kill("A")
    realm["C"].want(key)
    realm["C"].begin(key)
    realm.pass_time(1.0)
    assert realm["C"].last(key) == TellGranted(1, key, False)
    assert realm["C"].counts["begun_without_grant"] == 1
    realm["B"].want(key)
    realm.pass_time(1.0)
    assert realm["B"].holder(key) == "C"


def test_who_began_without_a_grant_is_told_who_else_computes() -> None:
    realm = Realm("A", "B", "C", "D")
    key = key_ranked("A", "B", "C", "D")
    realm["B"].want(key, estimate_s=9.0)
    realm.settle()
    realm.kill("A")
    realm.pass_time(1.5)
    realm["D"].want(key)
    realm["D"].begin(key)
    realm.pass_time(1.0)
    assert realm["D"].holder(key) == "B"


def test_who_began_and_abandons_waits_again() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key, estimate_s=2.0)
    realm["B"].want(key)
    realm.settle()
    realm["B"].begin(key)
    realm.pass_time(0.1)
    realm["B"].want(key)
    realm.settle()
    assert realm["B"].holder(key) == "A"
    realm["A"].finish(key)
    realm.pass_time(3.0)
    assert realm["B"].state(key) == "arrived"


def test_while_it_computes_a_peer_does_not_ask_again() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key, estimate_s=20.0)
    realm["B"].want(key, estimate_s=20.0)
    realm.settle()
    realm["B"].begin(key)
    before = len(realm["B"].asked(key))
    realm.pass_time(15.0)
    assert len(realm["B"].asked(key)) == before


def test_a_result_is_told_to_the_arbiter_and_the_next() -> None:
    realm, key = _held_by("D")
    realm["D"].finish(key)
    released = _released_at(realm["D"])
    assert set(released) == {"A", "B"}
    assert all(each.is_done for each in released.values())


def test_when_the_arbiter_dies_with_the_news_the_next_knows_the_result() -> None:
    realm, key = _held_by("D")
    realm["D"].finish(key)
    realm.kill("A")
    realm["C"].want(key)
    realm.pass_time(1.0)
    assert realm["C"].state(key) == "arrived"


def test_what_is_given_up_is_released_where_it_is_known() -> None:
    realm, key = _held_by("D")
    realm.pass_time(2.0)
    realm["D"].give_up(key)
    released = _released_at(realm["D"])
    assert set(released) == {"A", "B"}
    assert not any(each.is_done for each in released.values())


def test_a_renewal_that_fails_is_made_again_before_the_arbiter_is_suspected() -> None:
    realm, _ = _held_by("D")
    realm.lost.add(Renew)
    realm.pass_time(2.5)
    realm.lost.clear()
    realm.pass_time(3.0)
    other = key_ranked("A", "B", "C", "D", start=7000)
    realm["D"].want(other)
    assert realm["D"].asked(other) == ["A"]


def test_a_lease_outlives_renewals_that_are_lost_for_a_while() -> None:
    realm, key = _held_by("D")
    realm.pass_time(5.0)
    realm.lost.add(Renew)
    realm.pass_time(5.0)
    realm.lost.clear()
    realm["C"].want(key, estimate_s=60.0)
    realm.pass_time(10.0)
    assert isinstance(realm["C"].last(key), TellHeld)


def test_a_result_that_comes_from_elsewhere_ends_the_lease() -> None:
    realm, key = _held_by("D")
    realm["B"].store.add(key)
    realm["D"].hear("B", key)
    realm.settle()
    assert realm["D"].state(key) == "arrived"
    assert set(_released_at(realm["D"])) >= {"A"}


def test_what_is_as_good_as_computed_is_not_fetched() -> None:
    realm, key = _held_by("D", estimate_s=1.0)
    realm.pass_time(0.9)
    realm["B"].store.add(key)
    realm["D"].hear("B", key)
    realm.settle()
    assert realm["D"].state(key) == "granted"
