"""A program that grows entry by entry, as it is typed.

Each entry is read after those before it, and by itself: its places are its own, and
what it begins with does not go on with what the entry before ended with.  An entry
that is wrong changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import msgspec

from primitives.registry import Registry
from scheduler.plan import Scalar

from .code import Definition
from .compiler import (
    Compiled,
    Dialect,
    collector_paused,
    lower_program,
    variables_of,
)
from .cutting import Piece, cut
from .errors import Diagnostic, ProgramError, Severity
from .imports import UnreadableError, read
from .lexis import is_capital_operator
from .parse import first_misplaced
from .program import Program, library_names
from .report import Reporter, ordered
from .resolve import Variables
from .source import Source
from .tokens import KEYWORDS, Terminal, tokenize

NAME = "session"
"""What ``$file`` and ``$stem`` are in what is typed."""

LABEL_WIDTH = 60
"""Characters of an expression that name its value in the record of runs."""


class Form(Enum):
    """What a text can be as an entry."""

    EMPTY = "empty"
    """Nothing but blanks and comments."""
    COMMANDS = "commands"
    EXPRESSION = "expression"
    UNFINISHED = "unfinished"
    """The beginning of commands or of an expression."""
    WRONG = "wrong"


class Session:
    """The program so far.

    Args:
        registry: the primitives that it may call.
        parameters: values of its ``$NAME`` variables, by NAME.
        dialect: ``vox1`` groups operators as VoxLogicA 1 does.
        directory: what imports and ``$cwd`` are relative to, instead of the current
            directory.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        parameters: Mapping[str, Scalar] | None = None,
        dialect: Dialect = "imgql",
        directory: Path | None = None,
    ) -> None:
        self.registry = registry
        self._parameters = dict(parameters or {})
        self._right = dialect == "vox1"
        self._directory = directory or Path.cwd()
        self._warned: set[Diagnostic] = set()
        source = Source(NAME, "", str(self._directory))
        self._variables = self._variables_of(source)
        self._program = Program(
            registry, self._variables, Reporter(), self._directory, self._right
        )

    # ---- what there is -----------------------------------------------------

    @property
    def definitions(self) -> Mapping[str, Definition]:
        """What names mean that the entries and imported libraries define."""
        return self._program.names.definitions

    @property
    def imported(self) -> tuple[str, ...]:
        """The namespaces whose primitives are found first, after ``default``."""
        return tuple(self._program.names.imported)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names, without ``$``, that have a value from outside."""
        return (*self._variables.places, *self._variables.constants)

    def library_names(self) -> Mapping[str, str]:
        """Map what a library would define to what to import for it."""
        return library_names()

    # ---- reading -----------------------------------------------------------

    def form(self, text: str) -> Form:
        """Return what a text can be as the next entry."""
        source = Source("", text)
        commands, mistakes = self._tokens(source, expression=False)
        if len(commands) == 1:
            return Form.WRONG if mistakes else Form.EMPTY
        expression, _ = self._tokens(source, expression=True)
        stops = first_misplaced(commands), first_misplaced(expression)
        if stops[0] == len(commands):
            return Form.COMMANDS
        if stops[1] == len(expression):
            return Form.EXPRESSION
        at_end = (len(commands) - 1, len(expression) - 1)
        is_cut = stops[0] == at_end[0] or stops[1] == at_end[1]
        return Form.UNFINISHED if is_cut and not mistakes else Form.WRONG

    def begins_command(self, text: str) -> bool:
        """Return whether a text can only be the beginning of a command."""
        tokens, _ = self._tokens(Source("", text), expression=False)
        first = tokens[0]
        if first.type == "DEFINED":
            return tokens[1].type == "_EQUALS"
        return first.type in ("LET", "PRINT", "SAVE", "IMPORT", "LOAD")

    def add(self, text: str, name: str) -> Compiled:
        """Read an entry; what it defines is there from now on.

        Args:
            text: commands, or an expression to show.
            name: what messages call it.

        Returns:
            The plan of the entry's own goals; an expression is a ``print`` whose
            label is its text.

        Raises:
            ProgramError: the entry is wrong, and changed nothing.
        """
        source = Source(name, text, str(self._directory))
        is_expression = self._is_expression(source)
        program, compiled = self._compile(source, self._variables, is_expression)
        self._accept(program, compiled)
        return compiled

    def add_file(self, path: Path) -> Compiled:
        """Read a program as if its text was typed here; raises as :meth:`add`.

        It may be read again after it has changed.  Its imports are looked for beside
        it first, and ``$dir`` and the like are its own.
        """
        try:
            source, record = read(path, str(path))
        except UnreadableError as error:
            missing = Diagnostic(Severity.ERROR, "unreadable-program", str(error))
            raise ProgramError([missing]) from error
        variables = self._variables_of(source)
        program, compiled = self._compile(source, variables, False)
        self._accept(program, compiled)
        return Compiled(compiled.plan, compiled.warnings, (record, *compiled.sources))

    def look(self, text: str, name: str) -> Compiled:
        """Return the plan of an expression; the session stays as it is.

        Raises:
            ProgramError: the expression is wrong.
        """
        source = Source(name, text, str(self._directory))
        _, compiled = self._compile(source, self._variables, True)
        return compiled

    def pieces(self, text: str) -> list[Piece]:
        """Return the commands of an entry that was added; an expression is none."""
        source = Source("", text)
        return [] if self._is_expression(source) else cut(source, self._operators())

    def text_of(self, definition: Definition) -> str:
        """Return the text of a definition, with the comments that follow it."""
        node = definition.node
        start = node.name.start
        pieces = cut(definition.source, self._operators())
        found = [piece for piece in pieces if piece.start <= start]
        return found[-1].text if found else definition.name

    # ---- how ---------------------------------------------------------------

    def _variables_of(self, source: Source) -> Variables:
        return variables_of(source, self._directory, self._parameters)

    def _operators(self) -> list[str]:
        return [name for name in self.definitions if is_capital_operator(name)]

    def _tokens(
        self, source: Source, *, expression: bool
    ) -> tuple[list[Terminal], bool]:
        tokens, mistakes = tokenize(
            source, self._right, expression=expression, operators=self._operators()
        )
        return tokens, bool(mistakes)

    def _is_expression(self, source: Source) -> bool:
        """Return whether a text is an expression, or a wrong one rather than commands.

        What is wrong both ways is taken for that which is right for longer.
        """
        reached = []
        for expression in (False, True):
            tokens, _ = self._tokens(source, expression=expression)
            at = first_misplaced(tokens)
            whole = at == len(tokens)
            reached.append((whole, tokens[min(at, len(tokens) - 1)].start))
        if reached[0] == reached[1]:
            first = source.text.split(maxsplit=1)[:1]
            return bool(first) and first[0] not in KEYWORDS | {"load"}
        return reached[1] > reached[0]

    def _compile(
        self, source: Source, variables: Variables, is_expression: bool
    ) -> tuple[Program, Compiled]:
        """Read a text after all that was read; nothing of it stays if it is wrong."""
        reporter = Reporter()
        program = self._program.continued(variables, reporter)
        # The one thing that programs which continue one another share.
        region = self._program.resolver.program
        reader = region.reader
        with collector_paused():
            program.read(source, expression=is_expression)
            if is_expression and program.outputs:
                label = shortened(source.text)
                first = msgspec.structs.replace(program.outputs[0], label=label)
                program.outputs[0] = first
            plan = lower_program(program, source, reporter)
        if reporter.errors:
            region.reader = reader
            raise ProgramError(
                [*ordered(reporter.errors), *self._new(reporter.warnings)]
            )
        warnings = self._new(reporter.warnings)
        return program, Compiled(plan, tuple(warnings), tuple(program.files))

    def _accept(self, program: Program, compiled: Compiled) -> None:
        self._program = program
        self._warned.update(compiled.warnings)

    def _new(self, warnings: list[Diagnostic]) -> list[Diagnostic]:
        return [found for found in warnings if found not in self._warned]


def shortened(expression: str) -> str:
    """Return the text of an expression as a label: one line, without double quotes."""
    line = " ".join(expression.split()).replace('"', "'").replace("\\", "/")
    return line if len(line) <= LABEL_WIDTH else line[: LABEL_WIDTH - 1] + "…"
