"""The commands of a program in order: definitions, imports, goals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from functools import cache, cached_property
from pathlib import Path
from typing import Literal as OneOf

import msgspec

from primitives.formats.suffixes import DATA_SUFFIXES, normalized_suffix
from primitives.registry import Registry

from . import syntax
from .code import Code, Definition
from .errors import Note, softened
from .filling import Filler
from .imports import (
    BUNDLED,
    SourceFile,
    UnreadableError,
    bundled,
    candidates,
    is_there,
    operators_of_imports,
    read,
)
from .lexis import is_capital_operator
from .names import Names, explain_import
from .parse import Reading, parse
from .report import Reporter
from .resolve import Resolver, Variables
from .source import Source
from .syntax import Command, Define, Import, Literal, Load, Name
from .tokens import KEYWORDS, VOX1_KEYWORDS

_UNCALLED = "in a function never called"
_UNUSED = "in a value never used"


class Output(msgspec.Struct, frozen=True):
    """A ``print`` or ``save`` whose expression is resolved."""

    form: OneOf["print", "save"]
    label: str
    code: Code
    start: int
    end: int


class _File(msgspec.Struct):
    """A file whose commands are being read."""

    source: Source
    commands: Iterator[Command]
    imports: tuple[Note, ...]


class Program:
    """Reads a program and what it imports.

    Attributes:
        outputs: its goals, in order.
        base: its first loaded image, if it loads one by command.
        files: the files that it consists of.
        resolver: resolves definitions, as far as that was not done yet.
    """

    def __init__(
        self,
        registry: Registry,
        variables: Variables,
        reporter: Reporter,
        directory: Path,
        right: bool,
    ) -> None:
        self.names = Names(registry)
        self.reporter = reporter
        self.resolver = Resolver(self.names, variables, reporter, library_names)
        self.outputs: list[Output] = []
        self.base: Definition | None = None
        self.files: list[SourceFile] = []
        self._keywords = VOX1_KEYWORDS if right else KEYWORDS
        self._registry = registry
        self._directory = directory
        self._reading = Reading(right, fill=Filler(variables))
        self._imported: set[str] = set()
        self._definitions: list[Definition] = []
        self._open: list[_File] = []

    def continued(self, variables: Variables, reporter: Reporter) -> Program:
        """Return a program that goes on after this one, which stays as it is.

        It has all that was defined, but none of the goals.
        """
        after = Program(
            self._registry,
            variables,
            reporter,
            self._directory,
            self._reading.dialect_is_vox1,
        )
        after._reading.is_vox1 = self._reading.is_vox1
        after.names.definitions.update(self.names.definitions)
        after.names.imported += self.names.imported
        after.resolver.program = self.resolver.program
        after.base = self.base
        after._imported |= self._imported
        after._library_scopes.update(self._library_scopes)
        # A mistake in a function matters once the function is called.
        after._definitions += [
            definition
            for definition in self._definitions
            if definition.code is not None and definition.code.found
        ]
        return after

    def read(self, source: Source, *, expression: bool = False) -> None:
        """Read the program in ``source``; errors go to the reporter.

        Args:
            source: the text.
            expression: whether it is a mere expression, to be printed.
        """
        if source.directory:
            self._imported.add(_identity(source))
        self._begin(source, (), expression=expression)
        while self._open:
            file = self._open[-1]
            self.reporter.imports = file.imports
            command = next(file.commands, None)
            if command is None:
                self._open.pop()
            else:
                self._command(command, file)
        self.reporter.imports = ()
        self._report()

    def _begin(
        self,
        source: Source,
        imports: tuple[Note, ...],
        *,
        expression: bool = False,
    ) -> None:
        self.reporter.imports = imports
        before = len(self.reporter.errors)
        self._reading.operators |= self._operators(source)
        commands = parse(source, self.reporter, self._reading, expression=expression)
        self.reporter.incomplete |= len(self.reporter.errors) > before
        self.names.written.update(
            command.name.text
            for command in commands
            if isinstance(command, Define | Load)
        )
        if self._reading.dialect_is_vox1 or any(
            isinstance(command, Load) for command in commands
        ):
            self._import_library("vox1")
        self._open.append(_File(source, iter(commands), imports))

    def _operators(self, source: Source) -> set[str]:
        """Return the operators with capital letters that a text may use."""
        known = set(filter(is_capital_operator, self.names.definitions))
        return known | operators_of_imports(source, self._directory)

    def _command(self, command: Command, file: _File) -> None:
        match command:
            case Define():
                self._define(command, file)
            case syntax.Output():
                code = self.resolver.body(command.body, file.source)
                form: OneOf["print", "save"] = (
                    "print" if command.form == "print" else "save"
                )
                self.outputs.append(
                    Output(
                        form, str(command.label.value), code, command.start, command.end
                    )
                )
            case Import():
                self._import(command, file)
            case Load():
                self._load(command, file)

    # Definitions

    def _define(self, command: Define, file: _File) -> None:
        name = command.name
        if not self._may_define(name, file.source):
            return
        self._check_formals(command, file.source)
        self._warn_of_hiding(command, file.source)
        formals = tuple(formal.text for formal in command.formals)
        definition = Definition(name.text, formals, command, file.source, file.imports)
        self._definitions.append(definition)
        # The body is resolved before the name exists: nothing refers to itself.
        self.resolver.definition(definition)
        self.names.definitions[name.text] = definition

    def _load(self, command: Load, file: _File) -> None:
        if not self._may_define(command.name, file.source):
            return
        scope = None
        if self.base is not None:
            command = msgspec.structs.replace(command, base=self.base.name)
            scope = {self.base.name: self.base}
        name = command.name.text
        definition = Definition(name, (), command, file.source, scope=scope)
        self._definitions.append(definition)
        self.resolver.definition(definition)
        self.names.definitions[name] = definition
        is_image = normalized_suffix(str(command.path.value)) not in DATA_SUFFIXES
        if self.base is None and is_image:
            self.base = definition

    def _may_define(self, name: Name, source: Source) -> bool:
        hint = ""
        if name.text.startswith("$"):
            hint = "names that begin with $ are given by the run"
        elif "." in name.text and (name.text[0].isalpha() or name.text[0] == "_"):
            hint = "names with a dot belong to namespaces"
        elif name.text not in self._keywords:
            return True
        message = f"'{name.text}' cannot be defined"
        self.reporter.error(
            "reserved-name", message, source, name.start, name.end, hint=hint
        )
        return False

    def _warn_of_hiding(self, command: Define, source: Source) -> None:
        """Warn of a function that takes the name of one every program has.

        A program of VoxLogicA 1 knew fewer names, and a value is called by nobody.
        """
        name = command.name
        if not command.formals or self._reading.is_vox1:
            return
        hidden = self._registry.table("default").get(name.text)
        if hidden is not None and name.text not in self.names.definitions:
            self.reporter.warn(
                "hidden-primitive",
                f"from here on '{name.text}' is this function, not {hidden.name}",
                source,
                name.start,
                name.end,
                hint="give it another name, unless that is meant",
            )

    def _check_formals(self, command: Define, source: Source) -> None:
        seen: set[str] = set()
        for formal in command.formals:
            text = formal.text
            if text in seen:
                self.reporter.error(
                    "repeated-formal",
                    f"'{text}' is a parameter twice",
                    source,
                    formal.start,
                    formal.end,
                    hint="give each parameter its own name",
                )
            if "." in text or text.startswith("$"):
                self.reporter.error(
                    "reserved-name",
                    f"'{text}' cannot be a parameter",
                    source,
                    formal.start,
                    formal.end,
                )
            seen.add(text)

    # Imports

    def _import(self, command: Import, file: _File) -> None:
        path = str(command.path.value)
        plain = "." not in path and "/" not in path
        if plain and path in self._registry.namespaces:
            self.names.import_namespace(path)
            if path in BUNDLED:
                self._import_library(BUNDLED[path])
            return
        if BUNDLED.get(path) == "vox1":
            self._import_library("vox1")
            return
        for candidate in candidates(path, file.source.directory, self._directory):
            if is_there(candidate, is_any=not plain):
                self._import_file(candidate, command, file)
                return
            self.files.append(SourceFile(candidate.absolute(), None))
        if path in BUNDLED:
            self._import_library(BUNDLED[path])
            return
        self._missing_import(path, plain, command.path, file.source)

    def _missing_import(
        self, path: str, plain: bool, place: Literal, source: Source
    ) -> None:
        self.reporter.incomplete = True
        self.reporter.error(
            "missing-import",
            f"there is no file '{path}' to import"
            + (f" and no namespace '{path}'" if plain else ""),
            source,
            place.start,
            place.end,
            hint=explain_import(path, self._registry.namespaces),
        )

    def _import_file(self, path: Path, command: Import, file: _File) -> None:
        identity = str(path.resolve())
        place = command.path
        if identity in self._imported:
            if any(identity == _identity(opened.source) for opened in self._open):
                self._warn_of_cycle(file, place)
            return
        self._imported.add(identity)
        try:
            source, record = read(path, _shown(path, self._directory))
        except UnreadableError as error:
            self.reporter.incomplete = True
            self.reporter.error(
                "missing-import", str(error), file.source, place.start, place.end
            )
            return
        self.files.append(record)
        line, column, _ = file.source.place(command.start, command.end)
        note = Note("imported here", file.source.name, line, column)
        self._begin(source, (note, *file.imports))

    def _warn_of_cycle(self, file: _File, place: Literal) -> None:
        self.reporter.warn(
            "import-cycle",
            f"'{place.value}' is being imported already; this import adds nothing",
            file.source,
            place.start,
            place.end,
            hint="put what both files need into a third one",
        )

    def _import_library(self, library: str) -> None:
        if library in self._imported:
            return
        self._imported.add(library)
        if library != "vox1":
            self._import_library("vox1")
        else:
            self.names.import_namespace("vox1")
        scope = {
            **self._library_scopes.get("vox1", {}),
        }
        source, commands = _library(library)
        found: dict[str, Definition] = {}
        for command in commands:
            assert isinstance(command, Define)
            formals = tuple(formal.text for formal in command.formals)
            name = command.name.text
            found[name] = Definition(name, formals, command, source, (), scope)
        scope.update(found)
        self._library_scopes[library] = scope
        self.names.definitions.update(found)

    @cached_property
    def _library_scopes(self) -> dict[str, dict[str, Definition]]:
        return {}

    # Errors found while resolving

    def _report(self) -> None:
        """Report what is wrong: errors, but warnings in functions never called."""
        if self.reporter.incomplete:
            return
        used: set[Definition] = set()
        todo = [output.code for output in self.outputs]
        # VoxLogicA 1 looks at nothing that no goal needs, and programs rely on that.
        counted = [] if self._reading.is_vox1 else self._definitions
        for definition in counted:
            if not definition.formals and definition.code is not None:
                used.add(definition)
                todo.append(definition.code)
        while todo:
            for called in todo.pop().calls:
                if called not in used and called.code is not None:
                    used.add(called)
                    todo.append(called.code)
        self._report_bodies(used)

    def _report_bodies(self, used: Set[Definition]) -> None:
        for definition in self._definitions:
            if definition.code is not None:
                for found in definition.code.found:
                    is_used = definition in used
                    where = _UNCALLED if definition.formals else _UNUSED
                    self.reporter.add(found if is_used else softened(found, where))
        for output in self.outputs:
            for found in output.code.found:
                self.reporter.add(found)


def _shown(path: Path, directory: Path) -> str:
    try:
        return str(path.relative_to(directory))
    except ValueError:
        return str(path)


@cache
def _library(library: str) -> tuple[Source, list[Command]]:
    source = bundled(library)
    reporter = Reporter()
    commands = parse(source, reporter)
    assert not reporter.errors, reporter.errors
    return source, [command for command in commands if isinstance(command, Define)]


@cache
def library_names() -> Mapping[str, str]:
    """Map each name that a bundled library defines to what to import for it."""
    found: dict[str, str] = {}
    for library in ("RegionCalculus", "vox1"):
        for command in _library(library)[1]:
            assert isinstance(command, Define)
            found[command.name.text] = library
    return found


def _identity(source: Source) -> str:
    """Return the path by which a file is known to be imported."""
    return str((Path(source.directory) / Path(source.name).name).resolve())
