"""Values as lines of text, for people who look at them one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from primitives.text import format_value
from primitives.values import Image, Mask, Value

LINE_WIDTH = 200
"""Characters of an item of a sequence that are shown."""


def lines_of(value: Value) -> list[str]:
    """Return what is shown of a value, but for the items of a sequence."""
    if layers := layers_of(value):
        return [f"{layer['label']}: {one_line(layer['image'])}" for layer in layers]
    if isinstance(value, dict) and value:
        width = max(map(len, value))
        return [f"{key:<{width}}  {item_line(value[key])}" for key in sorted(value)]
    if isinstance(value, str):
        return value.splitlines() or [""]
    return [one_line(value)]


def layers_of(value: Value) -> tuple[Value, ...]:
    """Return the layers of an overlay; none of anything else."""
    layers = value.get("layers") if isinstance(value, dict) else None
    return layers if isinstance(layers, tuple) else ()


def has_picture(value: Value) -> bool:
    """Return whether a value is for looking at: an image, a mask or an overlay."""
    return isinstance(value, Image | Mask) or bool(layers_of(value))


def item_lines(items: Sequence[Value], first: int) -> list[str]:
    """Return a line for each item of a sequence.

    Args:
        items: some items of it, in order.
        first: position of the first of them.
    """
    width = len(str(first + len(items) - 1))
    return [
        f"[{at:>{width}}]  {item_line(item)}" for at, item in enumerate(items, first)
    ]


def item_line(value: Value) -> str:
    """Return one line of bounded width for a value inside another."""
    line = " ".join(one_line(value).split())
    return line if len(line) <= LINE_WIDTH else line[: LINE_WIDTH - 1] + "…"


def one_line(value: Value) -> str:
    """Return a value in one line; an image or mask with its statistics."""
    if isinstance(value, Image | Mask):
        return ", ".join([format_value(value), *_statistics(value)])
    return format_value(value)


def _statistics(value: Image | Mask) -> Iterator[str]:
    return _of_mask(value) if isinstance(value, Mask) else _of_image(value)


def _of_mask(mask: Mask) -> Iterator[str]:
    import numpy as np

    voxels = int(np.count_nonzero(mask.array))
    grid = mask.grid
    size = voxels * grid.voxel_volume_mm3
    yield f"{voxels} voxels ({100 * voxels / grid.voxel_count:.3g} %)"
    yield f"{size / 1000:.6g} ml" if grid.dimension == 3 else f"{size:.6g} mm²"


def _of_image(image: Image) -> Iterator[str]:
    import numpy as np

    numbers = image.array
    if numbers.dtype.kind == "c":
        numbers = np.abs(numbers)
    finite = numbers
    if numbers.dtype.kind == "f":
        is_finite = np.isfinite(numbers)
        if not is_finite.all():
            finite = numbers[is_finite]
            yield f"{numbers.size - finite.size} values NaN or infinite"
    if finite.size:
        prefix = "|z| " if image.array.dtype.kind == "c" else ""
        yield f"{prefix}min {_number(finite.min())}"
        yield f"max {_number(finite.max())}"
        yield f"mean {float(finite.mean(dtype=np.float64)):.6g}"


def _number(value: Value) -> str:
    number = value.item()
    if isinstance(number, float):
        return f"{number:.6g}"
    return str(int(number))
