"""What an application gives, and what is certainly wrong with it, by its arguments.

The signature of a primitive says most of it.  :mod:`language.operator_rules` and
:mod:`language.sequence_rules` know more; what depends on the value of a constant is in
:mod:`language.constants`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from primitives.registry import KINDS, NUMBER, Primitive

from . import operator_rules, sequence_rules
from .outcomes import Outcome, Types, Wrong
from .value_types import (
    ANY,
    DOUBLE,
    IMAGES,
    INT,
    NEVER,
    NUMBERS,
    REAL_IMAGE,
    STRING,
    TRUTHS,
    Type,
    describe,
    literal,
    of_kinds,
    record,
    sequence,
    type_of,
)


def outcome(primitive: Primitive, types: Types) -> Outcome:
    """Return what a primitive gives for arguments of these types."""
    operator = operator_rules.RULES.get(primitive.name)
    if operator is not None:
        return operator(types)
    wrong = mismatch(primitive, types)
    if wrong is not None:
        return wrong
    rule = _RULES.get(primitive.name)
    return result(primitive) if rule is None else rule(types)


@cache
def result(primitive: Primitive) -> Type:
    """Return what a primitive gives by its signature."""
    if primitive.name in _FLOAT_RESULTS:
        return REAL_IMAGE
    if primitive.name in _RECORDS:
        return record(_RECORDS[primitive.name])
    found = _RESULTS.get(primitive.name)
    if found is not None:
        return found
    return ANY if primitive.result_kinds == KINDS else of_kinds(primitive.result_kinds)


def mismatch(primitive: Primitive, types: Types) -> Wrong | None:
    """Return which argument is of none of the kinds that the signature takes."""
    for at, kinds in _accepted(primitive):
        if at >= len(types):
            break
        found = types[at]
        if found is not None and found is not NEVER and not found.kinds & kinds:
            return _swapped(primitive, types, at) or _wrong_kind(primitive, at, found)
    rest = _variadic(primitive)
    if rest is not None:
        for at in range(rest[0], len(types)):
            found = types[at]
            if found is not None and found is not NEVER and not found.kinds & rest[1]:
                return _wrong_kind(primitive, at, found)
    return None


@cache
def _accepted(primitive: Primitive) -> tuple[tuple[int, frozenset[str]], ...]:
    """Return the parameters that take some kinds only, by position.

    Integers and doubles stand for one another: kernels convert where it is exact.
    """
    return tuple(
        (at, widened(formal.kinds))
        for at, formal in enumerate(primitive.parameters)
        if formal.kinds < KINDS and not formal.variadic
    )


@cache
def _variadic(primitive: Primitive) -> tuple[int, frozenset[str]] | None:
    """Return where the variadic parameter begins and what it takes, if limited."""
    formals = primitive.parameters
    if not formals or not formals[-1].variadic or formals[-1].kinds == KINDS:
        return None
    return len(formals) - 1, widened(formals[-1].kinds)


def widened(kinds: frozenset[str]) -> frozenset[str]:
    """Return ``kinds`` with both kinds of numbers if one is there."""
    return kinds | NUMBER if kinds & NUMBER else kinds


def _wrong_kind(primitive: Primitive, at: int, found: Type) -> Wrong:
    formals = primitive.parameters
    wanted = formals[min(at, len(formals) - 1)].kinds
    if wanted == IMAGES | {"bool"}:
        wanted = IMAGES  # a truth value may stand for a region, but is seldom meant
    message = _FORM_MESSAGES.get((primitive.name, at))
    what = describe(found.kinds).replace("anything but an image", "no image")
    if message is not None:
        return Wrong(message.format(what), at)
    return Wrong(
        f"'{{name}}' needs {describe(wanted)} {{role}}, but this is {what}",
        at,
        _hint_of(primitive, found) or _hint(wanted, found),
    )


def _hint_of(primitive: Primitive, found: Type) -> str:
    """Return what to write instead of a call that is like one of another language."""
    if primitive.name in ("vox1.max", "vox1.min") and found.kinds == {"sequence"}:
        symbol = primitive.short_name
        return f"of the items of a sequence it is (fold {symbol} sequence)"
    takes_several = primitive.parameters[0].kinds == IMAGES | {"sequence"}
    if takes_several and found.kinds <= IMAGES:
        return "write several images as one sequence: [a, b]"
    return ""


def _swapped(primitive: Primitive, types: Types, at: int) -> Wrong | None:
    """Return what to say if two arguments seem to stand in each other's place."""
    accepted = dict(_accepted(primitive))
    found = types[at]
    assert found is not None
    for other, kinds in accepted.items():
        there = types[other] if other < len(types) else None
        if there is None or other == at:
            continue
        fits = there.kinds <= accepted[at] and found.kinds <= kinds
        if fits and not there.kinds & kinds:
            wrong = _wrong_kind(primitive, at, found)
            return replace(wrong, hint="are the arguments in the wrong order?")
    return None


def _hint(wanted: frozenset[str], found: Type) -> str:
    """Return what to do about a value of the wrong kind, or nothing."""
    if wanted <= IMAGES and found is STRING:
        return "read the image of a file by load(…)"
    if wanted <= IMAGES and found.kinds == {"sequence"} and _may_be_image(found.item):
        return "take one item, s[0], or go over all: for item in s do …"
    if wanted <= NUMBER and found.kinds <= IMAGES:
        return "a number of an image is, for instance, volume(mask) or max(image)"
    if wanted <= NUMBER and found.kinds == {"record"} and found.fields:
        return f'take one of its values, such as r["{found.fields[0][0]}"]'
    if wanted == NUMBER and found is STRING:
        return "a number is written without quotes"
    if wanted == {"bool"} and found.kinds <= NUMBER:
        return "write true or false, or compare it with something"
    return ""


def _may_be_image(item: Type) -> bool:
    return bool(item.kinds & IMAGES)


_FORM_MESSAGES = {
    **dict.fromkeys(
        [("default.map", 0), ("default.filter", 0)],
        "'{{name}}' goes over the items of a sequence, but this is {}",
    ),
    ("default.fold", 2): "'fold' combines the items of a sequence, but this is {}",
    ("default.index", 0): (
        "only a sequence, a text or a record has items, but this is {}"
    ),
    ("default.index", 1): "items are counted by whole numbers, but this is {}",
    ("default.slice", 0): "only a sequence or a text can be sliced, but this is {}",
    ("default.slice", 1): "items are counted by whole numbers, but this is {}",
    ("default.slice", 2): "items are counted by whole numbers, but this is {}",
}  # fmt: skip
"""What to say of the forms of the language, which have no names for their parts."""


# Single primitives


def _numbers_of(
    types: Types, at: int, word: str, numbers: frozenset[str] = NUMBER
) -> Wrong | None:
    """Return what is wrong with a sequence that must hold numbers."""
    items = types[at] if at < len(types) else None
    if items is None or items.kinds != {"sequence"} or items.length == 0:
        return None
    item = items.item
    if item is NEVER or item.kinds & numbers:
        return None
    return Wrong(
        f"'{{name}}' {word} numbers, but the items here are {describe(item.kinds)}",
        at,
    )


def _argmax(types: Types) -> Outcome:
    items = types[0] or ANY
    if items.kinds == {"sequence"} and items.length == 0:
        return Wrong("an empty sequence has no greatest item", 0)
    return _numbers_of(types, 0, "compares") or INT


def _vector(item: Type) -> Callable[[Types], Outcome]:
    def rule(types: Types) -> Outcome:
        items = types[0] or ANY
        return _numbers_of(types, 0, "takes") or sequence(item, items.length)

    return rule


def _metric(name: str, inputs: int) -> Callable[[Types], Outcome]:
    def rule(types: Types) -> Outcome:
        for at in range(inputs):
            wrong = _numbers_of(types, at, "takes images or sequences of", TRUTHS)
            if wrong is not None:
                return wrong
        fields = _RECORDS.get(name)
        return type_of(IMAGES) if fields is None else record(fields)

    return rule


def _restricted(types: Types) -> Outcome:
    image = types[0] or ANY
    kinds = image.kinds & IMAGES
    return type_of(kinds, is_real=image.is_real and kinds == {"image"})


def _load(types: Types) -> Outcome:
    file = types[0] or ANY
    return file if file.kinds == {"sequence"} else ANY


_PLACES = sequence(DOUBLE)
_RECORDS: dict[str, dict[str, Type]] = {
    "arrays.dice_score": {
        "dice_score": DOUBLE,
        "intersection": INT,
        "predicted_positive": INT,
        "ground_truth_positive": INT,
    },
    "arrays.jaccard_index": {
        "jaccard_index": DOUBLE,
        "iou": DOUBLE,
        "intersection": INT,
        "union": INT,
    },
    "arrays.pixel_accuracy": {
        "accuracy": DOUBLE,
        "correct_pixels": INT,
        "total_pixels": INT,
        "incorrect_pixels": INT,
    },
    "arrays.confusion_matrix": {
        "matrix": sequence(sequence(INT)),
        "num_classes": INT,
        **dict.fromkeys(["precision", "recall", "f1_score"], _PLACES),
        **dict.fromkeys(["mean_precision", "mean_recall", "mean_f1_score"], DOUBLE),
    },
    "arrays.array_stats": {
        "mean": DOUBLE,
        "std": DOUBLE,
        "min": NUMBERS,
        "max": NUMBERS,
        "median": DOUBLE,
        "shape": sequence(INT),
        "total_elements": INT,
        "unique_values": INT,
    },
    "arrays.compare_arrays": {
        "equal_count": INT,
        "different_count": INT,
        "percent_equal": DOUBLE,
        "mean_difference": DOUBLE,
        "mean_absolute_difference": DOUBLE,
        "max_difference": DOUBLE,
        "min_difference": DOUBLE,
    },
}
"""Keys of records; those of ``count_pixels`` depend on its arguments."""

_PIXEL_COUNTS = record(
    {"value": NUMBERS, "count": INT, "total_pixels": INT, "percentage": DOUBLE}
)
_PIXEL_TABLE = record(
    {
        "unique_values": sequence(NUMBERS),
        "counts": sequence(INT),
        "percentages": _PLACES,
        "total_pixels": INT,
    }
)


def _count_pixels(types: Types) -> Outcome:
    wrong = _numbers_of(types, 0, "takes images or sequences of", TRUTHS)
    if wrong is not None:
        return wrong
    return _PIXEL_COUNTS if len(types) > 1 and types[1] is not None else _PIXEL_TABLE


_FLOAT_RESULTS = frozenset(
    f"vox1.{name}"
    for name in (
        *("intensity", "red", "green", "blue", "alpha", "rgb", "rgba"),
        *("dt", "lcc", "percentiles", "crossCorrelation", "gradient"),
        *("x", "y", "z", "constant", "abs"),
        *("div_sv", "sub_sv", "div_vs", "sub_vs", "add_vs", "mul_vs"),
    )
)
"""Primitives whose images are of floating-point voxels, whatever they are given."""

_RESULTS = {
    "default.dir": sequence(STRING),
    "simpleitk.MinimumMaximum": literal([DOUBLE] * 2),
    "simpleitk.Statistics": literal([DOUBLE] * 7),
}

_RULES: dict[str, Callable[[Types], Outcome]] = {
    **sequence_rules.RULES,
    "default.argmax": _argmax,
    "default.load": _load,
    "vox1.and": operator_rules.region_logic,
    "vox1.mask": _restricted,
    "vox1.or": operator_rules.region_logic,
    "arrays.count_pixels": _count_pixels,
    "arrays.threshold_equal": _metric("arrays.threshold_equal", 0),
    "arrays.array_stats": _metric("arrays.array_stats", 1),
    "arrays.vector_uint32": _vector(INT),
    "arrays.vector_double": _vector(DOUBLE),
    **{
        f"arrays.{name}": _metric(f"arrays.{name}", 2)
        for name in (
            *("dice_score", "jaccard_index", "pixel_accuracy"),
            *("confusion_matrix", "compare_arrays"),
        )
    },
}
