"""The strings of a TXT record (RFC 1035, section 3.3.14; RFC 6763, section 6)."""

from __future__ import annotations

from collections.abc import Mapping

from .announcement import MAX_STRING
from .errors import AnnouncementRefused

MAX_RDATA = 1300
"""Most bytes of a record (RFC 6763, section 6.2: one Ethernet packet)."""


def to_rdata(properties: Mapping[bytes, bytes]) -> bytes:
    """Return the bytes of a TXT record with these keys and values."""
    strings = [key + b"=" + value for key, value in properties.items()]
    return b"".join(bytes((len(string),)) + string for string in strings)


def size_of(properties: Mapping[bytes, bytes]) -> int:
    """Return how many bytes :func:`to_rdata` would return."""
    return sum(2 + len(key) + len(value) for key, value in properties.items())


def check_budget(properties: Mapping[bytes, bytes]) -> None:
    """Raise ValueError if a record does not fit into its packet."""
    longest = max(len(key) + 1 + len(value) for key, value in properties.items())
    if longest > MAX_STRING or size_of(properties) > MAX_RDATA:
        raise ValueError(
            f"a record of {size_of(properties)} bytes, its longest string {longest}, "
            f"breaks the budget of {MAX_RDATA} and {MAX_STRING}"
        )


def from_rdata(rdata: bytes) -> dict[bytes, bytes]:
    """Read the keys and values of a TXT record.

    Raises:
        AnnouncementRefused: it is too long, or none that voxpeer writes.
    """
    if len(rdata) > MAX_RDATA:
        raise AnnouncementRefused("oversize", f"longer than {MAX_RDATA} bytes")
    properties: dict[bytes, bytes] = {}
    position = 0
    while position < len(rdata):
        end = position + 1 + rdata[position]
        key, equals, value = rdata[position + 1 : end].partition(b"=")
        if end > len(rdata) or not key or not equals or key in properties:
            raise AnnouncementRefused("malformed", "no list of keys and values")
        properties[key] = value
        position = end
    return properties
