"""Errors of the primitives.

``PrimitivesError``
    ``ValueEncodingError``   bytes are not the canonical encoding of a value
    ``KernelError``          a primitive cannot be applied to these values
        ``GridMismatchError``    two images do not share a grid
        ``KernelTypeError``      an argument has the wrong kind
        ``InputFileError``       a file cannot be read as what it should be
            ``InputChangedError``    a file changed since its content was hashed
    ``OutputFileError``      a value cannot be written to this file
    ``UnknownPrimitiveError``  no primitive has this name
"""

from __future__ import annotations


class PrimitivesError(Exception):
    """Base of all errors of this room; its text is for people."""


class ValueEncodingError(PrimitivesError):
    """Bytes are not the canonical encoding of a value."""


class KernelError(PrimitivesError):
    """A primitive cannot be applied to these values."""


class GridMismatchError(KernelError):
    """Two images do not share size, spacing, origin and direction."""


class KernelTypeError(KernelError):
    """An argument has the wrong kind."""


class InputFileError(KernelError):
    """A file cannot be read as what it should be."""


class InputChangedError(InputFileError):
    """A file changed since its content was hashed; hash it again."""


class OutputFileError(PrimitivesError):
    """A value cannot be written to this file."""


class UnknownPrimitiveError(PrimitivesError):
    """No primitive has this name."""
