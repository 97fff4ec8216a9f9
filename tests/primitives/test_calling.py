"""What every primitive must be able to be called with, and what its kernel does."""

from __future__ import annotations

import inspect

import pytest

from primitives import Context, standard_registry
from tests.primitives.samples import image, mask


def test_every_parameter_behind_an_omitted_one_can_be_given_by_name() -> None:
    for name in standard_registry().names():
        primitive = standard_registry().get(name)
        optional = [formal.optional for formal in primitive.parameters]
        if not any(optional[:-1]) or primitive.form:
            continue
        gap = optional.index(True)
        formals = primitive.parameters[gap + 1 :]
        kernel = primitive.load()
        filled = [None] * gap
        named = {formal.name: None for formal in formals if not formal.variadic}
        taken = inspect.signature(kernel)
        taken.bind(Context(), *filled, **named)
        if primitive.bound:
            # The arguments go through a function that takes anything.
            module, _, function = primitive.kernel.partition(":")
            kernel = getattr(__import__(module, fromlist=[function]), function)
            inspect.signature(kernel).bind(
                Context(), *primitive.bound, *filled, **named
            )


def test_a_filter_takes_arguments_by_name_behind_omitted_ones() -> None:
    registry = standard_registry()
    picture = image([[1, 2, 3, 4]] * 4)
    source = registry.get("simpleitk.GaussianSource").load()
    assert source(Context(), size=(4.0, 5.0)).grid.size == (4, 5)
    resample = registry.get("simpleitk.Resample").load()
    assert resample(Context(), picture, size=(2.0, 2.0)).grid.size == (2, 2)


def test_vectors_of_one_component_are_scalar_as_they_are_from_the_store() -> None:
    compose = standard_registry().get("simpleitk.Compose").load()
    found = compose(Context(), image([[1, 2]]))
    assert found.itk.GetPixelIDTypeAsString() == "32-bit float"


@pytest.mark.parametrize("name", ["lcc", "maxvol", "through"])
def test_components_of_four_axes_are_refused_in_words(name: str) -> None:
    region = mask([[[[1, 0]]]])
    arguments = [region] * (2 if name == "through" else 1)
    kernel = standard_registry().get(f"vox1.{name}").load()
    with pytest.raises(Exception, match="2-D and 3-D images, not on 4-D ones"):
        kernel(Context(), *arguments)


def test_what_hands_on_voxels_says_so() -> None:
    registry = standard_registry()
    for name in ("+", "-", "*", "/", "index", "slice", "percentiles", "mask", "load"):
        assert registry.get(name if "." in name else _full(name)).reveals_input, name
    for name in ("<", "&&", "volume", "avg", "near", "dt", "range", "argmax"):
        assert not registry.get(_full(name)).reveals_input, name


def _full(name: str) -> str:
    found = standard_registry().find(name)
    assert found is not None
    return found.name
