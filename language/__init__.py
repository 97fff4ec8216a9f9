"""The language: the text of a program to its plan."""

from .compiler import Compiled, compile_program, compile_text
from .errors import Diagnostic, LanguageError, Note, ProgramError, Severity
from .imports import SourceFile

__all__ = [
    "Compiled",
    "Diagnostic",
    "LanguageError",
    "Note",
    "ProgramError",
    "Severity",
    "SourceFile",
    "compile_program",
    "compile_text",
]
