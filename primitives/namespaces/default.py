"""Namespace ``default``: operators, sequences, files."""

from __future__ import annotations

from primitives.registry import Cost, Determinism, Primitive, Table

from ._tables import by_short_name

_OPERATORS = "primitives.kernels.operators"
_SEQUENCES = "primitives.kernels.sequences"
_FILES = "primitives.kernels.files"
_VOLUMES = "primitives.kernels.volumes"

_ALIASES = {
    "+": "addition",
    "-": "subtraction",
    "*": "multiplication",
    "/": "division",
    "==": "num_eq",
    "!=": "num_neq",
    "<": "num_lt",
    "<=": "num_leq",
    ">": "num_gt",
    ">=": "num_geq",
    "&&": "logical_and",
    "bool_and_scalar": "logical_and",
    "||": "logical_or",
    "bool_or_scalar": "logical_or",
    "!": "logical_not",
    "not_compat": "logical_not",
    "for_loop": "map",
}


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    return by_short_name((*_operators(), *_sequences(), *_files()), _ALIASES)


def _operator(name: str, signature: str, summary: str, details: str = "") -> Primitive:
    return Primitive(
        name=f"default.{name}",
        version=1,
        signature=signature,
        kernel=f"{_OPERATORS}:binary",
        determinism=Determinism.EXACT,
        cost=Cost.CHEAP,
        summary=summary,
        # An image plus 0 is the image; comparisons and logic give masks.
        reveals_input=name in _ARITHMETIC,
        bound=(name,),
        details=details,
    )


_ARITHMETIC = frozenset(
    ["addition", "subtraction", "multiplication", "division", "minimum", "maximum"]
)
_NUMERIC = "number|bool|image|sequence"
_PAIR = f"left: {_NUMERIC}, right: {_NUMERIC}"
_ADDABLE = f"{_NUMERIC}|string"
_NUMBERS = "number|image|sequence"
_TRUTHS = "bool|mask|sequence"

_INTEGERS = (
    "Two integers give an integer, a double and a number give a double; an integer "
    "beyond 64 bits is an error. A bool or mask counts as 0 and 1."
)
_VOXELS = (
    "Images combine voxel by voxel, on one grid, as Float32; 32- and 64-bit integers "
    "and Float64 as Float64. A number is taken at the image's type. Sequences combine "
    "item by item."
)


def _operators() -> tuple[Primitive, ...]:
    return (
        _operator(
            "addition",
            f"left: {_ADDABLE}, right: {_ADDABLE} -> {_NUMBERS}|string",
            "Sum of numbers or images; two strings joined.",
            f"{_INTEGERS}\n\n{_VOXELS}",
        ),
        _operator(
            "subtraction",
            f"{_PAIR} -> {_NUMBERS}",
            "Difference of numbers or images.",
            f"{_INTEGERS}\n\n{_VOXELS}",
        ),
        _operator(
            "multiplication",
            f"{_PAIR} -> {_NUMBERS}",
            "Product of numbers or images.",
            f"{_INTEGERS}\n\n{_VOXELS}",
        ),
        _operator(
            "division",
            f"{_PAIR} -> double|image|sequence",
            "Quotient of numbers or images, always a double or floating point image.",
            "A number divided by zero is an error; a voxel divided by zero is the "
            "greatest finite number of its type, whatever the sign of the dividend."
            f"\n\n{_VOXELS}",
        ),
        _operator(
            "minimum",
            f"{_PAIR} -> {_NUMBERS}|bool",
            "The smaller of two numbers, voxel by voxel on images.",
            f"NaN where either is NaN.\n\n{_VOXELS}",
        ),
        _operator(
            "maximum",
            f"{_PAIR} -> {_NUMBERS}|bool",
            "The greater of two numbers, voxel by voxel on images.",
            f"NaN where either is NaN.\n\n{_VOXELS}",
        ),
        *_comparisons(),
        _operator(
            "logical_and",
            f"{_PAIR} -> {_TRUTHS}",
            "Whether both are true; voxel by voxel on masks.",
            "A number or voxel is true unless it is zero.",
        ),
        _operator(
            "logical_or",
            f"{_PAIR} -> {_TRUTHS}",
            "Whether one of both is true; voxel by voxel on masks.",
            "A number or voxel is true unless it is zero.",
        ),
        Primitive(
            name="default.logical_not",
            version=1,
            signature=f"value: {_NUMERIC} -> {_TRUTHS}",
            kernel=f"{_OPERATORS}:logical_not",
            determinism=Determinism.EXACT,
            cost=Cost.CHEAP,
            summary="Whether it is false; voxel by voxel on masks.",
            details="A number or voxel is true unless it is zero.",
        ),
    )


def _comparisons() -> tuple[Primitive, ...]:
    rule = (
        "There is no tolerance. An image gives a mask: a number is compared at the "
        "type of a floating point image, and exactly with an integer image."
    )
    either = f"left: {_ADDABLE}, right: {_ADDABLE} -> {_TRUTHS}"
    ordered = f"{_PAIR} -> {_TRUTHS}"
    return (
        _operator("num_eq", either, "Whether both are equal.", rule),
        _operator("num_neq", either, "Whether both differ.", rule),
        _operator("num_lt", ordered, "Whether left is less than right.", rule),
        _operator("num_leq", ordered, "Whether left is at most right.", rule),
        _operator("num_gt", ordered, "Whether left is greater than right.", rule),
        _operator("num_geq", ordered, "Whether left is at least right.", rule),
    )


def _exact(
    name: str,
    signature: str,
    kernel: str,
    summary: str,
    *,
    form: str = "",
    reveals_input: bool = False,
    details: str = "",
) -> Primitive:
    return Primitive(
        name=f"default.{name}",
        version=1,
        signature=signature,
        kernel=kernel,
        determinism=Determinism.EXACT,
        cost=Cost.TRIVIAL,
        summary=summary,
        reveals_input=reveals_input,
        form=form,
        details=details,
    )


def _sequences() -> tuple[Primitive, ...]:
    # What hands on an item shows it, and the item may be an image as it was read.
    return (
        _exact(
            "sequence",
            "*items: any? -> sequence",
            f"{_SEQUENCES}:sequence",
            "The sequence of its arguments; what [a, b] means.",
            form="sequence",
            reveals_input=True,
        ),
        _exact(
            "range",
            "first: number, stop: number? -> sequence",
            f"{_SEQUENCES}:integers",
            "The integers 0 to first - 1, or first to stop - 1.",
            form="range",
        ),
        _exact(
            "index",
            "items: sequence|string|record, at: number|string -> any",
            f"{_SEQUENCES}:index",
            "One item, counted from 0, or the value of a record's key; items[at].",
            form="index",
            reveals_input=True,
        ),
        _exact(
            "slice",
            "items: sequence|string, start: number|null?, stop: number|null? "
            "-> sequence|string",
            f"{_SEQUENCES}:slice_items",
            "The items from start up to but without stop; items[start:stop].",
            form="slice",
            reveals_input=True,
            details="A bound past the end is the end; a negative one is an error.",
        ),
        _exact(
            "subsequence",
            "items: sequence|string, first: number, stop: number? -> sequence|string",
            f"{_SEQUENCES}:subsequence",
            "The first items, or those from first up to but without stop.",
            reveals_input=True,
            details="Negative bounds count as 0.",
        ),
        _exact(
            "length",
            "items: sequence|string|record -> int",
            f"{_SEQUENCES}:length",
            "Number of items, characters or keys.",
        ),
        _exact(
            "argmax",
            "items: sequence -> int",
            f"{_SEQUENCES}:argmax",
            "Index of the greatest number, the first one if several are.",
        ),
        *_loops(),
    )


def _loops() -> tuple[Primitive, ...]:
    return (
        _exact(
            "map",
            "items: sequence, function: any -> sequence",
            "",
            "The function's value for each item; for x in items do function.",
            form="for",
            reveals_input=True,
        ),
        _exact(
            "filter",
            "items: sequence, function: any -> sequence",
            "",
            "The items for which the function is true.",
            form="filter",
            reveals_input=True,
        ),
        _exact(
            "fold",
            "operator: string, seed: any?, items: sequence -> any",
            f"{_SEQUENCES}:fold",
            "The items combined from the left: + - * / && || min max.",
            form="fold",
            reveals_input=True,
            details=(
                "Without a seed + and - start from 0, * from 1, && from true, || from "
                "false, min and max from the first item; / needs a seed."
            ),
        ),
    )


def _volumes() -> tuple[Primitive, ...]:
    return (
        Primitive(
            name="default.volumes",
            version=1,
            signature="image: image -> sequence",
            kernel=f"{_VOLUMES}:volumes",
            determinism=Determinism.EXACT,
            cost=Cost.CHEAP,
            summary="The volumes of an image that has four axes, as a sequence.",
            reveals_input=True,
            form="volumes",
            details=(
                "Volumes over time, or channels, each with three axes; an image of "
                "two or three axes is its only volume. From an uncompressed .nii file "
                "only the volumes that are needed are read."
            ),
        ),
        Primitive(
            name="default.loadvolume",
            version=1,
            signature="file: string, position: number -> image",
            kernel=f"{_VOLUMES}:load_volume",
            determinism=Determinism.FLOAT,
            cost=Cost.LINEAR,
            summary="One volume of an image file that holds several, counted from 0.",
            libraries=("SimpleITK",),
            drops=frozenset({"cpu"}),
            reads=True,
            reveals_input=True,
            details="Of an uncompressed .nii file, only this volume is read.",
        ),
        Primitive(
            name="default.volumecount",
            version=1,
            signature="file: string -> int",
            kernel=f"{_VOLUMES}:volume_count",
            determinism=Determinism.FLOAT,
            cost=Cost.LINEAR,
            summary="Number of volumes in an image file.",
            libraries=("SimpleITK",),
            drops=frozenset({"cpu"}),
            reads=True,
        ),
    )


def _files() -> tuple[Primitive, ...]:
    return (
        Primitive(
            name="default.load",
            version=1,
            signature="file: string|sequence -> any",
            kernel=f"{_FILES}:load",
            determinism=Determinism.FLOAT,
            cost=Cost.LINEAR,
            summary="What a file holds, by its suffix; a sequence as it is.",
            libraries=("SimpleITK",),
            drops=frozenset({"cpu"}),
            reads=True,
            reveals_input=True,
            details=(
                "Image formats give an image of the file's own pixel type, .json its "
                "values, .txt and .csv the sequence of lines, anything else its bytes."
            ),
        ),
        *_volumes(),
        Primitive(
            name="default.dir",
            version=1,
            signature=(
                "root: string, pattern: string = *, recursive: bool|number = false, "
                "full: bool|number = false -> sequence"
            ),
            kernel=f"{_FILES}:list_folder",
            determinism=Determinism.VOLATILE,
            cost=Cost.TRIVIAL,
            summary="Names in a folder that match a pattern, sorted.",
            details=(
                "Names are relative to the folder, or absolute paths when full; "
                "folders are among them; ~ is the home folder."
            ),
        ),
        Primitive(
            name="default.overlay",
            version=1,
            signature="*layers: image|sequence|record -> record",
            kernel="primitives.kernels.overlays:overlay",
            determinism=Determinism.EXACT,
            cost=Cost.TRIVIAL,
            summary="Images to be seen over one another, the first at the bottom.",
            reveals_input=True,
            details=(
                "Saved as a picture, the first image is gray and every mask above it "
                "has a colour of its own; an image of up to 32 labels has one for "
                "each label. Sequences and overlays stand for their images."
            ),
        ),
    )
