"""Every filter of SimpleITK gives what SimpleITK gives.

``simpleitk_calls.txt`` has one call of each.  It is run as a primitive and directly,
and once more with every parameter that it leaves out given by name.
"""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from primitives.catalog import standard_registry
from primitives.context import Context
from primitives.simpleitk_table import Filter, Formal, load_table
from primitives.values import Grid, Image, Mask, Value

TABLE = load_table()
FILE = Path(__file__).with_name("simpleitk_calls.txt")
CALLS = {
    line.partition("(")[0]: line
    for line in FILE.read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
}
RANDOM = (
    "AdditiveGaussianNoise",
    "PatchBasedDenoising",
    "SaltAndPepperNoise",
    "ShotNoise",
    "SpeckleNoise",
)
"""Filters whose threads draw from generators of their own; they are run with one."""

NUMBERS_ONLY = ("MaskedFFTNormalizedCorrelation", "NormalizedCorrelation")
"""Filters that take a mask only as numbers of the type of the image."""

Arguments = tuple[tuple[Value, ...], dict[str, Value]]


@cache
def images() -> dict[str, Image | Mask]:
    """Return the images that the file names."""
    shape = (10, 12, 15)
    z, y, x = np.indices(shape)
    noise = np.random.default_rng(3).random(shape)
    waves = 80 + 60 * np.sin(x / 2) * np.cos(y / 3) * np.sin(z / 2 + 1) + 40 * noise
    picture = waves.astype(np.float32)
    vectors = np.stack([picture, picture[::-1], 200 - picture], axis=-1) / 50
    frequencies = sitk.ForwardFFT(sitk.GetImageFromArray(picture))
    kernel = np.array([1, 2, 1], np.float32)
    arrays = {
        "picture": picture,
        "other": picture[::-1] * np.float32(0.9) + 10,
        "darker": picture - 20,
        "brightness": picture + 20,
        "bytes": picture.astype(np.uint8),
        "signed": picture - 90,
        "labels": (picture // 60).astype(np.uint8),
        "labels2": (picture[:, ::-1] // 60).astype(np.uint8),
        "region": picture > 90,
        "region2": picture > 100,
        "vectors": vectors,
        "complex": (picture + 1j * picture[::-1]).astype(np.complex64),
        "frequencies": sitk.GetArrayFromImage(frequencies),
        "half": sitk.GetArrayFromImage(frequencies)[..., :8].copy(),
        "small": np.einsum("i,j,k->ijk", kernel, kernel, kernel),
        "plane": picture[4].copy(),
        "plane_region": picture[4] > 90,
        "field": vectors[4, ..., :2].copy(),
        "stamp": picture[4, :4, :5].copy(),
    }
    vector_names = {"vectors": 3, "field": 2}
    return {
        name: _value(array, vector_names.get(name, 1)) for name, array in arrays.items()
    }


def _value(array: Any, components: int) -> Image | Mask:
    shape = array.shape if components == 1 else array.shape[:-1]
    axes = len(shape)
    grid = Grid(
        shape[::-1],
        (1.0, 1.0, 1.5)[:axes],
        (0.0,) * axes,
        tuple(np.eye(axes).reshape(-1).tolist()),
    )
    if array.dtype == bool:
        return Mask(array, grid)
    return Image.of_array(np.ascontiguousarray(array), grid, components)


def arguments(name: str) -> Arguments:
    """Return the arguments of a filter's call in the file."""
    text = "given(" + CALLS[name].partition("(")[2]
    words = {**images(), "true": True, "false": False}
    found: Arguments = eval(text, {"__builtins__": {}, **words, "given": _given})
    return found


def _given(*positional: Value, **named: Value) -> Arguments:
    return _frozen(positional), {key: _frozen(item) for key, item in named.items()}


def _frozen(value: Value) -> Value:
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item) for item in value)
    return value


def as_primitive(name: str, given: Arguments) -> Value:
    """Return what the primitive gives."""
    kernel = standard_registry().get(f"simpleitk.{name}").load()
    return kernel(Context(), *given[0], **given[1])


def directly(name: str, given: Arguments) -> Any:
    """Return what SimpleITK gives: an image, a text, or the filter that was run."""
    entry = TABLE.filters[name]
    kind = getattr(sitk, entry.class_name)
    chosen = paired(entry, given)
    if name in NUMBERS_ONLY:
        chosen = [(formal, _numbers(value)) for formal, value in chosen]
    translated = {
        formal.name: translate(formal, value, kind) for formal, value in chosen
    }
    if name == "Resample":
        # Its function has forms in which sizes stand where others have a reference.
        return run_directly(name, given)[1]
    if _is_overloaded(name):
        return _called(name, entry, translated)
    if hasattr(sitk, name):
        return getattr(sitk, name)(**translated)
    return run_directly(name, given)[1]


def run_directly(name: str, given: Arguments) -> tuple[Any, Any, list[Any]]:
    """Return a filter that was run, what it gave, and its images."""
    entry = TABLE.filters[name]
    kind = getattr(sitk, entry.class_name)
    process, images = kind(), []
    process.SetNumberOfWorkUnits(1)
    for formal, value in paired(entry, given):
        translated = translate(formal, value, kind)
        if formal.setter:
            getattr(process, "Set" + formal.setter)(translated)
        else:
            images.append(translated)
    return process, process.Execute(*images), images


def _is_overloaded(name: str) -> bool:
    """Return whether a function has several forms, and takes nothing by name."""
    if not hasattr(sitk, name):
        return False
    formals = inspect.signature(getattr(sitk, name)).parameters.values()
    return any(formal.kind is formal.VAR_POSITIONAL for formal in formals)


def _called(name: str, entry: Filter, translated: dict[str, Any]) -> Any:
    """Call an overloaded function, which takes its arguments by position."""
    last = max(
        index for index, formal in enumerate(entry.formals) if formal.name in translated
    )
    positional = []
    kind = getattr(sitk, entry.class_name)
    for formal in entry.formals[: last + 1]:
        if formal.name in translated:
            positional.append(translated[formal.name])
        elif formal.setter:
            positional.append(getattr(kind(), "Get" + formal.setter)())
    return getattr(sitk, name)(*positional)


def paired(entry: Filter, given: Arguments) -> list[tuple[Formal, Value]]:
    """Return formals with the arguments given for them."""
    formals = entry.ordered_formals
    positional, named = given
    position = entry.image_position
    if position is not None and any(
        isinstance(each, Image | Mask) for each in positional[position : position + 1]
    ):
        formals = entry.formals
    if len(formals) == 1 and len(positional) > 1:
        positional = (positional,)
    pairs = list(zip(formals, positional, strict=False))
    known = {formal.name: formal for formal in formals}
    return pairs + [(known[name], value) for name, value in named.items()]


def translate(formal: Formal, value: Value, kind: Any) -> Any:
    """Return a value as SimpleITK's functions take it."""
    if formal.type == "DoubleDoubleMap":
        return dict(value)
    items = value if isinstance(value, tuple) else (value,)
    if isinstance(items[0], Image | Mask):
        images = [_input(formal, item) for item in items]
        return images if formal.type.startswith("VectorOf") else images[0]
    if isinstance(value, str) and formal.type != "string":
        holders = ((sitk, value), (sitk, f"sitk{value}"), (kind, value))
        return next(getattr(*each) for each in holders if hasattr(*each))
    if formal.type.startswith("Vector") and not isinstance(value, tuple):
        return [value] * 3
    return value


def _input(formal: Formal, value: Image | Mask) -> sitk.Image:
    is_map = "LabelMap" in formal.type
    return sitk.LabelImageToLabelMap(value.itk) if is_map else value.itk


def _numbers(value: Value) -> Value:
    if not isinstance(value, Mask):
        return value
    return Image.of_array(value.array.astype(np.float32), value.grid)


def assert_same(found: Value, expected: Any) -> None:
    """Check that a value is what SimpleITK gave."""
    if isinstance(expected, sitk.Image):
        if expected.GetPixelIDTypeAsString().startswith("label of"):
            expected = sitk.LabelMapToLabel(expected)
        assert found.itk.GetPixelID() == expected.GetPixelID()
        for part in ("Size", "Spacing", "Origin", "Direction"):
            assert (
                getattr(found.itk, f"Get{part}")() == getattr(expected, f"Get{part}")()
            )
        voxels = sitk.GetArrayFromImage(expected)
        assert np.array_equal(found.array, voxels, equal_nan=voxels.dtype.kind in "fc")
    else:
        assert found == expected


def test_the_file_has_a_call_of_every_filter() -> None:
    assert sorted(CALLS) == sorted(TABLE.filters)


IMAGE_FILTERS = [name for name in CALLS if not TABLE.filters[name].measures]
MEASURES = [name for name in CALLS if TABLE.filters[name].measures]


@pytest.mark.parametrize("name", IMAGE_FILTERS)
def test_a_filter_gives_what_simpleitk_gives(name: str) -> None:
    given = arguments(name)
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    if name in RANDOM:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        expected = directly(name, given)
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    assert_same(as_primitive(name, given), expected)


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_what_simpleitk_measures(name: str) -> None:
    given = arguments(name)
    found = as_primitive(name, given)
    process, _, images = run_directly(name, given)
    whole = {} if isinstance(found, tuple) else found
    labels = found if isinstance(found, tuple) else found.get("Labels", ())
    for measure in TABLE.filters[name].measures:
        getter = getattr(process, f"Get{measure.name}")
        if measure.name in whole:
            expected = getter(*images[: measure.form == "reference"])
            assert_same(whole[measure.name], expected)
        for label in labels:
            if measure.name in label:
                assert_same(label[measure.name], getter(label["Label"]))
    assert whole or labels


@pytest.mark.parametrize("name", CALLS)
def test_every_parameter_may_be_given_by_name(name: str) -> None:
    positional, named = arguments(name)
    entry = TABLE.filters[name]
    taken = {formal.name for formal, _ in paired(entry, (positional, named))}
    others = {
        formal.name: written(formal.default)
        for formal in entry.formals
        if formal.name not in taken and formal.default not in ("", "null")
    }
    full = (positional, {**named, **others})
    assert_same_value(as_primitive(name, full), as_primitive(name, (positional, named)))


def written(default: str) -> Value:
    """Return the value that a default of the table stands for."""
    if default in ("true", "false"):
        return default == "true"
    if default.isdigit():
        return int(default)
    try:
        return float(default)
    except ValueError:
        return default


def assert_same_value(found: Value, expected: Value) -> None:
    """Check that two values of programs are the same."""
    if isinstance(found, Image):
        assert_same(found, expected.itk)
    elif isinstance(found, dict):
        assert found.keys() == expected.keys()
        for key, item in found.items():
            assert_same_value(item, expected[key])
    else:
        assert repr(found) == repr(expected)
