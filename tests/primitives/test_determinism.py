"""Every kernel gives the bits that its determinism class promises.

Each primitive is run on small values with 1, 2, 4 and 8 threads, several times, and
the canonical encodings are compared.  Those of the exact class are run once more with
numpy's code for newer processors switched off.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from primitives.catalog import standard_registry
from primitives.context import Context
from primitives.encoding import encode
from primitives.errors import KernelError
from primitives.registry import Determinism, Parameter, Primitive
from primitives.values import Grid, Image, Mask, Value

UNFED = {
    "default.dir": "lists a folder and promises nothing",
    "default.load": "reads a file",
    "default.loadvolume": "reads a file",
    "default.volumecount": "reads a file",
    "nnunet.env_check": "describes this machine and promises nothing",
    "nnunet.make_predictor": "needs a model",
    "nnunet.model": "reads a folder",
    "nnunet.predict": "needs an extra; see test_nnunet.py",
    "simpleitk.ReadImage": "reads a file",
    "test.failure": "always fails",
    "test.impure": "promises nothing",
    "vox1.load": "reads a file",
}
"""Primitives that are not run here, and why."""

RUNS = (1, 1, 2, 2, 4, 4, 8, 8)
"""Numbers of threads."""

VOLUME = Grid(
    (20, 18, 16),
    (1.0, 1.0, 1.5),
    (0.0, 0.0, 0.0),
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
)
SMALL = Grid((10, 9, 8), VOLUME.spacing, VOLUME.origin, VOLUME.direction)
TINY = Grid((3, 3, 3), VOLUME.spacing, VOLUME.origin, VOLUME.direction)
HALF = Grid((11, 18, 16), VOLUME.spacing, VOLUME.origin, VOLUME.direction)
PLANE = Grid((48, 40), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0, 0.0, 1.0))
STAMP = Grid((8, 7), PLANE.spacing, PLANE.origin, PLANE.direction)


@cache
def picture(grid: Grid) -> npt.NDArray[np.float32]:
    """Return waves with some noise, from 0 to 200."""
    axes = np.meshgrid(*(np.linspace(0, 9, n) for n in grid.shape), indexing="ij")
    waves = np.prod([np.sin(axis) for axis in axes], axis=0)
    noise = np.random.default_rng(7).random(grid.shape)
    return np.asarray(80 + 60 * waves + 40 * noise, np.float32)


@cache
def images(grid: Grid) -> tuple[Image | Mask, ...]:
    """Return images of different pixel types, the most usual first."""
    grey = picture(grid)
    vectors = np.stack([grey, grey[::-1], 200 - grey][: grid.dimension], axis=-1)
    return (
        Image.of_array(grey.copy(), grid),
        Mask(grey > 90, grid),
        Image.of_array(grey.astype(np.uint8), grid),
        Image.of_array((grey // 60).astype(np.uint32), grid),
        Image.of_array(vectors / 50, grid, grid.dimension),
        Image.of_array((grey + 1j * grey[::-1]).astype(np.complex64), grid),
        Image.of_array(grey.astype(np.float64), grid),
    )


def grey(grid: Grid) -> Image | Mask:
    """Return a picture as Float32."""
    return images(grid)[0]


def turned(grid: Grid) -> Image:
    """Return the picture with its first axis the other way round."""
    return Image.of_array(picture(grid)[::-1].copy(), grid)


ARGUMENTS: dict[str, tuple[Value, ...]] = {
    "default.fold": ("+", None, (1.0, 2, 3.5)),
    "default.index": ((1, 2), 1),
    "geom.regular_polygon": (grey(PLANE), 24, 20, 15, 5, 7.0),
    "simpleitk.Bilateral": (grey(SMALL),),
    "simpleitk.Convolution": (grey(VOLUME), grey(TINY)),
    "simpleitk.N4BiasFieldCorrection": (grey(SMALL), None, (2.0, 2.0)),
    **{
        f"simpleitk.{name}Registration": (grey(SMALL), turned(SMALL))
        for name in (
            *("Demons", "DiffeomorphicDemons", "FastSymmetricForcesDemons"),
            *("LevelSetMotion", "SymmetricForcesDemons"),
        )
    },
    "simpleitk.HalfHermitianToRealInverseFFT": (images(HALF)[5],),
    "simpleitk.InverseDisplacementField": (images(PLANE)[4], (48.0, 40.0)),
    "simpleitk.NormalizedCorrelation": (grey(SMALL), grey(SMALL), grey(TINY)),
    "simpleitk.PatchBasedDenoising": (grey(SMALL), None, None, 1, 1, 20),
    "simpleitk.StochasticFractalDimension": (grey(STAMP),),
    "strings.format_string": ("{} is {}", "x", 3),
    "vox1.crossCorrelation": (
        *(2.0, grey(VOLUME), grey(VOLUME), images(VOLUME)[1], 0.0, 200.0, 10.0),
    ),
}
"""Arguments of primitives whose signature does not say enough, or that are slow."""


@cache
def primitives() -> dict[str, Primitive]:
    """Return every primitive that has a kernel."""
    registry = standard_registry()
    found = {}
    for namespace in registry.namespaces:
        for primitive in registry.table(namespace).values():
            if primitive.kernel:
                found[primitive.name] = primitive
    return found


def candidates(formal: Parameter, grid: Grid) -> tuple[Value, ...]:
    """Return values that a formal may take."""
    found: list[Value] = []
    if formal.text == "mask":
        return (images(grid)[1],)
    if "image" in formal.kinds:
        found += images(grid)
    if "double" in formal.kinds:
        found += [2.0]
    if "string" in formal.kinds:
        found += ["sitkFloat64"]
    if "sequence" in formal.kinds:
        found += [(2.0, 1.0, 3.0)]
    if "bool" in formal.kinds:
        found += [True]
    return tuple(found or [{"key": 1.0}])


def argument_lists(primitive: Primitive) -> Iterator[tuple[Value, ...]]:
    """Yield arguments to be tried; inputs of one kind first."""
    if primitive.name in ARGUMENTS:
        yield ARGUMENTS[primitive.name]
        return
    formals = [each for each in primitive.parameters if not each.optional]
    for grid in (VOLUME, PLANE):
        choices = [candidates(formal, grid) for formal in formals]
        yield from zip(*choices, strict=False)
        yield from product(*choices)


def fed(primitive: Primitive) -> tuple[Value, ...]:
    """Return the first arguments that the kernel takes."""
    kernel = primitive.load()
    problems = []
    for arguments in argument_lists(primitive):
        try:
            kernel(Context(), *arguments)
        except KernelError as error:
            problems.append(str(error))
        else:
            return arguments
    raise AssertionError(f"{primitive.name} takes nothing: {problems[:3]}")


def digest_of(value: Value) -> str:
    """Return the digest of a value's canonical encoding, items included."""

    def put(item: Value) -> bytes:
        return bytes.fromhex(digest_of(item))

    digest = sha256()
    for buffer in encode(value, put):
        digest.update(buffer)
    return digest.hexdigest()


def exact_digests() -> dict[str, str]:
    """Return the digests of what all primitives of the exact class compute here."""
    return {
        name: digest_of(primitive.load()(Context(), *fed(primitive)))
        for name, primitive in primitives().items()
        if primitive.determinism is Determinism.EXACT and name not in UNFED
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in primitives() if name not in UNFED])
def test_the_number_of_threads_does_not_change_a_bit(name: str) -> None:
    primitive = primitives()[name]
    arguments = fed(primitive)
    kernel = primitive.load()
    is_limited = primitive.determinism is Determinism.THREADS
    digests = {
        digest_of(kernel(Context(1 if is_limited else threads), *arguments))
        for threads in RUNS
    }
    assert len(digests) == 1


def test_what_is_not_run_exists() -> None:
    assert {*UNFED, *ARGUMENTS} <= set(primitives())


@pytest.mark.slow
def test_exact_kernels_do_not_depend_on_the_processor() -> None:
    core = importlib.import_module("numpy._core._multiarray_umath")
    features: dict[str, bool] = core.__cpu_features__
    dispatched: list[str] = core.__cpu_dispatch__
    newer = [each for each in dispatched if features.get(each)]
    if not newer:
        pytest.skip("numpy has one code for this processor")
    code = (
        "import json, tests.primitives.test_determinism as here;"
        "print(json.dumps(here.exact_digests()))"
    )
    plain = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(newer)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(plain.stdout) == exact_digests()


NOT_ROUNDED_ALIKE = frozenset(
    [
        "acos",
        "asin",
        "atan",
        "atan2",
        "cbrt",
        "cos",
        "cosh",
        "exp",
        "exp2",
        "expm1",
        "float_power",
        "hypot",
        "log",
        "log10",
        "log1p",
        "log2",
        "pow",
        "power",
        "sin",
        "sinh",
        "tan",
        "tanh",
        "average",
        "dot",
        "einsum",
        "inner",
        "linalg",
        "matmul",
        "mean",
        "median",
        "nanmean",
        "percentile",
        "quantile",
        "std",
        "tensordot",
        "var",
        "vdot",
    ]
)
"""Functions of math and numpy whose last bit the C library, BLAS or CPU decides."""


def exact_modules() -> list[str]:
    """Return the modules of the kernels of the exact class."""
    found = {each.kernel for each in primitives().values() if each.kernel}
    exact = {
        each.kernel.partition(":")[0]
        for each in primitives().values()
        if each.determinism is Determinism.EXACT and each.kernel
    }
    assert len(exact) < len(found)
    return sorted(exact | {f"primitives.kernels.{name}" for name in DELEGATES})


DELEGATES = (
    "arithmetic",
    "balls",
    "bits",
    "box_sums",
    "boxes",
    "comparison",
    "correlations",
    "logic",
    "operands",
    "runs",
    "squares",
    "thresholds",
)
"""Modules that kernels of the exact class call."""


@pytest.mark.parametrize("module", exact_modules())
def test_exact_kernels_call_nothing_that_machines_round_differently(
    module: str,
) -> None:
    text = Path(str(importlib.import_module(module).__file__)).read_text("utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in NOT_ROUNDED_ALIKE, ast.unparse(node)
        if isinstance(node, ast.BinOp):
            assert not isinstance(node.op, ast.MatMult), ast.unparse(node)
            # A power of two variables or of a float is the C library's pow.
            is_constant = isinstance(node.left, ast.Constant)
            assert not isinstance(node.op, ast.Pow) or is_constant, ast.unparse(node)
