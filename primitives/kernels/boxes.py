"""Boxes of a volume: the part in which there is anything to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Box = tuple[slice, ...]


def bounding_box(volume: npt.NDArray[Any]) -> Box | None:
    """Return the smallest box that holds what is not zero, None if all is.

    Args:
        volume: three axes, of booleans or integers.
    """
    lines = np.bitwise_or.reduce(volume, axis=2)
    if not lines.any():
        return None
    sides = (
        np.bitwise_or.reduce(lines, axis=1),
        np.bitwise_or.reduce(lines, axis=0),
        np.bitwise_or.reduce(np.bitwise_or.reduce(volume, axis=0), axis=0),
    )
    ends = [np.flatnonzero(side)[[0, -1]] for side in sides]
    return tuple(slice(int(first), int(last) + 1) for first, last in ends)


def grown(box: Box, margins: Sequence[int], shape: tuple[int, ...]) -> Box:
    """Return a box with margins on both sides of each axis, inside ``shape``."""
    return tuple(
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, margin, length in zip(box, margins, shape, strict=True)
    )
