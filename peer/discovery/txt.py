"""The TXT record: what a peer says of itself to everybody on the link.

Everyone can read it, members alone can make it: its last key is a MAC under a key of
the realm.  Nothing in it but numbers and ids that are keyed: results stand in it as a
Golomb-coded set of HMACs, which says nothing to who does not have the realm's key.
Keys, sizes and the MAC are specified in docs/reference/network.md.

Source: RFC 6763, section 6, for the form of the record.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from peer.identity import NodeId

from .announcement import (
    FILTER_STRING,
    FILTER_STRINGS,
    MAX_FILTER,
    MAX_ITEMS,
    Announcement,
    EnrolHint,
    check_ranges,
)
from .errors import AnnouncementRefused, FilterError, Reason
from .gcs import Filter
from .rdata import MAX_RDATA, check_budget, size_of

if TYPE_CHECKING:
    from peer.identity import RealmKeys

Properties: TypeAlias = Mapping[bytes, bytes]

VERSION = b"1"
FILTER_KEYS = tuple(b"%d" % index for index in range(FILTER_STRINGS))
MAC_DOMAIN = b"vx-txt/1\0"


def encode(announcement: Announcement, keys: RealmKeys) -> dict[bytes, bytes]:
    """Return the keys and values of the record, in the order to send them in.

    Raises:
        ValueError: a number is out of its range, or the filter too long.
        KeyError: the epoch is not known.
    """
    properties = _fields(announcement, keys)
    for key, value in zip(FILTER_KEYS, _slices(announcement.filter), strict=False):
        properties[key] = value
    mac = keys.mac(authenticated(properties), announcement.epoch)
    properties[b"m"] = mac.hex().encode()
    check_budget(properties)
    return properties


def decode(properties: Properties, keys: RealmKeys) -> Announcement:
    """Read a record that a member of our realm made.

    Nothing is read of a record before its MAC is found right.

    Raises:
        AnnouncementRefused: it is not such a record.
    """
    if size_of(properties) > MAX_RDATA:
        raise AnnouncementRefused("oversize", f"longer than {MAX_RDATA} bytes")
    if properties.get(b"v") != VERSION:
        raise AnnouncementRefused("malformed", "no record of version 1")
    epoch = int(_match(properties, b"k", _HEX8)[0], 16)
    tag = bytes.fromhex(_match(properties, b"n", _HEX_16_DIGITS)[0].decode())
    key = keys.with_tag(tag)
    if key is None or key.epoch != epoch:
        reason: Reason = "foreign" if epoch in keys.epochs() else "epoch"
        raise AnnouncementRefused(reason, "of another realm, or of an unknown epoch")
    mac = bytes.fromhex(_match(properties, b"m", _HEX_16_DIGITS)[0].decode())
    if not hmac.compare_digest(mac, key.mac(authenticated(properties))):
        raise AnnouncementRefused("mac", "not made by a member")
    return _announcement(properties, epoch, tag)


def realm_tag(properties: Properties) -> bytes | None:
    """Return the tag of the realm that a record claims, which anyone may write."""
    found = _HEX_16_DIGITS.fullmatch(properties.get(b"n", b""))
    return bytes.fromhex(found[0].decode()) if found else None


def enrol_hint(properties: Properties) -> EnrolHint | None:
    """Return where a record says that machines are enrolled, for who has no keys yet.

    Nothing vouches for it: only who dials and checks the pin knows.
    """
    found = _ENROL.fullmatch(properties.get(b"e", b""))
    if found is None or not 0 < int(found[1]) < 2**16:
        return None
    return EnrolHint(int(found[1]), bytes.fromhex(found[2].decode()))


_HEX_16_DIGITS = re.compile(rb"[0-9a-f]{16}")
_HEX4 = re.compile(rb"0|[1-9a-f][0-9a-f]{0,3}")
_HEX8 = re.compile(rb"0|[1-9a-f][0-9a-f]{0,7}")
_DECIMAL = re.compile(rb"0|[1-9][0-9]{0,9}")
_STATE = re.compile(rb"([0-9a-f]{16})\.(0|[1-9a-f][0-9a-f]{0,15})")
_ENROL = re.compile(rb"([1-9][0-9]{0,4})\.([0-9a-f]{6})")
_FILTER = re.compile(rb"(0|[1-9][0-9]{0,3}),([1-9][0-9]?)")
_NODE_ID = re.compile(rb"[a-z2-7]{16}")
_PORT = re.compile(rb"[1-9][0-9]{0,4}")


def _fields(announcement: Announcement, keys: RealmKeys) -> dict[bytes, bytes]:
    a = announcement
    check_ranges(a)
    texts = {
        b"n": keys.tag(a.epoch).hex(),
        b"i": a.node_id,
        b"p": f"{a.capabilities:x}",
        b"t": f"{a.port}",
        b"g": f"{a.generation:x}",
        b"s": f"{a.inventory_id.hex()}.{a.sequence:x}",
        b"c": f"{a.results}",
        b"k": f"{a.epoch:x}",
        b"q": f"{a.filter.count},{a.filter.p}",
    }
    if a.enrol_port:
        texts[b"e"] = f"{a.enrol_port}.{a.pin_prefix.hex()}"
    return {b"v": VERSION, **{key: text.encode() for key, text in texts.items()}}


def _slices(announced: Filter) -> list[bytes]:
    data = announced.encode()
    if len(data) > MAX_FILTER:
        raise ValueError(f"a filter of {len(data)} bytes does not fit into a record")
    starts = range(0, len(data), FILTER_STRING)
    return [data[start : start + FILTER_STRING] for start in starts]


def authenticated(properties: Properties) -> bytes:
    """Return what the MAC covers: all other strings, sorted, each after its length."""
    strings = sorted(
        key + b"=" + value for key, value in properties.items() if key != b"m"
    )
    framed = [len(string).to_bytes(2, "big") + string for string in strings]
    return MAC_DOMAIN + b"".join(framed)


def _match(
    properties: Properties, key: bytes, form: re.Pattern[bytes]
) -> re.Match[bytes]:
    found = form.fullmatch(properties.get(key, b""))
    if found is None:
        raise AnnouncementRefused("malformed", f"{key.decode()} is not of its form")
    return found


def _announcement(properties: Properties, epoch: int, tag: bytes) -> Announcement:
    state = _match(properties, b"s", _STATE)
    enrol = enrol_hint(properties)
    port = int(_match(properties, b"t", _PORT)[0])
    if port >= 2**16 or (enrol is None and b"e" in properties):
        raise AnnouncementRefused("malformed", "a port is out of its range")
    return Announcement(
        node_id=NodeId(_match(properties, b"i", _NODE_ID)[0].decode()),
        port=port,
        generation=int(_match(properties, b"g", _HEX8)[0], 16),
        inventory_id=bytes.fromhex(state[1].decode()),
        sequence=int(state[2], 16),
        results=int(_match(properties, b"c", _DECIMAL)[0]),
        epoch=epoch,
        filter=_filter(properties),
        enrol_port=enrol.port if enrol else 0,
        pin_prefix=enrol.pin_prefix if enrol else b"",
        capabilities=int(_match(properties, b"p", _HEX4)[0], 16),
        tag=tag,
    )


def _filter(properties: Properties) -> Filter:
    size = _match(properties, b"q", _FILTER)
    data = b"".join(properties.get(key, b"") for key in FILTER_KEYS)
    try:
        return Filter.decode(data, int(size[1]), int(size[2]), MAX_ITEMS)
    except FilterError as error:
        raise AnnouncementRefused("malformed", f"the filter: {error}") from error
