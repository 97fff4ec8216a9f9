"""Namespace ``arrays``: agreement of segmentations, counts, statistics."""

from __future__ import annotations

from primitives.registry import Cost, Determinism, Primitive, Table

from ._tables import by_short_name

_METRICS = "primitives.kernels.metrics"
_VECTORS = "primitives.kernels.vectors"
_PAIR = "predicted: image|sequence, truth: image|sequence"


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    return by_short_name((*_agreement(), *_counts(), *_vectors()))


def _metric(
    name: str, signature: str, summary: str, details: str = "", module: str = _METRICS
) -> Primitive:
    return Primitive(
        name=f"arrays.{name}",
        version=1,
        signature=signature,
        kernel=f"{module}:{name}",
        determinism=Determinism.EXACT,
        cost=Cost.LINEAR if module == _METRICS else Cost.TRIVIAL,
        summary=summary,
        details=details,
    )


def _agreement() -> tuple[Primitive, ...]:
    return (
        _metric(
            "dice_score",
            f"{_PAIR}, label: number = 1 -> record",
            "Dice overlap of the voxels that equal the label.",
            "dice_score, intersection, predicted_positive, ground_truth_positive; the "
            "score is NaN if both regions are empty.",
        ),
        _metric(
            "jaccard_index",
            f"{_PAIR}, label: number = 1 -> record",
            "Jaccard overlap of the voxels that equal the label.",
            "jaccard_index, iou (the same), intersection, union; 0 if both regions "
            "are empty.",
        ),
        _metric(
            "pixel_accuracy",
            f"{_PAIR} -> record",
            "Share of voxels that are equal.",
            "accuracy, correct_pixels, total_pixels, incorrect_pixels.",
        ),
        _metric(
            "confusion_matrix",
            f"{_PAIR}, classes: number? -> record",
            "How often each true class was predicted as each class.",
            "matrix by truth, then prediction; num_classes; precision, recall and "
            "f1_score per class, 0 where undefined, and mean_precision, mean_recall, "
            "mean_f1_score.",
        ),
        _metric(
            "compare_arrays",
            "first: image|sequence, second: image|sequence -> record",
            "How two images differ, voxel by voxel.",
            "equal_count, different_count, percent_equal, mean_difference, "
            "mean_absolute_difference, max_difference, min_difference; differences "
            "are second - first.",
        ),
    )


def _counts() -> tuple[Primitive, ...]:
    return (
        _metric(
            "count_pixels",
            "image: image|sequence, value: number? -> record",
            "How many voxels have a value, or how many have each value.",
            "With a value: value, count, total_pixels, percentage; without: "
            "unique_values, counts, percentages, total_pixels.",
        ),
        _metric(
            "array_stats",
            "image: image|sequence -> record",
            "Mean, standard deviation, extremes, median, shape and counts.",
            "mean, std (population), min, max, median, shape (slowest axis first), "
            "total_elements, unique_values.",
        ),
        _metric(
            "threshold_equal",
            "image: image, value: number, true_value: number = 1, "
            "false_value: number = 0 -> image|mask",
            "Where the image equals a value.",
            "A mask, or an image of the two numbers if they are given.",
        ),
    )


def _vectors() -> tuple[Primitive, ...]:
    return (
        _metric(
            "vector_uint32",
            "items: sequence -> sequence",
            "The items as unsigned integers of 32 bits.",
            module=_VECTORS,
        ),
        _metric(
            "vector_double",
            "items: sequence -> sequence",
            "The items as doubles.",
            module=_VECTORS,
        ),
    )
