"""What follows from statements: whose links end, and which results go."""

from __future__ import annotations

import threading

from peer.events import event
from peer.forgetting import drop_forgotten
from peer.identity import NodeId
from peer.trust import attestations
from peer.trust.undoing import Remove, undo
from store import SqliteStore

from .company import Company
from .realm import Realm


class Consequences:
    """Makes the store and the links agree with the realm's statements."""

    def __init__(self, realm: Realm, company: Company, remove: Remove) -> None:
        self._realm = realm
        self._store: SqliteStore = realm.store
        self._company = company
        self._remove = remove
        self._cut: set[NodeId] = set()
        self._digest = b""
        self._lock = threading.Lock()

    def apply(self) -> None:
        """Apply what is new since the last time; cheap if nothing is."""
        with self._lock:
            digest = self._realm.statements_digest
            if digest == self._digest:
                return
            self.cut_links()
            revoked = self._realm.standing.revoked()
            for signer in {*attestations.signers(self._store), *revoked}:
                first = self._realm.refused_from(signer)
                if first is not None:
                    self._drop(signer, first)
            forgotten = self.remove_forgotten()
            if forgotten:
                event("forget", results=forgotten)
            self._digest = digest

    def remove_forgotten(self) -> int:
        """Remove every result that has to be forgotten; return how many."""
        return drop_forgotten(
            self._store, self._realm.standing.forgotten_among, self._remove
        )

    def cut_links(self) -> None:
        """End the links of who is no member any more; quick, to be done at once."""
        known = {*self._realm.standing.revoked(), *self._company.all()}
        for node_id in known - self._cut:
            if self._realm.refused_from(node_id) is not None:
                self._cut.add(node_id)
                self._company.cut(node_id)
                event("revoke", level=30, peer=node_id)

    def _drop(self, signer: NodeId, from_sequence: int) -> None:
        """Drop what rests on a signer's word alone, from a record on."""
        me = self._realm.identity.node_id
        withdraw = self._realm.quarantine.withdraw
        undone = undo(self._store, me, signer, from_sequence, self._remove, withdraw)
        if undone.results:
            event("drop", level=30, signer=signer, results=undone.results)
