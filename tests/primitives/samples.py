"""Small images and the calling of primitives, for tests of this room."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from primitives import Context, Grid, Image, Mask, Value, standard_registry


def call(name: str, *arguments: Value) -> Value:
    """Return what the primitive ``name`` gives for ``arguments``."""
    return standard_registry().get(name).load()(Context(), *arguments)


def grid_of(shape: tuple[int, ...], spacing: float = 1.0) -> Grid:
    """Return a plain grid for an array of ``shape``."""
    dimension = len(shape)
    return Grid(
        shape[::-1],
        (spacing,) * dimension,
        (0.0,) * dimension,
        tuple(np.eye(dimension).reshape(-1).tolist()),
    )


def image(numbers: npt.ArrayLike, dtype: str = "float32") -> Image:
    """Return the scalar image of these numbers."""
    array: npt.NDArray[Any] = np.array(numbers, dtype)
    return Image.of_array(array, grid_of(array.shape))


def mask(numbers: npt.ArrayLike) -> Mask:
    """Return the mask that is true where ``numbers`` are not zero."""
    array = np.array(numbers).astype(bool)
    return Mask(array, grid_of(array.shape))
