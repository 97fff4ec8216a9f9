"""Golomb-coded sets."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peer.discovery import Filter, FilterError
from peer.discovery.gcs import MAX_COUNT, MAX_P, encode

VECTORS = json.loads(
    (Path(__file__).parent / "gcs_vectors.json").read_text(encoding="utf-8")
)

ids = st.integers(0, 2**64 - 1)
parameters = st.integers(1, MAX_P)


def written_out(items: Iterable[int], p: int) -> bytes:
    """Code a set bit by bit, as the reference page says it."""
    distinct = set(items)
    n = len(distinct)
    bits: list[int] = []
    previous = 0
    for value in sorted(item * n * 2**p // 2**64 for item in distinct):
        quotient, remainder = divmod(value - previous, 2**p)
        bits += [1] * quotient + [0]
        bits += [remainder >> (p - 1 - index) & 1 for index in range(p)]
        previous = value
    bits += [0] * (-len(bits) % 8)
    octets = [bits[start : start + 8] for start in range(0, len(bits), 8)]
    return bytes(int("".join(map(str, octet)), 2) for octet in octets)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["about"])
def test_sets_are_coded_as_the_vectors_say(vector: dict[str, Any]) -> None:
    items = [int(item, 16) for item in vector["items"]]
    assert encode(items, vector["p"]).hex() == vector["set"]
    decoded = Filter.decode(
        bytes.fromhex(vector["set"]), vector["count"], vector["p"], vector["count"]
    )
    assert list(decoded.values) == vector["values"]
    assert all(item in decoded for item in items)


@given(st.lists(ids, max_size=200), parameters)
def test_what_was_encoded_is_decoded(items: list[int], p: int) -> None:
    made = Filter.of(items, p)
    data = encode(items, p)
    assert data == written_out(items, p)
    assert Filter.decode(data, len(set(items)), p, 200) == made
    assert all(item in made for item in items)


@given(st.binary(max_size=300), st.integers(-2, 300), st.integers(-1, MAX_P + 1))
@example(b"", 0, 8)
@example(b"\xff" * 8, 5, 10)
def test_any_bytes_are_decoded_or_refused(data: bytes, count: int, p: int) -> None:
    try:
        decoded = Filter.decode(data, count, p, 256)
    except FilterError:
        return
    assert decoded.count == count <= 256
    assert decoded.encode() == data
    assert list(decoded.values) == sorted(decoded.values)


@given(st.lists(ids, min_size=1, max_size=50, unique=True), parameters, st.data())
def test_a_changed_bit_never_decodes_to_the_same_set(
    items: list[int], p: int, data: st.DataObject
) -> None:
    good = encode(items, p)
    position = data.draw(st.integers(0, 8 * len(good) - 1))
    bad = bytearray(good)
    bad[position // 8] ^= 1 << position % 8
    try:
        decoded = Filter.decode(bytes(bad), len(items), p, 50)
    except FilterError:
        return
    assert decoded != Filter.of(items, p)


def test_the_limit_is_what_bounds_the_work() -> None:
    with pytest.raises(FilterError, match="at most 2000"):
        Filter.decode(bytes(10**6), 10**6, 8, 2000)
    with pytest.raises(FilterError, match="cannot hold"):
        Filter.decode(bytes(10**6), 100, 8, 2000)
    with pytest.raises(FilterError):
        Filter.decode(b"", MAX_COUNT + 1, 8, 10**9)


def test_an_empty_set_has_no_bytes_and_holds_nothing() -> None:
    assert encode([], 8) == b""
    empty = Filter.decode(b"", 0, 8, 0)
    assert 7 not in empty
    assert len(empty) == 0


def test_a_repeated_id_counts_once() -> None:
    assert Filter.of([7, 7, 7], 8).count == 1


def test_a_parameter_out_of_range_is_refused() -> None:
    for p in (0, MAX_P + 1):
        with pytest.raises(ValueError, match="not 1 to 16"):
            Filter.of([1], p)


def test_an_id_beyond_the_range_is_refused() -> None:
    # 110 and 11 are 2·4 + 3 = 11, where two ids with p = 2 lie below 8.
    with pytest.raises(FilterError, match="range"):
        Filter.decode(bytes([0b11011_000]), 2, 2, 2)


@pytest.mark.parametrize("p", [8, 12])
def test_wrong_answers_are_as_rare_as_promised(p: int) -> None:
    random = Random(p)
    probes = 100_000
    made = Filter.of((random.getrandbits(64) for _ in range(5000)), p)
    wrong = sum(random.getrandbits(64) in made for _ in range(probes))
    expected = probes / 2**p
    # Within a fifth, or within chance where so few are expected.
    assert abs(wrong - expected) <= max(0.2 * expected, 4 * expected**0.5)


@pytest.mark.slow
def test_a_hundred_thousand_ids_are_coded_in_about_ten_bits_each() -> None:
    random = Random(0)
    items = [random.getrandbits(64) for _ in range(100_000)]
    data = encode(items, 8)
    assert 8 * len(data) / len(items) < 9.6
    decoded = Filter.decode(data, len(items), 8, len(items))
    assert isinstance(decoded.values, array)
    assert decoded.values.itemsize == 8
    assert all(item in decoded for item in items[:1000])
