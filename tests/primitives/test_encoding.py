"""The canonical encoding: its laws, and its very bytes."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import Grid, Image, Mask, Value, ValueEncodingError
from primitives.encoding import children, decode, encode, kind_of_payload
from primitives.pixels import PIXEL_TYPES
from tests.primitives.samples import grid_of, image, mask

VECTORS = Path(__file__).with_name("encoding_vectors.json")

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(),
    st.binary(),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner).map(tuple), st.dictionaries(st.text(), inner)
    ),
    max_leaves=20,
)
finite = st.floats(allow_nan=False, allow_infinity=False)
pixel_types = st.sampled_from([name for name, _itk, _code in PIXEL_TYPES])


@st.composite
def images(draw: st.DrawFn) -> Image:
    size = tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=3)))
    dimension, components = len(size), draw(st.integers(1, 3))
    many = st.lists(finite, min_size=dimension, max_size=dimension)
    spacing = st.lists(st.floats(1e-3, 1e3), min_size=dimension, max_size=dimension)
    direction = st.lists(finite, min_size=dimension**2, max_size=dimension**2)
    grid = Grid(size, tuple(draw(spacing)), tuple(draw(many)), tuple(draw(direction)))
    shape = grid.shape if components == 1 else (*grid.shape, components)
    dtype = np.dtype(draw(pixel_types))
    length = math.prod(shape) * dtype.itemsize
    raw = draw(st.binary(min_size=length, max_size=length))
    array: np.ndarray[Any, Any] = np.frombuffer(raw, dtype).reshape(shape)
    return Image.of_array(array, grid, components)


def encoded(value: Value, put: Callable[[Value], bytes] | None = None) -> bytes:
    return b"".join(encode(value, put or Box().put))


class Box:
    """Keeps images by an address of 32 bytes."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Value] = {}

    def put(self, value: Value) -> bytes:
        address = struct.pack(">32p", str(len(self.kept)).encode())
        self.kept[address] = value
        return address


@given(values)
def test_data_comes_back_as_it_was(value: Value) -> None:
    again = decode(encoded(value), lambda digest: None)
    assert same(again, value)


@given(values, values)
def test_values_have_the_same_bytes_only_if_they_are_the_same(
    one: Value, other: Value
) -> None:
    assert (encoded(one) == encoded(other)) == same(one, other)


@given(st.dictionaries(st.text(), scalars))
def test_the_order_in_which_a_record_was_made_leaves_no_trace(
    record: dict[str, Value],
) -> None:
    backwards = dict(reversed(list(record.items())))
    assert encoded(record) == encoded(backwards)


@given(images())
def test_an_image_comes_back_as_it_was(original: Image) -> None:
    payload = encoded(original)
    again = decode(payload, lambda digest: None)
    assert again.grid == original.grid
    assert again.components == original.components
    assert again.array.dtype == original.array.dtype
    assert again.array.tobytes() == original.array.tobytes()
    assert encoded(again) == payload
    assert not again.array.flags.writeable


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_a_mask_takes_one_bit_a_voxel_and_comes_back(bits: list[bool]) -> None:
    original = mask([bits])
    payload = encoded(original)
    assert len(payload) == 128 + -(-len(bits) // 8)
    again = decode(payload, lambda digest: None)
    assert isinstance(again, Mask)
    assert (again.array == original.array).all()


@given(st.binary(max_size=200), st.sampled_from([b"VXd\1", b"VXi\1", b"VXm\1", b""]))
def test_arbitrary_bytes_are_a_canonical_value_or_refused(
    rest: bytes, magic: bytes
) -> None:
    try:
        value = decode(magic + rest, lambda digest: None)
    except ValueEncodingError:
        return
    assert encoded(value) == magic + rest


def test_kinds_have_different_bytes() -> None:
    one_of_each: list[Value] = [
        None,
        False,
        0,
        0.0,
        -0.0,
        "",
        b"",
        (),
        {},
        "0",
        b"0",
        (0,),
        True,
        1,
    ]
    assert len({encoded(value) for value in one_of_each}) == len(one_of_each)


def test_every_nan_has_the_same_bytes() -> None:
    negative = struct.unpack(">d", bytes.fromhex("fff8000000000001"))[0]
    assert encoded(negative) == encoded(math.nan)
    assert encoded((negative, 1.0)) == encoded((math.nan, 1.0))
    assert encoded(math.nan)[5:] == bytes.fromhex("7ff8000000000000")


def test_a_mask_and_the_same_numbers_as_image_have_different_bytes() -> None:
    assert encoded(mask([[1, 0]])) != encoded(image([[1, 0]], "uint8"))


def test_minus_zero_in_the_geometry_is_zero() -> None:
    array = np.zeros((2, 2), np.uint8)
    plain = Image.of_array(array, grid_of((2, 2)))
    grid = Grid((2, 2), (1.0, 1.0), (-0.0, 0.0), (1.0, -0.0, 0.0, 1.0))
    assert encoded(Image.of_array(array, grid)) == encoded(plain)


def test_nan_in_voxels_is_untouched() -> None:
    odd = np.array([[0x7FC01234]], np.uint32).view(np.float32)
    assert encoded(image(odd)).endswith(struct.pack("<I", 0x7FC01234))


def test_voxels_are_not_copied() -> None:
    array = np.zeros((4, 4), np.uint8)
    picture = Image.of_array(array, grid_of((4, 4)))
    _header, voxels = encode(picture, Box().put)
    assert np.shares_memory(np.frombuffer(voxels, np.uint8), array)
    payload = encoded(picture)
    again = decode(memoryview(payload), lambda digest: None)
    assert np.shares_memory(again.array, np.frombuffer(payload, np.uint8))


def test_images_inside_a_sequence_are_kept_apart_and_found_again() -> None:
    box = Box()
    first, second = image([[1.0]]), mask([[1]])
    value = ({"a": first, "b": (second, 3)}, first)
    payload = encoded(value, box.put)
    assert len(payload) < 140
    assert set(children(payload)) == set(box.kept)
    again = decode(payload, box.kept.__getitem__)
    assert again[0]["a"] is first
    assert again[0]["b"] == (second, 3)


def test_plain_values_have_no_children() -> None:
    assert children(encoded((1, "a"))) == ()
    assert children(encoded(b"\xc7\x20" * 20)) == ()
    assert children(encoded(image([[1.0]]))) == ()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "bool"),
        (-(2**63), "int"),
        (300, "int"),
        (1.5, "double"),
        ("a" * 300, "string"),
        (b"a", "bytes"),
        ((1,) * 20, "sequence"),
        ({"a": 1}, "record"),
    ],
)
def test_the_kind_is_known_from_the_first_bytes(value: Value, kind: str) -> None:
    assert kind_of_payload(encoded(value)) == kind
    assert kind_of_payload(encoded(image([[1.0]]))) == "image"
    assert kind_of_payload(encoded(mask([[1]]))) == "mask"


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, (0, 2**64), "\ud800", {1: 2}])
def test_values_without_canonical_form_are_refused(value: Value) -> None:
    with pytest.raises(ValueEncodingError):
        encoded(value)


def test_numbers_of_numpy_are_no_values() -> None:
    with pytest.raises(ValueEncodingError, match="float64 is not a kind of value"):
        encoded((np.float64(1.0),))


def test_infinite_geometry_is_refused() -> None:
    grid = Grid((1, 1), (1.0, 1.0), (math.inf, 0.0), (1.0, 0.0, 0.0, 1.0))
    with pytest.raises(ValueEncodingError, match="finite"):
        encoded(Image.of_array(np.zeros((1, 1), np.uint8), grid))


def test_two_hundred_levels_are_kept_and_one_more_is_refused() -> None:
    value: Value = ()
    for _ in range(199):
        value = (value,)
    assert decode(encoded(value), lambda digest: None) == value
    with pytest.raises(ValueEncodingError, match="more than 200 deep"):
        encoded((value,))
    with pytest.raises(ValueEncodingError, match="more than 200 deep"):
        decode(b"VXd\x01" + b"\x91" * 200 + b"\x90", lambda digest: None)


def test_deep_nesting_is_refused_not_a_crash() -> None:
    value: Value = ()
    for _ in range(100_000):
        value = (value,)
    with pytest.raises(ValueEncodingError, match="more than 200 deep"):
        encoded(value)
    with pytest.raises(ValueEncodingError):
        decode(b"VXd\x01" + b"\x91" * 100_000 + b"\xc0", lambda digest: None)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("", id="nothing"),
        pytest.param("cc01", id="integer not in its shortest form"),
        pytest.param("ca3f800000", id="float of 32 bits"),
        pytest.param("cb7ff8000000000001", id="another NaN"),
        pytest.param("c0c0", id="bytes after the value"),
        pytest.param("82a16201a16101", id="keys out of order"),
        pytest.param("82a16101a16101", id="a key twice"),
        pytest.param("d90161", id="string with a longer header"),
        pytest.param("a1ff", id="string that is not UTF-8"),
        pytest.param("cfffffffffffffffff", id="integer beyond 64 bits signed"),
        pytest.param("ddffffffff", id="sequence longer than the bytes"),
        pytest.param("d6ff00000000", id="time stamp"),
        pytest.param("c7010100", id="digest too short"),
        pytest.param("8101c0", id="key that is no string"),
        pytest.param("c72003" + "00" * 32, id="unknown extension"),
    ],
)
def test_other_forms_of_data_are_refused(data: str) -> None:
    with pytest.raises(ValueEncodingError):
        decode(b"VXd\x01" + bytes.fromhex(data), lambda digest: mask([[1]]))


def test_a_reference_to_the_wrong_kind_is_refused() -> None:
    payload = b"VXd\x01\x91\xc7\x20\x01" + bytes(32)
    with pytest.raises(ValueEncodingError, match="is no image"):
        decode(payload, lambda digest: mask([[1]]))


@pytest.mark.parametrize("position", range(0, 194))
def test_no_byte_of_a_mask_but_its_geometry_and_voxels_can_change(
    position: int,
) -> None:
    payload = bytearray(encoded(mask(np.ones((2, 2, 3)))))
    payload[position] ^= 0x80
    try:
        again = decode(bytes(payload), lambda digest: None)
    except ValueEncodingError:
        return
    assert encoded(again) == bytes(payload)


@pytest.mark.parametrize("change", [-1, 1, -100])
def test_an_image_of_the_wrong_length_is_refused(change: int) -> None:
    payload = encoded(image(np.zeros((3, 3, 3))))
    wrong = payload[:change] if change < 0 else payload + b"\0"
    with pytest.raises(ValueEncodingError):
        decode(wrong, lambda digest: None)


def test_a_size_beyond_all_bounds_is_refused_without_memory() -> None:
    payload = bytearray(encoded(image(np.zeros((3, 3, 3)))))
    payload[8:16] = struct.pack("<Q", 2**63)
    with pytest.raises(ValueEncodingError):
        decode(bytes(payload), lambda digest: None)


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text()))
def test_golden_bytes(vector: dict[str, Any]) -> None:
    value = GOLDEN[vector["name"]]
    assert encoded(value, lambda _: bytes(range(32))).hex() == vector["bytes"]


def test_there_is_a_vector_for_every_golden_value() -> None:
    names = [vector["name"] for vector in json.loads(VECTORS.read_text())]
    assert names == list(GOLDEN)


def test_data_is_encoded_without_numpy() -> None:
    code = (
        "import sys; from primitives.encoding import encode, decode;"
        "b, = encode((1, 2.0, {'a': 'b'}), None); decode(b, None);"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def same(one: Value, other: Value) -> bool:
    """Return whether two values are the same, kinds and signs of zero included."""
    if type(one) is not type(other):
        return False
    if type(one) is float:
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return struct.pack(">d", one) == struct.pack(">d", other)
    if type(one) is tuple:
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is dict:
        return one.keys() == other.keys() and all(
            same(one[key], other[key]) for key in one
        )
    return bool(one == other)


def _colored() -> Image:
    grid = Grid((2, 1), (0.5, 2.0), (-1.0, 3.5), (0.0, 1.0, -1.0, 0.0))
    array = np.array([[[1, 2, 3], [4, 5, 65535]]], np.uint16)
    return Image.of_array(array, grid, 3)


GOLDEN: dict[str, Value] = {
    "null": None,
    "false": False,
    "true": True,
    "int 0": 0,
    "int 127": 127,
    "int 128": 128,
    "int -1": -1,
    "int -33": -33,
    "int 65536": 65536,
    "int 2^63-1": 2**63 - 1,
    "int -2^63": -(2**63),
    "double 0": 0.0,
    "double -0": -0.0,
    "double 1.5": 1.5,
    "double NaN": math.nan,
    "double -Infinity": -math.inf,
    "string empty": "",
    "string with an umlaut": "Größe",
    "bytes": b"\x00\xff",
    "sequence": (1, 1.0, "1", (True, None)),
    "record": {"b": 2, "a": 1, "ä": (), "aa": {}},
    "image in a sequence": (image([[1.0]]), 1),
    "mask in a record": {"region": mask([[1]])},
    "image Float32 3-D": image(np.arange(4).reshape(2, 2, 1)),
    "image UInt16 of 3 components": _colored(),
    "mask 3-D": mask(np.arange(12).reshape(2, 2, 3) % 3 == 0),
}
