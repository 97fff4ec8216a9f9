"""What audits have found out here, as those who judge by it need it."""

from __future__ import annotations

from collections.abc import Iterable

from peer.identity import NodeId
from scheduler.audits import (
    KEPT_ENDED,
    EndedAudit,
    Reason,
    audit_history,
    has_open_audits,
    is_computable,
    request_audit,
)
from store import Digest, NodeKey, SqliteStore

CONCLUSIVE = frozenset({"confirmed", "differs"})
"""Verdicts after which it is known here what a node is."""


class Findings:
    """The last thing that audits found of every node.  One thread at a time."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._ended: dict[NodeKey, EndedAudit] = {}
        self._seen = 0

    def refresh(self) -> list[EndedAudit]:
        """Take over what audits found since the last time, and return it."""
        news = audit_history(self._store, after=self._seen, limit=KEPT_ENDED)[::-1]
        for ended in news:
            self._ended[ended.audit.key] = ended
            self._seen = ended.number
        return news

    def computed(self, key: NodeKey) -> Digest | None:
        """Return what a node was computed to by an audit; None: none was conclusive."""
        ended = self._ended.get(key)
        if ended is None or ended.verdict not in CONCLUSIVE:
            return None
        return ended.computed

    def operation(self, key: NodeKey) -> tuple[str, str] | None:
        """Return what computes a node, and its environment class, as audits found."""
        ended = self._ended.get(key)
        if ended is None or ended.verdict not in CONCLUSIVE or not ended.operation:
            return None
        return ended.operation, ended.environment

    def is_computable(self, key: NodeKey) -> bool:
        """Return whether an audit of a node may come to something."""
        ended = self._ended.get(key)
        if ended is not None and ended.verdict not in CONCLUSIVE:
            return False
        return is_computable(self._store, key)

    def has_suspicions(self) -> bool:
        """Return whether results are to be audited because of who signed them."""
        return has_open_audits(self._store, "suspicion")

    def request(self, keys: Iterable[NodeKey], reason: Reason) -> int:
        """Ask for audits; return of how many nodes it is known how to make them."""
        return len(request_audit(self._store, keys, reason))

    def confirmed_below(self, signer: NodeId, sequence: int) -> int:
        """Return the last record of a signer, before one, that was confirmed; or 0."""
        query = """SELECT key, digest, sequence FROM attestations
          WHERE signer = ? AND sequence < ? ORDER BY sequence DESC"""
        with self._store.database.read() as connection:
            for key, digest, number in connection.execute(query, (signer, sequence)):
                if self.computed(key) == digest:
                    return int(number)
        return 0
