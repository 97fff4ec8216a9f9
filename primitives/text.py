"""Values as text: what ``print`` shows and what ``.json`` holds."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

from .values import Grid, Image, Mask, Value

_SHOWN_DIGITS = 12
"""Hexadecimal digits of a digest in a summary; enough to find it again."""


def format_value(value: Value, digest: bytes | None = None) -> str:
    """Return ``value`` on one line, as ``print`` shows it.

    Doubles always have a point or exponent (``3.0``), integers never; strings are
    bare, sequences and records JSON, an image or mask a summary.

    Args:
        value: of any kind.
        digest: of the value's artifact, shown in the summary of an image or mask.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return format_double(value)
    if isinstance(value, Image | Mask):
        return _summary(value, digest)
    return to_json(value)


def format_double(value: float) -> str:
    """Return the shortest text that means this double, ``NaN`` or ``Infinity``."""
    if math.isfinite(value):
        return repr(value)
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def to_json(value: Value, indent: int | None = None) -> str:
    """Return ``value`` as JSON text, keys sorted.

    Numbers that JSON does not know are the strings ``"NaN"``, ``"Infinity"`` and
    ``"-Infinity"``; bytes are base64; an image or mask is a record of its geometry.
    """
    return json.dumps(
        json_value(value),
        allow_nan=False,
        ensure_ascii=False,
        indent=indent,
        sort_keys=True,
    )


def json_value(value: Value) -> Any:
    """Return what Python's ``json`` writes for ``value``; see :func:`to_json`."""
    if isinstance(value, float):
        return value if math.isfinite(value) else format_double(value)
    if isinstance(value, tuple):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {key: json_value(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Image | Mask):
        return _description(value)
    return value


def _summary(value: Image | Mask, digest: bytes | None) -> str:
    grid = value.grid
    size = "x".join(map(str, grid.size))
    spacing = "x".join(f"{step:g}" for step in grid.spacing)
    voxels = _voxels(value)
    parts = [f"{value.kind} {size}{f' {voxels}' if voxels else ''}", f"{spacing} mm"]
    if digest is not None:
        parts.append(f"sha256 {digest.hex()[:_SHOWN_DIGITS]}")
    return ", ".join(parts)


def _voxels(value: Image | Mask) -> str:
    if isinstance(value, Mask):
        return ""
    from .pixels import PIXEL_TYPES

    name = {numpy: itk for numpy, itk, _code in PIXEL_TYPES}[value.pixel_type.name]
    return name if value.components == 1 else f"{name} x {value.components}"


def _description(value: Image | Mask) -> dict[str, Any]:
    grid: Grid = value.grid
    described: dict[str, Any] = {
        "kind": value.kind,
        "size": list(grid.size),
        "spacing": list(grid.spacing),
        "origin": list(grid.origin),
        "direction": list(grid.direction),
    }
    if isinstance(value, Image):
        described["pixel_type"] = _voxels(value)
    return described
