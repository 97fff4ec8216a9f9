"""Dilation by a ball, as a union of moved rows of bits.

A ball is a pile of rows along x, one for each step along y and z.  So the dilation is
the union, over these, of the region widened by half the length of the row and moved by
the steps.  Opposite steps share their widened region, and the rows of one step along z
are united before they are moved along z.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from primitives.context import Context

from .bits import Bits, Bytes, Layout
from .boxes import bounding_box, grown

SLAB_BYTES = 1 << 18
"""Bits dilated at once: several widened copies of them stay in an L2 cache."""

Halves = npt.NDArray[np.int64]
"""Steps along x to the ends of the rows of a ball, -1 for no row.

Shape (1 + steps along z, 1 + steps along y); the ball is symmetric.
"""


def ball_dilated(context: Context, source: Bits, halves: Halves) -> Bits:
    """Return the voxels of a volume within a ball around some voxel of the region."""
    result = source.layout.empty()
    found = bounding_box(source.rows)
    if found is None:
        return result
    margins = (*(length - 1 for length in halves.shape), int(halves.max() + 7) // 8)
    box = grown(found, margins, source.rows.shape)
    result.rows[box] = _dilated(context, source.rows[box], halves)
    # A ball reaches into the bits beyond the end of a row.
    words = result.words
    words &= source.layout.columns
    return result


def _dilated(context: Context, rows: Bytes, halves: Halves) -> Bytes:
    depth, height, length = rows.shape
    result = Layout((depth, height, 8 * length)).empty().rows
    step = max(1, SLAB_BYTES // result[0].size)
    for start in range(0, depth, step):
        context.check()
        slab = rows[start : start + step]
        if not slab.any():
            continue
        for away, disc in enumerate(_discs(slab, halves)):
            _unite(result, disc, away + start)
            _unite(result, disc, start - away)
    return result[..., :length]


def _discs(slab: Bytes, halves: Halves) -> list[Bytes]:
    """Return the dilations of a few planes by each disc of a ball."""
    depth, height, length = slab.shape
    bits = Layout((depth, height, 8 * length)).empty()
    bits.rows[..., :length] = slab
    widened = [bits.rows]
    for _ in range(int(halves.max())):
        bits = bits.widened()
        widened.append(bits.rows)
    return [_disc(widened, row) for row in halves]


def _disc(widened: list[Bytes], halves: npt.NDArray[np.int64]) -> Bytes:
    result: Bytes = widened[halves[0]].copy()
    for step, half in enumerate(halves.tolist()):
        if step and half >= 0:
            np.bitwise_or(
                result[:, step:], widened[half][:, :-step], out=result[:, step:]
            )
            np.bitwise_or(
                result[:, :-step], widened[half][:, step:], out=result[:, :-step]
            )
    return result


def _unite(result: Bytes, planes: Bytes, start: int) -> None:
    """Add planes to ``result`` from plane ``start`` on; some may lie outside it."""
    first, stop = max(0, start), min(len(result), start + len(planes))
    if first < stop:
        target = result[first:stop]
        np.bitwise_or(target, planes[first - start : stop - start], out=target)
