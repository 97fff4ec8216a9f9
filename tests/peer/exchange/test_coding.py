"""Chunks are what they were, and nothing is made of bytes that are no chunks."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from peer.exchange.coding import compress, compresses_well, decompress
from peer.wire import WireError, limits

MIB = limits.CHUNK_BYTES


@given(st.binary(max_size=5000))
def test_a_chunk_comes_back(data: bytes) -> None:
    assert decompress(compress(data), len(data)) == data


@given(st.binary(max_size=500), st.integers(0, MIB))
def test_any_bytes_are_refused_or_of_the_length_that_is_wanted(
    data: bytes, length: int
) -> None:
    with suppress(WireError):
        assert len(decompress(data, length)) == length


@given(st.binary(min_size=1, max_size=2000), st.data())
def test_a_damaged_frame_never_has_another_length(
    data: bytes, draw: st.DataObject
) -> None:
    frame = bytearray(compress(data))
    at = draw.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= draw.draw(st.integers(1, 255))
    with suppress(WireError):
        assert len(decompress(bytes(frame), len(data))) == len(data)


def skippable() -> bytes:
    """Return a frame that decompresses to nothing (RFC 8878, 3.1.2)."""
    return b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"


@pytest.mark.parametrize(
    ("frame", "length"),
    [
        (b"", 0),
        (b"", 5),
        (zstandard.compress(bytes(64 * MIB)), MIB),
        (zstandard.ZstdCompressor(write_content_size=False).compress(bytes(9)), 9),
        (zstandard.compress(b"chunk") + b"!", 5),
        (zstandard.compress(b"chunk") * 2, 5),
        (zstandard.compress(b"chunk") + skippable(), 5),
        (skippable(), 5),
        (zstandard.compress(b"chunk")[:-1], 5),
        (zstandard.compress(b"chunk"), 4),
        (zstandard.compress(b"chunk"), 6),
    ],
)
def test_what_is_no_frame_of_that_length_is_refused(frame: bytes, length: int) -> None:
    with pytest.raises(WireError):
        decompress(frame, length)


def test_no_chunk_grows_beyond_what_may_be_sent() -> None:
    assert len(compress(os.urandom(MIB))) <= limits.CODED_CHUNK_BYTES


def test_what_compresses_is_found_out_from_a_sample() -> None:
    def says(data: bytes) -> bool:
        return compresses_well(
            len(data), lambda at: memoryview(data)[at * MIB : (at + 1) * MIB]
        )

    assert says(bytes(10 * MIB))
    assert says(b"many words " * 9)
    assert not says(os.urandom(3 * MIB + 5))
    assert not says(b"")
    assert not says(b"x")
    # An empty margin does not decide for the rest.
    assert not says(bytes(MIB) + os.urandom(14 * MIB) + bytes(MIB))
