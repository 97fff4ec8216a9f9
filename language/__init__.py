"""The language: the text of a program to its plan."""

from .compiler import Compiled, compile_program, compile_text
from .errors import Diagnostic, LanguageError, Note, ProgramError, Severity
from .imports import SourceFile
from .session import Form, Session

__all__ = [
    "Compiled",
    "Diagnostic",
    "Form",
    "LanguageError",
    "Note",
    "ProgramError",
    "Session",
    "Severity",
    "SourceFile",
    "compile_program",
    "compile_text",
]
