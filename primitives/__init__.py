"""What programs can call, and the values they compute with."""

from .catalog import standard_registry
from .context import CancelledError, Context
from .environment import environment_class
from .errors import (
    GridMismatchError,
    InputChangedError,
    InputFileError,
    KernelError,
    KernelTypeError,
    OutputFileError,
    PrimitivesError,
    UnknownPrimitiveError,
    ValueEncodingError,
)
from .files import FileSignature, InputFile, file_signature
from .folds import FOLD_OPERATORS, FoldOperator
from .formats.suffixes import check_output_suffix, normalized_suffix
from .registry import Cost, Determinism, Parameter, Primitive, Registry
from .text import format_value, to_json
from .values import Grid, Image, Mask, Value, kind_of

__all__ = [
    "FOLD_OPERATORS",
    "CancelledError",
    "Context",
    "Cost",
    "Determinism",
    "FileSignature",
    "FoldOperator",
    "Grid",
    "GridMismatchError",
    "Image",
    "InputChangedError",
    "InputFile",
    "InputFileError",
    "KernelError",
    "KernelTypeError",
    "Mask",
    "OutputFileError",
    "Parameter",
    "Primitive",
    "PrimitivesError",
    "Registry",
    "UnknownPrimitiveError",
    "Value",
    "ValueEncodingError",
    "check_output_suffix",
    "environment_class",
    "file_signature",
    "format_value",
    "kind_of",
    "normalized_suffix",
    "standard_registry",
    "to_json",
]
