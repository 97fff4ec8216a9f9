"""Invitations that a sponsor has given out, until they are used, ended or burnt.

They end by the wall clock, because they have to outlive the process that made them.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from store import SqliteStore
from store.errors import explain_os_error
from store.place import DATABASE

from .errors import IdentityError
from .identity import Identity
from .tokens import ID_BYTES, SECRET_BYTES, Token

Role = Literal["peer", "sponsor"]

DAY_S = 86_400
MAX_WRONG_PROOFS = 5
MAX_USES = 1000
HAS_INVITED = "has_invited"
"""Row of the table ``realm`` that is there once an invitation was made."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that is alive.

    Attributes:
        token_id: 5 bytes.
        role: what whoever uses it becomes.
        uses_left: how many machines may use it still.
        created_s, expires_s: seconds since 1970.
    """

    token_id: bytes
    role: Role
    uses_left: int
    created_s: float
    expires_s: float
    secret: bytes = field(repr=False)


def invite(
    store: SqliteStore,
    identity: Identity,
    *,
    role: Role = "peer",
    uses: int = 1,
    lifetime_s: float = DAY_S,
    addresses: Sequence[str] = (),
) -> Token:
    """Make an invitation, and return the token to hand over.

    Args:
        role: ``"sponsor"`` lets the new member enrol others; only the founder can.
        uses: how many machines may use it.
        lifetime_s: seconds until it ends.
        addresses: "host:port" at which this sponsor enrols, for networks without
            multicast; at most 8.

    Raises:
        IdentityError: this is no sponsor, or not the founder.
        TokenError: an address is none.
        ValueError: a number is out of range.
    """
    _require_right(identity, role)
    if not 0 < uses <= MAX_USES or not lifetime_s > 0:
        raise ValueError(f"an invitation has from 1 to {MAX_USES} uses, and a lifetime")
    secret, now = secrets.token_bytes(SECRET_BYTES), time.time()
    token = Token(identity.pin, secrets.token_bytes(ID_BYTES), secret, tuple(addresses))

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM invitations WHERE expires_s <= ?", (now,))
        connection.execute(
            "INSERT INTO invitations (token_id, secret, role, uses_left, created_s,"
            " expires_s) VALUES (?, ?, ?, ?, ?, ?)",
            (token.token_id, secret, role, uses, now, now + lifetime_s),
        )
        noted = "INSERT OR REPLACE INTO realm VALUES (?, 1)"
        connection.execute(noted, (HAS_INVITED,))

    _make_private(store)
    store.database.transact(work)
    return token


def has_invited(store: SqliteStore) -> bool:
    """Return whether an invitation was ever made here, since the store joined."""
    query = "SELECT EXISTS (SELECT 1 FROM realm WHERE name = ?)"
    with store.database.read() as connection:
        (invited,) = connection.execute(query, (HAS_INVITED,)).fetchone()
    return bool(invited)


def _make_private(store: SqliteStore) -> None:
    """Let nobody else read the database: the folder may be one that others can enter.

    What SQLite puts beside it has the same mode.
    """
    try:
        for path in store.path.glob(f"{DATABASE}*"):
            path.chmod(0o600)
    except OSError as error:
        raise explain_os_error(error, store.path) from error


def live_invitations(store: SqliteStore, now: float | None = None) -> list[Invitation]:
    """Return the invitations that can be used, the one that ends first in front.

    Args:
        now: seconds since 1970; the present by default.
    """
    with store.database.read() as connection:
        return _live(connection, time.time() if now is None else now)


def redeem(
    connection: sqlite3.Connection,
    token_id: bytes,
    proof: bytes,
    data: bytes,
    now: float,
) -> Invitation | None:
    """Return the invitation if ``proof`` shows its secret, and count a wrong proof.

    It is not used up yet; see :func:`use`.

    Args:
        proof: HMAC-SHA-256 of ``data`` with the secret, by what somebody says.
        now: seconds since 1970.
    """
    found = [it for it in _live(connection, now) if it.token_id == token_id]
    # Whether there is such a token takes no less time to find out than a wrong proof.
    secret = found[0].secret if found else bytes(SECRET_BYTES)
    if hmac.compare_digest(hmac.digest(secret, data, "sha256"), proof):
        return found[0] if found else None
    connection.execute(
        "UPDATE invitations SET wrong_proofs = wrong_proofs + 1 WHERE token_id = ?",
        (token_id,),
    )
    connection.execute(
        "DELETE FROM invitations WHERE wrong_proofs >= ?", (MAX_WRONG_PROOFS,)
    )
    return None


def use(connection: sqlite3.Connection, token_id: bytes) -> None:
    """Count one use of an invitation; after the last one it is gone."""
    connection.execute(
        "UPDATE invitations SET uses_left = uses_left - 1 WHERE token_id = ?",
        (token_id,),
    )
    connection.execute("DELETE FROM invitations WHERE uses_left <= 0")


def _live(connection: sqlite3.Connection, now: float) -> list[Invitation]:
    rows = connection.execute(
        "SELECT token_id, role, uses_left, created_s, expires_s, secret"
        " FROM invitations WHERE expires_s > ? ORDER BY expires_s, token_id",
        (now,),
    )
    return [Invitation(*row) for row in rows]


def _require_right(identity: Identity, role: Role) -> None:
    if not identity.is_sponsor:
        raise IdentityError(
            f"{identity.name} is no sponsor of its realm, and cannot invite; run"
            " `voxpeer invite` on the machine that made the realm, or on a sponsor"
        )
    if role == "sponsor" and not identity.is_founder:
        raise IdentityError(
            "only the machine that made the realm can invite sponsors: it alone has"
            " the root's key"
        )
