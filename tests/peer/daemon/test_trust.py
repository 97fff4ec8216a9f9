"""Daemons take, offer and keep only what they believe."""

from __future__ import annotations

import pytest

from peer.daemon.serving import OpenShared
from peer.identity import Standing
from peer.local import DaemonRefusedError, nudge, status, trust
from peer.trust.quarantine import Quarantine, Quarantined, now_ms
from scheduler.audits import Audit, note_audits, open_audits
from store import Batch, NodeKey, Recipe, Reliance, Result
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Asker, Peer, eventually, key_of
from tests.peer.daemon.signing import OPERATION, audited, compute, receive

pytestmark = pytest.mark.slow

KEY, OTHER, MORE = key_of(1), key_of(2), key_of(3)


def started(first: Peer, *others: Peer) -> None:
    first.start(share="all")
    for other in others:
        other.start(first, share="all")
    eventually(lambda: all(it.neighbours == len(others) for it in (first, *others)))


def refused(peer: Peer, reason: str) -> int:
    return status(peer.store.path).counters.get(f"refused_records_{reason}", 0)


def comes(peer: Peer, key: NodeKey) -> bool:
    """Return whether a result comes that is offered."""
    run = Asker(peer)
    eventually(lambda: key in run.locate(key))
    has_come = bool(run.fetch(key)[key].source)
    run.close()
    assert has_come == (key in peer.store.lookup([key]))
    return has_come


def quarantine(peer: Peer, member: Peer, from_sequence: int) -> None:
    node_id = member.identity.node_id
    entry = Quarantined(node_id, from_sequence, now_ms(), "computed here")
    Quarantine(peer.store).begin(entry)
    if peer.daemon is not None:
        nudge(peer.store.path)


def result_of(peer: Peer, key: NodeKey) -> Result:
    return peer.store.lookup([key])[key].result


def test_records_of_who_is_quarantined_are_refused_whoever_passes_them_on(
    realm: Realm,
) -> None:
    anna, bert, liar = realm("anna", "bert", "liar")
    receive(anna, liar, KEY, b"before", 4)
    receive(anna, liar, OTHER, b"after", 5)
    started(anna, bert)
    quarantine(bert, liar, 5)
    assert comes(bert, KEY)
    assert not comes(bert, OTHER)
    assert refused(bert, "quarantined") == 1
    assert result_of(bert, KEY).relies_on == (Reliance(liar.identity.node_id, 4),)


def test_what_rests_on_who_is_quarantined_is_refused_whoever_computed_it(
    realm: Realm,
) -> None:
    anna, bert, liar = realm("anna", "bert", "liar")
    relied = [Reliance(liar.identity.node_id, number) for number in (4, 5)]
    compute(anna, KEY, b"before", relied[:1])
    compute(anna, OTHER, b"after", relied[1:])
    started(anna, bert)
    quarantine(bert, liar, 5)
    assert comes(bert, KEY)
    assert not comes(bert, OTHER)
    assert refused(bert, "reliance") == 1
    me = anna.identity.node_id
    said = dict(result_of(bert, KEY).relies_on)
    assert said.keys() == {me, liar.identity.node_id}
    assert result_of(bert, KEY).operation == OPERATION


def test_what_rests_on_us_is_taken_unless_we_do_not_stand_by_it(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    relied = [Reliance(bert.identity.node_id, number) for number in (1, 2)]
    compute(anna, KEY, b"good", relied[:1])
    compute(anna, OTHER, b"withdrawn", relied[1:])
    Quarantine(bert.store).withdraw([(2, MORE)])
    started(anna, bert)
    assert comes(bert, KEY)
    assert not comes(bert, OTHER)
    assert refused(bert, "reliance") == 1


def test_what_was_found_wrong_here_is_refused_and_shows_who_signed_it(
    realm: Realm,
) -> None:
    anna, bert, liar = realm("anna", "bert", "liar")
    wrong = receive(bert, liar, KEY, b"wrong", 1)
    audited(bert, KEY, wrong, b"right")
    bert.store.remove([KEY])  # to make room, say
    compute(anna, KEY, b"wrong")
    started(anna, bert)
    assert not comes(bert, KEY)
    assert refused(bert, "wrong") == 1
    # It is the same lie; its signer is found wrong as well.
    eventually(lambda: len(Quarantine(bert.store).all()) == 2)


def test_results_of_what_is_not_the_same_everywhere_are_not_shared(
    realm: Realm,
) -> None:
    anna, bert, cora = realm("anna", "bert", "cora")
    compute(anna, KEY, b"one")
    compute(bert, OTHER, b"other")
    started(anna, bert, cora)
    assert comes(bert, KEY)
    bert.store.remove([KEY])
    assert bert.daemon is not None
    Standing(bert.store, bert.identity).declare_unshareable(OPERATION, "")
    nudge(bert.store.path)
    # Who says so neither takes nor offers it from then on.
    assert not comes(bert, KEY)
    assert refused(bert, "unshareable") == 1
    run = Asker(anna)
    eventually(lambda: not run.locate(OTHER))
    assert status(bert.store.path).unshareable == (OPERATION,)
    # One member alone takes it from nobody else.
    eventually(lambda: status(anna.store.path).peers)
    assert status(anna.store.path).unshareable == ()
    assert status(anna.store.path).shared_results == 1
    Standing(cora.store, cora.identity).declare_unshareable(OPERATION, "")
    nudge(cora.store.path)
    eventually(lambda: status(anna.store.path).shared_results == 0)
    run.close()


def test_two_results_of_one_node_are_a_reason_to_compute_it(realm: Realm) -> None:
    anna, bert, liar = realm("anna", "bert", "liar")
    compute(liar, KEY, b"shifted")
    receive(bert, anna, KEY, b"right", 1)
    plan = bert.store.put([b"a plan"])
    recipe = Recipe(KEY, b"recipe", plan)
    bert.store.commit(Batch(recipes=[recipe])).result()
    started(liar, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    assert not run.fetch(KEY)[KEY].source
    eventually(lambda: [it.key for it in open_audits(bert.store)] == [KEY])
    (audit,) = open_audits(bert.store)
    assert audit.reason == "dispute"
    assert status(bert.store.path).conflicts == 1
    run.close()
    # The audit shows who was right, although the other's was never taken.
    assert audit.digest == audited(bert, KEY, audit.digest, b"right")
    nudge(bert.store.path)
    eventually(lambda: Quarantine(bert.store).get(liar.identity.node_id))
    assert Quarantine(bert.store).get(anna.identity.node_id) is None
    assert status(bert.store.path).conflicts == 0
    assert KEY in bert.store.lookup([KEY])


def test_an_unsteady_operation_is_found_by_audits_and_told_once(realm: Realm) -> None:
    from scheduler.auditing import Outcome
    from scheduler.audits import end_audit

    anna, bert = realm("anna", "bert")
    said = receive(anna, bert, KEY, b"one", 1)
    note_audits(anna.store, [Audit(KEY, said, b"recipe", anna.store.put([b"plan"]))])
    (audit,) = open_audits(anna.store)
    found = Outcome(KEY, "unstable", operation=OPERATION, environment="here")
    end_audit(anna.store, audit, found)
    started(anna, bert)
    eventually(lambda: status(anna.store.path).unshareable)
    assert status(anna.store.path).unshareable == (f"{OPERATION} (here)",)
    assert Standing(anna.store, anna.identity).unshareable() == {(OPERATION, "here")}
    assert Quarantine(anna.store).all() == []


def test_status_tells_what_is_not_believed_and_trust_ends_it(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    compute(anna, KEY, b"good")
    started(anna, bert)
    node_id = anna.identity.node_id
    (before,) = status(bert.store.path).peers
    assert before.refused_from is None
    quarantine(bert, anna, 1)
    eventually(lambda: status(bert.store.path).peers[0].refused_from == 1)
    assert not comes(bert, KEY)
    assert "anna" in trust(bert.store.path, node_id)
    (after,) = status(bert.store.path).peers
    assert after.refused_from is None
    assert comes(bert, KEY)
    with pytest.raises(DaemonRefusedError, match="anna"):
        trust(bert.store.path, node_id)


def test_what_a_daemon_left_half_done_is_finished_when_it_starts(realm: Realm) -> None:
    anna, liar = realm("anna", "liar")
    receive(anna, liar, KEY, b"shifted", 1)
    compute(anna, OTHER, b"made of it", [Reliance(liar.identity.node_id, 1)])
    quarantine(anna, liar, 1)
    anna.start(share="all")
    assert anna.store.lookup([KEY, OTHER]) == {}
    assert status(anna.store.path).shared_results == 0


def test_a_run_that_goes_on_with_a_lie_leaves_nothing_of_it(realm: Realm) -> None:
    anna, liar = realm("anna", "liar")
    quarantine(anna, liar, 1)
    anna.start(share="all")
    compute(anna, OTHER, b"made of it", [Reliance(liar.identity.node_id, 1)])
    eventually(lambda: not anna.store.lookup([OTHER]))
    assert status(anna.store.path).shared_results == 0


def test_leaving_the_realm_ends_every_quarantine(realm: Realm) -> None:
    from peer.daemon import leave

    anna, liar = realm("anna", "liar")
    quarantine(anna, liar, 1)
    leave(anna.store)
    assert Quarantine(anna.store).all() == []


def test_a_server_of_damaged_artifacts_is_not_asked_any_more(
    realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bert = realm("anna", "bert")
    keys = [key_of(number) for number in range(10, 15)]
    for number, key in enumerate(keys):
        anna.keep(key, b"%d" % number * 50_000)
    started(anna, bert)
    run = Asker(bert)
    eventually(lambda: len(run.locate(*keys)) == 5)
    read = OpenShared.read

    def flipped(opened: OpenShared, index: int) -> memoryview:
        """Read as failing memory does, after the disk was found to be right."""
        chunk = bytearray(read(opened, index))
        chunk[len(chunk) // 2] ^= 1
        return memoryview(chunk)

    monkeypatch.setattr(OpenShared, "read", flipped)
    for key in keys[:3]:
        assert not run.fetch(key)[key].source
    (there,) = status(bert.store.path).peers
    assert there.is_barred
    assert run.locate(*keys) == {}
    assert status(bert.store.path).counters["servers_barred"] == 1
    # Its records count: nothing is wrong with what it computed.
    assert there.refused_from is None
    trust(bert.store.path, anna.identity.node_id)
    assert not status(bert.store.path).peers[0].is_barred
    run.close()
