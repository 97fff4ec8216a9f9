"""Correlation of the histogram of every box of a volume with one histogram.

The k numbers of a box's histogram are never held together.  Pearson's coefficient
needs three sums over the bins: of the counts, of their squares, and of their products
with the other histogram.  The first is the number of voxels in the box that are counted
at all, and the last the sum, over the voxels of the box, of what the other histogram
has for their bins: one box sum each.  The squares need a box sum for every bin that
occurs.  All are whole numbers and exact, whatever their order and type.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .box_sums import Slab, shortest
from .operands import Array

BLOCK = 1 << 15
"""Boxes whose coefficients are computed at once."""

Places = npt.NDArray[np.unsignedinteger]
"""Bin of each voxel; the number of bins for those that are in none."""


class Correlation:
    """Correlates histograms of boxes with a reference.

    Args:
        reference: counts of the bins.
        box_voxels: voxels of a box.
    """

    def __init__(self, reference: list[int], box_voxels: int) -> None:
        count, total = len(reference), sum(reference)
        self._reference = reference
        self._total = total
        self._spread = (
            count * sum(number * number for number in reference) - total * total
        )
        self._squares = shortest(box_voxels * box_voxels)
        weights = [*reference, 0]
        self._weights = np.array(weights, shortest(max(weights)))
        greatest = count * box_voxels * max(box_voxels, total)
        # Floating point is as exact below 2**53, and faster.
        self._exact = np.float64 if greatest < 1 << 53 else np.int64

    def of_slab(self, slab: Slab, places: Places) -> npt.NDArray[np.float32]:
        """Return the coefficient of each box of a slab, as a line.

        Args:
            slab: how ``places`` lie in memory.
            places: from ``slab.lay``.
        """
        size = slab.planes * slab.plane
        weights = np.take(self._weights, places, mode="clip")
        products = slab.sums(weights, max(self._reference))
        total = slab.sums((places < len(self._reference)).view(np.uint8), 1)
        squares = self._sums_of_squares(slab, places)
        found = np.empty(size, np.float32)
        for start in range(0, size, BLOCK):
            part = slice(start, start + BLOCK)
            found[part] = self._coefficients(total[part], squares[part], products[part])
        return found

    def of_one_bin(self, place: int, greatest: int) -> npt.NDArray[np.float32]:
        """Return the coefficients of boxes with 0 to ``greatest`` voxels in one bin."""
        found = np.empty(greatest + 1, np.float32)
        is_counted = place < len(self._reference)
        for start in range(0, found.size, BLOCK):
            total = np.arange(start, min(start + BLOCK, found.size)) * is_counted
            products = total * int(self._weights[place])
            part = self._coefficients(total, total * total, products)
            found[start : start + BLOCK] = part
        return found

    def _sums_of_squares(self, slab: Slab, places: Places) -> Array:
        """Return for each box the sum of its squared counts."""
        sums = np.zeros(slab.planes * slab.plane, self._squares)
        for index in range(len(self._reference)):
            chosen = places == index
            if chosen.any():
                counts = slab.sums(chosen.view(np.uint8), 1).astype(self._squares)
                counts *= counts
                sums += counts
        return sums

    def _coefficients(
        self, total: Array, squares: Array, products: Array
    ) -> npt.NDArray[np.float64]:
        count = len(self._reference)
        total = total.astype(self._exact)
        spread = squares.astype(self._exact)
        spread *= count
        spread -= total * total
        if self._spread == 0:
            return np.where(spread == 0, 1.0, 0.0)
        covariance = products.astype(self._exact)
        covariance *= count
        total *= self._total
        covariance -= total
        scale = np.sqrt(spread.astype(np.float64, copy=False))
        scale *= math.sqrt(self._spread)
        # Where the counts are all equal the covariance is 0, and so is the result.
        np.maximum(scale, 1.0, out=scale)
        result = np.divide(covariance, scale, out=scale)
        return np.clip(result, -1.0, 1.0, out=result)
