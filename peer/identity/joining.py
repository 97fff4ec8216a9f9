"""How a machine becomes a member, as the machine sees it."""

from __future__ import annotations

import hmac
from contextlib import suppress
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec

from peer.wire import enrol_checks
from peer.wire.errors import WireError
from peer.wire.v1 import enrol_pb2
from store import SqliteStore

from . import binding, folder
from .authority import Authority, make_request, new_key
from .certificates import Member, load, pem_of, root_in, verify_member
from .enrolment import proved
from .errors import CertificateError, EnrolmentRefused, StatementRefused
from .folder import RealmFolder, secrets_text
from .identity import Identity, NodeKeys, pin_of
from .key_files import write_node, write_sponsor
from .members import Members
from .names import NodeId, clean_name
from .realm import open_identity, own_chain, require_identity, require_unbound
from .realm_keys import Secret, select
from .standing import Standing
from .tokens import Token


class Joiner:
    """Asks a sponsor to be let in.

    First :meth:`check_leaf` with what the sponsor shows, then a channel that trusts
    the root alone, on which :meth:`finish_request` and :meth:`complete` follow.
    """

    def __init__(self, token: Token, name: str, store: SqliteStore) -> None:
        """Make keys, or take those of a store that is in the token's realm already.

        Nothing is written before :meth:`complete`.

        Args:
            name: what people are to call this machine.

        Raises:
            IdentityError: the store belongs to another realm, or its keys cannot be
                used.
        """
        self._token = token
        self._store = store
        self._old = open_identity(store)
        if self._old is not None and self._old.pin != token.pin:
            require_unbound(RealmFolder(store.path))
        self._node = self._old.node if self._old else NodeKeys.make()
        self._name = clean_name(name, self._node.node_id)
        self._sponsor_key: ec.EllipticCurvePrivateKey = new_key()
        self._root = b""

    def check_leaf(self, front_door: bytes) -> bytes:
        """Return the root to trust, DER, if a sponsor of the token's realm shows it.

        Args:
            front_door: certificate that a server has shown, unverified, DER.

        Raises:
            EnrolmentRefused: it shows none, or another realm's.
        """
        try:
            root = root_in(front_door)
        except CertificateError:
            raise EnrolmentRefused(
                "impostor", "what answers there is no sponsor of a realm"
            ) from None
        if not hmac.compare_digest(pin_of(root), self._token.pin):
            raise EnrolmentRefused(
                "impostor",
                "the sponsor that answers there belongs to another realm than the"
                " token, or pretends to be one; nothing was sent to it",
            )
        self._root = root
        return root

    @property
    def root_pem(self) -> bytes:
        """The root that :meth:`check_leaf` has accepted, for the channel."""
        return pem_of([self._root])

    def finish_request(self, nonce: bytes, front_door: bytes) -> enrol_pb2.EnrolFinish:
        """Return the request whose proof shows that we have the token's secret.

        Args:
            nonce: what the sponsor has answered to Begin.
            front_door: its certificate, which :meth:`check_leaf` has accepted, DER.

        Raises:
            EnrolmentRefused: the certificate is not that of a sponsor of this realm.
        """
        self.check_leaf(front_door)
        csr, sign_key = make_request(self._node.tls), self._node.sign_key
        data = proved(nonce, csr, sign_key, front_door)
        return enrol_pb2.EnrolFinish(
            token_id=self._token.token_id,
            nonce=nonce,
            csr=csr,
            sign_key=sign_key,
            proof=hmac.digest(self._token.secret, data, "sha256"),
            sponsor_csr=make_request(self._sponsor_key),
            name=self._name,
        )

    def complete(
        self, reply: enrol_pb2.EnrolReply, at: datetime | None = None
    ) -> Identity:
        """Verify what the sponsor gave, keep it, and return the identity.

        Args:
            at: the time; now by default.  Certificates are not held against it: a
                clock that is wrong can be set later, and the token was used.

        Raises:
            EnrolmentRefused: the answer is not what was asked for; nothing was kept.
            IdentityError: the store has joined a realm meanwhile.
            StoreError: the store cannot be written.
        """
        member = self._verify(reply)
        known = self._secrets(reply)
        authority = self._authority(reply)
        chain = tuple(reply.chain.certificates)
        if authority is not None:
            chain = self._own_chain(authority, member, at or datetime.now(UTC))
        self._write(chain, known, authority)
        if self._old is None:
            binding.bind(self._store, member.realm_id, member.node_id)
        return self._take_over(reply)

    def _verify(self, reply: enrol_pb2.EnrolReply) -> Member:
        try:
            enrol_checks.enrol_reply(reply)
            member = verify_member(reply.chain.certificates, self._root, None)
        except (WireError, CertificateError) as error:
            raise _broken(str(error)) from error
        if reply.root != self._root or reply.realm_id != member.realm_id:
            raise _broken("it names another realm")
        if not self._is_ours(member):
            raise _broken("its certificate is for other keys")
        return member

    def _is_ours(self, member: Member) -> bool:
        ours = (self._node.node_id, self._node.sign_key)
        return (member.node_id, member.sign_key) == ours

    def _secrets(self, reply: enrol_pb2.EnrolReply) -> list[Secret]:
        known = self._old.keys.all() if self._old else []
        try:
            return select([*known, *((key.epoch, key.secret) for key in reply.keys)])
        except ValueError as error:
            raise _broken(str(error)) from error

    def _authority(self, reply: enrol_pb2.EnrolReply) -> Authority | None:
        """Return the authority that came, or that this machine has already."""
        if not reply.sponsor_certificate:
            return self._old.sponsor if self._old else None
        try:
            return Authority(load(reply.sponsor_certificate), self._sponsor_key)
        except CertificateError as error:
            raise _broken(str(error)) from error

    def _own_chain(
        self, authority: Authority, member: Member, at: datetime
    ) -> tuple[bytes, ...]:
        """Return our chain as a sponsor, which shows that the authority is good."""
        try:
            chain = own_chain(self._node, authority, member.name, member.realm_id, at)
            own = verify_member(chain, self._root, None)
        except CertificateError as error:
            raise _broken(str(error)) from error
        if not own.is_sponsor or not self._is_ours(own):
            raise _broken("its authority is for another member")
        return chain

    def _write(
        self,
        chain: tuple[bytes, ...],
        known: list[Secret],
        authority: Authority | None,
    ) -> None:
        files = RealmFolder(self._store.path)
        with files.locked():
            if self._old is None:
                require_unbound(files)
                files.begin()
            if authority is not None:
                write_sponsor(files, authority)
            files.write(folder.SECRETS, secrets_text(known))
            write_node(files, self._node, self._root, chain)

    def _take_over(self, reply: enrol_pb2.EnrolReply) -> Identity:
        identity = require_identity(self._store)
        members = Members(self._store)
        members.remember(reply.chain.certificates)
        members.add_addresses(
            (NodeId(member.node_id), member.addresses) for member in reply.members
        )
        standing = Standing(self._store, identity)
        for statement in reply.statements:
            # One that is broken can do no harm, and the rest is needed.
            with suppress(StatementRefused):
                standing.add(statement)
        return identity


def _broken(problem: str) -> EnrolmentRefused:
    return EnrolmentRefused(
        "impostor", f"the sponsor's answer cannot be used: {problem}; nothing was kept"
    )
