"""Random small images and regions for tests of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from primitives.values import Grid, Image, Mask

shapes = arrays.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7)
spacings = st.sampled_from([1.0, 0.5, 2.0, 0.88, 1.5, 0.9375, 3.0])


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Draw grids of two or three axes, isotropic or not."""
    shape = draw(shapes)
    dimension = len(shape)
    isotropic = draw(st.booleans())
    first = draw(spacings)
    spacing = [first if isotropic else draw(spacings) for _ in shape]
    identity = tuple(np.eye(dimension).reshape(-1).tolist())
    return Grid(shape[::-1], tuple(spacing), (0.0,) * dimension, identity)


@st.composite
def masks(draw: st.DrawFn, grid: Grid | None = None) -> Mask:
    """Draw regions, the empty and the full one among them."""
    place = grid or draw(grids())
    return Mask(draw(arrays.arrays(np.bool_, place.shape)), place)


@st.composite
def long_masks(draw: st.DrawFn, axis: int | None = None) -> Mask:
    """Draw regions that are long along one axis: longer than a word, or than a search.

    Args:
        axis: which one, 0 for x; any by default.
    """
    along = draw(st.integers(0, 2)) if axis is None else axis
    size = [draw(st.integers(1, 4)) for _ in range(3)]
    size[along] = draw(st.sampled_from([8, 15, 16, 63, 64, 65, 100, 128, 131]))
    spacing = draw(
        st.sampled_from([(1.0, 1.0, 1.0), (0.88, 0.88, 1.5), (1.0, 2.0, 3.0)])
    )
    identity = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    grid = Grid((size[0], size[1], size[2]), spacing, (0.0, 0.0, 0.0), identity)
    density = draw(st.sampled_from([0.005, 0.05, 0.5, 0.9]))
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Mask(dice.random(grid.shape) < density, grid)


@st.composite
def pairs_of_masks(draw: st.DrawFn) -> tuple[Mask, Mask]:
    """Draw two regions on one grid."""
    grid = draw(grids())
    return draw(masks(grid)), draw(masks(grid))


def all_voxels(grid: Grid) -> npt.NDArray[np.int64]:
    """Return the index of every voxel, slowest axis first, shape (voxels, axes)."""
    return np.stack(
        [axis.reshape(-1) for axis in np.indices(grid.shape)], axis=-1
    ).astype(np.int64)


def on(grid: Grid, array: npt.NDArray[Any]) -> Image:
    """Return an image of ``array`` on ``grid``."""
    return Image.of_array(np.array(array), grid)
