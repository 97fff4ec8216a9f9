"""Turning values of programs into what SimpleITK's setters take."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import SimpleITK as sitk

from primitives.errors import KernelError, KernelTypeError
from primitives.simpleitk_table import Formal, load_table
from primitives.values import Image, Mask, Value, kind_of

_INTEGERS = {
    "uint8_t": (0, 2**8 - 1),
    "int": (-(2**31), 2**31 - 1),
    "uint32_t": (0, 2**32 - 1),
    "uint64_t": (0, 2**64 - 1),
}
_VECTORS = {
    "VectorUInt8": "uint8_t",
    "VectorUInt32": "uint32_t",
    "VectorInt32": "int",
    "VectorDouble": "double",
    "VectorBool": "bool",
}


def argument(formal: Formal, value: Value, dimension: int, process: Any) -> Any:
    """Return ``value`` as the formal takes it.

    Whole doubles serve as integers, one number as a vector of equal ones, the name of
    an enumerator as the enumerator, and a mask as an image of UInt8.

    Args:
        formal: of the filter.
        value: not None.
        dimension: length of a vector that is given by one number.
        process: the filter, which knows its enumerators.

    Raises:
        KernelTypeError: the value has the wrong kind.
        KernelError: it is out of range, or names no enumerator.
    """
    if isinstance(value, Image | Mask) and "Image" in formal.type:
        return [value.itk] if formal.type == "VectorOfImage" else value.itk
    type_name = formal.type.rstrip("?").rpartition("|")[2]
    convert = _CONVERSIONS.get(type_name)
    if convert is not None:
        return convert(formal.name, value)
    if type_name in _VECTORS:
        return _vector(formal.name, _VECTORS[type_name], value, dimension)
    return enumerator(formal.name, type_name, value, process)


def enumerator(name: str, type_name: str, value: Value, process: Any) -> int:
    """Return the number of an enumerator that is given by name or number.

    Raises:
        KernelError: there is no such enumerator; the message suggests near ones.
    """
    words = load_table().enumerations[type_name]
    # Enumerators of one filter belong to its class, shared ones to the module.
    numbers = {
        word: getattr(process, word, getattr(sitk, word, index))
        for index, word in enumerate(words)
    }
    if isinstance(value, str):
        found = numbers.get(value, numbers.get(f"sitk{value}"))
        if found is not None:
            return int(found)
        near = difflib.get_close_matches(value, words, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(words)}"
        raise KernelError(f"{name}: there is no '{value}'; {hint}")
    number = _integer(name, value, "int")
    if number not in numbers.values():
        raise KernelError(f"{name}: no enumerator has the number {number}")
    return number


def _integer(name: str, value: Value, type_name: str) -> int:
    least, greatest = _INTEGERS[type_name]
    number = _number(name, value)
    if number != number or number not in (least, greatest):
        is_whole = least <= number <= greatest and number == int(number)
        if not is_whole:
            raise KernelError(
                f"{name} must be a whole number from {least} to {greatest}, not {value}"
            )
    return int(number)


def _number(name: str, value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise KernelTypeError(f"{name} must be a number, not {_described(value)}")
    return value


def _boolean(name: str, value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    raise KernelTypeError(f"{name} must be true or false, not {_described(value)}")


def _string(name: str, value: Value) -> str:
    if not isinstance(value, str):
        raise KernelTypeError(f"{name} must be a string, not {_described(value)}")
    return value


def _vector(name: str, item_type: str, value: Value, dimension: int) -> list[Any]:
    items = value if isinstance(value, tuple) else (value,) * dimension
    return [_scalar(name, item_type, item) for item in items]


def _scalar(name: str, type_name: str, value: Value) -> Any:
    if type_name == "bool":
        return _boolean(name, value)
    if type_name == "double":
        return float(_number(name, value))
    return _integer(name, value, type_name)


def _points(name: str, value: Value) -> list[list[int]]:
    """Return a list of voxel indices; a single one may stand without its list."""
    if not isinstance(value, tuple):
        raise KernelTypeError(
            f"{name} must be a sequence of voxels such as [[10, 20, 30]], "
            f"not {_described(value)}"
        )
    points = value if all(isinstance(item, tuple) for item in value) else (value,)
    return [[_integer(name, index, "uint32_t") for index in point] for point in points]


def _mapping(name: str, value: Value) -> dict[float, float]:
    if isinstance(value, dict):
        pairs: Any = [(_key(name, key), item) for key, item in value.items()]
    elif isinstance(value, tuple) and all(
        isinstance(pair, tuple) and len(pair) == 2 for pair in value
    ):
        pairs = value
    else:
        raise KernelTypeError(
            f"{name} must be a sequence of pairs such as [[1, 5], [2, 6]], "
            f"not {_described(value)}"
        )
    return {_number(name, key): float(_number(name, item)) for key, item in pairs}


def _key(name: str, key: str) -> float:
    try:
        return float(key)
    except ValueError:
        raise KernelError(f"{name}: the key '{key}' is no number") from None


def _image(name: str, value: Value) -> sitk.Image:
    if not isinstance(value, Image | Mask):
        raise KernelTypeError(f"{name} must be an image, not {_described(value)}")
    return value.itk


def _label_map(name: str, value: Value) -> sitk.Image:
    image = _image(name, value)
    if image.GetPixelID() not in _LABEL_TYPES:
        raise KernelTypeError(
            f"{name} must be an image of whole labels; make it one by "
            "simpleitk.Cast(image, 'sitkUInt32')"
        )
    label_map: sitk.Image = sitk.LabelImageToLabelMap(image)
    return label_map


_LABEL_TYPES = (sitk.sitkUInt8, sitk.sitkUInt16, sitk.sitkUInt32, sitk.sitkUInt64)


def _images(
    convert: Callable[[str, Value], sitk.Image],
) -> Callable[[str, Value], list[sitk.Image]]:
    def converted(name: str, value: Value) -> list[sitk.Image]:
        items = value if isinstance(value, tuple) else (value,)
        if not items:
            raise KernelError(f"{name} must have at least one image")
        return [convert(name, item) for item in items]

    return converted


def _integers(type_name: str) -> Callable[[str, Value], int]:
    return lambda name, value: _integer(name, value, type_name)


def _described(value: Value) -> str:
    kind = kind_of(value)
    return repr(value) if kind in ("string", "bool") else f"a value of kind {kind}"


_CONVERSIONS: dict[str, Callable[[str, Value], Any]] = {
    "Image": _image,
    "LabelMap": _label_map,
    "VectorOfImage": _images(_image),
    "VectorOfLabelMap": _images(_label_map),
    "bool": _boolean,
    "double": lambda name, value: float(_number(name, value)),
    "float": lambda name, value: float(_number(name, value)),
    "string": _string,
    "VectorUIntList": _points,
    "DoubleDoubleMap": _mapping,
    **{type_name: _integers(type_name) for type_name in _INTEGERS},
}
