"""Who was found wrong is not believed, and what rested on it goes; no network."""

from __future__ import annotations

import subprocess
import sys

import pytest

from peer.identity import NodeId, Standing
from peer.trust import judging
from peer.trust.judging import Judge
from peer.trust.quarantine import Quarantine, Quarantined, now_ms
from scheduler.auditing import Outcome
from scheduler.audits import Audit, end_audit, note_audits, open_audits
from store import Reliance, StoreFullError
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Peer, key_of
from tests.peer.daemon.signing import OPERATION, audited, compute, receive


def judge_of(peer: Peer) -> Judge:
    judge = Judge.of(peer.store)
    assert judge is not None
    return judge


def entry(peer: Peer) -> dict[NodeId, int]:
    return {it.member: it.from_sequence for it in Quarantine(peer.store).all()}


def held(peer: Peer, *numbers: int) -> list[int]:
    found = peer.store.lookup([key_of(number) for number in numbers])
    return [number for number in numbers if key_of(number) in found]


def test_a_member_is_quarantined_after_what_was_confirmed_last(realm: Realm) -> None:
    anna, liar = realm("anna", "liar")
    me = liar.identity.node_id
    said = [receive(anna, liar, key_of(it), b"true %d" % it, it) for it in range(1, 9)]
    audited(anna, key_of(3), said[2], b"true 3")
    wrong = receive(anna, liar, key_of(10), b"shifted", 10)
    derived = Reliance(me, 10)
    compute(anna, key_of(11), b"from a lie", [derived])
    compute(anna, key_of(12), b"from the truth", [Reliance(me, 2)])
    truth = audited(anna, key_of(10), wrong, b"right")
    (undone,) = judge_of(anna).review()
    assert entry(anna) == {me: 4}
    assert held(anna, *range(1, 13)) == [1, 2, 3, 10, 12]
    assert anna.store.lookup([key_of(10)])[key_of(10)].result.digest == truth
    assert undone.results == 6  # 4 to 8, and what was computed from the lie


def test_a_member_of_whom_nothing_was_confirmed_is_quarantined_altogether(
    realm: Realm,
) -> None:
    anna, liar = realm("anna", "liar")
    receive(anna, liar, key_of(1), b"true", 1)
    wrong = receive(anna, liar, key_of(2), b"shifted", 2)
    audited(anna, key_of(2), wrong, b"right")
    judge_of(anna).review()
    assert entry(anna) == {liar.identity.node_id: 1}
    assert held(anna, 1, 2) == [2]


def test_the_realm_is_told_with_both_signatures_and_once(realm: Realm) -> None:
    anna, liar = realm("anna", "liar")
    wrong = receive(anna, liar, key_of(2), b"shifted", 2)
    truth = audited(anna, key_of(2), wrong, b"right")
    for _ in range(2):
        judge_of(anna).review()
    (told,) = Standing(anna.store, anna.identity).disputes()
    assert (told.accused, told.said, told.computed) == (
        *(liar.identity.node_id, wrong, truth),
    )


def test_what_a_crash_left_half_done_is_finished_by_the_next_process(
    realm: Realm,
) -> None:
    anna, liar = realm("anna", "liar")
    receive(anna, liar, key_of(1), b"shifted", 1)
    found = Quarantined(liar.identity.node_id, 1, now_ms(), "computed here")
    Quarantine(anna.store).begin(found)
    assert held(anna, 1) == [1]
    judge_of(anna).enforce()
    assert held(anna, 1) == []


def test_what_a_run_still_computes_from_a_lie_goes_as_well(realm: Realm) -> None:
    anna, liar = realm("anna", "liar")
    wrong = receive(anna, liar, key_of(1), b"shifted", 1)
    audited(anna, key_of(1), wrong, b"right")
    judge = judge_of(anna)
    judge.review()
    compute(anna, key_of(2), b"late", [Reliance(liar.identity.node_id, 1)])
    assert [it.results for it in judge.enforce()] == [1]
    assert held(anna, 1, 2) == [1]


def test_other_results_of_a_liar_that_stay_are_audited(realm: Realm) -> None:
    anna, liar = realm("anna", "liar")
    receive(anna, liar, key_of(1), b"true", 1)
    second = receive(anna, liar, key_of(2), b"true 2", 2)
    audited(anna, key_of(2), second, b"true 2")
    wrong = receive(anna, liar, key_of(3), b"shifted", 3)
    audited(anna, key_of(3), wrong, b"right")
    judge_of(anna).review()
    assert entry(anna) == {liar.identity.node_id: 3}
    assert held(anna, 1, 2, 3) == [1, 2, 3]
    # The second is our own by now.
    asked = [(it.key, it.reason) for it in open_audits(anna.store)]
    assert asked == [(key_of(1), "suspicion")]


def test_who_computed_from_a_lie_in_good_faith_is_taken_back(realm: Realm) -> None:
    anna, liar, bert = realm("anna", "liar", "bert")
    lied = Reliance(liar.identity.node_id, 5)
    before = receive(anna, bert, key_of(20), b"true", 20)
    tainted = receive(anna, bert, key_of(21), b"from a lie", 21, [lied])
    audited(anna, key_of(21), tainted, b"right")
    judge = judge_of(anna)
    judge.review()
    # It is not known yet whose fault it is: nothing from there on is believed.
    assert entry(anna) == {bert.identity.node_id: 21}
    assert held(anna, 20, 21) == [20, 21]
    wrong = receive(anna, liar, key_of(5), b"shifted", 5)
    audited(anna, key_of(5), wrong, b"true 5")
    judge.review()
    assert entry(anna) == {liar.identity.node_id: 1}
    assert before
    # Nor is bert found guilty of it again.
    judge_of(anna).review()
    assert entry(anna) == {liar.identity.node_id: 1}


def test_an_excuse_does_not_clear_who_lies_without_one(realm: Realm) -> None:
    anna, liar, bert = realm("anna", "liar", "bert")
    lied = Reliance(liar.identity.node_id, 5)
    tainted = receive(anna, bert, key_of(21), b"from a lie", 21, [lied])
    audited(anna, key_of(21), tainted, b"right")
    own = receive(anna, bert, key_of(19), b"shifted", 19)
    audited(anna, key_of(19), own, b"true 19")
    wrong = receive(anna, liar, key_of(5), b"shifted", 5)
    audited(anna, key_of(5), wrong, b"true 5")
    judge_of(anna).review()
    assert entry(anna).keys() == {liar.identity.node_id, bert.identity.node_id}


def test_two_who_blame_each_other_are_both_refused(realm: Realm) -> None:
    anna, one, two = realm("anna", "one", "two")
    for number, (signer, other) in enumerate(((one, two), (two, one)), 1):
        blamed = Reliance(other.identity.node_id, 1)
        wrong = receive(anna, signer, key_of(number), b"shifted", 7, [blamed])
        audited(anna, key_of(number), wrong, b"right")
    judge_of(anna).review()
    assert entry(anna).keys() == {one.identity.node_id, two.identity.node_id}


def test_who_is_trusted_again_stays_so_until_it_lies_again(realm: Realm) -> None:
    anna, liar = realm("anna", "liar")
    wrong = receive(anna, liar, key_of(1), b"shifted", 1)
    audited(anna, key_of(1), wrong, b"right")
    judge_of(anna).review()
    assert Quarantine(anna.store).lift(liar.identity.node_id)
    assert not Quarantine(anna.store).lift(liar.identity.node_id)
    judge_of(anna).review()
    assert entry(anna) == {}
    again = receive(anna, liar, key_of(2), b"shifted", 2)
    audited(anna, key_of(2), again, b"right")
    judge_of(anna).review()
    assert entry(anna) == {liar.identity.node_id: 1}


def test_nobody_is_blamed_for_what_comes_out_in_two_ways(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    said = receive(anna, bert, key_of(1), b"one way", 1)
    audited(anna, key_of(1), said, b"the other")
    judge_of(anna).review()
    assert entry(anna) == {bert.identity.node_id: 1}
    again = receive(anna, bert, key_of(2), b"one way", 2)
    plan = anna.store.put([b"a plan"])
    note_audits(anna.store, [Audit(key_of(2), again, b"recipe", plan)])
    (audit,) = open_audits(anna.store)
    end_audit(anna.store, audit, Outcome(key_of(2), "unstable", operation=OPERATION))
    judge_of(anna).review()
    assert entry(anna) == {}
    third = receive(anna, bert, key_of(3), b"one way", 3)
    audited(anna, key_of(3), third, b"the other")
    judge_of(anna).review()
    assert entry(anna) == {}


def test_records_of_our_own_that_rested_on_a_lie_are_withdrawn(realm: Realm) -> None:
    from peer.identity import Signer

    anna, liar = realm("anna", "liar")
    wrong = receive(anna, liar, key_of(1), b"shifted", 1)
    compute(anna, key_of(2), b"made of it", [Reliance(liar.identity.node_id, 1)])
    result = anna.store.lookup([key_of(2)])[key_of(2)].result
    Signer(anna.store, anna.identity).sign([result])
    with anna.store.database.read() as connection:
        query = "SELECT sequence FROM attestations WHERE key = ?"
        (sequence,) = connection.execute(query, (key_of(2),)).fetchone()
    audited(anna, key_of(1), wrong, b"right")
    (undone,) = judge_of(anna).review()
    assert undone.withdrawn == 1
    assert Quarantine(anna.store).has_withdrawn(sequence)
    assert held(anna, 1, 2) == [1]


def test_a_store_without_a_realm_has_nothing_to_judge(realm: Realm) -> None:
    from peer.identity import leave_realm

    (anna,) = realm("anna")
    leave_realm(anna.store)
    assert Judge.of(anna.store) is None


@pytest.mark.slow
def test_judging_takes_no_network() -> None:
    code = (
        "import sys, peer.trust.judging;"
        "print(*{'grpc', 'zeroconf', 'SimpleITK', 'numpy'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_what_others_made_of_our_own_error_does_not_come_back_by_a_later_number(
    realm: Realm,
) -> None:
    from peer.daemon.realm import Realm as DaemonRealm
    from peer.identity import Signer

    anna, bert = realm("anna", "bert")
    said = compute(anna, key_of(1), b"a bit has flipped")
    compute(anna, key_of(2), b"true")
    found = anna.store.lookup([key_of(1), key_of(2)])
    Signer(anna.store, anna.identity).sign([found[key_of(it)].result for it in (1, 2)])
    me = anna.identity.node_id
    with anna.store.database.read() as connection:
        query = "SELECT key, sequence FROM attestations"
        number = dict(connection.execute(query).fetchall())
    highest = Reliance(me, max(number.values()))
    receive(anna, bert, key_of(3), b"made of both", 1, [highest])
    audited(anna, key_of(1), said, b"right")
    judge_of(anna).review()
    assert held(anna, 2, 3) == [2]
    # Who made it still has it.
    assert not DaemonRealm(anna.store, anna.identity).may_rest_on([highest])
    before = Reliance(me, number[key_of(1)] - 1)
    assert DaemonRealm(anna.store, anna.identity).may_rest_on([before])


def test_a_liar_does_not_choose_what_its_lie_was_computed_by(realm: Realm) -> None:
    anna, liar, bert = realm("anna", "liar", "bert")
    shaky = receive(anna, bert, key_of(2), b"one way", 2)
    plan = anna.store.put([b"a plan"])
    note_audits(anna.store, [Audit(key_of(2), shaky, b"recipe", plan)])
    (audit,) = open_audits(anna.store)
    # It names an operation that is known not to be deterministic.
    unstable = Outcome(key_of(2), "unstable", operation=OPERATION)
    end_audit(anna.store, audit, unstable)
    wrong = receive(anna, liar, key_of(1), b"shifted", 1)
    audited(anna, key_of(1), wrong, b"right", operation="test.threshold@1")
    judge_of(anna).review()
    assert entry(anna) == {liar.identity.node_id: 1}


def test_what_a_member_has_signed_it_does_not_take_back_by_signing_again(
    realm: Realm,
) -> None:
    anna, liar = realm("anna", "liar")
    wrong = receive(anna, liar, key_of(1), b"shifted", 5)
    tainted = Reliance(liar.identity.node_id, 5)
    compute(anna, key_of(2), b"made of it", [tainted])
    between = receive(anna, liar, key_of(3), b"true", 6)
    audited(anna, key_of(3), between, b"true")
    anna.store.remove([key_of(1)])  # to make room, say
    receive(anna, liar, key_of(1), b"shifted", 7)
    audited(anna, key_of(1), wrong, b"right")
    judge_of(anna).review()
    assert entry(anna) == {liar.identity.node_id: 1}
    assert held(anna, 1, 2, 3) == [1, 3]


def test_a_lie_stays_one_after_its_signer_has_signed_the_truth(realm: Realm) -> None:
    anna, liar = realm("anna", "liar")
    wrong = receive(anna, liar, key_of(1), b"shifted", 5)
    compute(anna, key_of(2), b"made of it", [Reliance(liar.identity.node_id, 5)])
    anna.store.remove([key_of(1)])  # to make room, say
    receive(anna, liar, key_of(1), b"right", 6)
    audited(anna, key_of(1), wrong, b"right")
    judge_of(anna).review()
    assert entry(anna) == {liar.identity.node_id: 1}
    assert held(anna, 1, 2) == [1]


def test_all_that_is_left_of_a_liar_is_audited_a_part_at_a_time(
    realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "MOST_REAUDITS", 2)
    anna, liar = realm("anna", "liar")
    said = {it: receive(anna, liar, key_of(it), b"%d" % it, it) for it in range(1, 7)}
    audited(anna, key_of(6), said[6], b"6")
    wrong = receive(anna, liar, key_of(7), b"shifted", 7)
    audited(anna, key_of(7), wrong, b"right")
    judge = judge_of(anna)
    seen: list[int] = []
    while judge.review() or open_audits(anna.store):
        asked = [
            it for it in said if key_of(it) in {a.key for a in open_audits(anna.store)}
        ]
        assert len(asked) <= 2
        for number in asked:
            seen.append(number)
            audited(anna, key_of(number), said[number], b"%d" % number)
    assert sorted(seen) == [1, 2, 3, 4, 5]


def test_what_could_not_be_written_is_judged_the_next_time(
    realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, one, two = realm("anna", "one", "two")
    for number, signer in enumerate((one, two), 1):
        wrong = receive(anna, signer, key_of(number), b"shifted", number)
        audited(anna, key_of(number), wrong, b"right")
    judge = judge_of(anna)

    def fail(*_: object) -> bool:
        raise StoreFullError("no room")

    with monkeypatch.context() as context:
        context.setattr(Quarantine, "begin", fail)
        with pytest.raises(StoreFullError):
            judge.review()
    judge.review()
    assert entry(anna).keys() == {one.identity.node_id, two.identity.node_id}
