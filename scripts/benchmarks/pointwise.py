"""Kernels that look at voxels one by one, at their ranks, or at boxes around them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import bottleneck
import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import stats

from primitives.catalog import standard_registry
from primitives.context import Context
from primitives.values import Grid, Image, Mask, Value

from .kernels import Array, Call, Case
from .measure import BRAIN
from .plain import lesion_by_hand

TITLE = "voxels, ranks and textures"
SIDE = 256
BINS = 20
_T1 = BRAIN / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def cases() -> Iterator[Case]:
    """Yield the cases; the same inputs are used for all of them."""
    for name, image in _images().items():
        yield from _thresholds(name, image)
        yield from _arithmetic(name, image)
        yield from _statistics(name, image)
        yield from _logic(name, image)
        yield from _ranks(name, image)
    for name, image in _textures().items():
        yield _texture(name, image)


@cache
def _brain() -> npt.NDArray[np.uint8]:
    found: npt.NDArray[np.uint8] = sitk.GetArrayFromImage(sitk.ReadImage(str(_T1)))
    return found


@cache
def _cube() -> npt.NDArray[np.float32]:
    """Return the T1 on a cube of 256 voxels a side, with noise that breaks ties."""
    brain = _brain()
    index = [np.linspace(0, n - 1, SIDE).round().astype(int) for n in brain.shape]
    noise = np.random.default_rng(1).random((SIDE,) * 3, dtype=np.float32)
    return np.where(brain[np.ix_(*index)] > 0, brain[np.ix_(*index)] + noise, 0)


@cache
def _images() -> dict[str, Array]:
    return {
        "brain UInt8": _brain(),
        "brain Float32": _brain().astype(np.float32),
        "256³ Float32": _cube(),
    }


@cache
def _textures() -> dict[str, Array]:
    side = slice(40, 168)
    return {
        "brain Float32": _images()["brain Float32"],
        "128³ of it": np.ascontiguousarray(
            _images()["brain Float32"][side, side, side]
        ),
        "128³ noise": np.random.default_rng(2).random((128,) * 3, dtype=np.float32),
    }


def _grid(array: Array) -> Grid:
    identity = tuple(np.eye(3).reshape(-1).tolist())
    return Grid(array.shape[::-1], (1.0,) * 3, (0.0,) * 3, identity)


def _value(array: Array) -> Image | Mask:
    array = array.view()
    if array.dtype == bool:
        return Mask(array, _grid(array))
    return Image.of_array(array, _grid(array))


def _ours(name: str) -> Callable[..., Value]:
    kernel = standard_registry().get(name).load()
    return lambda threads, *arguments: kernel(Context(threads), *arguments)


def _voxels(name: str, *arguments: Value) -> Call:
    kernel = _ours(name)
    return lambda threads: np.asarray(kernel(threads, *arguments).array)


def _number(name: str, *arguments: Value) -> Call:
    kernel = _ours(name)
    return lambda threads: np.array(kernel(threads, *arguments))


def _by(function: Callable[[], Any]) -> Call:
    return lambda _: np.asarray(function())


def _itk(array: Array) -> sitk.Image:
    return sitk.GetImageFromArray(
        array.view(np.uint8) if array.dtype == bool else array
    )


def _run(filter_: Any, *images: sitk.Image, dtype: str = "") -> Call:
    def call(threads: int) -> Array:
        filter_.SetNumberOfWorkUnits(threads)
        found = sitk.GetArrayFromImage(filter_.Execute(*images))
        return np.array(found, dtype or found.dtype)

    return call


def _thresholds(name: str, array: Array) -> Iterator[Case]:
    level = array.dtype.type(120)
    filter_ = sitk.BinaryThresholdImageFilter()
    filter_.SetLowerThreshold(120)
    filter_.SetUpperThreshold(float(array.max()))
    yield Case(
        "vox1.geq_sv",
        name,
        _voxels("vox1.geq_sv", 120.0, _value(array)),
        {
            "numpy": _by(lambda: array >= level),
            "SimpleITK": _run(filter_, _itk(array), dtype="bool"),
        },
    )
    yield Case(
        "vox1.between",
        name,
        _voxels("vox1.between", 50.0, 120.0, _value(array)),
        {"numpy": _by(lambda: (array >= 50) & (array <= level))},
    )


def _arithmetic(name: str, array: Array) -> Iterator[Case]:
    image = _value(array)
    other = array[::-1].copy()
    factor, one = np.float32(1.5), np.float32(1)
    divisor, inside = (other + one).astype(array.dtype), other > 100
    for kernel, second, arguments, compute in (
        ("*", "a number", (1.5,), lambda: np.multiply(array, factor)),
        (
            *("+", "an image", (_value(other),)),
            lambda: np.add(array, other, dtype=np.float32),
        ),
        ("/", "a number", (2.0,), lambda: np.divide(array, np.float32(2))),
        ("/", "an image", (_value(divisor),), lambda: _quotient(array, divisor)),
        (
            *("maximum", "an image", (_value(other),)),
            lambda: np.maximum(array, other, dtype=np.float32),
        ),
    ):
        yield Case(
            f"default.{kernel}",
            f"{name}, {second}",
            _voxels(f"default.{kernel}", image, *arguments),
            {"numpy": _by(compute)},
        )
    yield Case(
        "vox1.mask",
        name,
        _voxels("vox1.mask", image, _value(inside)),
        {"numpy": _by(lambda: np.where(inside, array, array.dtype.type(0)))},
    )


def _quotient(array: Array, divisor: Array) -> Array:
    """Divide as ITK does: by zero, the greatest finite number."""
    with np.errstate(divide="ignore"):
        found: Array = np.divide(array, divisor, dtype=np.float32)
    np.copyto(found, np.finfo(np.float32).max, where=divisor == 0)
    return found


def _statistics(name: str, array: Array) -> Iterator[Case]:
    image, inside = _value(array), array > 100
    region = _value(inside)
    yield Case(
        "vox1.volume",
        name,
        _number("vox1.volume", region),
        {"numpy": _by(lambda: float(np.count_nonzero(inside)))},
    )
    yield Case(
        "vox1.max",
        name,
        _number("vox1.max", image),
        {"numpy": _by(lambda: float(array.max()))},
    )
    yield Case(
        "vox1.avg",
        name,
        _number("vox1.avg", image, region),
        {
            "numpy": _by(lambda: array[inside].mean(dtype=np.float64)),
            "numpy where": _by(lambda: array.mean(dtype=np.float64, where=inside)),
        },
        tolerance=1e-9,
    )


def _logic(name: str, array: Array) -> Iterator[Case]:
    one, other, third = array > 100, array[::-1] > 80, array[:, ::-1] > 120
    both, either, inverse, count = map(
        _ours, ("vox1.and", "vox1.or", "vox1.not", "vox1.volume")
    )

    def chain(threads: int, *masks: Mask) -> Array:
        found = both(threads, masks[0], inverse(threads, masks[1]))
        return np.array(count(threads, either(threads, found, masks[2])))

    def packed_by_numpy(*packed: Array) -> Array:
        found = (packed[0] & ~packed[1]) | packed[2]
        return np.array(float(np.bitwise_count(found).sum(dtype=np.int64)))

    bits = [np.packbits(each, bitorder="little") for each in (one, other, third)]
    kept = [Mask(each.view(), _grid(each)) for each in (one, other, third)]
    assert all(mask.bits.size for mask in kept)
    booleans = _by(lambda: float(np.count_nonzero((one & ~other) | third)))
    itk = [_itk(np.ascontiguousarray(each)) for each in (one, other, third)]
    theirs = _by(
        lambda: float(
            np.count_nonzero(
                sitk.GetArrayFromImage(
                    sitk.Or(sitk.And(itk[0], sitk.BinaryNot(itk[1])), itk[2])
                )
            )
        )
    )
    yield Case(
        "volume((a & !b) | c)",
        f"{name}, booleans",
        lambda threads: chain(
            threads, *(Mask(each.view(), _grid(each)) for each in (one, other, third))
        ),
        {"numpy": booleans, "SimpleITK": theirs},
    )
    yield Case(
        "volume((a & !b) | c)",
        f"{name}, packed",
        lambda threads: chain(threads, *kept),
        {"numpy": booleans, "numpy, packed": _by(lambda: packed_by_numpy(*bits))},
    )


def _ranks(name: str, array: Array) -> Iterator[Case]:
    inside = array > 0
    population = int(np.count_nonzero(inside))

    def filled(ranks: Array) -> Array:
        found = np.full(array.shape, np.float32(-1))
        found[inside] = (ranks - 0.5) / population
        return found

    candidates = {
        "bottleneck": _by(
            lambda: filled(bottleneck.rankdata(array[inside].astype(np.float32)))
        ),
        "scipy": _by(lambda: filled(stats.rankdata(array[inside]))),
        "numpy unique": _by(lambda: filled(_by_unique(array[inside]))),
    }
    if array.dtype == np.uint8:
        candidates["numpy bincount"] = _by(lambda: lesion_by_hand.ranks(array, inside))
    yield Case(
        "vox1.percentiles",
        name,
        _voxels("vox1.percentiles", _value(array), _value(inside), 0.5),
        candidates,
        tolerance=6e-8,
    )


def _by_unique(values: Array) -> Array:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: Array = (np.cumsum(counts) - counts / 2 + 0.5)[place]
    return found


def _texture(name: str, array: Array) -> Case:
    low, high = float(array.min()), float(array.max())
    region = array > (low + high) / 2

    def running_columns(threads: int) -> Array:
        import numba

        numba.set_num_threads(min(threads, os.cpu_count() or 1))
        places = np.floor((array - low) / np.float64((high - low) / BINS))
        bins = np.minimum(places, BINS).astype(np.uint8)
        reference = np.bincount(bins[region], minlength=BINS + 1)[:BINS]
        offset = reference - reference.mean()
        scale = float(np.sqrt((offset * offset).sum()))
        found = np.empty(array.shape, np.float32)
        lesion_by_hand.correlate(bins, offset, scale, found)
        return found

    image = _value(array)
    return Case(
        "vox1.crossCorrelation",
        name,
        _voxels(
            "vox1.crossCorrelation",
            *(3.0, image, image, _value(region), low, high, float(BINS)),
        ),
        {"numba, running columns": running_columns},
        tolerance=1e-5,
    )
