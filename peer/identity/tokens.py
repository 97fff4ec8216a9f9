"""Join tokens: what one person tells another so that a machine can join.

``vxp1.<base32>[@host:port,...]``, where the base32 digits (RFC 4648, without padding,
capital or not) hold pin, id, secret, and a checksum.  The pin names the realm, so that
a machine knows its realm before it says anything.
"""

from __future__ import annotations

import hmac
from base64 import b32decode, b32encode
from binascii import Error as Base32Error
from binascii import crc_hqx
from dataclasses import dataclass, field

from peer.addresses import parse_address
from peer.errors import ConfigError

from .errors import TokenError

PIN_BYTES = 20
ID_BYTES = 5
SECRET_BYTES = 16
LENGTH = PIN_BYTES + ID_BYTES + SECRET_BYTES
DIGITS = 69
"""Base32 digits of 41 bytes and a checksum of two."""

MAX_ADDRESSES = 8
ADDRESS_CHARACTERS = 64
MAX_TEXT = 1024
PREFIX = "vxp"
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Token:
    """An invitation as it is handed over.

    Attributes:
        pin: first 20 bytes of the SHA-256 of the realm's root certificate.
        token_id: 5 bytes that name the invitation at its sponsor.
        secret: 16 bytes; it is proved, and never sent.
        addresses: "host:port" at which the sponsor enrols, at most 8.

    Raises:
        TokenError: an address is none, or there are too many.
    """

    pin: bytes
    token_id: bytes
    secret: bytes = field(repr=False)
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.addresses) > MAX_ADDRESSES:
            raise TokenError(f"a join token names at most {MAX_ADDRESSES} addresses")
        for address in self.addresses:
            _require_address(address)

    def encode(self) -> str:
        """Return the text to hand over."""
        data = self.pin + self.token_id + self.secret
        digits = b32encode(data + _checksum(data)).decode().rstrip("=").lower()
        where = "@" + ",".join(self.addresses) if self.addresses else ""
        return f"{PREFIX}{VERSION}.{digits}{where}"

    @classmethod
    def parse(cls, text: str) -> Token:
        """Read what :meth:`encode` returned, with white space around it or in it.

        Raises:
            TokenError: a part is missing, mistyped or of another version.
        """
        if len(text) > MAX_TEXT:
            raise TokenError("this is too long for a join token")
        body, at, where = "".join(text.split()).partition("@")
        version, dot, digits = body.lower().partition(".")
        if not dot or not version.startswith(PREFIX):
            raise TokenError(
                "this is no join token; one begins with vxp1. and is printed by"
                " `voxpeer invite`"
            )
        if version != PREFIX + VERSION:
            raise TokenError(
                f"this join token begins with {version[:16]!r}, and this voxpeer knows"
                " vxp1 alone; both machines need the same version"
            )
        data = _decode(digits)
        return cls(
            pin=data[:PIN_BYTES],
            token_id=data[PIN_BYTES : PIN_BYTES + ID_BYTES],
            secret=data[PIN_BYTES + ID_BYTES :],
            addresses=tuple(where.split(",")) if at else (),
        )


def _decode(digits: str) -> bytes:
    if len(digits) != DIGITS:
        raise TokenError(
            f"a join token has {DIGITS} letters and digits after vxp1., and this one"
            f" {len(digits)}; copy it whole"
        )
    try:
        # One character beyond ASCII may become two capitals.
        data = b32decode(digits.encode("ascii").upper() + b"===")
    except (Base32Error, ValueError):
        raise TokenError(
            "this join token has a character that none has: only letters and the"
            " digits 2 to 7 do; copy it again"
        ) from None
    body, checksum = data[:LENGTH], data[LENGTH:]
    is_whole = b32encode(data).decode().rstrip("=").lower() == digits
    if not is_whole or not hmac.compare_digest(_checksum(body), checksum):
        raise TokenError(
            "this join token was mistyped: its checksum is wrong; copy it again"
        )
    return body


def _require_address(address: str) -> None:
    try:
        if len(address) > ADDRESS_CHARACTERS:
            raise ConfigError(f"'{address[:20]}...' is too long for an address")
        if parse_address(address) != address:
            raise ConfigError(f"'{address}' has no port, or white space in it")
    except ConfigError as error:
        raise TokenError(f"what a join token has after @: {error}") from None


def _checksum(data: bytes) -> bytes:
    """Return CRC-16/XMODEM, which finds any error in 16 bits in a row."""
    return crc_hqx(data, 0).to_bytes(2, "big")
