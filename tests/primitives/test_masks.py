"""Masks as booleans and as bits, and logic on both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from primitives.encoding import decode, encode
from primitives.values import Mask, Value

from .samples import call, grid_of

Booleans = npt.NDArray[np.bool_]

regions = arrays.arrays(
    np.bool_, arrays.array_shapes(min_dims=2, max_dims=3, max_side=9)
)


def mask_of(region: Booleans, is_packed: bool) -> Mask:
    """Return a mask that holds its voxels in one way or the other."""
    found = Mask(region.copy(), grid_of(region.shape))
    if is_packed:
        assert found.bits.size
    assert found.is_packed == is_packed
    return found


def bytes_of(value: Value) -> bytes:
    """Return the canonical bytes of a mask."""
    return b"".join(encode(value, lambda _: b""))


@given(regions)
def test_packing_and_unpacking_give_the_same_voxels(region: Booleans) -> None:
    packed = mask_of(region, is_packed=True)
    again = Mask.of_bits(packed.bits, packed.grid)
    assert again.array.tolist() == packed.array.tolist() == region.tolist()
    assert packed.bits.size == -(-region.size // 8)


@given(regions)
def test_the_stored_bytes_do_not_depend_on_how_a_mask_is_held(
    region: Booleans,
) -> None:
    plain, packed = mask_of(region, False), mask_of(region, True)
    assert bytes_of(plain) == bytes_of(packed)
    read = decode(memoryview(bytes_of(plain)), lambda _: None)
    assert read.array.tolist() == region.tolist()


@given(st.data(), regions, st.booleans(), st.booleans())
def test_logic_is_that_of_the_voxels_however_the_masks_are_held(
    data: st.DataObject, one: Booleans, first: bool, second: bool
) -> None:
    other = data.draw(arrays.arrays(np.bool_, one.shape))
    left, right = mask_of(one, first), mask_of(other, second)
    for name, expected in (
        ("and", one & other),
        ("or", one | other),
        ("not", ~one),
    ):
        found = call(f"vox1.{name}", *((left, right) if name != "not" else (left,)))
        assert found.array.tolist() == expected.tolist()
        assert call("vox1.volume", found) == np.count_nonzero(expected)
        # Nothing is left over in the bits beyond the last voxel.
        assert bytes_of(found) == bytes_of(mask_of(expected, False))


@given(regions, st.booleans())
def test_truth_values_are_masks_of_one_value(region: Booleans, truth: bool) -> None:
    mask = mask_of(region, is_packed=False)
    both, either = call("&&", mask, truth), call("||", truth, mask)
    assert both.array.tolist() == (region & truth).tolist()
    assert either.array.tolist() == (region | truth).tolist()
    assert bytes_of(either) == bytes_of(mask_of(region | truth, False))


@given(regions)
def test_the_volume_is_the_same_for_booleans_and_bits(region: Booleans) -> None:
    volumes = {call("vox1.volume", mask_of(region, packed)) for packed in (False, True)}
    assert volumes == {float(np.count_nonzero(region))}


def test_what_a_mask_lends_is_read_only() -> None:
    for is_packed in (False, True):
        mask = mask_of(np.ones((3, 5), np.bool_), is_packed)
        assert not mask.array.flags.writeable
        assert not mask.bits.flags.writeable


def test_bits_that_are_no_mask_are_refused() -> None:
    grid = grid_of((3, 3))
    with pytest.raises(ValueError, match="holds no 9 voxels"):
        Mask.of_bits(np.zeros(3, np.uint8), grid)
    with pytest.raises(ValueError, match="not filled with zeros"):
        Mask.of_bits(np.array([0, 2], np.uint8), grid)


def test_threads_may_pack_and_read_one_mask_together() -> None:
    dice = np.random.default_rng(1)
    region = dice.random((40, 41, 43)) < 0.5
    for _ in range(10):
        mask = mask_of(region, is_packed=False)

        def read(number: int, mask: Mask = mask) -> bool:
            if number % 2:
                return bool(mask.bits.size)
            return bool((mask.array == region).all())

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(read, range(16)))
