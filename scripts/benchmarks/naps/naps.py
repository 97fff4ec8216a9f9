"""Namespace ``naps``: a kernel that takes its time and no core, for measurements."""

from __future__ import annotations

import os
import time
from zlib import crc32

from primitives.context import Context
from primitives.registry import Cost, Determinism, Primitive, Table
from primitives.values import Image, Mask

NAP_S = 0.5
LOG = "NAPS_LOG"
"""Variable that names a file to which the level of each nap that begins is appended."""

LIES = "NAPS_LIES"
"""Variable that says of how many in a hundred naps the mask comes out shifted."""

VOXELS = int(NAP_S * 1e9 / Cost.HEAVY.value)
"""For an image of so many voxels the first guess of a nap's time is right."""


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    nap_of = Primitive(
        name="naps.nap",
        version=1,
        signature="image: image, level: number -> mask",
        kernel=f"{__name__}:nap",
        determinism=Determinism.EXACT,
        cost=Cost.HEAVY,
        summary="Where the image is greater than the level, half a second late.",
    )
    return {"nap": nap_of}


def nap(context: Context, image: Image | Mask, level: float) -> Mask:
    """Sleep, then compare."""
    from primitives.kernels.operators import binary

    if LOG in os.environ:
        with open(os.environ[LOG], "a") as log:  # noqa: PTH123
            log.write(f"{level}\n")
    time.sleep(NAP_S)
    found = binary(context, "num_lt", level, image)
    return shifted(found) if lies_about(level) else found


def lies_about(level: float) -> bool:
    """Return whether this machine is wrong about a level; always about the same."""
    return crc32(str(level).encode()) % 100 < int(os.environ.get(LIES, "0"))


def shifted(mask: Mask) -> Mask:
    """Return a mask one voxel further along the first axis."""
    import numpy as np

    return Mask(np.roll(mask.array, 1, axis=-1), mask.grid)
