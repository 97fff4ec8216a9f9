"""Runs of several machines that want the same nodes: what each of them is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from peer.daemon.claims import runs as claim_runs
from peer.identity.standing import Standing
from peer.local import claims, status
from scheduler.neighbours import Arrived, Free, Granted, Held
from store import Batch, NodeKey, Result
from tests.peer.daemon.claimers import Claimer, SilentRun, arbitrated_by, meet
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Peer, encoded, eventually, key_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]

TTL_S = 10.0
"""How long a lease lives that nobody renews."""

Runs = Callable[..., list[Claimer]]


@pytest.fixture
def runs() -> Iterator[Runs]:
    """Begin runs on machines; they end with the test."""
    begun: list[Claimer] = []

    def begin(*peers: Peer) -> list[Claimer]:
        new = [Claimer(peer) for peer in peers]
        begun.extend(new)
        for each in new:
            eventually(lambda each=each: not each.neighbours.is_alone)  # type: ignore[misc]
        return new

    yield begin
    for each in begun:
        each.close()


def counted(peer: Peer, name: str) -> int:
    return status(peer.store.path).counters.get(name, 0)


# ---- one computes, the others wait


@pytest.mark.parametrize("arbiter", ["anna", "bert"])
def test_of_two_machines_one_computes_and_the_other_gets_its_result(
    realm: Realm, runs: Runs, arbiter: str
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, bert)
    key = arbitrated_by(*(anna, bert) if arbiter == "anna" else (bert, anna))
    assert one.asked(key) == Granted(key)
    held = two.asked(key)
    assert isinstance(held, Held)
    assert held.holder == "anna"
    assert 0 < held.left_s <= 30
    assert not two.has(key)
    one.finish(key)
    arrived = two.wait(key, Arrived)
    assert isinstance(arrived, Arrived)
    assert arrived.source == "anna"
    assert two.has(key)
    assert Granted(key) not in two.told


def test_three_machines_share_many_nodes_without_doing_any_twice(
    realm: Realm, runs: Runs
) -> None:
    peers = realm("anna", "bert", "cleo")
    meet(*peers)
    claimers = runs(*peers)
    keys = [key_of(number) for number in range(30)]
    for each in claimers:
        each.claim(*keys)
    for each in claimers:
        eventually(lambda each=each: {it.key for it in each.told} == set(keys))  # type: ignore[misc]
    granted = {
        key: [each for each in claimers if Granted(key) in each.told] for key in keys
    }
    assert {len(holders) for holders in granted.values()} == {1}
    for key, (holder,) in granted.items():
        holder.finish(key)
    for each in claimers:
        eventually(lambda each=each: all(each.has(key) for key in keys))  # type: ignore[misc]


def test_a_result_that_turned_out_cheap_is_shared_with_who_waits(
    realm: Realm, runs: Runs
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, bert)
    key = key_of(1)
    one.asked(key)
    two.asked(key)
    one.finish(key, cost_s=0.001)
    two.wait(key, Arrived)


def test_who_asks_after_the_end_is_sent_to_the_result(realm: Realm, runs: Runs) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, bert)
    key = arbitrated_by(bert, anna)
    one.asked(key)
    one.finish(key)
    eventually(lambda: status(anna.store.path).shared_results == 1)
    two.claim(key)
    two.wait(key, Arrived)
    assert Granted(key) not in two.told


def test_what_a_neighbour_offers_is_fetched_whoever_computes_it(
    realm: Realm, runs: Runs
) -> None:
    anna, bert, cleo = realm("anna", "bert", "cleo")
    meet(anna, bert, cleo)
    one, two = runs(anna, bert)
    key = key_of(1)
    one.asked(key)
    assert isinstance(two.asked(key), Held)
    cleo.keep(key, b"from long ago")
    arrived = two.wait(key, Arrived)
    assert isinstance(arrived, Arrived)
    assert arrived.source == "cleo"


def test_what_a_neighbour_has_had_for_long_is_fetched_and_not_granted(
    realm: Realm, runs: Runs
) -> None:
    """No arbiter knows of it, as after the minute for which they remember."""
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    (run,) = runs(bert)
    key = arbitrated_by(bert, anna)
    anna.keep(key, b"from long ago")
    eventually(lambda: status(bert.store.path).peers[0].shared_results == 1)
    run.claim(key)
    arrived = run.wait(key, Arrived)
    assert isinstance(arrived, Arrived)
    assert arrived.source == "anna"
    assert Granted(key) not in run.told


def test_what_cannot_be_had_is_not_asked_for_again_and_again(
    realm: Realm, runs: Runs
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, bert)
    key = key_of(1)
    for number in range(2):  # of two digests that are known none is believed
        other = bert.store.put([encoded(b"value %d" % number)])
        bert.store.note_conflict(key, other, "", "local")
    one.asked(key)
    assert isinstance(two.asked(key), Held)
    anna.keep(key, b"offered")
    eventually(lambda: counted(anna, "served_records"))
    for number in range(4):  # each is news of anna's inventory
        anna.keep(key_of(100 + number), b"of no interest")
        eventually(
            lambda n=number: status(bert.store.path).peers[0].shared_results == n + 2  # type: ignore[misc]
        )
    assert counted(anna, "served_records") == 1
    assert not two.has(key)


# ---- ends without a result


@pytest.mark.parametrize("arbiter", ["anna", "bert"])
@pytest.mark.parametrize("ending", ["release", "close"])
def test_when_a_claim_ends_without_a_result_the_next_may_compute(
    realm: Realm, runs: Runs, arbiter: str, ending: str
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, bert)
    key = arbitrated_by(*(anna, bert) if arbiter == "anna" else (bert, anna))
    one.asked(key)
    assert isinstance(two.asked(key), Held)
    if ending == "release":
        one.neighbours.release([key])
    else:
        one.close()
    two.wait(key, Granted, seconds=TTL_S - 2)


def test_a_daemon_that_stops_gives_back_what_its_runs_hold(
    realm: Realm, runs: Runs
) -> None:
    anna, bert, cleo = realm("anna", "bert", "cleo")
    meet(anna, bert, cleo)
    one, two = runs(anna, bert)
    key = arbitrated_by(cleo, anna, bert)
    assert one.asked(key) == Granted(key)
    assert isinstance(two.asked(key), Held)
    anna.stop()
    two.wait(key, Granted, seconds=TTL_S - 2)


def test_a_node_that_fails_is_everybodys_own_to_find_out(
    realm: Realm, runs: Runs
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, bert)
    key = key_of(1)
    one.asked(key)
    assert isinstance(two.asked(key), Held)
    one.neighbours.release([key], has_failed=True)
    two.wait(key, Free)
    again = Claimer(bert)
    eventually(lambda: not again.neighbours.is_alone)
    assert again.asked(key) == Free(key)
    again.close()


def test_a_run_that_says_nothing_loses_its_claims_and_is_told(
    realm: Realm, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_runs, "SILENCE_S", 1.0)
    monkeypatch.setattr(claims, "BEAT_S", 0.1)
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    (two,) = runs(bert)
    key, other = key_of(1), key_of(2)
    assert two.asked(other) == Granted(other)
    frozen = SilentRun(anna)
    frozen.claim(key)
    assert frozen.hear().state == "granted"
    frozen.claim(other)
    assert frozen.hear().state == "held"
    assert isinstance(two.asked(key), Held)
    two.wait(key, Granted, seconds=TTL_S - 2)
    heard = frozen.hear()
    assert (heard.key, heard.state) == (other, "free")
    assert counted(anna, "claims_lapsed_runs") == 1
    frozen.claim(key)  # it goes on where it was
    assert frozen.hear().state == "held"
    frozen.close()


# ---- two runs of one machine


def test_two_runs_of_one_machine_share_a_node_through_the_daemon(
    realm: Realm, runs: Runs
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    for key in (arbitrated_by(anna, bert), arbitrated_by(bert, anna)):
        one, two = runs(anna, anna)
        assert one.asked(key) == Granted(key)
        held = two.asked(key)
        assert isinstance(held, Held)
        assert held.holder == "this machine"
        one.finish(key)
        arrived = two.wait(key, Arrived)
        assert isinstance(arrived, Arrived)
        assert arrived.source == "this machine"


def test_when_one_run_of_a_machine_dies_the_other_computes(
    realm: Realm, runs: Runs
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, anna)
    key = key_of(1)
    one.asked(key)
    assert isinstance(two.asked(key), Held)
    one.close()
    two.wait(key, Granted, seconds=TTL_S - 2)


def test_what_others_may_not_have_is_still_there_for_a_run_of_the_machine(
    realm: Realm, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_runs, "SETTLE_S", 0.2)
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two, there = runs(anna, anna, bert)
    key = key_of(1)
    assert one.asked(key) == Granted(key)
    two.asked(key)
    there.asked(key)
    payload = encoded(b"an input after all")
    digest = anna.store.put([payload])
    result = Result(key, digest, "bytes", len(payload), 30.0, 30.0, reveals_input=True)
    anna.store.commit(Batch(results=[result])).result()
    one.neighbours.publish([key])
    arrived = two.wait(key, Arrived)
    assert isinstance(arrived, Arrived)
    assert arrived.source == "this machine"
    there.wait(key, Granted, seconds=TTL_S - 2)
    assert not there.has(key)


def test_a_run_that_publishes_and_ends_at_once_has_not_worked_in_vain(
    realm: Realm, runs: Runs
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, bert)
    keys = [key_of(number) for number in range(8)]
    for key in keys:
        assert one.asked(key) == Granted(key)
        assert isinstance(two.asked(key), Held)
    for key in keys:
        one.finish(key)
    one.close()
    for key in keys:
        two.wait(key, Arrived)
    assert not [each for each in two.told if isinstance(each, Granted)]


# ---- what is not claimed at all


def test_alone_every_node_is_free(realm: Realm) -> None:
    (anna,) = realm("anna")
    anna.start()
    run = Claimer(anna)
    run.neighbours.is_alone  # noqa: B018 - connects
    assert run.asked(key_of(1)) == Free(key_of(1))
    run.close()


@pytest.mark.parametrize("share", ["none", "goals", "worth"])
def test_what_is_not_to_be_shared_is_free(realm: Realm, runs: Runs, share: str) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert, share=share)
    (run,) = runs(anna)
    goal, other, input_, huge = map(key_of, range(4))
    run.claim(goal, is_goal=True)
    run.claim(other)
    run.claim(input_, reveals_input=True, is_goal=True)
    run.claim(huge, size_bytes=10**10, estimate_s=1.0)
    eventually(lambda: len({each.key for each in run.told}) == 4)
    granted = {each.key for each in run.told if isinstance(each, Granted)}
    expected: dict[str, set[NodeKey]] = {
        "none": set(),
        "goals": {goal},
        "worth": {goal, other},
    }
    assert granted == expected[share]


def test_inputs_are_claimed_where_they_are_shared(realm: Realm, runs: Runs) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert, share_inputs=True)
    (run,) = runs(anna)
    run.claim(key_of(1), reveals_input=True)
    run.wait(key_of(1), Granted)


def test_what_was_forgotten_is_free(realm: Realm, runs: Runs) -> None:
    from peer.local import client

    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    (run,) = runs(anna)
    client.forget(anna.store.path, [key_of(1)])
    assert run.asked(key_of(1)) == Free(key_of(1))


def test_what_is_not_the_same_everywhere_is_free(realm: Realm, runs: Runs) -> None:
    anna, bert = realm("anna", "bert")
    Standing(anna.store, anna.identity).declare_unshareable("a.chance@1", "an os")
    meet(anna, bert)
    (run,) = runs(anna)
    chance, other = key_of(1), key_of(2)
    run.claim(chance, operation="a.chance@1", environment="an os")
    run.claim(other, operation="a.chance@1", environment="another")
    run.wait(chance, Free)
    run.wait(other, Granted)


# ---- seen


def test_claims_are_seen_in_the_status(realm: Realm, runs: Runs) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, bert)
    key = key_of(1)
    one.asked(key)
    two.asked(key)
    there = status(bert.store.path)
    assert there.claims["waiting_runs"] == 1
    assert there.claim_seconds["answer"][0] == 1
    one.finish(key)
    two.wait(key, Arrived)
    there = status(bert.store.path)
    assert there.claims["waiting_runs"] == 0
    assert there.claim_seconds["arrival"][0] == 1
    assert there.counters["claims_arrived"] == 1
    assert status(anna.store.path).counters["claims_granted"] == 1


def test_runs_hear_who_decides(realm: Realm, runs: Runs) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    one, two = runs(anna, bert)
    keys = [key_of(number) for number in range(40)]
    eventually(lambda: sum(one.neighbours.ranks(keys)) > 0)
    eventually(lambda: sum(two.neighbours.ranks(keys)) > 0)
    both = zip(one.neighbours.ranks(keys), two.neighbours.ranks(keys), strict=True)
    assert {frozenset(each) for each in both} == {frozenset({0, 1})}
    bert.stop()
    eventually(lambda: one.neighbours.ranks(keys) == [0] * len(keys))
