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
