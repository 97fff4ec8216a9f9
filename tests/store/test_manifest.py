from __future__ import annotations

import struct
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import Manifest, ManifestError, digest_of, manifest_of

MIB = 1 << 20

# Written down once; a change here loses every store there is.
GOLDEN = {
    "empty": (b"", "fe1317f4958c8d4f7a2c066deb47337612369288c1a37c893db009d10dc7b58f"),
    "one byte": (
        b"\0",
        "60f8ab254fa39c961dacd52ddb0c5831777afa388b33fb0700624a44ce1a1c98",
    ),
    "abc": (b"abc", "66e3ee0fdc1e7f3197b11020419a36e7e6828bd8692ca6f99aa42578e91c56e1"),
    "one chunk": (
        bytes(MIB),
        "c7ade894978e6a066eef534d4b736ffd855d23c730887f935ee8b28c469868ff",
    ),
    "one chunk and a byte": (
        bytes(MIB) + b"\1",
        "99485df701765fec15313dd2f35e4e213c85af7e52c515d785e43c475478a58c",
    ),
    "three chunks": (
        bytes(range(256)) * (3 * MIB // 256),
        "9f384aff5dda86a5361f66e6a20ad5de0411f74ff287335506e0e44bef0bad38",
    ),
}


def by_hand(data: bytes) -> bytes:
    chunks = [sha256(data[at : at + MIB]).digest() for at in range(0, len(data), MIB)]
    header = b"VXM1" + bytes([1, 20, 0, 0]) + struct.pack("<QQ", len(data), 0)
    return header + b"".join(chunks)


@pytest.mark.parametrize("name", GOLDEN)
def test_digests_are_what_they_have_always_been(name: str) -> None:
    data, digest = GOLDEN[name]
    assert digest_of([data]).hex() == digest


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 9 * MIB + 3])
def test_a_manifest_is_its_header_and_the_digests_of_its_chunks(size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    assert manifest_of([data]).encode() == by_hand(data)
    assert digest_of([data]) == sha256(by_hand(data)).digest()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3 * MIB), max_size=6))
def test_how_an_artifact_is_cut_does_not_change_its_digest(cuts: list[int]) -> None:
    data = memoryview(bytes(range(256)) * (3 * MIB // 256))
    edges = [0, *sorted(cuts), len(data)]
    parts = [data[a:b] for a, b in pairwise(edges)]
    assert digest_of(parts) == digest_of([data])


@given(st.integers(0, 5 * MIB))
def test_a_manifest_reads_back(size: int) -> None:
    count = -(-size // MIB)
    manifest = Manifest(size, tuple(bytes([n]) * 32 for n in range(count)))
    assert Manifest.parse(manifest.encode()) == manifest


@given(
    st.binary(max_size=120)
    | st.builds(
        lambda size, rest: (
            manifest_of([b"abc"]).encode()[:8] + size.to_bytes(8, "little") + rest
        ),
        st.integers(0, 2**64 - 1) | st.integers(0, 3 * MIB),
        st.binary(max_size=120),
    )
)
def test_any_bytes_are_the_one_coding_of_a_manifest_or_refused(data: bytes) -> None:
    try:
        manifest = Manifest.parse(data)
    except ManifestError:
        return
    assert manifest.encode() == data


@pytest.mark.parametrize(
    ("offset", "byte"), [(0, 0), (4, 2), (5, 21), (6, 1), (7, 1), (13, 1), (16, 1)]
)
def test_a_changed_header_is_refused(offset: int, byte: int) -> None:
    data = bytearray(manifest_of([b"abc"]).encode())
    data[offset] = byte
    with pytest.raises(ManifestError):
        Manifest.parse(bytes(data))


@pytest.mark.parametrize("length", [0, 23, 24, 55, 57, 88])
def test_a_manifest_of_the_wrong_length_is_refused(length: int) -> None:
    data = manifest_of([b"abc"]).encode() + bytes(32)
    with pytest.raises(ManifestError):
        Manifest.parse(data[:length])
