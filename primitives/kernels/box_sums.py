"""Sums over the box around every voxel of a slab of planes.

A slab lies in one line of memory, with as many empty voxels before each line, and empty
lines before each plane, as a box reaches beyond its centre.  What a box has beyond the
end of a line is then the empty beginning of the next one, so that the sums along every
axis are sums of shifted copies of one long line, without edges.  Sums of 1, 2, 4, …
neighbours make one of any number, and each is held in the shortest type that can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .operands import Array


@dataclass(frozen=True)
class Slab:
    """How some planes of a volume, and those that boxes reach, lie in a line.

    Attributes:
        planes: number of planes whose boxes are summed.
        height: lines of a plane.
        width: voxels of a line.
        reach: voxels of a box on each side of its centre, slowest axis first.
    """

    planes: int
    height: int
    width: int
    reach: tuple[int, int, int]

    @property
    def line(self) -> int:
        """Voxels from line to line."""
        return self.width + self.reach[2]

    @property
    def plane(self) -> int:
        """Voxels from plane to plane."""
        return (self.height + self.reach[1]) * self.line

    @property
    def box_voxels(self) -> int:
        """Voxels of a box."""
        along_z, along_y, along_x = (2 * each + 1 for each in self.reach)
        return along_z * along_y * along_x

    def lay(self, volume: Array, start: int, empty: int) -> Array:
        """Return the line of the planes from ``start`` on, with those around them."""
        along_z, along_y, along_x = self.reach
        first, last = start - along_z, start + self.planes + along_z
        held = (last - first) * self.plane
        line = np.full(
            held + 2 * (along_y * self.line + along_x), empty, dtype=volume.dtype
        )
        planes = line[:held].reshape(-1, self.height + along_y, self.line)
        low, high = max(first, 0), min(last, len(volume))
        planes[low - first : high - first, along_y:, along_x:] = volume[low:high]
        return line

    def sums(self, line: Array, greatest: int) -> Array:
        """Return the sum of every box, ``planes * plane`` in a line.

        Args:
            line: whole numbers, from :meth:`lay` or what was made of it.
            greatest: of them.
        """
        steps = (self.plane, self.line, 1)
        # Planes first: then only these sums are made for the planes around the slab.
        for reach, step in zip(self.reach, steps, strict=True):
            line = _window_sums(line, 2 * reach + 1, step, greatest)
            greatest *= 2 * reach + 1
        return line

    def volume(self, line: Array) -> Array:
        """Return a view of the planes of a line of sums."""
        planes = line.reshape(self.planes, self.height + self.reach[1], self.line)
        return planes[:, : self.height, : self.width]


def shortest(greatest: int) -> np.dtype[np.unsignedinteger]:
    """Return the shortest type of whole numbers that holds 0 to ``greatest``."""
    return np.min_scalar_type(greatest)


def _window_sums(line: Array, width: int, step: int, greatest: int) -> Array:
    """Return the sums of ``width`` voxels, ``step`` apart, from each voxel on."""
    power, length = line, 1
    sums, summed = line[:0], 0
    while True:
        if width & length:
            sums = _add(sums, power, summed * step, (summed + length) * greatest)
            summed += length
        if 2 * length > width:
            return sums
        power = _add(power, power, length * step, 2 * length * greatest)
        length *= 2


def _add(one: Array, other: Array, shift: int, greatest: int) -> npt.NDArray[np.uint8]:
    """Return ``one`` plus ``other`` from ``shift`` on, as far as ``other`` goes."""
    if shift == 0:
        return other
    moved = other[shift:]
    return np.add(one[: len(moved)], moved, dtype=shortest(greatest))
