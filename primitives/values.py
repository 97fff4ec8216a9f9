"""The value model: what programs compute with.

==========  =========================================  ==================
kind        Python                                     note
==========  =========================================  ==================
null        ``None``                                   an omitted bound
bool        ``bool``
int         ``int``                                    64-bit signed
double      ``float``                                  IEEE 754 binary64
string      ``str``                                    UTF-8 as given
bytes       ``bytes``
image       :class:`Image`                             2-D or 3-D, any components
mask        :class:`Mask`                              a boolean image
sequence    ``tuple``                                  items of any kind
record      ``dict[str, Value]``                       keys sorted when encoded
==========  =========================================  ==================

Values are immutable: arrays are read-only, and no kernel changes an argument.
numpy and SimpleITK are imported only when an image is touched.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from .errors import GridMismatchError, KernelTypeError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import SimpleITK as sitk

Value: TypeAlias = Any
"""One of the Python types of the table above."""

GRID_TOLERANCE = 1e-3
"""Two grids are the same if no voxel of one lies farther than this from its place in
the other, in voxels.  NIfTI keeps positions in 32 bits only, so that an image is not
exactly where the DICOM series is that it was made of."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the voxels of an image lie in space.

    Attributes:
        size: number of voxels along each axis, x first.
        spacing: distance of neighbouring voxel centres in mm, x first.
        origin: position of the first voxel's centre in mm.
        direction: direction cosines, row-major, ``len(size) ** 2`` numbers.
    """

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]

    @property
    def dimension(self) -> int:
        """Number of axes."""
        return len(self.size)

    @property
    def shape(self) -> tuple[int, ...]:
        """Array shape: slowest axis first, e.g. (z, y, x)."""
        return self.size[::-1]

    @property
    def voxel_count(self) -> int:
        """Number of voxels."""
        count = 1
        for length in self.size:
            count *= length
        return count

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in mm³ (mm² in 2-D); a fourth axis is none of space."""
        volume = 1.0
        for step in self.spacing[:3]:
            volume *= step
        return volume

    def matches(self, other: Grid) -> bool:
        """Return whether both grids are the same within :data:`GRID_TOLERANCE`."""
        if self is other or self == other:
            return True
        if self.size != other.size:
            return False
        limit = GRID_TOLERANCE * min(self.spacing)
        # An axis of one voxel has a step and a direction, too.
        ends = ((0, max(length - 1, 1)) for length in self.size)
        corners = itertools.product(*ends)
        return all(
            abs(mine - theirs) <= limit
            for corner in corners
            for mine, theirs in zip(
                self.position(corner), other.position(corner), strict=True
            )
        )

    def position(self, index: Sequence[int]) -> tuple[float, ...]:
        """Return where the centre of a voxel lies, in mm."""
        axes = range(self.dimension)
        return tuple(
            self.origin[row]
            + sum(
                self.direction[row * self.dimension + axis]
                * (self.spacing[axis] * index[axis])
                for axis in axes
            )
            for row in axes
        )

    def describe(self) -> str:
        """Return the grid in one line, for messages."""
        size = "x".join(map(str, self.size))
        spacing = "x".join(f"{step:g}" for step in self.spacing)
        origin = ", ".join(f"{at:g}" for at in self.origin)
        return f"{size} voxels of {spacing} mm at ({origin})"


class Image:
    """An image of numbers on a grid; immutable.

    It holds a numpy array, a SimpleITK image, or both, and makes the other at the
    first demand.

    Attributes:
        grid: where the voxels lie.
        components: numbers per voxel; 1 for a scalar image.
    """

    kind = "image"

    def __init__(
        self,
        grid: Grid,
        components: int,
        *,
        array: npt.NDArray[Any] | None = None,
        itk: sitk.Image | None = None,
    ) -> None:
        self.grid = grid
        self.components = components
        if array is not None:
            array.flags.writeable = False
            self.array = array
        if itk is not None:
            self.itk = itk

    @staticmethod
    def of_array(array: npt.NDArray[Any], grid: Grid, components: int = 1) -> Image:
        """Wrap an array of shape ``grid.shape``, or that and the components last.

        The array becomes read-only and must not be changed through another view.
        """
        expected = grid.shape if components == 1 else (*grid.shape, components)
        if array.shape != expected:
            raise ValueError(f"array of shape {array.shape} on a grid of {expected}")
        return Image(grid, components, array=array)

    @staticmethod
    def of_itk(image: sitk.Image) -> Image:
        """Wrap a SimpleITK image, which must not be changed afterwards."""
        grid = Grid(
            tuple(image.GetSize()),
            tuple(image.GetSpacing()),
            tuple(image.GetOrigin()),
            tuple(image.GetDirection()),
        )
        return Image(grid, image.GetNumberOfComponentsPerPixel(), itk=image)

    @cached_property
    def array(self) -> npt.NDArray[Any]:
        """Read-only array, shape ``grid.shape`` (and the components last)."""
        from .pixels import array_of_itk

        return array_of_itk(self.itk)

    @cached_property
    def itk(self) -> sitk.Image:
        """The same image for SimpleITK."""
        from .pixels import itk_of_array

        return itk_of_array(self.array, self.grid, self.components)

    @property
    def pixel_type(self) -> np.dtype[Any]:
        """numpy type of one component."""
        if "array" in self.__dict__:
            return self.array.dtype
        from .pixels import dtype_of_itk

        return dtype_of_itk(self.itk)

    @property
    def nbytes(self) -> int:
        """Bytes that the voxels take in memory."""
        return self.grid.voxel_count * self.components * self.pixel_type.itemsize

    def scalar(self, role: str = "image") -> Image:
        """Return self if it has one component.

        Raises:
            KernelTypeError: the image has several components.
        """
        if self.components != 1:
            raise KernelTypeError(
                f"{role} must have one component per voxel, this one has "
                f"{self.components}; take one with red, green, blue or intensity"
            )
        return self


class Mask:
    """A boolean image: a region of the grid; immutable.

    It holds its voxels as booleans or packed, 8 to the byte, and makes the other at
    demand.  Booleans are what most kernels make and need; packed, logic and counting
    are an order of magnitude faster, and these are the bytes that are stored.  Once
    packed it stays so, and every use of :attr:`array` unpacks anew: a mask that waits
    for its next use takes an eighth of the memory, and unpacking costs less than any
    pass over the booleans.

    Attributes:
        grid: where the voxels lie.
    """

    kind = "mask"
    components = 1

    def __init__(self, array: npt.NDArray[np.bool_], grid: Grid) -> None:
        if array.dtype != bool or array.shape != grid.shape:
            raise ValueError(f"{array.dtype}{array.shape} is no mask on {grid.shape}")
        array.flags.writeable = False
        self.grid = grid
        self._array: npt.NDArray[np.bool_] | None = array
        self._bits: npt.NDArray[np.uint8] | None = None

    @staticmethod
    def of_bits(bits: npt.NDArray[np.uint8], grid: Grid) -> Mask:
        """Wrap packed voxels, which must not be changed afterwards.

        Args:
            bits: x fastest, the first voxel in the lowest bit of the first byte; what
                the last byte has beyond the last voxel must be zero.
            grid: where the voxels lie.
        """
        count = grid.voxel_count
        if bits.dtype != "uint8" or bits.shape != (-(-count // 8),):
            raise ValueError(f"{bits.dtype}{bits.shape} holds no {count} voxels")
        if count % 8 and bits[-1] >> (count % 8):
            raise ValueError("the last byte of a mask is not filled with zeros")
        mask = Mask.__new__(Mask)
        bits.flags.writeable = False
        mask.grid = grid
        mask._array = None
        mask._bits = bits
        return mask

    @property
    def array(self) -> npt.NDArray[np.bool_]:
        """Read-only boolean array of shape ``grid.shape``."""
        array = self._array
        if array is not None:
            return array
        import numpy as np

        assert self._bits is not None
        count = self.grid.voxel_count
        unpacked = np.unpackbits(self._bits, count=count, bitorder="little")
        found = unpacked.view(np.bool_).reshape(self.grid.shape)
        found.flags.writeable = False
        return found

    @property
    def bits(self) -> npt.NDArray[np.uint8]:
        """Read-only packed voxels; see :meth:`of_bits`."""
        if self._bits is None:
            import numpy as np

            packed = np.packbits(self.array.reshape(-1), bitorder="little")
            packed.flags.writeable = False
            # In this order: other threads look for the booleans first.
            self._bits = packed
            self._array = None
        return self._bits

    @property
    def is_packed(self) -> bool:
        """Whether :attr:`bits` is there and :attr:`array` would have to be made."""
        return self._bits is not None

    @cached_property
    def itk(self) -> sitk.Image:
        """The same mask as a SimpleITK UInt8 image of 0 and 1."""
        import numpy as np

        from .pixels import itk_of_array

        return itk_of_array(self.array.view(np.uint8), self.grid, 1)

    @property
    def nbytes(self) -> int:
        """Bytes that the voxels take in memory as booleans."""
        return self.grid.voxel_count


def require_same_grid(first: Image | Mask, second: Image | Mask) -> None:
    """Check that two images can be combined voxel by voxel.

    Raises:
        GridMismatchError: they differ in size, spacing, origin or direction.
    """
    if not first.grid.matches(second.grid):
        raise GridMismatchError(
            "the images do not lie on the same grid: "
            f"{first.grid.describe()} against {second.grid.describe()}; "
            "resample one of them first (simpleitk.Resample)"
        )


def kind_of(value: Value) -> str:
    """Return the kind of ``value``, a word of the table in this module."""
    found = _KINDS.get(type(value))
    if found is None:
        raise KernelTypeError(f"{type(value).__name__} is not a kind of value")
    return found


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "double",
    str: "string",
    bytes: "bytes",
    Image: "image",
    Mask: "mask",
    tuple: "sequence",
    dict: "record",
}
