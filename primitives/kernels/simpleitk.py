"""Running SimpleITK's filters.

Filter objects are used, not the functions: they take a number of threads, and another
thread can abort them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import SimpleITK as sitk

from primitives.context import Context
from primitives.errors import (
    GridMismatchError,
    InputFileError,
    KernelError,
    KernelTypeError,
)
from primitives.files import InputFile
from primitives.simpleitk_table import Filter, Formal, load_table
from primitives.values import GRID_TOLERANCE, Image, Mask, Value, kind_of

from .itk_arguments import argument, enumerator
from .itk_measures import measures_of

_DIRECTION_TOLERANCE = 1e-5
"""Far below what moves a voxel of any image by its size, above rounding in 32 bits."""

Given = list[tuple[Formal, Value]]
"""Formals and what is given for them, None where nothing is."""

# Warnings name files of ITK's source and addresses in memory; what matters is raised.
sitk.ProcessObject.SetGlobalWarningDisplay(False)
# Images that are on one grid here are on one grid for ITK, too.
sitk.ProcessObject.SetGlobalDefaultCoordinateTolerance(GRID_TOLERANCE)
sitk.ProcessObject.SetGlobalDefaultDirectionTolerance(_DIRECTION_TOLERANCE)

_TYPE_ERRORS = (
    "does not match the primary input's pixel type",
    "Failure to convert SimpleITK image",
)
_GRID_ERRORS = (
    "same physical space",
    "same dimension",
    "same size",
    "not match in size",
    "does not match the image dimension",
    "Requested region is (at least partially) outside",
)


def execute(context: Context, name: str, *arguments: Value, **named: Value) -> Value:
    """Run the filter behind SimpleITK's function ``name``.

    Args:
        context: of the run.
        name: of the function, such as ``BinaryThreshold``.
        arguments: in the order of the primitive's signature, None where omitted.
        named: those behind an omitted one, by the formal's name.

    Raises:
        KernelTypeError: an argument has the wrong kind.
        GridMismatchError: images that must share a grid do not.
        KernelError: the filter cannot be applied to these arguments.
    """
    result, _, _ = _executed(context, name, arguments, named)
    if not isinstance(result, sitk.Image):
        return result
    return _checked(result)


def measure(context: Context, name: str, *arguments: Value, **named: Value) -> Value:
    """Run a filter and return what it measures.

    Args:
        context: of the run.
        name: of the primitive, such as ``LabelShapeStatistics``.
        arguments: in the order of the primitive's signature, None where omitted.
        named: those behind an omitted one, by the formal's name.

    Returns:
        A record of all measures, or a sequence of one record for each label.

    Raises:
        KernelTypeError: an argument has the wrong kind.
        GridMismatchError: images that must share a grid do not.
        KernelError: the filter cannot be applied to these arguments.
    """
    _, process, inputs = _executed(context, name, arguments, named)
    try:
        return measures_of(process, load_table().filters[name], inputs, _checked)
    except (RuntimeError, TypeError, NotImplementedError, OverflowError) as error:
        raise _explained(error, []) from None


def _executed(
    context: Context, name: str, arguments: Sequence[Value], named: Mapping[str, Value]
) -> tuple[Any, Any, list[Any]]:
    """Return what a filter gave, the filter, and its input images."""
    entry = load_table().filters[name]
    given = _bound(entry, arguments, named)
    kind = getattr(sitk, entry.class_name, None)
    if kind is None:
        raise KernelError(
            f"the installed SimpleITK {sitk.Version.VersionString()} has no {name}"
        )
    try:
        return _run(context, kind, entry, given)
    except (RuntimeError, TypeError, NotImplementedError, OverflowError) as error:
        # An aborted filter raises too.
        context.check()
        numbers = _masks_as_numbers(given)
        is_type = any(phrase in str(error) for phrase in _TYPE_ERRORS)
        if not is_type or numbers is None:
            raise _explained(error, given) from None
    try:
        return _run(context, kind, entry, numbers)
    except (RuntimeError, TypeError, NotImplementedError, OverflowError) as error:
        context.check()
        raise _explained(error, given) from None


def _run(
    context: Context, kind: Any, entry: Filter, given: Given
) -> tuple[Any, Any, list[Any]]:
    process = kind()
    process.SetNumberOfWorkUnits(context.threads)
    inputs = _configured(process, entry, given)
    with context.aborting(process.Abort):
        result = process.Execute(*inputs)
    return result, process, inputs


def _masks_as_numbers(given: Given) -> Given | None:
    """Return the arguments with masks as images of the pixel type of the others.

    Some filters take only images of one pixel type, and a mask serves as 0 and 1.
    """
    images = [image for image in _images(given) if isinstance(image, Image)]
    if not images or len(images) == len(_images(given)):
        return None
    wanted = images[0].pixel_type

    def converted(value: Value) -> Value:
        if isinstance(value, tuple):
            return tuple([converted(item) for item in value])
        if not isinstance(value, Mask):
            return value
        return Image.of_array(value.array.astype(wanted), value.grid)

    return [(formal, converted(value)) for formal, value in given]


def read(context: Context, file: InputFile) -> Image:
    """Return the image in a file, with the file's own pixel type.

    Raises:
        InputFileError: the file is no image, or damaged.
    """
    from primitives.formats.read_image import read_image

    if not isinstance(file, InputFile):
        raise InputFileError("ReadImage takes the path of a file, given as a string")
    return read_image(file, context.check)


def pixel_type_number(context: Context, name: str) -> int:
    """Return the number of a pixel type.

    Raises:
        KernelError: there is no such pixel type.
    """
    return enumerator("name", "PixelIDValueEnum", name, sitk)


def _bound(
    entry: Filter, arguments: Sequence[Value], named: Mapping[str, Value]
) -> Given:
    """Pair formals with arguments."""
    formals = entry.ordered_formals
    if len(formals) == 1 and formals[0].type.startswith("VectorOf"):
        is_one = len(arguments) == 1 and isinstance(arguments[0], tuple)
        return [(formals[0], arguments[0] if is_one else tuple(arguments))]
    position = entry.image_position
    if position is not None and len(arguments) > position:
        is_second_form = isinstance(arguments[position], Image | Mask)
        formals = entry.formals if is_second_form else formals
    if len(arguments) > len(formals):
        raise KernelTypeError(f"there are at most {len(formals)} arguments")
    others = (named.get(formal.name) for formal in formals[len(arguments) :])
    values = (*arguments, *others)
    return list(zip(formals, values, strict=True))


def _configured(process: Any, entry: Filter, given: Given) -> list[Any]:
    """Set the parameters of a filter and return its input images."""
    dimension = max((image.grid.dimension for image in _images(given)), default=3)
    inputs = []
    for formal, value in given:
        if value is None:
            if not formal.is_optional:
                raise KernelTypeError(f"{formal.name} is missing")
            if formal.is_random_seed:
                process.SetSeed(int(formal.default))
            continue
        if formal.is_random_seed and value == 0:
            raise KernelError("seed 0 would take the clock; give another number")
        converted = argument(formal, value, dimension, process)
        if formal.setter:
            getattr(process, "Set" + formal.setter)(converted)
        else:
            inputs.append((entry.formals.index(formal), converted))
    _set_implied(process, {formal.name: value for formal, value in given}, inputs)
    # A call gives images that may be omitted last, SimpleITK takes them in the middle.
    return [converted for _, converted in sorted(inputs, key=lambda pair: pair[0])]


def _set_implied(
    process: Any, values: dict[str, Value], inputs: list[tuple[int, Any]]
) -> None:
    """Set what omitted parameters mean where SimpleITK's default has no sense."""
    # A mask is true or false; SimpleITK would look for voxels of 255.
    if values.get("maskValue", 0) is None and isinstance(values["maskImage"], Mask):
        process.SetMaskValue(1)
    is_resampling = isinstance(process, sitk.ResampleImageFilter)
    if is_resampling and values["size"] is None and values["referenceImage"] is None:
        process.SetReferenceImage(inputs[0][1])


def _images(given: Given) -> list[Image | Mask]:
    found = []
    for _, value in given:
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Image | Mask):
                found.append(item)
    return found


def _checked(image: sitk.Image) -> Image:
    if 0 in image.GetSize():
        raise KernelError("the result has no voxels; give a size")
    return Image.of_itk(_plain(image))


def _plain(image: sitk.Image) -> sitk.Image:
    """Return the image as it will come back from the store.

    A label map, which has no voxels, becomes a label image, and an image of vectors of
    one component a scalar one.
    """
    name = image.GetPixelIDTypeAsString()
    if name.startswith("vector of") and image.GetNumberOfComponentsPerPixel() == 1:
        scalar: sitk.Image = sitk.VectorIndexSelectionCast(image, 0)
        return scalar
    if not name.startswith("label of"):
        return image
    labels: sitk.Image = sitk.LabelMapToLabel(image)
    return labels


def _explained(error: Exception, given: Given) -> KernelError:
    text = _readable(str(error))
    images = _images(given)
    if any(phrase in text for phrase in _GRID_ERRORS) and len(images) > 1:
        first = images[0].grid
        other = next(
            (image.grid for image in images[1:] if not image.grid.matches(first)), None
        )
        if other is not None:
            return GridMismatchError(
                "the images do not lie on the same grid: "
                f"{first.describe()} against {other.describe()}; "
                "resample one of them first (simpleitk.Resample)"
            )
    if isinstance(error, TypeError | NotImplementedError):
        kinds = ", ".join(kind_of(value) for _, value in given if value is not None)
        return KernelTypeError(f"it has no form for arguments of the kinds {kinds}")
    if any(image.grid.dimension > 3 for image in images):
        text = (
            f"{text.rstrip('.')}; take one of the volumes first, such as "
            "volumes(image)[0]"
        )
    return KernelError(text)


def _readable(message: str) -> str:
    """Return what an ITK error says, without places in ITK's source and memory."""
    text = re.split(r"(?:ITK |sitk::)ERROR:", message)[-1]
    text = re.sub(r"Exception thrown in SimpleITK \w+:\s*", "", text)
    text = re.sub(r"\w+\((?:0x)?[0-9a-f]{6,}\):\s*", "", text)
    text = re.sub(r"\s*by\s*N3itk6simple\w+", "", text)
    text = re.sub(r"\S*/\S+\.(?:hxx|cxx|h|txx)(?::\d+)?:?", "", text)
    text = re.sub(r"\w+ \(0x[0-9a-f]+\)", "", text)
    return " ".join(text.split()).strip(" .") + "."
