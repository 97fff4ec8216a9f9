"""Kernels of regions: neighbourhoods, distances, components, derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import cc3d
import edt
import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

from primitives.catalog import standard_registry
from primitives.context import Context
from primitives.values import Grid, Image, Mask, Value

from .kernels import Array, Call, Case
from .measure import BRAIN

TITLE = "regions and distances"
SIDE = 256
_BOX = np.ones((3, 3, 3), bool)
_T1 = BRAIN / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def cases() -> Iterator[Case]:
    """Yield the cases; the same inputs are used for all of them."""
    for name, region in _regions().items():
        yield from _neighbourhoods(name, region)
        yield from _distances(name, region)
        yield from _components(name, region)
    for name, image in _images().items():
        yield _border(name, image)
        yield _gradient(name, image)


@cache
def _brain() -> npt.NDArray[np.float32]:
    image = sitk.ReadImage(str(_T1), sitk.sitkFloat32)
    found: npt.NDArray[np.float32] = sitk.GetArrayFromImage(image)
    return found


@cache
def _stretched() -> npt.NDArray[np.float32]:
    """Return the T1 with its nearest voxels on a cube of 256 voxels a side."""
    brain = _brain()
    index = [np.linspace(0, n - 1, SIDE).round().astype(int) for n in brain.shape]
    return np.ascontiguousarray(brain[np.ix_(*index)])


@cache
def _regions() -> dict[str, npt.NDArray[np.bool_]]:
    t1, cube = _brain(), _stretched()
    dice = np.random.default_rng(1)
    return {
        "brain": t1 > _level(t1),
        "256³ brain": cube > _level(cube),
        "256³ noise 10 %": dice.random((SIDE,) * 3) < 0.1,
        "256³ noise 1 %": dice.random((SIDE,) * 3) < 0.01,
    }


def _level(array: Array) -> float:
    return float(array.max()) * 0.4


@cache
def _images() -> dict[str, npt.NDArray[np.float32]]:
    return {"brain T1": _brain(), "256³ T1": _stretched()}


def _grid(array: Array) -> Grid:
    identity = tuple(np.eye(3).reshape(-1).tolist())
    return Grid(array.shape[::-1], (1.0,) * 3, (0.0,) * 3, identity)


def _primitive(name: str, *arguments: Value) -> Call:
    kernel = standard_registry().get(name).load()
    return lambda threads: np.asarray(kernel(Context(threads), *arguments).array)


def _mask(region: Array) -> Mask:
    return Mask(region, _grid(region))


def _itk(region: Array) -> sitk.Image:
    return sitk.GetImageFromArray(region.view(np.uint8))


def _run(filter_: Any, *images: sitk.Image) -> Call:
    def call(threads: int) -> Array:
        filter_.SetNumberOfWorkUnits(threads)
        return np.asarray(sitk.GetArrayFromImage(filter_.Execute(*images)))

    return call


def _as_bool(call: Call) -> Call:
    return lambda threads: call(threads).astype(bool)


def _neighbourhoods(name: str, region: Array) -> Iterator[Case]:
    image = _itk(region)
    for kernel, sitk_filter, scipy_call, edge in (
        ("vox1.near", sitk.BinaryDilateImageFilter(), ndimage.binary_dilation, 0),
        ("vox1.interior", sitk.BinaryErodeImageFilter(), ndimage.binary_erosion, 1),
    ):
        sitk_filter.SetKernelRadius(1)
        sitk_filter.SetKernelType(sitk.sitkBox)
        extreme = ndimage.maximum_filter if edge == 0 else ndimage.minimum_filter
        yield Case(
            kernel,
            name,
            _primitive(kernel, _mask(region)),
            {
                "numpy, moved booleans": _with(_moved, region, edge),
                "SimpleITK binary": _as_bool(_run(sitk_filter, image)),
                "scipy binary": _with(scipy_call, region, _BOX, border_value=edge),
                "scipy rank": _with(extreme, region, size=3, mode="nearest"),
            },
        )


def _moved(region: Array, edge: int) -> Array:
    """Return the dilation (0) or erosion (1) by shifted ORs or ANDs, axis by axis."""
    combine = np.bitwise_and if edge else np.bitwise_or
    for axis in reversed(range(region.ndim)):
        result = region.copy()
        lines, results = np.moveaxis(region, axis, 0), np.moveaxis(result, axis, 0)
        combine(results[1:], lines[:-1], out=results[1:])
        combine(results[:-1], lines[1:], out=results[:-1])
        region = result
    return region


def _with(function: Any, *arguments: Any, **named: Any) -> Call:
    return lambda _: np.asarray(function(*arguments, **named))


def _distances(name: str, region: Array) -> Iterator[Case]:
    mask = _mask(region)
    edge = region & ~ndimage.minimum_filter(region, size=3, mode="nearest")
    maurer = sitk.SignedMaurerDistanceMapImageFilter()
    maurer.SetSquaredDistance(False)
    maurer.SetUseImageSpacing(True)

    def signed(distances: Array) -> Array:
        return np.negative(distances, out=distances, where=region & ~edge)

    yield Case(
        "vox1.dt",
        name,
        _primitive("vox1.dt", mask),
        {
            "edt of the boundary": lambda threads: signed(
                edt.edt(~edge, parallel=threads)
            ),
            "SimpleITK Maurer, of the boundary": lambda threads: signed(
                _absolute(_run(maurer, _itk(edge))(threads))
            ),
        },
        tolerance=1e-4,
    )
    for radius in (2, 5, 10, 30):
        yield Case(
            "vox1.distleq",
            f"{name}, {radius} mm",
            _primitive("vox1.distleq", float(radius), mask),
            {
                "edt": _edt_within(region, radius),
            },
        )
    yield _smoothen(name, region, 3.0)


def _absolute(distances: Array) -> Array:
    # The boundary of a boundary counts as inside, at distance 0.
    return np.maximum(distances, 0)


def _edt_within(region: Array, radius: float) -> Call:
    return lambda threads: np.asarray(edt.edt(~region, parallel=threads) <= radius)


def _smoothen(name: str, region: Array, radius: float) -> Case:
    mask, distance = _mask(region), np.float32(radius)
    registry = standard_registry()
    away, near = (
        registry.get(f"vox1.{short}").load() for short in ("distgeq", "distleq")
    )

    def ours(threads: int) -> Array:
        context = Context(threads)
        outside = Mask(~region, mask.grid)
        return np.asarray(near(context, radius, away(context, radius, outside)).array)

    def by_edt(threads: int) -> Array:
        # A copy, because edt wants an array that can be written to.
        distances = edt.edt(region.copy(), parallel=threads)
        eroded = distances >= distance
        return np.asarray(edt.edt(~eroded, parallel=threads) <= distance)

    return Case(f"smoothen, {radius:g} mm", name, ours, {"edt": by_edt})


def _components(name: str, region: Array) -> Iterator[Case]:
    mask, image, start = _mask(region), _itk(region), _start(region)
    by_itk = sitk.ConnectedComponentImageFilter()
    by_itk.SetFullyConnected(True)
    numbering: dict[str, Call] = {
        "cc3d": lambda _: cc3d.connected_components(region, connectivity=26),
        "SimpleITK": _run(by_itk, image),
        "scipy": lambda _: ndimage.label(region, _BOX)[0],
    }
    yield Case("vox1.lcc", name, _primitive("vox1.lcc", mask), numbering)
    yield Case(
        "vox1.through",
        name,
        _primitive("vox1.through", _mask(start), mask),
        {by: _then(call, _meeting(start)) for by, call in numbering.items()}
        | {"SimpleITK reconstruction": _reconstruction(start, region)},
    )
    yield Case(
        "vox1.maxvol",
        name,
        _primitive("vox1.maxvol", mask),
        {by: _then(call, _largest) for by, call in numbering.items()},
    )


def _start(region: Array) -> Array:
    """Return where the middle plane of a region is, and the first columns."""
    start = np.zeros_like(region)
    start[len(region) // 2] = region[len(region) // 2]
    start[:, :, :3] = True
    return start


def _then(call: Call, select: Callable[[Array], Array]) -> Call:
    return lambda threads: select(call(threads))


def _meeting(start: Array) -> Callable[[Array], Array]:
    def select(labels: Array) -> Array:
        is_met = np.zeros(int(labels.max()) + 1, np.bool_)
        is_met[labels[start]] = True
        is_met[0] = False
        return np.asarray(is_met[labels])

    return select


def _largest(labels: Array) -> Array:
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    is_largest = (sizes == sizes.max()) & (sizes > 0)
    return np.asarray(is_largest[labels])


def _reconstruction(start: Array, region: Array) -> Call:
    reconstruction = sitk.BinaryReconstructionByDilationImageFilter()
    reconstruction.SetFullyConnected(True)
    reconstruction.SetForegroundValue(1)
    return _as_bool(_run(reconstruction, _itk(start & region), _itk(region)))


def _border(name: str, array: Array) -> Case:
    image = Image.of_array(array, _grid(array))

    def by_numpy(_: int) -> Array:
        found = np.ones(array.shape, np.bool_)
        found[1:-1, 1:-1, 1:-1] = False
        return found

    return Case(
        "vox1.border", name, _primitive("vox1.border", image), {"numpy": by_numpy}
    )


def _gradient(name: str, array: Array) -> Case:
    image = Image.of_array(array, _grid(array))
    by_itk = sitk.GradientMagnitudeImageFilter()

    def by_numpy(_: int) -> Array:
        z, y, x = np.gradient(np.pad(array, 1, mode="edge"))
        length = np.sqrt(x * x + y * y + z * z)
        return np.asarray(length[1:-1, 1:-1, 1:-1])

    return Case(
        "vox1.gradient",
        name,
        _primitive("vox1.gradient", image),
        {"SimpleITK": _run(by_itk, _float_itk(array)), "numpy": by_numpy},
        tolerance=1e-4,
    )


def _float_itk(array: Array) -> sitk.Image:
    return sitk.GetImageFromArray(array)
