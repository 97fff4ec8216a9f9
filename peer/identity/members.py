"""Members whose certificates were seen, kept for what they signed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from store import SqliteStore

from .certificates import Member, ders_of, member_of_leaf, pem_of
from .names import NodeId

MAX_MEMBERS = 4096


class Members:
    """The certificates that this store has of its realm's members."""

    def __init__(self, store: SqliteStore) -> None:
        self._database = store.database

    def remember(self, chain: Sequence[bytes]) -> None:
        """Keep the chain of a member; it was verified.

        Args:
            chain: DER certificates, leaf first, without the root.
        """
        member = member_of_leaf(chain[0])
        row = (member.node_id, member.name, pem_of(chain), time.time_ns() // 1_000_000)
        self._database.transact(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?)", row
            )
        )

    def chain(self, node_id: NodeId) -> tuple[bytes, ...] | None:
        """Return the chain of a member, DER, leaf first, if it is known."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT chain FROM members WHERE node_id = ?", (node_id,)
            ).fetchone()
        return ders_of(row[0]) if row and row[0] else None

    def all(self) -> list[Member]:
        """Return the members that were seen, those seen last in front."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT chain FROM members WHERE chain IS NOT NULL"
                " ORDER BY seen_ms DESC, node_id LIMIT ?",
                (MAX_MEMBERS,),
            ).fetchall()
        return [member_of_leaf(ders_of(chain)[0]) for (chain,) in rows]

    def saw(self, members: Mapping[NodeId, str]) -> None:
        """Note who is there just now, and how each calls itself."""
        now = time.time_ns() // 1_000_000
        rows = [(node_id, name, now) for node_id, name in members.items()]
        self._database.write(
            lambda connection: connection.executemany(
                "INSERT INTO members (node_id, name, seen_ms) VALUES (?, ?, ?)"
                " ON CONFLICT (node_id) DO UPDATE SET seen_ms = excluded.seen_ms",
                rows,
            )
        )

    def seen(self) -> dict[NodeId, tuple[str, float]]:
        """Return the names of members, and when each was seen last, in unix seconds."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT node_id, name, seen_ms FROM members"
                " ORDER BY seen_ms DESC, node_id LIMIT ?",
                (MAX_MEMBERS,),
            ).fetchall()
        return {NodeId(node_id): (name, ms / 1000) for node_id, name, ms in rows}

    def add_addresses(self, found: Iterable[tuple[NodeId, Sequence[str]]]) -> None:
        """Note where members are said to be; nobody has answered there yet."""
        rows = [(node_id, at) for node_id, addresses in found for at in addresses]
        self._database.transact(
            lambda connection: connection.executemany(
                "INSERT OR IGNORE INTO addresses VALUES (?, ?, 0)", rows
            )
        )
