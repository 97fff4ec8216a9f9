"""Which file formats there are, by suffix; no format is opened here."""

from __future__ import annotations

from pathlib import PurePath

from primitives.errors import OutputFileError

VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")
"""Formats of images with geometry, read and written."""
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Formats of pictures, read and written."""
READ_ONLY_SUFFIXES = (".hdr", ".img", ".img.gz", ".nhdr")
IMAGE_SUFFIXES = frozenset((*VOLUME_SUFFIXES, *PICTURE_SUFFIXES, *READ_ONLY_SUFFIXES))
"""Formats that are read as an image."""
SEEKABLE_SUFFIXES = (".nii",)
"""Formats of which one volume of several can be read without the others."""
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
"""Usual endings of DICOM files; many have none, or numbers."""
DICOM = "dicom"
"""Format of a DICOM file, whatever its name; no suffix is called so."""
DICOM_SERIES = "dicom series"
"""Format of the files of a DICOM series together."""
NNUNET_MODEL = "nnunet model"
"""Format of the folder of a trained nnU-Net; no suffix is called so."""
TEXT_SUFFIXES = (".txt", ".csv")
DATA_SUFFIXES = (".json", *TEXT_SUFFIXES)
"""Formats of values other than images."""

_COMPOUND = (".nii.gz", ".img.gz")
_PICTURE_KINDS = frozenset({"image", "mask"})
_TABLE_KINDS = frozenset({"sequence", "record"})


def normalized_suffix(path: str | PurePath) -> str:
    """Return the format of a file name: ``".nii.gz"``, ``".png"``, in lower case."""
    name = PurePath(path).name.lower()
    for suffix in _COMPOUND:
        if name.endswith(suffix):
            return suffix
    return PurePath(name).suffix


def output_suffixes(kind: str) -> tuple[str, ...]:
    """Return the formats that a value of this kind can be saved in."""
    if kind in _PICTURE_KINDS:
        return (*VOLUME_SUFFIXES, *PICTURE_SUFFIXES)
    if kind in _TABLE_KINDS:
        # A record may be an overlay, a sequence may hold images to be numbered.
        return (*DATA_SUFFIXES, *VOLUME_SUFFIXES, *PICTURE_SUFFIXES)
    if kind == "any":
        return (*VOLUME_SUFFIXES, *PICTURE_SUFFIXES, *DATA_SUFFIXES, ".bin")
    if kind == "bytes":
        return (".bin",)
    return DATA_SUFFIXES


def check_output_suffix(path: str | PurePath, kind: str) -> None:
    """Check, before anything runs, that a value of ``kind`` can be saved to ``path``.

    Args:
        path: where to save.
        kind: kind of the value, or ``"any"`` if it is not known yet.

    Raises:
        OutputFileError: it cannot; the message lists the formats that would do.
    """
    suffix = normalized_suffix(path)
    known = output_suffixes(kind)
    if suffix in known:
        return
    article = "an" if kind in ("image", "int") else "a"
    what = "a value" if kind == "any" else f"{article} {kind}"
    shown = f"as '{suffix}'" if suffix else "in a file without a suffix"
    raise OutputFileError(
        f"'{path}': {what} cannot be saved {shown}; use {_listed(known)}"
    )


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
