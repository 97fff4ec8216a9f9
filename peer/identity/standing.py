"""The statements of a realm: who is a member still, what must go, what is disputed.

The set of statements only grows, and all members come to have the same one.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from hashlib import sha256

from peer.wire import limits
from peer.wire.v1 import records_pb2
from store import NodeKey, SqliteStore

from .certificates import Member
from .errors import IdentityError
from .evidence import Disputed, Evidence, Operation, dispute_in, dispute_of
from .identity import Identity
from .members import Members
from .names import NodeId, is_node_id
from .statement_rows import insert
from .statements import MAX_REMAINING, Ruling, sign_statement, verify_statement

MAX_SEEN = 16_384
QUERY_KEYS = 500


class Standing:
    """The realm's statements as this store knows them.  Any thread may use it."""

    def __init__(self, store: SqliteStore, identity: Identity) -> None:
        self._database = store.database
        self._identity = identity
        self._members = Members(store)
        self._lock = threading.RLock()
        self._seen: dict[NodeId, NodeId] = {}
        self.refresh()

    # ---- questions

    def is_revoked(self, node_id: NodeId) -> bool:
        """Return whether a node is no member any more; as quick as a set."""
        return node_id in self._out

    def is_member(self, member: Member) -> bool:
        """Return whether whoever shows a verified certificate is a member still.

        From then on :meth:`is_revoked` knows of it, should the sponsor that let it in
        be revoked.
        """
        is_out = self._ruling.is_out(member.node_id, member.sponsor)
        if self._seen.get(member.node_id) != member.sponsor or is_out:
            self._note_seen(member, is_out)
        return not is_out

    def accepts(self, member: Member, sequence: int) -> bool:
        """Return whether a member's record with this number counts."""
        return self._ruling.accepts(member.node_id, member.sponsor, sequence)

    def from_sequence(self, node_id: NodeId) -> int | None:
        """Return the first record of a revoked node that does not count; else None."""
        return self._ruling.refused_from.get(node_id)

    def revoked(self) -> dict[NodeId, int]:
        """Return all revoked nodes with the first of their records not to accept."""
        return dict(self._ruling.refused_from)

    def counts(self, node_id: NodeId, sequence: int) -> bool:
        """Return whether a record counts on which another one rests.

        Of its signer nothing is known but the name.
        """
        first = self._ruling.refused_from.get(node_id)
        return node_id not in self._out if first is None else sequence < first

    def disputes(self) -> list[Disputed]:
        """Return all disputes of members, our own among them."""
        return list(self._evidence.disputes)

    def unshareable(self, min_issuers: int = 2) -> frozenset[Operation]:
        """Return the operations whose results are not to be shared.

        Args:
            min_issuers: so many members have to say it; what was said here counts
                at once.

        Returns:
            operation and environment class of each.
        """
        return self._evidence.unshareable(min_issuers)

    def is_forgotten(self, key: NodeKey) -> bool:
        """Return whether nobody may keep, serve or accept a node's result."""
        return self._has_forgotten and bool(self.forgotten_among([key]))

    def forgotten_among(self, keys: Sequence[NodeKey]) -> list[NodeKey]:
        """Return which of ``keys`` have to be forgotten."""
        if not self._has_forgotten:
            return []
        found: list[NodeKey] = []
        with self._database.read() as connection:
            for at in range(0, len(keys), QUERY_KEYS):
                found += self._forgotten(connection, keys[at : at + QUERY_KEYS])
        return found

    def _forgotten(
        self, connection: sqlite3.Connection, keys: Sequence[NodeKey]
    ) -> list[NodeKey]:
        by_id = {self._identity.keys.forget_id(key): key for key in keys}
        marks = ",".join("?" * len(by_id))
        query = f"SELECT keyed_id FROM forgotten WHERE keyed_id IN ({marks})"
        return [by_id[keyed_id] for (keyed_id,) in connection.execute(query, [*by_id])]

    # ---- reconciliation

    def digest(self) -> bytes:
        """Return the 32 bytes that two members with the same statements share."""
        return self._digest

    def have(self) -> list[bytes]:
        """Return the digests of all statements."""
        return list(self._statements)

    def missing(self, signed: Iterable[records_pb2.SignedStatement]) -> list[bytes]:
        """Return the digests of those of some statements that are not here."""
        digests = [sha256(each.statement).digest() for each in signed]
        return [digest for digest in digests if digest not in self._statements]

    def after(self, have: Iterable[bytes]) -> list[records_pb2.SignedStatement]:
        """Return statements that somebody who has ``have`` lacks, revocations first.

        At most 64, and at most 2 MiB; there may be more.
        """
        known = set(have)
        lacking = [digest for digest in self._statements if digest not in known]
        found: list[records_pb2.SignedStatement] = []
        length = 0
        with self._database.read() as connection:
            for digest in lacking[: limits.SYNC_STATEMENTS]:
                query = "SELECT signed FROM statements WHERE digest = ?"
                for (signed,) in connection.execute(query, (digest,)):
                    length += len(signed) + 8
                    if length > limits.SYNC_REPLY_BYTES:
                        return found
                    found.append(records_pb2.SignedStatement.FromString(signed))
        return found

    def add(self, signed: records_pb2.SignedStatement) -> bool:
        """Take a statement over, durably; return whether it was new.

        Raises:
            StatementRefused: it is not what it has to be, or there is no room left.
            StoreError: the store cannot be written.
        """
        if sha256(signed.statement).digest() in self._statements:
            return False
        identity = self._identity
        heard = verify_statement(signed, identity.root, identity.realm_id)
        disputed = dispute_in(heard, identity.root)
        with self._lock:
            self._database.transact(lambda it: insert(it, heard, disputed))
            self.refresh()
        return True

    def refresh(self) -> None:
        """Look at what other processes have added."""
        with self._lock, self._database.read() as connection:
            connection.execute("BEGIN")
            rows = connection.execute(
                "SELECT digest, CASE kind WHEN 'revocation' THEN signed END"
                " FROM statements"
                " ORDER BY kind = 'forget', kind <> 'revocation', digest"
            ).fetchall()
            query = "SELECT EXISTS (SELECT 1 FROM forgotten)"
            (has_forgotten,) = connection.execute(query).fetchone()
            revocations = [row[1] for row in rows if row[1]]
            self._revocations = len(revocations)
            self._ruling = Ruling.of(map(_statement, revocations))
            self._statements = dict.fromkeys(row[0] for row in rows)
            self._digest = sha256(b"".join(sorted(self._statements))).digest()
            self._has_forgotten = bool(has_forgotten)
            me = self._identity.node_id
            self._evidence = Evidence.of(connection, self._ruling, me)
            self._note_out()

    def take_key(self, epoch: int, secret: bytes) -> bool:
        """Take a secret of the realm over from a member; return whether it was new.

        Each revocation begins one epoch.  One that is further on than there are
        revocations here is left out: nobody can use the epochs up, and the new key
        comes again once its revocation is here.

        Raises:
            IdentityError: the secret cannot be written down.
        """
        if epoch > self._revocations:
            return False
        return self._identity.keys.add(epoch, secret)

    # ---- statements of our own

    def revoke(self, node_id: NodeId, from_sequence: int = 0) -> None:
        """End a membership, and begin a new epoch of the realm's keys.

        Args:
            from_sequence: the first of the node's records not to accept any more.

        Raises:
            IdentityError: only sponsors can, and nobody itself.
            StoreError: the store cannot be written.
        """
        if not self._identity.is_sponsor:
            raise IdentityError(
                f"{self._identity.name} is no sponsor of its realm, and cannot revoke"
                " anybody; do it on a machine that is"
            )
        if node_id == self._identity.node_id or not is_node_id(node_id):
            raise IdentityError(
                f"{node_id} cannot be revoked here: name another member by its 16"
                " letters and digits; to end this membership, run `voxpeer leave`"
            )
        first = self.from_sequence(node_id)
        is_new = first is None or first > from_sequence
        if is_new:
            revocation = records_pb2.Revocation(
                node_id=node_id,
                from_sequence=from_sequence,
                remaining=self._let_in_by(node_id),
            )
            self._say(records_pb2.Statement(revocation=revocation))
        # After the statement, so that nobody hands the new key to who is out.
        # It is made up for if an earlier process ended between the two.
        keys = self._identity.keys
        if is_new or keys.epoch < self._revocations:
            keys.advance(secrets.token_bytes)

    def forget(self, keys: Iterable[NodeKey]) -> None:
        """Have results forgotten by the whole realm; what is already is left out.

        Raises:
            StatementRefused: there are too many such statements.
            StoreError: the store cannot be written.
        """
        wanted = list(dict.fromkeys(keys))
        known = set(self.forgotten_among(wanted))
        ids = [self._identity.keys.forget_id(key) for key in wanted if key not in known]
        for at in range(0, len(ids), limits.FORGET_IDS):
            # In order, so that the list tells nothing of what belongs together.
            part = sorted(ids[at : at + limits.FORGET_IDS])
            self._say(records_pb2.Statement(forget=records_pb2.Forget(keyed_ids=part)))

    def dispute(
        self,
        key: NodeKey,
        theirs: records_pb2.SignedRecord,
        mine: records_pb2.SignedRecord,
    ) -> None:
        """Tell the realm that a node computes to something else than a member signed.

        Says nothing if this was said of the node before.

        Args:
            key: the node.
            theirs: the member's record.
            mine: our own of the same node, which relies on nobody.

        Raises:
            StatementRefused: that shows nothing, is too long to be told, or there are
                too many disputes of ours already.
            StoreError: the store cannot be written.
        """
        self.refresh()
        me = self._identity.node_id
        if any(it.issuer == me and it.key == key for it in self._evidence.disputes):
            return
        dispute = dispute_of(key, theirs, mine, self._members)
        self._say(records_pb2.Statement(dispute=dispute))

    def declare_unshareable(self, operation: str, environment: str) -> None:
        """Tell the realm that an operation is not deterministic in an environment.

        Says nothing if this was said before.

        Raises:
            StatementRefused: it names none, or there are too many of ours already.
            StoreError: the store cannot be written.
        """
        self.refresh()
        if (operation, environment) in self._evidence.own:
            return
        said = records_pb2.Unshareable(operation=operation, environment=environment)
        self._say(records_pb2.Statement(unshareable=said))

    def _say(self, statement: records_pb2.Statement) -> None:
        statement.issued_s = int(time.time())
        self.add(sign_statement(self._identity, statement))

    def _let_in_by(self, sponsor: NodeId) -> list[NodeId]:
        return [
            member.node_id
            for member in self._members.all()
            if member.sponsor == sponsor
            and member.node_id != sponsor
            and not self.is_revoked(member.node_id)
        ][:MAX_REMAINING]

    # ---- who is out

    def _note_seen(self, member: Member, is_out: bool) -> None:
        with self._lock:
            if len(self._seen) >= MAX_SEEN:
                self._seen.clear()
            self._seen[member.node_id] = member.sponsor
            if is_out != (member.node_id in self._out):
                self._note_out()

    def _note_out(self) -> None:
        ruling = self._ruling
        orphans = {
            it for it, sponsor in self._seen.items() if ruling.is_out(it, sponsor)
        }
        self._out = frozenset(orphans.union(ruling.refused_from))


def _statement(signed: bytes) -> records_pb2.Statement:
    message = records_pb2.SignedStatement.FromString(signed)
    return records_pb2.Statement.FromString(message.statement)
