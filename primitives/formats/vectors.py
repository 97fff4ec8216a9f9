"""Vectors of three numbers, for the few places that need no arrays."""

from __future__ import annotations

from collections.abc import Sequence

Vector = tuple[float, float, float]


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the scalar product."""
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def cross(one: Sequence[float], other: Sequence[float]) -> Vector:
    """Return the vector product, right-handed."""
    return (
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )


def difference(one: Vector, other: Vector) -> Vector:
    """Return ``one`` without ``other``."""
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]


def scaled(vector: Sequence[float], factor: float) -> Vector:
    """Return a vector ``factor`` times as long."""
    return vector[0] * factor, vector[1] * factor, vector[2] * factor
