"""Every filter of SimpleITK that has a function, and a few measures.

Filters have the names, the formals and the defaults of SimpleITK's functions.
Whatever is no pure function of its arguments, or needs a transform, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat

from primitives.registry import Cost, Determinism, Primitive, Table
from primitives.simpleitk_table import MEASURES_OF, Filter, Formal, load_table

from ._tables import by_short_name

_ONE_THREAD = frozenset(
    [
        "AdditiveGaussianNoise",
        "DilateObjectMorphology",
        "ErodeObjectMorphology",
        "PatchBasedDenoising",
        "SaltAndPepperNoise",
        "ShotNoise",
        "SpeckleNoise",
    ]
)
"""Filters whose bits depend on the number of threads; a test finds them."""

_REGIONS_AND_LABELS = frozenset(
    [
        "ApproximateSignedDistanceMap",
        "BinaryImageToLabelMap",
        "BinaryMedian",
        "BinaryNot",
        "BinaryThinning",
        "BinaryThreshold",
        "ConfidenceConnected",
        "ConnectedComponent",
        "ConnectedThreshold",
        "DanielssonDistanceMap",
        "DoubleThreshold",
        "Equal",
        "Greater",
        "GreaterEqual",
        "HuangThreshold",
        "IntermodesThreshold",
        "IsoDataThreshold",
        "IsolatedConnected",
        "KittlerIllingworthThreshold",
        "Less",
        "LessEqual",
        "LiThreshold",
        "MaximumEntropyThreshold",
        "MomentsThreshold",
        "NeighborhoodConnected",
        "NotEqual",
        "OtsuMultipleThresholds",
        "OtsuThreshold",
        "RegionalMaxima",
        "RegionalMinima",
        "RenyiEntropyThreshold",
        "ShanbhagThreshold",
        "SignedDanielssonDistanceMap",
        "SignedMaurerDistanceMap",
        "SimpleContourExtractor",
        "ThresholdMaximumConnectedComponents",
        "TriangleThreshold",
        "YenThreshold",
        "ZeroCrossing",
    ]
)
"""Filters whose result does not show the voxels of their input.

All others count as showing them, also those that blur or deform, and those for binary
images that leave every voxel as it is that is not of the value they look for.
"""

_HEAVY_WORDS = ("Iterations", "Denois", "LevelSet", "Deconvolution", "FFT", "Patch")


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    return _Filters()


class _Filters(Mapping[str, Primitive]):
    """Makes each primitive when it is asked for."""

    def __init__(self) -> None:
        self._filters = load_table().filters
        self._made = dict(by_short_name(_own()))

    def __getitem__(self, name: str) -> Primitive:
        if name not in self._made:
            self._made[name] = _primitive(name, self._filters[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        own = [name for name in self._made if name not in self._filters]
        return iter(sorted([*self._filters, *own]))

    def __len__(self) -> int:
        return len({*self._filters, *self._made})


class _FilterPrimitive(Primitive):
    """A filter whose sentence is read when it is asked for."""

    @property
    def summary(self) -> str:
        from primitives.reference.filters import filter_summary

        return filter_summary(self.short_name)

    @summary.setter
    def summary(self, _: str) -> None:
        """Take what the base class assigns."""


def _primitive(name: str, entry: Filter) -> Primitive:
    is_heavy = any(
        word in text
        for word in _HEAVY_WORDS
        for text in (name, *(formal.setter for formal in entry.formals))
    )
    # Sums over labels are those of the threads, added up.
    is_limited = name in _ONE_THREAD or bool(entry.measures)
    function = "measure" if entry.measures else "execute"
    return _FilterPrimitive(
        f"simpleitk.{name}",
        1,
        _signature(entry),
        f"primitives.kernels.simpleitk:{function}",
        Determinism.THREADS if is_limited else Determinism.FLOAT,
        Cost.HEAVY if is_heavy else Cost.LINEAR,
        "",
        libraries=("SimpleITK",),
        max_threads=1 if is_limited else 64,
        reveals_input=name.removesuffix(MEASURES_OF) not in _REGIONS_AND_LABELS,
        bound=(name,),
    )


_KINDS = {
    "Image": "image",
    "LabelMap": "image",
    "VectorOfImage": "sequence|image",
    "VectorOfLabelMap": "sequence|image",
    "bool": "bool|number",
    "double": "number",
    "float": "number",
    "int": "number",
    "uint8_t": "number",
    "uint32_t": "number",
    "uint64_t": "number",
    "string": "string",
    "VectorUIntList": "sequence",
    "VectorUInt8": "sequence|number",
    "VectorUInt32": "sequence|number",
    "VectorInt32": "sequence|number",
    "VectorDouble": "sequence|number",
    "VectorBool": "sequence|bool|number",
    "DoubleDoubleMap": "sequence|record",
}
"""Kinds by type; an enumerator is given as its name or number."""


def _signature(entry: Filter) -> str:
    formals = entry.ordered_formals
    if len(formals) == 1 and formals[0].type.startswith("VectorOf"):
        return f"*{formals[0].name}: {_kinds(formals[0].type)} -> {entry.result}"
    return ", ".join(map(_formal, formals, _others(entry))) + f" -> {entry.result}"


def _others(entry: Filter) -> Iterable[str]:
    """Return the types that arguments have in SimpleITK's second form, if any."""
    position = entry.image_position
    if position is None:
        return repeat("")
    types = [formal.type.rstrip("?") for formal in entry.formals]
    return [*([""] * position), *types[position:]]


def _formal(formal: Formal, other: str) -> str:
    kinds = _kinds(formal.type.rstrip("?"))
    missing = [
        kind for kind in _kinds(other).split("|") if kind not in kinds.split("|")
    ]
    text = f"{formal.name}: {'|'.join([kinds, *(missing if other else [])])}"
    if not formal.is_optional:
        return text
    if formal.default in ("", "null"):
        return text + "?"
    return f"{text} = {formal.default}"


def _kinds(type_name: str) -> str:
    words = (_KINDS.get(word, "string|number") for word in type_name.split("|"))
    return "|".join(words)


def _own() -> tuple[Primitive, ...]:
    return (
        Primitive(
            "simpleitk.ReadImage",
            1,
            "fileName: string -> image",
            "primitives.kernels.simpleitk:read",
            Determinism.FLOAT,
            Cost.LINEAR,
            "The image in a file, with the file's own pixel type.",
            libraries=("SimpleITK",),
            drops=frozenset({"cpu"}),
            reads=True,
            reveals_input=True,
        ),
        Primitive(
            "simpleitk.MinimumMaximum",
            1,
            "image: image -> sequence",
            "primitives.kernels.statistics:extremes",
            Determinism.EXACT,
            Cost.CHEAP,
            "Least and greatest voxel.",
        ),
        Primitive(
            "simpleitk.Statistics",
            1,
            "image: image -> sequence",
            "primitives.kernels.statistics:summary",
            Determinism.EXACT,
            Cost.LINEAR,
            "Minimum, maximum, mean, sigma, variance, sum and number of voxels.",
            details="Sigma and variance are those of a sample: they divide by the "
            "number of voxels less one.  Sums are taken in Float64 in a fixed order.",
        ),
        Primitive(
            "simpleitk.GetPixelIDValueFromString",
            1,
            "name: string -> int",
            "primitives.kernels.simpleitk:pixel_type_number",
            Determinism.FLOAT,
            Cost.TRIVIAL,
            "The number of a pixel type such as sitkFloat32.",
            libraries=("SimpleITK",),
            drops=frozenset(["machine", "cpu", "libc"]),
            details="Not needed to call a filter: pixel types may be given by name.",
        ),
    )
