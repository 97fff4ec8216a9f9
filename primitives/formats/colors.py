"""Colours that stay apart on a dark picture, for people with any colour vision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Okabe and Ito, "Color universal design", 2008, without black and dark blue, in an
# order that keeps neighbours apart; then lighter ones.
PALETTE: npt.NDArray[np.float32] = np.array(
    [
        (230, 84, 10),
        (30, 150, 255),
        (240, 228, 66),
        (0, 178, 125),
        (224, 130, 184),
        (240, 170, 40),
        (120, 120, 255),
        (170, 220, 110),
        (255, 90, 120),
        (0, 210, 210),
        (200, 160, 120),
        (190, 110, 255),
    ],
    np.float32,
)


def color_of(place: int) -> npt.NDArray[np.float32]:
    """Return the colour of the layer or label at ``place``, from 0, as RGB to 255."""
    color: npt.NDArray[np.float32] = PALETTE[place % len(PALETTE)]
    return color
