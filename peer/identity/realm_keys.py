"""The secrets that all members of a realm share, by epoch.

Everything that leaves the encrypted channel is keyed with them: the mDNS record, ids
in log lines, lists of what to forget.  A revocation begins a new epoch whose secret
the revoked member does not get.  Two sponsors may each begin the same one; then both
secrets are kept for reading, and the one with the greater SHA-256 is used.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from peer.wire import limits
from store import NodeKey

SECRET_BYTES = 32
MAX_KEYS = 64
"""Secrets that are kept: that of epoch 0, and the newest others."""

MAX_PER_EPOCH = 4
MAX_EPOCH = limits.SYNC_HAVE
"""A revocation begins an epoch, and a realm has no room for more statements."""

Secret = tuple[int, bytes]
"""An epoch and its secret."""


@dataclass(frozen=True, slots=True)
class EpochKey:
    """What is derived from one secret (HKDF-SHA-256, RFC 5869).

    The salt is the realm's id; the info is the name of the use, a zero byte, and the
    epoch as four bytes, big-endian.

    Attributes:
        epoch: number of the epoch.
        discovery: keys the realm's tag and the MAC of announcements.
        advertising: keys the node keys that are advertised.
        logging: keys what log lines show.
    """

    epoch: int
    discovery: bytes
    advertising: bytes
    logging: bytes

    @classmethod
    def derive(cls, realm_id: bytes, epoch: int, secret: bytes) -> EpochKey:
        """Return the keys of one epoch."""
        return cls(
            epoch,
            _derive(realm_id, epoch, secret, b"vx-discovery/1"),
            _derive(realm_id, epoch, secret, b"vx-advertising/1"),
            _derive(realm_id, epoch, secret, b"vx-logging/1"),
        )

    def tag(self) -> bytes:
        """Return 8 bytes by which members recognise their realm."""
        return hmac.digest(self.discovery, b"tag", "sha256")[:8]

    def mac(self, data: bytes) -> bytes:
        """Return 8 bytes that only members can compute over ``data``."""
        return hmac.digest(self.discovery, b"mac\0" + data, "sha256")[:8]

    def advertised_id(self, key: NodeKey) -> int:
        """Return the 64-bit number that stands for a node in announcements."""
        digest = hmac.digest(self.advertising, key, "sha256")
        return int.from_bytes(digest[:8], "big")


class RealmKeys:
    """The realm's keys of all epochs that are known.  Any thread may use them."""

    def __init__(
        self,
        realm_id: bytes,
        secrets: Iterable[Secret],
        merge: Callable[[list[Secret]], list[Secret]] | None = None,
    ) -> None:
        """Take secrets that were made or received before.

        Args:
            realm_id: 16 bytes.
            secrets: epochs with their secrets; epoch 0 is among them.
            merge: keeps secrets durably together with those that are kept already,
                and returns them all; without it they live as long as this object.

        Raises:
            ValueError: there is none of epoch 0, or one is not of 32 bytes.
        """
        self.realm_id = realm_id
        self._merge = merge
        self._lock = threading.Lock()
        self._take(list(secrets))

    @property
    def epoch(self) -> int:
        """The newest epoch."""
        return self._secrets[-1][0]

    def epochs(self) -> tuple[int, ...]:
        """Return the known epochs, oldest first."""
        return tuple(self._used)

    def tag(self, epoch: int | None = None) -> bytes:
        """Return the realm's tag, 8 bytes.

        Args:
            epoch: which one; the newest by default, also below.

        Raises:
            KeyError: the epoch is not known, also below.
        """
        return self._key(epoch).tag()

    def mac(self, data: bytes, epoch: int | None = None) -> bytes:
        """Return 8 bytes that only members can compute over ``data``."""
        return self._key(epoch).mac(data)

    def advertised_id(self, key: NodeKey, epoch: int | None = None) -> int:
        """Return the 64-bit number that stands for a node in announcements."""
        return self._key(epoch).advertised_id(key)

    def with_tag(self, tag: bytes) -> EpochKey | None:
        """Return the keys of whoever announces itself with ``tag``; None: a stranger.

        These may be a second secret of an epoch, which is for reading alone.
        """
        return self._by_tag.get(tag)

    def forget_id(self, key: NodeKey) -> bytes:
        """Return the 32 bytes that stand for a node in lists of what to forget.

        They are keyed by epoch 0 for ever, so that old lists stay in force.
        """
        return hmac.digest(self._forgetting, key, "sha256")

    def log_id(self, data: bytes) -> str:
        """Return 12 hexadecimal digits that stand for ``data`` in log lines."""
        return hmac.digest(self._key(None).logging, data, "sha256")[:6].hex()

    def since(self, epoch: int) -> list[Secret]:
        """Return the secrets of ``epoch`` and of newer ones, oldest first.

        Those of ``epoch`` are among them because the asker may know another one.
        """
        return [item for item in self._secrets if item[0] >= epoch]

    def all(self) -> list[Secret]:
        """Return every secret that is kept, oldest first: what a new member gets."""
        return list(self._secrets)

    def add(self, epoch: int, secret: bytes) -> bool:
        """Take a secret over from another member; return whether it was new.

        Anything that cannot be one is left out, as is a second one of epoch 0.  Whether
        the realm has come to that epoch, :meth:`Standing.take_key` knows.
        """
        if len(secret) != SECRET_BYTES or not 0 < epoch <= MAX_EPOCH:
            return False
        with self._lock:
            before = self._secrets
            if (epoch, secret) not in before:
                self._keep([*before, (epoch, secret)])
            return (epoch, secret) in self._secrets and self._secrets != before

    def advance(self, random: Callable[[int], bytes]) -> int:
        """Begin a new epoch; return its number.

        Args:
            random: returns so many bytes that nobody can guess.
        """
        with self._lock:
            epoch = self.epoch + 1
            self._keep([*self._secrets, (epoch, random(SECRET_BYTES))])
        return epoch

    def _keep(self, secrets: list[Secret]) -> None:
        self._take(self._merge(secrets) if self._merge else secrets)

    def _take(self, secrets: list[Secret]) -> None:
        kept = select(secrets)
        keys = [EpochKey.derive(self.realm_id, *secret) for secret in kept]
        self._forgetting = _derive(self.realm_id, 0, kept[0][1], b"vx-forgetting/1")
        # Of one epoch the last one has the greatest hash.
        self._used = {key.epoch: key for key in keys}
        self._by_tag = {key.tag(): key for key in keys}
        self._secrets = kept

    def _key(self, epoch: int | None) -> EpochKey:
        return self._used[self._secrets[-1][0] if epoch is None else epoch]


def select(secrets: Iterable[Secret]) -> list[Secret]:
    """Return the secrets to keep, by epoch and then by hash.

    What is kept does not depend on the order in which they came.

    Raises:
        ValueError: there is none of epoch 0, or one is not of 32 bytes.
    """
    epochs: dict[int, set[bytes]] = {}
    for epoch, secret in secrets:
        if len(secret) != SECRET_BYTES or epoch < 0:
            raise ValueError("a secret of a realm has 32 bytes")
        epochs.setdefault(epoch, set()).add(secret)
    if len(epochs.get(0, ())) != 1:
        raise ValueError("a realm has exactly one secret of epoch 0")
    kept = [
        (epoch, secret)
        for epoch in sorted(epochs)
        for secret in sorted(epochs[epoch], key=_rank)[-MAX_PER_EPOCH:]
    ]
    return kept[:1] + kept[1:][-(MAX_KEYS - 1) :]


def _rank(secret: bytes) -> bytes:
    return sha256(secret).digest()


def _derive(realm_id: bytes, epoch: int, secret: bytes, use: bytes) -> bytes:
    info = use + b"\0" + epoch.to_bytes(4, "big")
    return HKDF(SHA256(), 32, realm_id, info).derive(secret)
