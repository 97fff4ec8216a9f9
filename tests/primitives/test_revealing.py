"""What says that it does not hand on its input's voxels does not hand them on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from primitives import Context, standard_registry
from primitives.errors import PrimitivesError
from primitives.registry import Primitive
from primitives.values import Grid, Image, Mask, Value

SIZE = 16
GRID = Grid((SIZE, SIZE), (1.0, 1.0), (0.0, 0.0), (1.0, 0, 0, 1.0))
SHARED = 0.2
"""Share of voxels that may happen to be what they were."""


def noise(dtype: type) -> Image:
    """An image of which no region can be guessed."""
    values = np.random.default_rng(7).integers(10, 250, (SIZE, SIZE))
    return Image.of_array(values.astype(dtype), GRID)


def calls(primitive: Primitive, image: Image) -> Iterator[Value]:
    """Yield what a filter makes of an image, for several choices of its arguments."""
    arguments: list[Value] = []
    for formal in primitive.parameters:
        if formal.optional:
            break
        if "image" in formal.kinds:
            arguments.append(image)
        else:
            arguments.append(((3.0, 3.0),) if "sequence" in formal.kinds else 1.0)
    names = {formal.name for formal in primitive.parameters if formal.optional}
    choices: list[dict[str, Value]] = [{}]
    choices += [{name: 77.0} for name in ("foregroundValue",) if name in names]
    choices += [{name: 3.0} for name in ("backgroundValue",) if name in names]
    kernel = primitive.load()
    for chosen in choices:
        try:
            yield kernel(Context(), *arguments, **chosen)
        except PrimitivesError:  # not for this type of voxel
            continue


def filters() -> list[str]:
    table = standard_registry().table("simpleitk")
    return [name for name in table if not table[name].reveals_input]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_filters_that_reveal_nothing_do_not_copy_voxels(dtype: type) -> None:
    table = standard_registry().table("simpleitk")
    image = noise(dtype)
    for name in filters():
        if "image" not in table[name].result_kinds:
            continue
        for made in calls(table[name], image):
            if isinstance(made, Mask) or made.array.shape != image.array.shape:
                continue
            same = float(np.mean(made.array == image.array))
            assert same <= SHARED, f"{name} hands on {same:.0%} of the voxels"
            # Nor under another scale: few grey values are left, or none in order.
            if len(np.unique(made.array)) > SIZE:
                likeness = np.corrcoef(made.array.ravel(), image.array.ravel())[0, 1]
                assert abs(likeness) <= 0.5, f"{name} looks like its input"
