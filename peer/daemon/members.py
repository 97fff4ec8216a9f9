"""What is remembered of members: their certificates, names, and where they were."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future

from peer.identity import CertificateError, Member, Members, NodeId, verify_member
from store import SqliteStore

MAX_REMEMBERED = 64
MAX_VERIFIED = 1024
"""Chains that are not verified again."""

LOST_S = 14 * 86_400.0
"""Who was not seen for so long is not shown any more."""


class Directory:
    """The members whose certificates were seen, in memory and in the store."""

    def __init__(self, store: SqliteStore, root: bytes) -> None:
        """Read what is remembered.

        Args:
            store: whose tables it lies in.
            root: the realm's root certificate, DER.
        """
        self._root = root
        self._kept = Members(store)
        self._lock = threading.Lock()
        self._chains: dict[NodeId, tuple[bytes, ...]] = {}
        self._members: dict[tuple[bytes, ...], Member] = {}
        seen = self._kept.seen()
        self._names = {node_id: name for node_id, (name, _) in seen.items()}
        self._seen = {node_id: seen_s for node_id, (_, seen_s) in seen.items()}

    def call(self, node_id: NodeId, name: str) -> None:
        """Take note of what a member calls itself."""
        with self._lock:
            self._seen[node_id] = time.time()
            if name:
                self._names[node_id] = name

    def saw(self, present: Iterable[NodeId]) -> None:
        """Write down who is there just now."""
        now = time.time()
        with self._lock:
            names = {node_id: self._names.get(node_id, "") for node_id in present}
            self._seen.update(dict.fromkeys(names, now))
        if names:
            self._kept.saw(names)

    def is_lost(self, node_id: NodeId) -> bool:
        """Return whether a member was not seen for two weeks."""
        with self._lock:
            return time.time() - self._seen.get(node_id, 0.0) > LOST_S

    def learn(self, chain: Sequence[bytes]) -> Member | None:
        """Verify a chain whatever its dates, and remember it; None: it is no good.

        Of a member's certificates the one that ends last is kept.
        """
        try:
            member = verify_member(chain, self._root, None)
        except CertificateError:
            return None
        held = self.chain(member.node_id)
        if held is None or self._verified(held).ends < member.ends:
            with self._lock:
                self._chains[member.node_id] = tuple(chain)
                self._names.setdefault(member.node_id, member.name)
                self._seen[member.node_id] = time.time()
            self._kept.remember(chain)
        return member

    def member(self, node_id: NodeId) -> Member | None:
        """Return what a member's certificate says, if it was ever seen."""
        chain = self.chain(node_id)
        return None if chain is None else self._verified(chain)

    def chain(self, node_id: NodeId) -> tuple[bytes, ...] | None:
        """Return a member's certificates, DER, leaf first."""
        with self._lock:
            chain = self._chains.get(node_id)
        if chain is None:
            chain = self._kept.chain(node_id)
            if chain is not None:
                with self._lock:
                    self._chains[node_id] = chain
        return chain

    def name(self, node_id: NodeId) -> str:
        """Return what people call a member, or its node id."""
        with self._lock:
            return self._names.get(node_id) or node_id

    def all(self) -> dict[NodeId, str]:
        """Return the names of everybody known."""
        with self._lock:
            return dict(self._names)

    def _verified(self, chain: tuple[bytes, ...]) -> Member:
        with self._lock:
            member = self._members.get(chain)
        if member is None:
            member = verify_member(chain, self._root, None)
            with self._lock:
                if len(self._members) >= MAX_VERIFIED:
                    self._members.clear()
                self._members[chain] = member
        return member


def remembered_addresses(store: SqliteStore) -> list[tuple[NodeId, str]]:
    """Return where members answered in an earlier life, the latest first."""
    query = "SELECT node_id, address FROM addresses ORDER BY good_ms DESC LIMIT ?"
    with store.database.read() as connection:
        rows = connection.execute(query, (MAX_REMEMBERED,)).fetchall()
    return [(NodeId(node_id), address) for node_id, address in rows]


def remember_addresses(
    store: SqliteStore, addresses: Iterable[tuple[NodeId, str]]
) -> Future[None]:
    """Remember where members answered, and forget what is older than the last 64."""
    now = time.time_ns() // 1_000_000
    rows = [(node_id, address, now) for node_id, address in addresses]

    def write(connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO addresses VALUES (?, ?, ?)", rows
        )
        connection.execute(
            "DELETE FROM addresses WHERE (node_id, address) NOT IN (SELECT node_id,"
            " address FROM addresses ORDER BY good_ms DESC LIMIT ?)",
            (MAX_REMEMBERED,),
        )

    return store.database.write(write)
