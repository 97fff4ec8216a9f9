"""What a record tells to who does not have the realm's keys."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from peer.discovery import advertise
from peer.discovery.rdata import from_rdata, to_rdata
from peer.discovery.txt import decode, encode
from peer.identity import RealmKeys
from store import NodeKey

from .realms import announcement, realm, secret

SHARED = [NodeKey(secret(f"shared {index}")) for index in range(60)]
SECRET = NodeKey(secret("the scan of a patient"))


def record(keys: RealmKeys, results: list[NodeKey]) -> bytes:
    """Return the record of a peer that shares ``results``."""
    ids = [keys.advertised_id(result) for result in results]
    made = announcement(filter=advertise(ids), results=len(results))
    return to_rdata(encode(made, keys))


def guesses(key: NodeKey) -> Iterator[int]:
    """Yield the ids under which a key would stand in a filter that is not keyed."""
    for data in (key, sha256(key).digest(), key.hex().encode(), key[::-1]):
        for end in ("big", "little"):
            yield int.from_bytes(data[:8], end)


def looks_present(rdata: bytes, key: NodeKey, reader: RealmKeys) -> int:
    """Count the guesses that the filter of a record answers with yes."""
    announced = decode(from_rdata(rdata), reader).filter
    return sum(guess in announced for guess in guesses(key))


def test_the_plain_key_tells_nothing_of_what_a_peer_has() -> None:
    """Over many realms, one that has the result and one that has another in its place
    look alike to who knows the node key and everything else that is shared."""
    realms = [realm(f"realm {index}") for index in range(150)]
    other = NodeKey(secret("something else"))
    has = sum(looks_present(record(k, [*SHARED, SECRET]), SECRET, k) for k in realms)
    has_not = sum(looks_present(record(k, [*SHARED, other]), SECRET, k) for k in realms)
    # Eight guesses in 150 filters, each of which answers wrongly once in 256 times:
    # five on average.  A filter that was not keyed would answer all 150 of its kind.
    assert has < 20
    assert has_not < 20


def test_the_realms_key_tells() -> None:
    keys = realm()
    announced = decode(from_rdata(record(keys, [*SHARED, SECRET])), keys)
    key = keys.with_tag(announced.tag)
    assert key is not None
    assert key.advertised_id(SECRET) in announced.filter
    assert announced.is_complete


def test_a_record_holds_no_part_of_a_node_key() -> None:
    rdata = record(realm(), [*SHARED, SECRET])
    for key in [*SHARED, SECRET]:
        for start in range(0, 32, 4):
            assert key[start : start + 4] not in rdata
            assert key[start : start + 4].hex().encode() not in rdata


def test_records_of_two_realms_that_share_the_same_have_nothing_in_common() -> None:
    one = from_rdata(record(realm("one"), SHARED))
    two = from_rdata(record(realm("two"), SHARED))
    for key in (b"n", b"m", b"0"):
        assert one[key] != two[key]
