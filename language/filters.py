"""What SimpleITK's filters take, by the table of their parameters.

Integers have ranges, enumerators names, vectors items; what a filter makes of voxels
is left to it.
"""

from __future__ import annotations

import difflib

from primitives.simpleitk_table import Formal, load_table
from primitives.values import Value

from .constants import Unknown, Values, is_number, shown
from .outcomes import Types, Wrong
from .value_types import IMAGES, NEVER, TRUTHS, Type, describe

NAMESPACE = "simpleitk."
_PIXEL_TYPE = "simpleitk.GetPixelIDValueFromString"

_INTEGERS = {
    "uint8_t": (0, 2**8 - 1),
    "int": (-(2**31), 2**31 - 1),
    "uint32_t": (0, 2**32 - 1),
    "uint64_t": (0, 2**64 - 1),
}
_FAR = 2**31 - 1
"""Limits from here on are not told unless they are what matters."""
_VECTORS = {
    "VectorUInt8": "uint8_t",
    "VectorUInt32": "uint32_t",
    "VectorInt32": "int",
    "VectorDouble": "double",
    "VectorBool": "bool",
}
_LABELS = frozenset({"LabelMap", "VectorOfLabelMap"})


def check(name: str, types: Types, values: Values) -> Wrong | None:
    """Return what is certainly wrong with the arguments of a filter.

    Args:
        name: qualified name of the primitive.
        types: of the arguments.
        values: of those that are constants.
    """
    if name == _PIXEL_TYPE and isinstance(values[0], str):
        return _wrong_enumerator(0, "PixelIDValueEnum", values[0])
    for at, formal in enumerate(_formals(name, types)):
        if at >= len(types):
            break
        one = types[at]
        if one is None:
            continue
        wrong = _wrong_type(at, formal, one) or _wrong_value(at, formal, values[at])
        if wrong is not None:
            return wrong
    return None


def _formals(name: str, types: Types) -> tuple[Formal, ...]:
    entry = load_table().filters.get(name.removeprefix(NAMESPACE))
    if entry is None:
        return ()
    position = entry.image_position
    second = types[position] if position is not None and position < len(types) else None
    if second is not None and second.kinds <= IMAGES:
        return entry.formals
    return entry.ordered_formals


def _type_name(formal: Formal) -> str:
    return formal.type.rstrip("?").rpartition("|")[2]


def _wrong_type(at: int, formal: Formal, found: Type) -> Wrong | None:
    if formal.type in _LABELS and found.kinds == {"image"} and found.is_real:
        return Wrong(
            "'{name}' needs an image of whole labels {role}, but the voxels of this "
            "one are floating-point numbers",
            at,
            'write Cast(image, "sitkUInt32")',
        )
    if found.kinds != {"sequence"} or found.length == 0 or found.item is NEVER:
        return None
    wanted, words = _items_of(formal.type)
    if wanted is None or found.item.kinds & wanted:
        return None
    return Wrong(
        f"'{{name}}' needs {words} {{role}}, but the items here are "
        f"{describe(found.item.kinds)}",
        at,
    )


def _items_of(type_name: str) -> tuple[frozenset[str] | None, str]:
    if type_name in ("VectorOfImage", "VectorOfLabelMap"):
        return IMAGES, "images"
    if type_name == "VectorBool":
        return TRUTHS, "truth values"
    if type_name in _VECTORS:
        return frozenset({"int", "double"}), "numbers"
    if type_name == "VectorUIntList":
        numbers = frozenset({"int", "double", "sequence"})
        return numbers, "voxels, such as [[10, 20, 30]],"
    return None, ""


def _wrong_value(at: int, formal: Formal, value: Value | Unknown) -> Wrong | None:
    if isinstance(value, Unknown) or value is None:
        return None
    if formal.is_random_seed and is_number(value) and value == 0:
        return Wrong("seed 0 would take the clock", at, "give another number", "range")
    name = _type_name(formal)
    if name in _VECTORS:
        items = value if isinstance(value, tuple) else (value,)
        for item in items:
            wrong = _wrong_scalar(at, _VECTORS[name], item)
            if wrong is not None:
                return wrong
        return None
    if name in load_table().enumerations:
        return _wrong_enumerator(at, name, value)
    return _wrong_scalar(at, name, value)


def _wrong_scalar(at: int, name: str, value: Value | Unknown) -> Wrong | None:
    if name == "bool" and is_number(value) and value not in (0, 1):
        text = f"'{{name}}' needs true or false {{role}}, not {shown(value)}"
        return Wrong(text, at, code="range")
    if name not in _INTEGERS or not isinstance(value, int | float):
        return None
    least, greatest = _INTEGERS[name]
    if value == value and least <= value <= greatest and value == int(value):
        return None
    to = f" to {greatest}" if greatest < _FAR or value > greatest else ""
    start = f" from {least}" if least >= 0 or to or value < least else ""
    return Wrong(
        f"'{{name}}' needs a whole number{start}{to} {{role}}, not {shown(value)}",
        at,
        code="range",
    )


def _wrong_enumerator(at: int, name: str, value: Value) -> Wrong | None:
    words = load_table().enumerations[name]
    if not isinstance(value, str):
        return None
    if value in words or f"sitk{value}" in words:
        return None
    near = difflib.get_close_matches(value, words, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(words)}"
    return Wrong(
        f"'{{name}}' knows no {shown(value)} {{role}}", at, hint, "unknown-enumerator"
    )
