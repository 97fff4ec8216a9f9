"""Every kernel gives the bits that its determinism class promises.

Each primitive is run on small values with 1, 2, 4 and 8 threads, several times, and
the canonical encodings are compared.  Primitives that cannot be fed by their signature
alone have arguments of their own, or stand in :data:`UNFED` with the reason.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from primitives.catalog import standard_registry
from primitives.context import Context
from primitives.encoding import encode
from primitives.errors import KernelError
from primitives.registry import Determinism, Parameter, Primitive
from primitives.values import Grid, Image, Mask, Value

THREADS = (1, 2, 4, 8)
GRID = Grid((30, 26, 22), (1.0, 1.0, 1.5), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
PLANE = Grid((46, 38), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0, 0.0, 1.0))

UNFED = {
    "default.dir": "lists a folder and promises nothing",
    "default.fold": "tested with the sequences that it folds",
    "default.load": "reads a file",
    "simpleitk.ReadImage": "reads a file",
}
"""Primitives that are not run here, and why."""


@cache
def blobs(grid: Grid) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return a smooth picture with some noise, from 0 to 200."""
    dice = np.random.default_rng(7)
    axes = np.meshgrid(*(np.linspace(0, 9, n) for n in grid.shape), indexing="ij")
    waves = np.prod([np.sin(axis) for axis in axes], axis=0)
    noise = dice.random(grid.shape)
    picture = 80 + 60 * waves + 40 * noise
    return picture.astype(np.float32)


def images(grid: Grid) -> Iterator[Value]:
    """Yield images of different pixel types, the most usual first."""
    grey = blobs(grid)
    yield Image.of_array(grey.copy(), grid)
    yield Mask(grey > 90, grid)
    yield Image.of_array(grey.astype(np.uint8), grid)
    yield Image.of_array((grey // 60).astype(np.uint8), grid)
    yield Image.of_array((grey // 60).astype(np.uint32), grid)
    vectors = np.stack([grey, grey[::-1], 200 - grey][: grid.dimension], axis=-1)
    yield Image.of_array(vectors / 50, grid, grid.dimension)
    yield Image.of_array((grey + 1j * grey[::-1]).astype(np.complex64), grid)
    yield Image.of_array(grey.astype(np.float64), grid)


def all_primitives() -> dict[str, Primitive]:
    """Return every primitive that has a kernel, once."""
    registry = standard_registry()
    found = {}
    for namespace in registry.namespaces:
        for primitive in registry.table(namespace).values():
            if primitive.kernel:
                found[primitive.name] = primitive
    return found


PRIMITIVES = all_primitives()
