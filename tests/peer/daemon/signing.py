"""Results of others as they lie in a store, and audits as they end there."""

from __future__ import annotations

from collections.abc import Sequence

from peer.identity import Members
from peer.identity.authentic import DOMAIN
from peer.identity.records import encode
from peer.trust import attestations
from peer.trust.attestations import Attestation
from scheduler.auditing import Outcome
from scheduler.audits import Audit, Verdict, end_audit, note_audits, open_audits
from store import Batch, Digest, NodeKey, Reliance, Result
from tests.peer.daemon.harness import Peer, encoded

OPERATION = "test.blur@1"


def signed(
    signer: Peer, result: Result, sequence: int, relies_on: Sequence[Reliance] = ()
) -> Attestation:
    """Return a record as ``signer`` signs it, whatever its own store thinks of it."""
    identity = signer.identity
    local = Result(
        *(result.key, result.digest, result.kind, result.size_bytes),
        *(result.cost_s, result.subtree_s, result.environment),
        operation=result.operation,
        relies_on=tuple(relies_on),
    )
    record = encode(local, identity, sequence, 1_000_000_000)
    signature = identity.sign(DOMAIN + record)
    return Attestation(
        *(result.key, identity.node_id, result.digest, sequence),
        *(record, signature, identity.node_id),
    )


def receive(
    peer: Peer,
    signer: Peer,
    key: NodeKey,
    data: bytes,
    sequence: int,
    relies_on: Sequence[Reliance] = (),
) -> Digest:
    """Keep a result that ``signer`` signed, as if it had been fetched."""
    payload = encoded(data)
    digest = peer.store.put([payload])
    own = Reliance(signer.identity.node_id, sequence)
    result = Result(
        *(key, digest, "bytes", len(payload), 1.0, 1.0),
        origin="peer",
        recipe=b"recipe",
        plan=peer.store.put([b"a plan"]),
        operation=OPERATION,
        relies_on=tuple(sorted((own, *relies_on))),
    )
    Members(peer.store).remember(signer.identity.chain)
    said = signed(signer, result, sequence, relies_on)
    attestations.add(peer.store, [said])
    peer.store.commit(Batch(results=[result])).result()
    return digest


def compute(
    peer: Peer, key: NodeKey, data: bytes, relies_on: Sequence[Reliance] = ()
) -> Digest:
    """Keep a result as a run does that has computed it."""
    payload = encoded(data)
    digest = peer.store.put([payload])
    result = Result(
        *(key, digest, "bytes", len(payload), 1.0, 1.0),
        operation=OPERATION,
        relies_on=tuple(relies_on),
    )
    peer.store.commit(Batch(results=[result])).result()
    return digest


def audited(
    peer: Peer,
    key: NodeKey,
    said: Digest,
    data: bytes,
    operation: str = OPERATION,
) -> Digest:
    """Let an audit of a node end, which has computed it twice to ``data``."""
    plan = peer.store.put([b"a plan"])
    note_audits(peer.store, [Audit(key, said, b"recipe", plan)])
    for _ in range(2):  # the first puts it in doubt, the second settles it
        digest = compute(peer, key, data)
    verdict: Verdict = "confirmed" if digest == said else "differs"
    (audit,) = [it for it in open_audits(peer.store) if it.key == key]
    end_audit(peer.store, audit, Outcome(key, verdict, digest, operation=operation))
    return digest
