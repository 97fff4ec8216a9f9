"""Images with an axis less."""

from __future__ import annotations

import numpy as np

from primitives.values import Grid, Image, Mask


def without_axis(image: Image, axis: int) -> Image:
    """Return an image without one of its axes, which has size 1.

    Args:
        image: of at least two axes.
        axis: which one, x being 0.
    """
    grid = image.grid
    array = np.squeeze(image.array, grid.dimension - 1 - axis)
    return Image.of_array(array, grid_without_axis(grid, axis), image.components)


def without_single_axes(image: Image | Mask) -> Image | Mask:
    """Return an image without the axes of size 1; two axes are left at least."""
    for axis in _single_axes(image.grid):
        if isinstance(image, Image):
            image = without_axis(image, axis)
        else:
            array = np.squeeze(image.array, image.grid.dimension - 1 - axis)
            image = Mask(array, grid_without_axis(image.grid, axis))
    return image


def grid_without_single_axes(grid: Grid) -> Grid:
    """Return a grid without the axes of size 1; two axes are left at least."""
    for axis in _single_axes(grid):
        grid = grid_without_axis(grid, axis)
    return grid


def grid_without_axis(grid: Grid, axis: int) -> Grid:
    """Return the grid of the axes other than one.

    Directions that are none without that axis become those of the axes.
    """
    kept = [other for other in range(grid.dimension) if other != axis]
    matrix = np.reshape(grid.direction, (grid.dimension, grid.dimension))
    direction = matrix[np.ix_(kept, kept)]
    if abs(np.linalg.det(direction)) < 1e-6:
        direction = np.eye(len(kept))
    return Grid(
        tuple(grid.size[other] for other in kept),
        tuple(grid.spacing[other] for other in kept),
        tuple(grid.origin[other] for other in kept),
        tuple(direction.reshape(-1).tolist()),
    )


def _single_axes(grid: Grid) -> list[int]:
    """Return the axes of size 1 beyond two axes, the last one first."""
    axes = [axis for axis, size in enumerate(grid.size) if size == 1]
    return axes[::-1][: max(grid.dimension - 2, 0)]
