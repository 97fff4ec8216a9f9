#!/usr/bin/env python3
"""Write the table of SimpleITK's filters from the classes that are installed.

``primitives/simpleitk_table.json`` holds what a call needs: for each filter its class,
its formals in the procedural order with type, default and setter, and what it measures
besides making an image.  A filter without a function has its images first, then its
parameters in the order of its class.  All of it comes from SimpleITK's declarations,
setters and getters, and from running filters on tiny images; what people are told of
filters is written by hand in ``primitives/reference/filters.toml``.

    scripts/generate_simpleitk_table.py            write the table
    scripts/generate_simpleitk_table.py --check    fail if it is not current
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import SimpleITK as sitk

FOLDER = Path(__file__).resolve().parent.parent / "primitives"
TABLE = FOLDER / "simpleitk_table.json"

ENUMERATIONS = {
    "KernelEnum": (
        *("Annulus", "Ball", "Box", "Cross"),
        *(f"Polygon{sides}" for sides in range(3, 10)),
    ),
    "InterpolatorEnum": (
        "NearestNeighbor",
        "Linear",
        "BSpline1",
        "BSpline2",
        "BSpline3",
        "BSpline4",
        "BSpline5",
        "Gaussian",
        "LabelGaussian",
        "LabelLinear",
        "HammingWindowedSinc",
        "CosineWindowedSinc",
        "WelchWindowedSinc",
        "LanczosWindowedSinc",
        "BlackmanWindowedSinc",
        # Another name of BSpline3, and interpolators made for resampling.
        "BSpline",
        "BSplineResampler",
        *(f"BSplineResamplerOrder{order}" for order in range(1, 6)),
    ),
    "PixelIDValueEnum": (
        "Unknown",
        *(
            prefix + number
            for prefix in ("", "Vector")
            for number in (
                *("UInt8", "Int8", "UInt16", "Int16", "UInt32", "Int32", "UInt64"),
                *("Int64", "Float32", "Float64"),
            )
        ),
        "ComplexFloat32",
        "ComplexFloat64",
    ),
}
"""SimpleITK's enumerators by type; the module itself does not say which is which."""

SETTERS = {("Cast", "pixelID"): "OutputPixelType", ("Hash", "function"): "HashFunction"}
"""Formals whose setter has another name."""

FORMALS = {
    "Resample": (
        *("image1", "referenceImage", "size", "interpolator", "outputOrigin"),
        *("outputSpacing", "outputDirection", "defaultPixelValue"),
        *("outputPixelType", "useNearestNeighborExtrapolator"),
    ),
}
"""Formals of functions whose forms differ in more than their inputs."""

MEASURES_OF = "Measurements"
"""Added to the name of a filter with an image for the primitive of its measures."""

UNMEASURED = frozenset(
    [
        # Every voxel of a region, one by one.
        "Indexes",
        "RLEIndexes",
        # What the filter was given, or what a program can count itself.
        "Flat",
        "Labels",
        "NumberOfLabels",
        "SplinePoles",
        "DirectionCosinesFromOrientation",
        "OrientationFromDirectionCosines",
        # Has no voxels.
        "GradientImage",
        # Takes an input by number.
        "ConfusionMatrix",
    ]
)
"""Getters that are no measures."""

ON_DEMAND = {
    "FeretDiameter": "ComputeFeretDiameter",
    "OrientedBoundingBox": "ComputeOrientedBoundingBox",
    "Perimeter": "ComputePerimeter",
    "Roundness": "ComputePerimeter",
    "Median": "UseHistograms",
}
"""Beginnings of measures that are taken only when this parameter is true."""

REQUIRED = ("pixelID",)
"""Parameters that a call cannot do without."""

OWN = ("MinimumMaximum", "Statistics", "ReadImage", "GetPixelIDValueFromString")
"""Primitives with a kernel of their own."""

Formal = dict[str, Any]


def main() -> int:
    """Write the tables, or check them."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    is_check = parser.parse_args().check
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    text = rendered(make_table())
    if TABLE.exists() and TABLE.read_text(encoding="utf-8") == text:
        return 0
    if is_check:
        print(
            f"{TABLE.name} is not current for SimpleITK "
            f"{sitk.Version.VersionString()}; run {Path(__file__).name}",
            file=sys.stderr,
        )
        return 1
    TABLE.write_text(text, encoding="utf-8")
    return 0


def rendered(content: dict[str, Any]) -> str:
    """Return JSON with one filter a line, so that changes can be read."""
    lines = []
    for key, value in content.items():
        if isinstance(value, dict):
            rows = (
                f"{json.dumps(name)}: {json.dumps(row)}" for name, row in value.items()
            )
            lines.append(f"{json.dumps(key)}: {{\n" + ",\n".join(rows) + "\n}")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def make_table() -> dict[str, Any]:
    """Return the content of the table."""
    enumerations: dict[str, list[str]] = {
        name: ["sitk" + word for word in words] for name, words in ENUMERATIONS.items()
    }
    filters: dict[str, Any] = {}
    for name, kind in sorted(all_filters().items()):
        # Transforms are no values of programs.
        if name in OWN or "Transform" in name:
            continue
        formals = formals_of(name, kind, enumerations)
        if formals is None:
            continue
        row = [
            kind.__name__,
            [
                [formal["name"], formal["type"], formal["default"], formal["setter"]]
                for formal in formals
            ],
        ]
        measures = measures_of(kind)
        if gives_image(kind):
            filters[name] = [*row, "string" if name == "Hash" else "image"]
            name += MEASURES_OF
        if measures:
            filters[name] = [*row, measured_kind(measures), measures]
    return {
        "simpleitk": sitk.Version.VersionString(),
        "enumerations": enumerations,
        "filters": filters,
    }


def all_filters() -> dict[str, type]:
    """Return the filter classes by the name of their function, or what it would be."""
    found = procedural_filters()
    known = set(found.values())
    for name, kind in vars(sitk).items():
        if not inspect.isclass(kind) or not issubclass(kind, sitk.ProcessObject):
            continue
        is_filter = name.endswith("Filter") and name != "ImageFilter"
        if is_filter and kind not in known and images_of(kind):
            found[name.removesuffix("Filter").removesuffix("Image")] = kind
    return found


def images_of(kind: type) -> list[str]:
    """Return the declarations of the images that a filter takes, all of them."""
    doc = inspect.getdoc(kind.Execute) or ""  # type: ignore[attr-defined]
    forms = re.findall(rf"Execute\({kind.__name__} self, (Image [^)]*)\)", doc)
    return split(max(forms, key=len)) if forms else []


def gives_image(kind: type) -> bool:
    """Return whether a filter makes an image, or a hash of one."""
    doc = inspect.getdoc(kind.Execute) or ""  # type: ignore[attr-defined]
    return "-> Image" in doc or "-> std::string" in doc


def measures_of(kind: type) -> list[list[str]]:
    """Return name, form and condition of all that a filter measures.

    The form is ``label`` for a measure of each label, ``both`` if there is one of the
    whole as well, ``reference`` if it needs the input image, or empty.
    """
    found = []
    for word, getter in vars(kind).items():
        name = word.removeprefix("Get")
        is_getter = word != name and not hasattr(kind, "Set" + name)
        if not is_getter or name in UNMEASURED or hasattr(sitk.ProcessObject, word):
            continue
        doc = inspect.getdoc(getter) or ""
        forms = re.findall(rf"{word}\(\w+ self(?:, (\w+) \w+)?\)", doc)
        if not forms:
            raise SystemExit(f"{kind.__name__}: cannot read the form of {word}")
        needs = [
            setter
            for beginning, setter in ON_DEMAND.items()
            if name.startswith(beginning) and hasattr(kind, "Set" + setter)
        ]
        found.append([name, measure_form(forms), *needs])
    return found


def measure_form(types: list[str]) -> str:
    """Return what a getter must be given, from the types of its forms."""
    if "Image" in types:
        return "reference"
    if len(types) > 1:
        return "both"
    return "label" if types[0] else ""


def measured_kind(measures: list[list[str]]) -> str:
    """Return the kind of the value that holds all measures of a filter."""
    if any(form == "label" for _, form, *_ in measures):
        return "sequence"
    return "record"


def procedural_filters() -> dict[str, type]:
    """Return the filter classes that have a function, by the function's name."""
    found = {}
    for name, function in vars(sitk).items():
        if inspect.isclass(function) or not callable(function):
            continue
        for other in (
            name + "ImageFilter",
            name + "Filter",
            re.sub("Source$", "ImageSource", name),
        ):
            kind = getattr(sitk, other, None)
            if inspect.isclass(kind) and issubclass(kind, sitk.ProcessObject):
                found[name] = kind
    return found


def formals_of(
    name: str, kind: type, enumerations: dict[str, list[str]]
) -> list[Formal] | None:
    """Return the formals that stand for all forms of a function, None if it has
    one of a type that no value has."""
    forms = [
        [formal_of(name, kind, text) for text in split(form)] for form in forms_of(name)
    ]
    if name in FORMALS:
        known = {formal["name"]: formal for form in forms for formal in form}
        chosen = [known[word] for word in FORMALS[name]]
        forms = [chosen]
    else:
        chosen = unified(forms)
    if any("Transform" in formal["type"] for formal in chosen):
        return None
    if takes_label_maps(kind, chosen):
        chosen[0]["type"] = chosen[0]["type"].replace("Image", "LabelMap")
    for formal in chosen:
        formal["type"] = named_type(kind, formal, enumerations)
        formal["default"] = default_of(name, kind, formal, enumerations)
    return chosen


def forms_of(name: str) -> list[str]:
    """Return the texts between the parentheses of a function's forms."""
    if not hasattr(sitk, name):
        return forms_of_class(all_filters()[name])
    function = getattr(sitk, name)
    doc = inspect.getdoc(function) or ""
    forms = []
    for match in re.finditer(rf"\b{name}\s*\(", doc):
        depth, end = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(doc[end], 0)
            end += 1
        forms.append(" ".join(doc[match.end() : end - 1].split()))
    if not forms:
        # Written in Python: the setters know the types.
        words = list(inspect.signature(function).parameters)
        forms = [", ".join(["Image image1", *(f"? {word}" for word in words[1:])])]
    return forms


def forms_of_class(kind: type) -> list[str]:
    """Return what the forms of a filter without a function would be."""
    settings = [
        f"? {word[3].lower()}{word[4:]}"
        for word in vars(kind)
        if word.startswith("Set") and hasattr(kind, "Get" + word[3:])
    ]
    images = images_of(kind)
    # An image that may be omitted stands last.
    optional = [image for image in images if "initial" in image]
    needed = [image for image in images if image not in optional]
    return [", ".join([*needed, *settings, *last]) for last in ([], optional)]


def split(form: str) -> list[str]:
    """Split at commas that stand outside of brackets."""
    parts, depth = [""], 0
    for letter in form:
        depth += {"(": 1, "<": 1, ")": -1, ">": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def formal_of(function: str, kind: type, text: str) -> Formal:
    """Return the formal that a declaration describes."""
    match = re.fullmatch(r"(?:const )?(.*?) ?&? (\w+) ?(?:= ?(.*))?", text)
    if match is None:
        raise SystemExit(f"{function}: cannot read the formal '{text}'")
    type_name, word, default = match.groups()
    word = word.lstrip("_")
    setter = SETTERS.get((function, word), word[0].upper() + word[1:])
    if not hasattr(kind, "Set" + setter):
        setter = ""
    elif type_name == "?":
        type_name = setter_type(kind, setter)
    word = word[0].lower() + word[1:]
    return {"name": word, "type": type_name, "default": default, "setter": setter}


def setter_type(kind: type, setter: str) -> str:
    """Return the type that a setter takes according to its docstring."""
    doc = inspect.getdoc(getattr(kind, "Set" + setter)) or ""
    types = re.findall(rf"Set{setter}\(\w+ self, (.*?) \w+\)", doc)
    vectors = [each for each in types if each.startswith("Vector")]
    return str((vectors or types)[0])


def unified(forms: list[list[Formal]]) -> list[Formal]:
    """Return one list of formals for all forms of a function."""
    if forms[0] and forms[0][0]["type"] == "VectorOfImage":
        return forms[0]
    # Not the parameter of that name that some filters have.
    constants = [
        f for form in forms for f in form if f["name"] == "constant" and not f["setter"]
    ]
    if constants:
        # (image, image), (image, constant) and (constant, image).
        both = [dict(formal) for formal in forms[0]]
        for formal in both[:2]:
            formal["type"] = "Image|" + constants[0]["type"]
        return both
    longest = max(forms, key=len)
    in_all = set.intersection(*({f["name"] for f in form} for form in forms))
    for formal in longest:
        if formal["name"] not in in_all and not formal["setter"]:
            formal["type"] += "?"
    return longest


def named_type(kind: type, formal: Formal, enumerations: dict[str, list[str]]) -> str:
    """Return the short name of a type, and note its enumerators."""
    name: str = formal["type"].replace("itk::simple::", "").replace("::", ".")
    name = name.replace("unsigned int", "uint32_t").replace("std.string", "string")
    is_enumeration = name.endswith("Enum") or "." in name or name == "HashFunction"
    if is_enumeration and name not in enumerations:
        groups = enumerators(kind)
        word = formal["default"]
        group = next((g for g in groups if word in g), groups[0])
        enumerations[name] = group
    return name


def enumerators(kind: type) -> list[list[str]]:
    """Return the enumerators of each enumeration of a class; each counts from 0."""
    groups: list[list[str]] = []
    for word, value in vars(kind).items():
        if type(value) is int:
            if value == 0 or not groups:
                groups.append([])
            groups[-1].append(word)
    return groups


def default_of(
    function: str, kind: type, formal: Formal, enumerations: dict[str, list[str]]
) -> str:
    """Return the text of a default, empty if the formal must be given."""
    if not formal["setter"] or formal["name"] in REQUIRED:
        return ""
    if formal["name"] == "seed" and formal["type"] == "uint32_t":
        # SimpleITK's default is the clock.
        return "1"
    getter = getattr(kind, "Get" + formal["setter"], None)
    if getter is None or (function in FORMALS and formal["type"].startswith("Vector")):
        return "null"
    return default_text(getter(kind()), formal["type"], enumerations)


def default_text(value: Any, type_name: str, enumerations: dict[str, list[str]]) -> str:
    """Return a default as a program would write it, without commas."""
    if type_name in enumerations:
        for index, word in enumerate(enumerations[type_name]):
            # Enumerators of one filter count from 0, shared ones are the module's.
            if getattr(sitk, word, index) == value:
                return word
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:.7g}" if type_name == "float" else repr(value)
    if isinstance(value, (tuple, list)) and value and len(set(value)) == 1:
        return default_text(value[0], type_name, enumerations)
    if isinstance(value, str) and value:
        return value
    return "null"


def takes_label_maps(kind: type, formals: list[Formal]) -> bool:
    """Return whether the first input must be a label map."""
    if not formals or formals[0]["setter"]:
        return False
    if formals[0]["name"].startswith("labelMap"):
        return True
    region = sitk.GaussianSource(sitk.sitkFloat32, [8] * 3, [2] * 3, [4] * 3) > 100
    if runs(kind, region, formals):
        return False
    return runs(kind, sitk.BinaryImageToLabelMap(region), formals)


def runs(kind: type, image: sitk.Image, formals: list[Formal]) -> bool:
    """Return whether the filter takes ``image`` for all its inputs."""
    inputs = [f for f in formals if not f["setter"] and not f["type"].endswith("?")]
    is_sequence = inputs[0]["type"].startswith("VectorOf")
    try:
        kind().Execute(*([[image, image]] if is_sequence else [image] * len(inputs)))
    except (RuntimeError, TypeError, NotImplementedError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
