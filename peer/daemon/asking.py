"""Asking neighbours for signed records, and judging what comes."""

from __future__ import annotations

from collections.abc import Sequence

from peer.events import event
from peer.identity import NodeId
from peer.trust import attestations
from peer.trust.attestations import Attestation
from peer.trust.conflicts import settled
from store import Digest, NodeKey

from .accepting import Accepted, Refused, accept
from .company import Company
from .quota import Quota
from .realm import Realm
from .traffic import Traffic

RECORDS_S = 5.0


class Asking:
    """Gets records.  Any thread may ask."""

    def __init__(
        self, realm: Realm, company: Company, traffic: Traffic, quota: Quota
    ) -> None:
        self._realm = realm
        self._store = realm.store
        self._company = company
        self._traffic = traffic
        self._quota = quota

    def records(self, node_id: NodeId, keys: set[NodeKey]) -> list[Accepted]:
        """Return the records of ``keys`` that a neighbour has and that count.

        Raises:
            ExchangeError: it does not answer as it should.
            StoreError: the store cannot be used.
        """
        link = self._company.link(node_id)
        if link is None:
            return []
        reply = link.records(sorted(keys), RECORDS_S)
        for chain in reply.chains:
            if self._realm.directory.learn(chain.certificates) is None:
                self._realm.counters.add("bad_chains")
        found: dict[NodeKey, Accepted] = {}
        for attested in reply.records:
            try:
                accepted = accept(self._realm, self._quota, attested, keys, node_id)
            except Refused as error:
                self.reject(node_id, f"refused_records_{error}")
                if error.evidence is not None:
                    self._witness(error.evidence)
                continue
            other = found.setdefault(accepted.key, accepted)
            if other.attestation.digest != accepted.attestation.digest:
                self._note_conflict(other)
                self._note_conflict(accepted)
                found.pop(accepted.key)
        return list(found.values())

    def disputed(self, records: Sequence[Accepted]) -> set[NodeKey]:
        """Return the keys for which another digest is known, which is noted."""
        keys = [each.key for each in records]
        known: dict[NodeKey, set[Digest]] = {}
        for key, found in self._store.lookup(keys).items():
            known.setdefault(key, set()).add(found.result.digest)
        for key, others in attestations.find(self._store, keys).items():
            known.setdefault(key, set()).update(
                each.digest
                for each in others
                if self._realm.accepts(each.signer, each.sequence)
            )
        # What was once in doubt and is not any more cannot be made doubtful again.
        for key in settled(self._store, keys):
            known.pop(key, None)
        disputed = set()
        for each in records:
            if not known.get(each.key, set()) <= {each.attestation.digest}:
                self._note_conflict(each)
                disputed.add(each.key)
        return disputed

    def _note_conflict(self, accepted: Accepted) -> None:
        record, attestation = accepted.record, accepted.attestation
        self._witness(attestation)
        self._store.note_conflict(
            accepted.key, attestation.digest, record.environment, "peer"
        )
        self._realm.counters.add("conflicts")
        event(
            "conflict",
            level=30,
            key=self._realm.log_id(accepted.key),
            signer=attestation.signer,
        )

    def _witness(self, attestation: Attestation) -> None:
        attestations.witness(self._store, attestation)
        self._realm.has_evidence.set()

    def reject(self, node_id: NodeId, counter: str) -> None:
        """Count something wrong that came from a neighbour."""
        self._traffic.add(node_id, rejected=1)
        self._realm.counters.add(counter)
