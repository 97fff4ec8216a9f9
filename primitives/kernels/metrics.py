"""Agreement of segmentations, and counts and statistics of voxels.

Every kernel takes images, masks, or sequences of numbers; results are records.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.errors import KernelError, KernelTypeError
from primitives.values import Image, Mask, Value, require_same_grid

from .operators import a_kind
from .sequences import integral
from .statistics import fixed_order_sum

Array = npt.NDArray[Any]

_quietly = np.errstate(all="ignore")
"""Numbers beyond Float32, infinities and NaN are results, not warnings."""

MAX_CLASSES = 4096
"""Most classes of a confusion matrix."""


@_quietly
def dice_score(
    _context: Context, predicted: Value, truth: Value, label: Value = 1
) -> Value:
    """Return Dice's overlap of the voxels equal to ``label``: 2 · shared / both counts.

    Source: Dice, "Measures of the amount of ecologic association between species",
    Ecology 26, 1945.  NaN if both are empty.

    Raises:
        GridMismatchError: the images do not lie on the same grid.
        KernelError: the sequences differ in length.
    """
    both, first, second = _overlap(predicted, truth, label)
    total = first + second
    return {
        "dice_score": 2 * both / total if total else math.nan,
        "intersection": both,
        "predicted_positive": first,
        "ground_truth_positive": second,
    }


@_quietly
def jaccard_index(
    _context: Context, predicted: Value, truth: Value, label: Value = 1
) -> Value:
    """Return Jaccard's overlap of the voxels equal to ``label``: shared / all.

    Source: Jaccard, "The distribution of the flora in the alpine zone", New
    Phytologist 11, 1912.  0 if both are empty.

    Raises:
        GridMismatchError: the images do not lie on the same grid.
        KernelError: the sequences differ in length.
    """
    both, first, second = _overlap(predicted, truth, label)
    union = first + second - both
    score = both / union if union else 0.0
    return {
        "jaccard_index": score,
        "iou": score,
        "intersection": both,
        "union": union,
    }


@_quietly
def pixel_accuracy(_context: Context, predicted: Value, truth: Value) -> Value:
    """Return the share of voxels that are equal.

    Raises:
        GridMismatchError: the images do not lie on the same grid.
        KernelError: the sequences differ in length, or are empty.
    """
    one, other = _pair(predicted, truth)
    total = _not_empty(one)
    correct = int(np.count_nonzero(one == other))
    return {
        "accuracy": correct / total,
        "correct_pixels": correct,
        "total_pixels": total,
        "incorrect_pixels": total - correct,
    }


def confusion_matrix(
    _context: Context, predicted: Value, truth: Value, classes: Value = None
) -> Value:
    """Return how often each true class was predicted as each class.

    Args:
        _context: of the run.
        predicted: classes from 0.
        truth: classes from 0.
        classes: their number; by default the greatest class + 1.

    Returns:
        ``matrix`` by truth, then prediction; ``precision``, ``recall`` and
        ``f1_score`` per class, 0 where undefined, and their means.

    Raises:
        GridMismatchError: the images do not lie on the same grid.
        KernelError: a voxel is no class.
    """
    one, other = _pair(predicted, truth)
    _not_empty(one)
    count = _class_count(one, other, classes)
    flat = other.reshape(-1).astype(np.int64) * count + one.reshape(-1).astype(np.int64)
    matrix = np.bincount(flat, minlength=count * count).reshape(count, count)
    hits = np.diag(matrix).astype(np.float64)
    precision = _ratio(hits, matrix.sum(axis=0))
    recall = _ratio(hits, matrix.sum(axis=1))
    f1_score = _ratio(2 * precision * recall, precision + recall)
    return {
        "matrix": tuple(tuple(row) for row in matrix.tolist()),
        "num_classes": count,
        "precision": tuple(precision.tolist()),
        "recall": tuple(recall.tolist()),
        "f1_score": tuple(f1_score.tolist()),
        "mean_precision": math.fsum(precision) / count,
        "mean_recall": math.fsum(recall) / count,
        "mean_f1_score": math.fsum(f1_score) / count,
    }


@_quietly
def count_pixels(_context: Context, image: Value, value: Value = None) -> Value:
    """Return how many voxels have ``value``, or how many have each value.

    Raises:
        KernelError: there are no voxels.
    """
    array = _numbers(image)
    total = _not_empty(array)
    if value is not None:
        count = int(np.count_nonzero(array == value))
        return {
            "value": value,
            "count": count,
            "total_pixels": total,
            "percentage": 100 * count / total,
        }
    values, counts = np.unique(array, return_counts=True)
    return {
        # Which of 0 and -0 is kept depends on the CPU: make it 0.
        "unique_values": tuple((values + 0).tolist()),
        "counts": tuple(counts.tolist()),
        "percentages": tuple((100 * counts / total).tolist()),
        "total_pixels": total,
    }


@_quietly
def array_stats(_context: Context, image: Value) -> Value:
    """Return mean, population standard deviation, extremes, median, shape, count.

    Raises:
        KernelError: there are no voxels.
    """
    array = _numbers(image)
    total = _not_empty(array)
    mean = _mean(array)
    return {
        "mean": mean,
        "std": math.sqrt(_mean_square(array, mean)),
        "min": array.min().item() + 0,
        "max": array.max().item() + 0,
        "median": _median(array),
        "shape": tuple(array.shape),
        "total_elements": total,
        "unique_values": len(np.unique(array)),
    }


@_quietly
def compare_arrays(_context: Context, first: Value, second: Value) -> Value:
    """Return how two images differ; differences are second - first, in doubles.

    Raises:
        GridMismatchError: the images do not lie on the same grid.
        KernelError: the sequences differ in length, or are empty.
    """
    one, other = _pair(first, second)
    total = _not_empty(one)
    equal = int(np.count_nonzero(one == other))
    difference = other.astype(np.float64) - one
    return {
        "equal_count": equal,
        "different_count": total - equal,
        "percent_equal": 100 * equal / total,
        "mean_difference": _mean(difference),
        "mean_absolute_difference": _mean(np.abs(difference)),
        "max_difference": float(difference.max()) + 0.0,
        "min_difference": float(difference.min()) + 0.0,
    }


@_quietly
def threshold_equal(
    _context: Context,
    image: Value,
    value: Value,
    true_value: Value = 1,
    false_value: Value = 0,
) -> Value:
    """Return where the image equals ``value``.

    A mask, unless other numbers than 1 and 0 are asked for; then an image of them.

    Raises:
        KernelTypeError: the first argument is no image.
    """
    if not isinstance(image, Image | Mask):
        raise KernelTypeError(f"threshold_equal takes an image, not {a_kind(image)}")
    found = _numbers(image) == value
    if (true_value, false_value) == (1, 0):
        return Mask(found, image.grid)
    numbers = np.where(found, np.float32(true_value), np.float32(false_value))
    return Image.of_array(numbers, image.grid)


def _overlap(predicted: Value, truth: Value, label: Value) -> tuple[int, int, int]:
    one, other = _pair(predicted, truth)
    first, second = one == label, other == label
    both = int(np.count_nonzero(first & second))
    return both, int(np.count_nonzero(first)), int(np.count_nonzero(second))


def _pair(first: Value, second: Value) -> tuple[Array, Array]:
    one, other = _numbers(first), _numbers(second)
    if isinstance(first, Image | Mask) and isinstance(second, Image | Mask):
        require_same_grid(first, second)
    if one.shape != other.shape:
        raise KernelError(
            f"the two have {one.size} and {other.size} elements in shapes "
            f"{one.shape} and {other.shape}; they must be the same"
        )
    return one, other


def _numbers(value: Value) -> Array:
    if isinstance(value, Mask):
        return value.array.view(np.uint8)
    if isinstance(value, Image):
        return value.scalar().array
    if type(value) is not tuple:
        raise KernelTypeError(f"an image or sequence is needed, not {a_kind(value)}")
    for item in value:
        if type(item) not in (int, float, bool):
            raise KernelTypeError(
                f"a sequence of numbers is needed, not {a_kind(item)}"
            )
    is_integer = not any(type(item) is float for item in value)
    return np.array(value, np.int64 if is_integer else np.float64)


def _not_empty(array: Array) -> int:
    if not array.size:
        raise KernelError("an empty sequence has nothing to count")
    return int(array.size)


def _class_count(one: Array, other: Array, classes: Value) -> int:
    for array in (one, other):
        if array.dtype.kind == "f" and not _is_whole(array):
            raise KernelError("classes must be integers; threshold the image first")
        if array.min() < 0:
            raise KernelError("classes are counted from 0, not negative")
    greatest = int(max(one.max(), other.max()))
    count = greatest + 1 if classes is None else integral(classes, "classes")
    if greatest >= count or count > MAX_CLASSES:
        most = min(count, MAX_CLASSES)
        raise KernelError(
            f"there is a class {greatest}; the confusion matrix has {most} classes"
        )
    return count


def _ratio(above: Array, below: Array) -> Array:
    zeros = np.zeros(above.shape, np.float64)
    return np.divide(above, below, out=zeros, where=below != 0)


def _mean(array: Array) -> float:
    """Return the mean in doubles, the same on every machine."""
    flat = array.reshape(-1)
    if flat.dtype.kind in "iu" and flat.dtype.itemsize <= 4:
        return int(flat.sum(dtype=np.int64)) / flat.size
    return fixed_order_sum(flat) / flat.size


def _mean_square(array: Array, mean: float) -> float:
    flat = array.reshape(-1)
    return fixed_order_sum(flat, lambda part: np.square(part - mean)) / flat.size


def _median(array: Array) -> float:
    """Return the middle number, the mean of both if there are two; NaN if one is."""
    flat = array.reshape(-1)
    if flat.dtype.kind == "f" and np.isnan(flat).any():
        return math.nan
    low, high = (flat.size - 1) // 2, flat.size // 2
    ordered = np.partition(flat, (low, high))
    one, other = float(ordered[low]), float(ordered[high])
    return (one if low == high else (one + other) / 2) + 0.0


def _is_whole(array: Array) -> bool:
    return bool(np.isfinite(array).all() and np.array_equal(array, np.floor(array)))
