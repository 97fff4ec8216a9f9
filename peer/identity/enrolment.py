"""How a machine becomes a member, as a sponsor sees it.

The contract is ``proto/voxpeer/v1/enrol.proto``.  There is no socket and no clock
here: whoever owns those calls :meth:`Sponsor.begin` and :meth:`Sponsor.finish` with
what came, and sends what they return.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from peer.wire import enrol_checks, limits
from peer.wire.errors import WireError
from peer.wire.v1 import enrol_pb2, peer_pb2
from store import SqliteStore

from .authority import (
    issue_front_door,
    issue_member,
    issue_sponsor,
    new_key,
    read_request,
    spki,
)
from .certificates import pem_of
from .errors import CertificateError, EnrolmentRefused, IdentityError
from .identity import Identity, private_pem
from .invitations import Invitation, redeem, use
from .members import Members
from .names import NodeId, clean_name, node_id_of
from .standing import Standing

DOMAIN = b"vx-enrol/1\0"
WINDOW_S = 60.0

Referrals = Callable[[], Iterable[tuple[NodeId, Sequence[str]]]]
"""Returns members and where they can be dialled, the best in front."""


def proved(nonce: bytes, csr: bytes, sign_key: bytes, front_door: bytes) -> bytes:
    """Return what a proof is the HMAC-SHA-256 of, with the token's secret as key.

    Args:
        front_door: the certificate that the sponsor has shown, DER.
    """
    parts = (csr, sign_key, front_door)
    return DOMAIN + nonce + b"".join(sha256(part).digest() for part in parts)


def server_certificate_for_enrolment(
    identity: Identity, at: datetime | None = None
) -> tuple[bytes, bytes]:
    """Return a new key and what to show to machines that want to join, both PEM.

    Args:
        at: the time; now by default.

    Raises:
        IdentityError: this is no sponsor.
    """
    if identity.sponsor is None:
        raise IdentityError(f"{identity.name} is no sponsor and cannot enrol others")
    key = new_key()
    at = at or datetime.now(UTC)
    leaf = issue_front_door(identity.sponsor, key.public_key(), identity.root, at)
    chain = [leaf.public_bytes(Encoding.DER), identity.sponsor.der]
    return private_pem(key), pem_of(chain)


@dataclass(frozen=True, slots=True)
class _Request:
    """What a joiner asks for, checked."""

    message: enrol_pb2.EnrolFinish
    key: ec.EllipticCurvePublicKey
    sponsor_key: ec.EllipticCurvePublicKey | None

    @property
    def node_id(self) -> NodeId:
        return node_id_of(spki(self.key))


class Sponsor:
    """Lets machines in that have a token.  Calls must not overlap."""

    def __init__(
        self,
        store: SqliteStore,
        identity: Identity,
        standing: Standing,
        front_door: bytes,
        referrals: Referrals = tuple,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Take what it answers from.

        Args:
            front_door: the certificate that its server shows, DER: the first one of
                :func:`server_certificate_for_enrolment`.
            referrals: tells where members are.
            random: returns so many bytes that nobody can guess.

        Raises:
            IdentityError: this is no sponsor.
        """
        if identity.sponsor is None:
            raise IdentityError(f"{identity.name} is no sponsor of its realm")
        self._authority = identity.sponsor
        self._store = store
        self._identity = identity
        self._standing = standing
        self._front_door = front_door
        self._referrals = referrals
        self._random = random
        self._attempts: deque[float] = deque()
        self._nonces: dict[bytes, tuple[bytes, float]] = {}

    def begin(self, token_id: bytes, now: float) -> bytes:
        """Return a nonce for one proof.  Whether there is such a token is not told.

        Args:
            now: monotonic seconds, also below.

        Raises:
            EnrolmentRefused: too many attempts.
        """
        while self._attempts and self._attempts[0] <= now - WINDOW_S:
            self._attempts.popleft()
        if len(self._attempts) >= limits.ENROL_ATTEMPTS_PER_MINUTE:
            text = "too many machines try to join just now; try again in a minute"
            raise EnrolmentRefused("busy", text)
        self._attempts.append(now)
        for nonce, (_, ends) in list(self._nonces.items()):
            if ends <= now:
                del self._nonces[nonce]
        nonce = self._random(limits.NONCE_BYTES)
        self._nonces[nonce] = (token_id, now + limits.ENROL_NONCE_S)
        return nonce

    def finish(
        self, message: enrol_pb2.EnrolFinish, now: float, at: datetime | None = None
    ) -> enrol_pb2.EnrolReply:
        """Let a machine in.

        Args:
            at: the time by which invitations and certificates end; now by default.

        Raises:
            EnrolmentRefused: it has no token that is alive, or breaks the contract.
            StoreError: the store cannot be written.
        """
        at = at or datetime.now(UTC)
        self._use_nonce(message, now)
        request = _read(message)
        invitation = self._store.database.transact(
            lambda connection: self._redeem(connection, request, at)
        )
        if invitation is None:
            raise _denied()
        try:
            return self._reply(request, invitation, at)
        except CertificateError as error:
            raise EnrolmentRefused("denied", str(error)) from error

    def _use_nonce(self, message: enrol_pb2.EnrolFinish, now: float) -> None:
        token_id, ends = self._nonces.pop(message.nonce, (b"", 0.0))
        if token_id != message.token_id or ends <= now:
            raise _denied()

    def _redeem(
        self, connection: sqlite3.Connection, request: _Request, at: datetime
    ) -> Invitation | None:
        it = request.message
        data = proved(it.nonce, it.csr, it.sign_key, self._front_door)
        invitation = redeem(connection, it.token_id, it.proof, data, at.timestamp())
        if invitation is None:
            return None  # and not an exception, which would not count the wrong proof
        if self._standing.from_sequence(request.node_id) is not None:
            raise EnrolmentRefused(
                "denied",
                "the membership of this machine was ended; run `voxpeer leave` on it,"
                " which makes it another one, and join again",
            )
        if invitation.role == "sponsor":
            self._require_sponsorship(request)
        use(connection, it.token_id)
        return invitation

    def _require_sponsorship(self, request: _Request) -> None:
        if request.sponsor_key is None:
            text = "a sponsor's token without a request for an authority"
            raise EnrolmentRefused("invalid", text)
        if self._identity.founder is None:
            text = "the root's key, which a new sponsor needs, is not here any more"
            raise EnrolmentRefused("denied", text)

    def _reply(
        self, request: _Request, invitation: Invitation, at: datetime
    ) -> enrol_pb2.EnrolReply:
        identity, authority = self._identity, self._authority
        name = clean_name(request.message.name, request.node_id)
        sign_key = request.message.sign_key
        leaf = issue_member(
            authority, request.key, sign_key, name, identity.realm_id, at
        )
        chain = [leaf.public_bytes(Encoding.DER), authority.der]
        Members(self._store).remember(chain)
        return enrol_pb2.EnrolReply(
            chain=peer_pb2.Chain(certificates=chain),
            root=identity.root,
            realm_id=identity.realm_id,
            keys=[
                peer_pb2.RealmKey(epoch=epoch, secret=secret)
                for epoch, secret in identity.keys.all()
            ],
            statements=self._standing.after([]),
            members=self._members(),
            sponsor_certificate=self._sponsor_certificate(request, invitation, at),
        )

    def _sponsor_certificate(
        self, request: _Request, invitation: Invitation, at: datetime
    ) -> bytes:
        root, key = self._identity.founder, request.sponsor_key
        if invitation.role != "sponsor" or root is None or key is None:
            return b""
        certificate = issue_sponsor(root, key, request.node_id, at)
        return certificate.public_bytes(Encoding.DER)

    def _members(self) -> list[peer_pb2.Referral]:
        referrals = list(self._referrals())[: limits.ENROL_MEMBERS]
        return [
            peer_pb2.Referral(
                node_id=node_id, addresses=addresses[: limits.REFERRAL_ADDRESSES]
            )
            for node_id, addresses in referrals
        ]


def _read(message: enrol_pb2.EnrolFinish) -> _Request:
    try:
        enrol_checks.enrol_finish(message)
        sponsor_key = read_request(message.sponsor_csr) if message.sponsor_csr else None
        return _Request(message, read_request(message.csr), sponsor_key)
    except (WireError, CertificateError) as error:
        raise EnrolmentRefused("invalid", str(error)) from error


def _denied() -> EnrolmentRefused:
    return EnrolmentRefused(
        "denied",
        "the sponsor does not accept this token: it was used, has ended, or was tried"
        " with a wrong secret too often; ask for a new one (`voxpeer invite`)",
    )
