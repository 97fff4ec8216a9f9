"""Pages of SimpleITK's filters, made from their table and from ``filters.toml``.

What a filter takes, of which type, with which default and which enumerators, is what
SimpleITK itself says; the sentences are ours.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from primitives.simpleitk_table import MEASURES_OF, Filter, Formal, load_table

from .pages import Example, Reference

if TYPE_CHECKING:
    from primitives.registry import Primitive

CLASS_PAGE = "https://simpleitk.org/doxygen/latest/html/classitk_1_1simple_1_1{}.html"

PREPARED = {
    "scan": 'scan = load("head.nii.gz")',
    "head": 'head = intensity(load("head.nii.gz"))',
    "flat": "flat = Extract(head, [16, 16, 0], [0, 0, 4])",
    "lesion": "lesion = maxvol(head > 150)",
    "labels": 'labels = Cast(lcc(head > 150), "sitkUInt8")',
    "objects": "objects = LabelImageToLabelMap(labels)",
    "waves": "waves = ForwardFFT(head)",
    "blob": "blob = GaussianSource(size = [5, 5, 5], sigma = [1, 1, 1], "
    "mean = [2, 2, 2], scale = 1)",
    "field": 'field = Cast(Compose(head, head, head), "sitkVectorFloat64") / 100',
    "photo": 'photo = load("photo.png")',
}
"""What the calls in ``filters.toml`` may use, each made of those before it."""


class FilterTexts(msgspec.Struct, frozen=True):
    """The content of ``filters.toml``.

    Attributes:
        summaries: one sentence, by filter.
        parameters: meaning, by name or by "Filter.name".
        calls: an expression, by filter.
    """

    summaries: dict[str, str]
    parameters: dict[str, str]
    calls: dict[str, str] = {}


@cache
def filter_texts() -> FilterTexts:
    """Return the texts on filters."""
    file = resources.files(__package__).joinpath("filters.toml")
    with file.open("rb") as stream:
        return msgspec.convert(tomllib.load(stream), FilterTexts)


def filter_summary(name: str) -> str:
    """Return one sentence on a filter; empty if none is written."""
    texts = filter_texts()
    summary = texts.summaries.get(name, "")
    if not summary and name.removesuffix(MEASURES_OF) in texts.summaries:
        return f"What {name.removesuffix(MEASURES_OF)} measures besides its image."
    return summary


def filter_reference(primitive: Primitive) -> Reference:
    """Return the reference text of a filter; an empty one if nothing is written."""
    name = primitive.short_name
    entry = load_table().filters.get(name)
    if entry is None or not filter_summary(name):
        return Reference()
    return Reference(
        {
            formal.name: _meaning(name, formal, entry)
            for formal in entry.ordered_formals
        },
        _result(name, entry),
        "those of the image, unless a meaning says otherwise",
        "",
        _examples(name),
        (entry.class_name, CLASS_PAGE.format(entry.class_name)),
    )


def _meaning(name: str, formal: Formal, entry: Filter) -> str:
    texts = filter_texts().parameters
    meaning = texts.get(f"{name}.{formal.name}") or texts.get(formal.name, "")
    if formal.name == "image1" and any(one.name == "image2" for one in entry.formals):
        meaning = "the first image"
    if "|" in formal.type:
        meaning += ", or a number"
    return f"{meaning}{_form(formal.type.rstrip('?'))}"


def _form(type_name: str) -> str:
    """Return how a value of a type is written, where its kind does not tell."""
    enumerators = load_table().enumerations.get(type_name)
    if enumerators is not None:
        # All pixel types and interpolators would be longer than the rest of the page.
        shown = enumerators[:6]
        more = ", …" if len(enumerators) > len(shown) else ""
        return "; one of " + ", ".join(f'`"{word}"`' for word in shown) + more
    if type_name == "LabelMap":
        return "; a label map, as `LabelImageToLabelMap` makes one"
    if type_name in ("VectorUInt32", "VectorInt32", "VectorDouble"):
        return "; one number for each axis, or one for all"
    return ""


def _result(name: str, entry: Filter) -> str:
    if entry.measures:
        form = "a record" if entry.result == "record" else "one record for each label"
        return f"{form} with " + ", ".join(f"`{one.name}`" for one in entry.measures)
    if entry.result != "image":
        return f"a {entry.result}"
    return "a label map" if name.endswith("LabelMap") else "an image"


def _examples(name: str) -> tuple[Example, ...]:
    expression, _, prints = filter_texts().calls.get(name, "").partition(" -> ")
    if not expression:
        return ()
    program = "\n".join([*prepared(expression), f'print "result" {expression}', ""])
    return (Example(program, f"result={prints}\n"),)


def prepared(expression: str) -> list[str]:
    """Return the lines that make what an expression uses."""
    lines: list[str] = []
    text = expression
    for word, line in reversed(PREPARED.items()):
        if re.search(rf"\b{word}\b", text):
            lines.insert(0, line)
            text += line.partition("=")[2]
    return lines
