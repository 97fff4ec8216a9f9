"""The spatial logic of VoxLogicA: regions, distances, ranks, colours.

Names and meanings are those of VoxLogicA 1.  The neighbourhood of a voxel is the box
of 3 voxels a side around it, itself included; components are connected through it.
An image given for a region counts as true where it is not zero.

All kernels here are exact: they use logic, integers, and IEEE operations that are
correctly rounded one by one and in an order that no library or thread chooses.
"""

from __future__ import annotations

from primitives.registry import Cost, Determinism, Primitive, Table

from . import default
from ._tables import by_short_name

NULLARY = frozenset(["tt", "ff", "border", "x", "y", "z", "constant", "bconstant"])
"""Short names whose first argument, the image that gives the grid, is implied.

Programs write ``border`` and ``constant(3)``; in a plan they are ``border(base)`` and
``constant(base, 3)``.
"""

_ALIASES = {"vol": "volume", "Lcc": "lcc"}

_DEFAULT_ALIASES = {
    "num_add": "addition",
    "num_sub": "subtraction",
    "num_mul": "multiplication",
    "num_div": "division",
    "bool_and_scalar": "logical_and",
    "bool_or_scalar": "logical_or",
    "bool_not_scalar": "logical_not",
    "num_eq": "num_eq",
    "num_neq": "num_neq",
    "num_leq": "num_leq",
    "num_lt": "num_lt",
    "num_geq": "num_geq",
    "num_gt": "num_gt",
    "+": "addition",
    "-": "subtraction",
    "*": "multiplication",
    "/": "division",
    "==": "num_eq",
    "!=": "num_neq",
    "<=": "num_leq",
    "<": "num_lt",
    ">=": "num_geq",
    ">": "num_gt",
}
"""Names of VoxLogicA 1 for primitives of the default namespace."""


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    scalars = default.table()
    return {
        **by_short_name(_PRIMITIVES, _ALIASES),
        **{alias: scalars[name] for alias, name in _DEFAULT_ALIASES.items()},
    }


def _exact(
    name: str,
    signature: str,
    kernel: str,
    summary: str,
    cost: Cost = Cost.CHEAP,
    *,
    reveals_input: bool = False,
    bound: tuple[str, ...] = (),
    details: str = "",
    max_threads: int = 1,
) -> Primitive:
    return Primitive(
        f"vox1.{name}",
        1,
        signature,
        f"primitives.kernels.{kernel}",
        Determinism.EXACT,
        cost,
        summary,
        reveals_input=reveals_input,
        bound=bound,
        details=details,
        max_threads=max_threads,
    )


_THRESHOLD = (
    "A number is compared at the image's pixel type: rounded to Float32 for a Float32 "
    "image, exactly for an image of integers.  NaN satisfies no comparison."
)
_ARITHMETIC = (
    "Images of 8- and 16-bit integers and masks are computed as Float32, those of 32- "
    "and 64-bit integers as Float64; floating-point images keep their type."
)
_DISTANCE = (
    "Equal, voxel by voxel, to comparing the distance map with the number at Float32, "
    "but no map is made: a small distance takes a small time."
)

_POINTWISE = (
    _exact(
        "and",
        "first: bool|mask, second: bool|mask -> bool|mask",
        "operators:binary",
        "Where both regions are true.",
        bound=("logical_and",),
        details="A truth value stands for a region that is all of it; two of them "
        "give a truth value.",
    ),
    _exact(
        "or",
        "first: bool|mask, second: bool|mask -> bool|mask",
        "operators:binary",
        "Where at least one of two regions is true.",
        bound=("logical_or",),
        details="A truth value stands for a region that is all of it; two of them "
        "give a truth value.",
    ),
    _exact(
        "not",
        "region: mask -> mask",
        "operators:logical_not",
        "Where a region is false.",
    ),
    _exact(
        "tt",
        "base: image -> mask",
        "constants:everywhere",
        "True everywhere on the base image's grid.",
    ),
    _exact(
        "ff",
        "base: image -> mask",
        "constants:nowhere",
        "False everywhere on the base image's grid.",
    ),
    _exact(
        "bconstant",
        "base: image, value: bool -> mask",
        "constants:constant_region",
        "One truth value everywhere on the base image's grid.",
    ),
    _exact(
        "constant",
        "base: image, value: number -> image",
        "constants:constant_image",
        "One number everywhere on the base image's grid, as Float32.",
    ),
    _exact(
        "eq_sv",
        "value: number, image: image -> mask",
        "operators:binary",
        "Where the image equals the number.",
        bound=("num_eq",),
        details=_THRESHOLD,
    ),
    _exact(
        "geq_sv",
        "value: number, image: image -> mask",
        "operators:binary",
        "Where the image is greater than or equal to the number.",
        bound=("num_leq",),
        details=_THRESHOLD,
    ),
    _exact(
        "leq_sv",
        "value: number, image: image -> mask",
        "operators:binary",
        "Where the image is less than or equal to the number.",
        bound=("num_geq",),
        details=_THRESHOLD,
    ),
    _exact(
        "gt_sv",
        "value: number, image: image -> mask",
        "operators:binary",
        "Where the image is greater than the number.",
        bound=("num_lt",),
        details=_THRESHOLD,
    ),
    _exact(
        "lt_sv",
        "value: number, image: image -> mask",
        "operators:binary",
        "Where the image is less than the number.",
        bound=("num_gt",),
        details=_THRESHOLD,
    ),
    _exact(
        "between",
        "low: number, high: number, image: image -> mask",
        "intensity:between",
        "Where the image lies between two numbers, both included.",
        details=_THRESHOLD + "  It is an error when low is greater than high.",
    ),
    _exact(
        "div_sv",
        "value: number, image: image -> image",
        "operators:binary",
        "The number divided by the image.",
        bound=("division",),
        reveals_input=True,
        details=_ARITHMETIC
        + "  Where the image is zero: the greatest finite value of the result's type.",
    ),
    _exact(
        "sub_sv",
        "value: number, image: image -> image",
        "operators:binary",
        "The number minus the image.",
        bound=("subtraction",),
        reveals_input=True,
        details=_ARITHMETIC,
    ),
    _exact(
        "div_vs",
        "image: image, value: number -> image",
        "intensity:times_reciprocal",
        "The image multiplied by the reciprocal of the number.",
        reveals_input=True,
        details=_ARITHMETIC + "  The number must not be zero.",
    ),
    _exact(
        "sub_vs",
        "image: image, value: number -> image",
        "operators:binary",
        "The image minus the number.",
        bound=("subtraction",),
        reveals_input=True,
        details=_ARITHMETIC,
    ),
    _exact(
        "add_vs",
        "image: image, value: number -> image",
        "operators:binary",
        "The image plus the number.",
        bound=("addition",),
        reveals_input=True,
        details=_ARITHMETIC,
    ),
    _exact(
        "mul_vs",
        "image: image, value: number -> image",
        "operators:binary",
        "The image multiplied by the number.",
        bound=("multiplication",),
        reveals_input=True,
        details=_ARITHMETIC,
    ),
    _exact(
        "abs",
        "image: image -> image",
        "intensity:magnitude",
        "The absolute value of the image.",
        reveals_input=True,
        details=_ARITHMETIC,
    ),
    _exact(
        "mask",
        "image: image, region: mask -> image|mask",
        "intensity:restricted",
        "The image inside a region and zero outside, in the image's pixel type.",
        reveals_input=True,
    ),
)

_REDUCTIONS = (
    _exact(
        "volume",
        "region: mask -> double",
        "statistics:voxel_count",
        "The number of voxels of a region.",
        details="A count, not millilitres; see voxpeer.volumeml.",
    ),
    _exact("max", "image: image -> double", "statistics:greatest", "Greatest voxel."),
    _exact("min", "image: image -> double", "statistics:least", "Least voxel."),
    _exact(
        "avg",
        "image: image, region: mask -> double",
        "statistics:mean_inside",
        "Mean of the image over a region.",
        details="Voxels are taken as Float32 and summed as Float64 in a fixed order.  "
        "An empty region is an error; see avg0.",
    ),
    _exact(
        "avg0",
        "image: image, region: mask -> double",
        "statistics:mean_inside_or_zero",
        "Mean of the image over a region; 0 when the region is empty.",
    ),
)

_TOPOLOGY = (
    _exact(
        "near",
        "region: mask -> mask",
        "topology:near",
        "Where some voxel of the neighbourhood belongs to the region.",
    ),
    _exact(
        "interior",
        "region: mask -> mask",
        "topology:interior",
        "Where all voxels of the neighbourhood belong to the region.",
        details="Voxels outside the image count as belonging to it.",
    ),
    _exact(
        "lcc",
        "region: mask -> image",
        "components:labels",
        "Labels 1, 2, … of the components of a region; 0 outside.",
        Cost.LINEAR,
        details="Float32, numbered by the first voxel in raster order (x fastest).",
    ),
    _exact(
        "through",
        "start: mask, region: mask -> mask",
        "components:through",
        "The components of a region that meet the start.",
        Cost.LINEAR,
    ),
    _exact(
        "maxvol",
        "region: mask -> mask",
        "components:largest",
        "The component of a region with the most voxels; all of them if several tie.",
        Cost.LINEAR,
    ),
    _exact(
        "border",
        "base: image -> mask",
        "constants:border",
        "The voxels that are first or last along some axis.",
    ),
    *(
        _exact(
            axis,
            "base: image -> image",
            f"constants:index_{axis}",
            f"Index of each voxel along {axis}, counted from 0, as Float32.",
            details="Zero on a 2-D image." if axis == "z" else "",
        )
        for axis in "xyz"
    ),
    _exact(
        "gradient",
        "image: image -> image",
        "derivatives:gradient_magnitude",
        "Length of the gradient per mm, by central differences, as Float32.",
        Cost.LINEAR,
        reveals_input=True,
        details="The image goes on beyond its edge with the value at the edge.",
    ),
    _exact(
        "dt",
        "region: mask -> image",
        "distance:signed_distance",
        "Euclidean distance to a region in mm, negative inside, as Float32.",
        Cost.HEAVY,
        details="Let the boundary be the region's voxels with a neighbour outside it.  "
        "Outside: distance to the nearest voxel of the region.  Inside: minus the "
        "distance to the nearest boundary voxel, so 0 on the boundary.  Distances are "
        "between voxel centres.  1.8446743e19 everywhere for an empty region, and its "
        "negative for a region that fills the image.",
    ),
    *(
        _exact(
            name,
            "distance: number, region: mask -> mask",
            f"distance:{kernel}",
            summary,
            Cost.LINEAR,
            details=_DISTANCE + note,
        )
        for name, kernel, summary, note in (
            (
                "distleq",
                "within",
                "Where the distance to a region is at most a number of mm.",
                "  Inside the region the distance is 0.",
            ),
            (
                "distgeq",
                "at_least",
                "Where the distance to a region is at least a number of mm.",
                "  Inside the region the distance is 0.",
            ),
            (
                "distlt",
                "nearer_than",
                "Where the distance to a region is below a number of mm.",
                "  Inside the region the distance is negative, as dt gives it.",
            ),
            (
                "distgt",
                "farther_than",
                "Where the distance to a region is above a number of mm.",
                "  Inside the region the distance is negative, as dt gives it.",
            ),
        )
    ),
)

_STATISTICS = (
    _exact(
        "percentiles",
        "image: image, region: mask, correction: number -> image",
        "ranks:percentiles",
        "Rank of each voxel among those of a region, from 0 to 1; -1 outside it.",
        Cost.LINEAR,
        max_threads=8,
        reveals_input=True,
        details="(number of smaller voxels + correction * number of equal voxels) / "
        "number of voxels, as Float32; voxels are compared as Float32.  Correction 0 "
        "is the strict rank, 1 the inclusive one, 0.5 the middle.",
    ),
    Primitive(
        "vox1.otsu",
        1,
        "image: image, region: mask, bins: number -> mask",
        "primitives.kernels.otsu:otsu",
        Determinism.FLOAT,
        Cost.LINEAR,
        "Where the image is above Otsu's threshold of a region, inside that region.",
        libraries=("SimpleITK",),
        details="The threshold is found from a histogram with the given number of bins "
        "over the voxels of the region.",
    ),
    _exact(
        "crossCorrelation",
        "radius: number, image: image, texture: image, region: mask, low: number, "
        "high: number, bins: number -> image",
        "texture:cross_correlation",
        "Likeness, from -1 to 1, of the histogram around each voxel with a region's.",
        Cost.HEAVY,
        max_threads=64,
        details="Pearson's correlation of two histograms with equal bins over "
        "[low, high): that of the image in a box of the given radius in mm around the "
        "voxel, and that of the texture over the region.  Two constant histograms "
        "give 1, a single one 0.  Float32.",
    ),
)

_COLOURS = (
    _exact(
        "intensity",
        "image: image -> image",
        "colours:intensity",
        "Brightness of each voxel as Float32.",
        reveals_input=True,
        details="The voxel itself in an image of one component; 0.2126 red + 0.7152 "
        "green + 0.0722 blue in one of three or four.",
    ),
    *(
        _exact(
            name,
            "image: image -> image",
            f"colours:{name}",
            f"The {name} component as Float32.",
            reveals_input=True,
            details="The intensity of an image of one component.",
        )
        for name in ("red", "green", "blue")
    ),
    _exact(
        "alpha",
        "image: image -> image",
        "colours:alpha",
        "The fourth component as Float32, or 255 everywhere when there is none.",
        reveals_input=True,
    ),
    _exact(
        "rgb",
        "red: image, green: image, blue: image -> image",
        "colours:rgb",
        "An image of three Float32 components.",
        reveals_input=True,
    ),
    _exact(
        "rgba",
        "red: image, green: image, blue: image, alpha: image -> image",
        "colours:rgb",
        "An image of four Float32 components.",
        reveals_input=True,
    ),
)

_IMAGES = (
    Primitive(
        "vox1.load",
        1,
        "file: string -> image",
        "primitives.kernels.models:load",
        Determinism.FLOAT,
        Cost.LINEAR,
        'The image in a file, as the command load name = "file" reads it.',
        libraries=("SimpleITK",),
        drops=frozenset({"cpu"}),
        reads=True,
        reveals_input=True,
        details="Of an image with more than two axes, those of size 1 are dropped: a "
        "single slice is a 2-D image.  The pixel type is that of the file.",
    ),
    _exact(
        "aligned",
        "image: image, base: image -> image|mask",
        "models:aligned",
        "The image on the grid of another one that has as many voxels.",
        reveals_input=True,
        details="Spacing, origin and direction become those of the base.  An image "
        "of another size, or with another number of components, stays as it is.",
    ),
    _exact(
        "extract",
        "image: image, size: sequence, index: sequence -> image|mask",
        "models:extract",
        "A part of an image: so many voxels along each axis, from a first one on.",
        reveals_input=True,
        details="Both are sequences of whole numbers, x first.  An axis of size 0 is "
        "left out: the part of a volume is then a slice.",
    ),
)

_PRIMITIVES = (*_IMAGES, *_POINTWISE, *_REDUCTIONS, *_TOPOLOGY, *_STATISTICS, *_COLOURS)
