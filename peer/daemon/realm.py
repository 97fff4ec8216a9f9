"""The realm as one daemon holds it: who we are, who counts, what was counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from peer.exchange import Counters, Credentials
from peer.identity import (
    Identity,
    IdentityError,
    NodeId,
    RealmKeys,
    Standing,
    StatementRefused,
)
from peer.trust.quarantine import Quarantine
from peer.wire.v1 import peer_pb2, records_pb2
from store import NodeKey, Reliance, SqliteStore

from .members import Directory


class Realm:
    """What all parts of a daemon know of their realm.  Any thread may use it."""

    def __init__(self, store: SqliteStore, identity: Identity) -> None:
        self.store = store
        self.identity = identity
        self.keys: RealmKeys = identity.keys
        self.standing = Standing(store, identity)
        self.quarantine = Quarantine(store)
        self.directory = Directory(store, identity.root)
        self.counters = Counters()
        self.directory.learn(identity.chain)
        self.on_change: Callable[[], None] = lambda: None
        """Called after statements or keys came."""
        self.has_evidence = threading.Event()
        """Set when a record was kept that says something else than another one."""
        self._lock = threading.Lock()
        self._digest = self.standing.digest()
        self._unshareable = self.standing.unshareable()

    @property
    def statements_digest(self) -> bytes:
        """Of all statements that are known here."""
        return self._digest

    @property
    def name(self) -> str:
        """What people call this peer."""
        return self.identity.name

    def credentials(self) -> Credentials:
        """Return what to show in TLS just now."""
        return Credentials.of(self.identity)

    def accepts(self, signer: NodeId, sequence: int) -> bool:
        """Return whether a record of that number counts."""
        if self.quarantine.refuses(signer, sequence):
            return False
        member = self.directory.member(signer)
        if member is not None:
            return self.standing.accepts(member, sequence)
        return not self.standing.is_revoked(signer)

    def may_rest_on(self, relies_on: Iterable[Reliance]) -> bool:
        """Return whether every record counts on which a result rests."""
        me = self.identity.node_id
        for member, sequence in relies_on:
            if member == me:
                if self.quarantine.refuses_own(sequence):
                    return False
            elif not self._counts(NodeId(member), sequence):
                return False
        return True

    def _counts(self, signer: NodeId, sequence: int) -> bool:
        is_refused = self.quarantine.refuses(signer, sequence)
        return not is_refused and self.standing.counts(signer, sequence)

    def is_shareable(self, operation: str, environment: str) -> bool:
        """Return whether results of an operation mean the same everywhere."""
        return (operation, environment) not in self._unshareable

    @property
    def unshareable(self) -> frozenset[tuple[str, str]]:
        """Operations that are not deterministic, each with an environment class."""
        return self._unshareable

    def refused_from(self, node_id: NodeId) -> int | None:
        """Return the first record of a node that does not count; None: all count."""
        first = self.standing.from_sequence(node_id)
        member = self.directory.member(node_id)
        if first is None and member is not None:
            return None if self.standing.is_member(member) else 0
        return first

    def take_statements(
        self, statements: Sequence[records_pb2.SignedStatement]
    ) -> bool:
        """Take statements over; return whether any was new."""
        is_new = False
        for signed in statements:
            try:
                is_new |= self.standing.add(signed)
            except StatementRefused as error:
                self.counters.add("bad_statements")
                self.counters.add(f"bad_statements_{error.reason}")
        if is_new:
            self.refresh()
        return is_new

    def take_keys(self, keys: Sequence[peer_pb2.RealmKey]) -> bool:
        """Take keys of newer epochs over; return whether any was new."""
        is_new = False
        for key in keys:
            try:
                is_new |= self.standing.take_key(key.epoch, key.secret)
            except IdentityError:
                self.counters.add("bad_realm_keys")
        if is_new:
            self.on_change()
        return is_new

    def refresh(self) -> None:
        """Take note that statements were added."""
        with self._lock:
            self._digest = self.standing.digest()
            self._unshareable = self.standing.unshareable()
        self.on_change()

    def log_id(self, data: bytes) -> str:
        """Return what stands for a key or digest in log lines."""
        return self.keys.log_id(data)

    def is_forgotten(self, key: NodeKey) -> bool:
        """Return whether nobody may have a result any more."""
        return self.standing.is_forgotten(key)
