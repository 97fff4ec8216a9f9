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
from primitives.values import Image, Mask, Value, kind_of

from .itk_arguments import argument, enumerator

# Warnings name files of ITK's source and addresses in memory; what matters is raised.
sitk.ProcessObject.SetGlobalWarningDisplay(False)

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
    entry = load_table().filters[name]
    given = _bound(entry, arguments, named)
    kind = getattr(sitk, entry.class_name, None)
    if kind is None:
        raise KernelError(
            f"the installed SimpleITK {sitk.Version.VersionString()} has no {name}"
        )
    process = kind()
    process.SetNumberOfWorkUnits(context.threads)
    inputs = _configured(process, entry, given)
    try:
        with context.aborting(process.Abort):
            result = process.Execute(*inputs)
    except (RuntimeError, TypeError, NotImplementedError, OverflowError) as error:
        # An aborted filter raises too.
        context.check()
        raise _explained(error, given) from None
    if not isinstance(result, sitk.Image):
        return result
    if 0 in result.GetSize():
        raise KernelError("the result has no voxels; give a size")
    return Image.of_itk(_plain(result))


def read(context: Context, file: InputFile) -> Image:
    """Return the image in a file, with the file's own pixel type.

    Raises:
        InputFileError: the file is no image, or damaged.
    """
    from primitives.formats.read_image import read_image

    if not isinstance(file, InputFile):
        raise InputFileError("ReadImage takes the path of a file, given as a string")
    return read_image(file)


def pixel_type_number(context: Context, name: str) -> int:
    """Return the number of a pixel type.

    Raises:
        KernelError: there is no such pixel type.
    """
    return enumerator("name", "PixelIDValueEnum", name, sitk)


Given = list[tuple[Formal, Value]]


def _bound(
    entry: Filter, arguments: Sequence[Value], named: Mapping[str, Value]
) -> Given:
    """Pair formals with arguments."""
    formals = entry.ordered_formals
    if len(formals) == 1 and formals[0].type.startswith("VectorOf"):
        is_one = len(arguments) == 1 and isinstance(arguments[0], tuple)
        return [(formals[0], arguments[0] if is_one else tuple(arguments))]
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
