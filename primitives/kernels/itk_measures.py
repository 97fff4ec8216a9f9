"""What SimpleITK's filters measure, as values of programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import SimpleITK as sitk

from primitives.simpleitk_table import Filter, Measure
from primitives.values import Image, Value


def measures_of(
    process: Any,
    entry: Filter,
    inputs: list[Any],
    image: Callable[[sitk.Image], Image],
) -> Value:
    """Return all that a filter measured when it was run.

    Args:
        process: the filter.
        entry: its row of the table.
        inputs: its images.
        image: makes a value of an image.

    Returns:
        A record by names of measures; the records of single labels are under
        ``Labels``, or a sequence when there is nothing else.
    """

    def value_of(measure: Measure, *of_label: int) -> Value:
        given = [inputs[0]] if measure.form == "reference" else of_label
        found = getattr(process, "Get" + measure.name)(*given)
        return image(found) if isinstance(found, sitk.Image) else _plain(found)

    taken = [each for each in entry.measures if _is_taken(process, each)]
    of_labels = [each for each in taken if each.form in ("label", "both")]
    whole = {each.name: value_of(each) for each in taken if each.form != "label"}
    if not of_labels:
        return whole
    labels = tuple(
        [
            {
                "Label": label,
                **{each.name: value_of(each, label) for each in of_labels},
            }
            for label in _labels(process, inputs)
        ]
    )
    return {**whole, "Labels": labels} if whole else labels


def _is_taken(process: Any, measure: Measure) -> bool:
    return not measure.condition or bool(getattr(process, "Get" + measure.condition)())


def _labels(process: Any, inputs: list[Any]) -> list[int]:
    if hasattr(process, "GetLabels"):
        return sorted(map(int, process.GetLabels()))
    found: set[int] = set()
    for image in inputs:
        found.update(np.unique(sitk.GetArrayViewFromImage(image)).tolist())
    return sorted(found - {0})


def _plain(value: Any) -> Value:
    """Return a number, or a sequence of numbers, of a program."""
    if isinstance(value, (tuple, list)):
        return tuple([_plain(item) for item in value])
    return value
