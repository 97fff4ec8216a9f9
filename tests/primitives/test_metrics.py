"""Agreement, counts and statistics, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import GridMismatchError, KernelError, KernelTypeError, Mask
from tests.primitives.samples import call, grid_of, image, mask

labels = st.lists(st.integers(0, 3), min_size=1, max_size=30)


def test_dice_counts_the_overlap_twice() -> None:
    assert call("dice_score", mask([[1, 1, 1, 0]]), mask([[0, 1, 1, 0]])) == {
        "dice_score": 4 / 5,
        "intersection": 2,
        "predicted_positive": 3,
        "ground_truth_positive": 2,
    }


def test_dice_of_two_empty_regions_is_nan_and_their_jaccard_index_is_zero() -> None:
    empty = mask([[0, 0]])
    assert math.isnan(call("dice_score", empty, empty)["dice_score"])
    assert call("jaccard_index", empty, empty)["jaccard_index"] == 0.0


def test_a_region_is_where_the_label_is_met_exactly() -> None:
    predicted, truth = image([[2, 2, 1]], "uint8"), image([[2, 1, 1]], "int16")
    assert call("dice_score", predicted, truth, 2)["dice_score"] == 2 / 3
    found = call("jaccard_index", predicted, truth, 2.0)
    assert found == {
        "jaccard_index": 0.5,
        "iou": 0.5,
        "intersection": 1,
        "union": 2,
    }


def test_accuracy_is_the_share_of_equal_voxels() -> None:
    found = call("pixel_accuracy", (1, 2, 3, 4), (1, 2, 0, 4))
    assert found == {
        "accuracy": 0.75,
        "correct_pixels": 3,
        "total_pixels": 4,
        "incorrect_pixels": 1,
    }


@given(labels, st.data())
def test_the_confusion_matrix_counts_every_pair(
    truth: list[int], data: st.DataObject
) -> None:
    same_length = st.lists(st.integers(0, 3), min_size=len(truth), max_size=len(truth))
    predicted = data.draw(same_length)
    matrix = call("confusion_matrix", tuple(predicted), tuple(truth), 4)["matrix"]
    pairs = list(zip(truth, predicted, strict=True))
    for actual in range(4):
        for guess in range(4):
            assert matrix[actual][guess] == pairs.count((actual, guess))


def test_precision_and_recall_are_zero_where_undefined() -> None:
    found = call("confusion_matrix", (0, 1, 1), (0, 0, 1), 3)
    assert found["matrix"] == ((1, 1, 0), (0, 1, 0), (0, 0, 0))
    assert found["precision"] == (1.0, 0.5, 0.0)
    assert found["recall"] == (0.5, 1.0, 0.0)
    assert found["f1_score"] == pytest.approx((2 / 3, 2 / 3, 0.0))
    assert found["mean_precision"] == 0.5
    assert found["num_classes"] == 3


def test_classes_are_integers_from_zero_within_their_number() -> None:
    with pytest.raises(KernelError, match="integers"):
        call("confusion_matrix", (0.5,), (1,))
    with pytest.raises(KernelError, match="negative"):
        call("confusion_matrix", (-1,), (1,))
    with pytest.raises(KernelError, match="class 5"):
        call("confusion_matrix", (5,), (1,), 3)
    with pytest.raises(KernelError, match="class 100000"):
        call("confusion_matrix", (100000,), (1,))


def test_voxels_are_counted_by_value() -> None:
    numbers = image([[1, 1, 3, 0]], "uint8")
    assert call("count_pixels", numbers, 1) == {
        "value": 1,
        "count": 2,
        "total_pixels": 4,
        "percentage": 50.0,
    }
    assert call("count_pixels", numbers) == {
        "unique_values": (0, 1, 3),
        "counts": (1, 2, 1),
        "percentages": (25.0, 50.0, 25.0),
        "total_pixels": 4,
    }


def test_statistics_of_an_image() -> None:
    found = call("array_stats", image([[1, 2], [3, 6]], "uint8"))
    assert found == {
        "mean": 3.0,
        "std": math.sqrt(3.5),
        "min": 1,
        "max": 6,
        "median": 2.5,
        "shape": (2, 2),
        "total_elements": 4,
        "unique_values": 4,
    }


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_the_mean_is_right(numbers: list[float]) -> None:
    found = call("array_stats", tuple(numbers))
    assert found["mean"] == pytest.approx(math.fsum(numbers) / len(numbers))
    assert found["std"] == pytest.approx(np.std(numbers), abs=1e-6)


def test_differences_do_not_wrap_around() -> None:
    found = call("compare_arrays", image([[200, 5]], "uint8"), image([[0, 5]], "uint8"))
    assert found == {
        "equal_count": 1,
        "different_count": 1,
        "percent_equal": 50.0,
        "mean_difference": -100.0,
        "mean_absolute_difference": 100.0,
        "max_difference": 0.0,
        "min_difference": -200.0,
    }


def test_a_threshold_of_equality_is_a_mask_or_two_numbers() -> None:
    numbers = image([[1, 2]])
    found = call("threshold_equal", numbers, 2)
    assert isinstance(found, Mask)
    assert found.array.tolist() == [[False, True]]
    assert call("threshold_equal", numbers, 2, 9, 4).array.tolist() == [[4, 9]]


def test_images_on_different_grids_are_not_measured() -> None:
    region = np.zeros((1, 2), bool)
    moved = Mask(region, grid_of((1, 2), spacing=2.0))
    with pytest.raises(GridMismatchError):
        call("dice_score", mask([[1, 1]]), moved)
    with pytest.raises(KernelError, match="2 and 3 elements"):
        call("dice_score", (1, 2), (1, 2, 3))


def test_vectors_hold_one_kind_of_number() -> None:
    assert call("vector_uint32", (1.0, 2)) == (1, 2)
    assert call("vector_double", (1, 2.5)) == (1.0, 2.5)
    assert type(call("vector_double", (1,))[0]) is float
    with pytest.raises(KernelError, match="unsigned"):
        call("vector_uint32", (-1,))
    with pytest.raises(KernelTypeError, match=r"1\.5"):
        call("vector_uint32", (1.5,))


def test_infinite_and_far_numbers_are_results_and_not_warnings() -> None:
    far = image([[math.inf, -math.inf, 1]])
    found = call("array_stats", far)
    assert math.isnan(found["mean"])
    assert found["max"] == math.inf
    assert call("count_pixels", far, 1e300)["count"] == 1
    many = (1e308,) * 200_000
    assert call("array_stats", many)["mean"] == math.inf
    with pytest.raises(KernelError, match="classes must be integers"):
        call("confusion_matrix", (math.inf,), (1,))


def test_zeros_have_no_sign_in_statistics() -> None:
    zeros = image([[-0.0, 0.0, -0.0]])
    found = call("array_stats", zeros)
    for name in ("min", "max", "median"):
        assert math.copysign(1, found[name]) == 1
    values = call("count_pixels", zeros)["unique_values"]
    assert len(values) == 1
    assert math.copysign(1, values[0]) == 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_the_median_is_numpys(numbers: list[float]) -> None:
    assert call("array_stats", tuple(numbers))["median"] == np.median(numbers)
