"""From the text of a program to its plan: parse, resolve, lower."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal as OneOf
from typing import TypeAlias

from primitives.registry import Registry
from scheduler.plan import Goal, Plan, Scalar

from .errors import Diagnostic, ProgramError, Severity
from .imports import SourceFile, UnreadableError, read
from .lower import WRONG, Lowerer
from .program import Output, Program
from .report import Reporter, ordered
from .resolve import Variables
from .saving import unsavable
from .source import Source
from .value_types import Type

Dialect: TypeAlias = OneOf["imgql", "vox1"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program that can be run.

    Attributes:
        plan: what to compute.
        warnings: what is odd about the program.
        sources: files that decided the plan; while they and the arguments of the
            compilation stay the same, so does the plan.
    """

    plan: Plan
    warnings: tuple[Diagnostic, ...]
    sources: tuple[SourceFile, ...]


def compile_program(
    path: Path,
    *,
    parameters: Mapping[str, Scalar] | None = None,
    registry: Registry,
    dialect: Dialect = "imgql",
    directory: Path | None = None,
) -> Compiled:
    """Return the plan of the program in a file.

    Args:
        path: the file.
        parameters: values of the program's ``$NAME`` variables, by NAME.
        registry: the primitives that it may call.
        dialect: ``vox1`` groups operators as VoxLogicA 1 does.
        directory: what imports and ``$cwd`` are relative to, instead of the current
            directory.

    Raises:
        ProgramError: the program is wrong; it carries all errors found.
    """
    try:
        source, file = read(path, str(path))
    except UnreadableError as error:
        missing = Diagnostic(Severity.ERROR, "unreadable-program", str(error))
        raise ProgramError([missing]) from error
    here = directory or Path.cwd()
    return _compile(source, here, parameters or {}, registry, dialect, [file])


def compile_text(
    text: str,
    *,
    name: str = "<text>",
    parameters: Mapping[str, Scalar] | None = None,
    registry: Registry,
    dialect: Dialect = "imgql",
    directory: Path | None = None,
) -> Compiled:
    """Return the plan of a program given as text.

    Args:
        text: the program.
        name: what messages call it.
        parameters: values of the program's ``$NAME`` variables, by NAME.
        registry: the primitives that it may call.
        dialect: ``vox1`` groups operators as VoxLogicA 1 does.
        directory: what imports, ``$dir`` and ``$cwd`` are relative to, instead of the
            current directory.

    Raises:
        ProgramError: the program is wrong; it carries all errors found.
    """
    here = directory or Path.cwd()
    source = Source(name, text, str(here))
    return _compile(source, here, parameters or {}, registry, dialect, [])


def _compile(
    source: Source,
    directory: Path,
    parameters: Mapping[str, Scalar],
    registry: Registry,
    dialect: Dialect,
    files: list[SourceFile],
) -> Compiled:
    with collector_paused():
        return _compile_paused(source, directory, parameters, registry, dialect, files)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Within the block, look for no reference cycles."""
    # Trees and plans have no cycles, and looking for them doubles the time.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compile_paused(
    source: Source,
    directory: Path,
    parameters: Mapping[str, Scalar],
    registry: Registry,
    dialect: Dialect,
    files: list[SourceFile],
) -> Compiled:
    reporter = Reporter()
    variables = variables_of(source, directory, parameters)
    program = Program(registry, variables, reporter, directory, dialect == "vox1")
    program.files += files
    program.read(source)
    plan = lower_program(program, source, reporter)
    _warn_of_unused(parameters, variables, source, reporter)
    if reporter.errors:
        raise ProgramError([*ordered(reporter.errors), *ordered(reporter.warnings)])
    if not program.outputs:
        _warn_of_nothing(source, reporter)
    return Compiled(plan, tuple(ordered(reporter.warnings)), tuple(program.files))


def lower_program(program: Program, source: Source, reporter: Reporter) -> Plan:
    """Return the plan of a program's goals; errors go to ``reporter``."""
    lowerer = Lowerer(program.resolver, reporter)
    lowerer.file(source)
    lowerer.base = program.base
    goals = []
    if reporter.incomplete:
        return lowerer.builder.plan([], [])
    for output in program.outputs:
        node = lowerer.value(output.code)
        site = lowerer.site(output.code.source, output.start, output.end)
        if node != WRONG:
            goals.append(Goal(output.form, output.label, node, site))
            if output.form == "save":
                _check_file(output, lowerer.type_of(node), reporter)
    lowerer.report_faults([goal.node for goal in goals])
    return lowerer.builder.plan(goals, lowerer.files)


def _check_file(output: Output, saved: Type, reporter: Reporter) -> None:
    """Report a value that the format its path asks for cannot hold."""
    problem = unsavable(output.label, saved)
    if problem is not None:
        message, hint = problem
        reporter.error(
            "output-format",
            message,
            output.code.source,
            output.start,
            output.end,
            hint=hint,
        )


def variables_of(
    source: Source, directory: Path, parameters: Mapping[str, Scalar]
) -> Variables:
    """Return what ``$name`` means in a program.

    Args:
        source: the program.
        directory: the current directory.
        parameters: values given by the run, by name.
    """
    file = Path(source.name)
    places = {"cwd": str(directory.absolute()), "dir": source.directory}
    constants: dict[str, Scalar] = {
        **parameters,
        "file": file.name,
        "filename": file.name,
        "stem": file.stem,
    }
    return Variables(places, constants)


def _warn_of_nothing(source: Source, reporter: Reporter) -> None:
    reporter.warn(
        "no-goals",
        "the program asks for nothing",
        source,
        0,
        0,
        hint='write print "label" value, or save "file" value',
    )


def _warn_of_unused(
    parameters: Mapping[str, Scalar],
    variables: Variables,
    source: Source,
    reporter: Reporter,
) -> None:
    for name in parameters:
        if name not in variables.used:
            reporter.warnings.append(
                Diagnostic(
                    Severity.WARNING,
                    "unused-parameter",
                    f"the parameter '{name}' was given, but the program does not "
                    f"use ${name}",
                    source.name,
                )
            )
