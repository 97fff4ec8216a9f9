"""Images to be seen over one another."""

from __future__ import annotations

from collections.abc import Iterator

from primitives.context import Context
from primitives.errors import KernelError, KernelTypeError
from primitives.values import Image, Mask, Value, require_same_grid

from .operators import a_kind


def overlay(_context: Context, *layers: Value) -> Value:
    """Return the record of its images as layers, the first one at the bottom.

    Sequences and overlays among the arguments stand for their images.

    Raises:
        KernelError: there is no image.
        KernelTypeError: an argument is something else.
        GridMismatchError: the images do not lie on one grid.
    """
    images = list(_images(layers))
    if not images:
        raise KernelError("an overlay needs at least one image")
    for image in images[1:]:
        require_same_grid(images[0], image)
    return {
        "layers": tuple(
            {"image": image, "label": f"Overlay {place}" if place else "Base"}
            for place, image in enumerate(images)
        )
    }


def _images(layers: tuple[Value, ...]) -> Iterator[Image | Mask]:
    for layer in layers:
        if isinstance(layer, Image | Mask):
            yield layer
        elif type(layer) is tuple:
            yield from _images(layer)
        elif type(layer) is dict and type(layer.get("layers")) is tuple:
            yield from _images(layer["layers"])
        elif type(layer) is dict and "image" in layer:
            yield from _images((layer["image"],))
        else:
            raise KernelTypeError(f"a layer is an image, not {a_kind(layer)}")
