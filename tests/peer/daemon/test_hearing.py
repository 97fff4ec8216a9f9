"""What a machine does about what others dispute; no network."""

from __future__ import annotations

from peer.daemon.hearing import Hearing
from peer.daemon.realm import Realm as DaemonRealm
from peer.identity import Members, Standing
from peer.trust.judging import Judge
from peer.trust.quarantine import Quarantine
from peer.wire.v1 import records_pb2
from store import NodeKey, Result, digest_of
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Peer, key_of
from tests.peer.daemon.signing import OPERATION, audited, signed

NAMED = "test.worthwhile@1"
"""An operation that has nothing to do with the dispute."""


def record(
    signer: Peer, key: NodeKey, data: bytes, operation: str
) -> records_pb2.SignedRecord:
    result = Result(key, digest_of([data]), "bytes", 1, 1.0, 1.0, operation=operation)
    said = signed(signer, result, 1)
    return records_pb2.SignedRecord(record=said.record, signature=said.signature)


def dispute(
    issuer: Peer, accused: Peer, key: NodeKey, said: bytes, found: bytes, named: str
) -> list[records_pb2.SignedStatement]:
    """Return what a member says that accuses another one."""
    Members(issuer.store).remember(accused.identity.chain)
    standing = Standing(issuer.store, issuer.identity)
    standing.dispute(
        key,
        record(accused, key, said, OPERATION),
        record(issuer, key, found, named),
    )
    return standing.after([])


def hear(peer: Peer, statements: list[records_pb2.SignedStatement]) -> DaemonRealm:
    realm = DaemonRealm(peer.store, peer.identity)
    assert realm.take_statements(statements)
    judge = Judge(peer.store, peer.identity, realm.standing, realm.quarantine)
    judge.review()
    Hearing(realm, judge).step(0.0)
    return realm


def test_who_disputes_does_not_choose_what_is_shared_no_longer(realm: Realm) -> None:
    anna, bert, liar = realm("anna", "bert", "liar")
    key = key_of(1)
    said = digest_of([b"one lie"])
    audited(anna, key, said, b"right")
    statements = dispute(liar, bert, key, b"one lie", b"another", NAMED)
    assert (NAMED, "") not in hear(anna, statements).standing.unshareable()


def test_three_results_of_one_node_are_the_operations_fault(realm: Realm) -> None:
    anna, bert, cora = realm("anna", "bert", "cora")
    key = key_of(1)
    said = digest_of([b"one way"])
    audited(anna, key, said, b"the third")
    statements = dispute(cora, bert, key, b"one way", b"the other", OPERATION)
    assert hear(anna, statements).standing.unshareable() == {(OPERATION, "")}
    assert Quarantine(anna.store).all() == []
