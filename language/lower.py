"""Code to plan: expands functions, shares equal nodes, finds base images.

The machine below runs the code of definitions on a stack of references to plan nodes.
Only what goals need is run, each definition once and each function once for the same
arguments.  Its stacks are lists: programs may nest as deep as memory allows.

Loops are not expanded.  Within a loop's body its variable is ``Param(0)``; a node that
was made outside a loop and holds the variable of an outer one is shifted when it is
used inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from primitives.namespaces.vox1 import NULLARY
from primitives.registry import Parameter, Primitive
from scheduler.plan import App, PlanBuilder, Ref, Site, children

from .code import (
    APP,
    BASE,
    CALL,
    CONST,
    ENTER,
    ERROR,
    FINDBASE,
    GLOBAL,
    LEAVE,
    LET,
    LOCAL,
    PLACE,
    SKIP,
    SUB,
    UNBASE,
    Code,
    Definition,
    Instruction,
    Layout,
    Region,
)
from .errors import Diagnostic, Note, Severity, softened
from .kinds import Kinds
from .outcomes import Wrong
from .report import Reporter
from .resolve import Resolver
from .shifting import Shifter
from .source import Source
from .syntax import Call, first, last
from .value_types import IMAGES, Type
from .wording import Culprit, culprit, lifted

_CONSTANTS = frozenset(f"vox1.{name}" for name in NULLARY)

WRONG: Ref = -1
"""Stands for the value of something that was already reported."""


class _Candidate(msgspec.Struct, frozen=True):
    """An operand that may serve as base image."""

    ref: Ref
    depth: int
    certain: bool


class _Frame(msgspec.Struct):
    """A body that is being run.

    Attributes:
        instructions: what to do.
        at: the next of them.
        env: values of the variables, each with the depth of loops it was made at.
        source: the text the body is from.
        caller: index of the site of the call that led here, or -1.
        name: the function that was called, or empty.
        bases: base images on offer, the innermost last.
        keep: where the value goes besides the stack: the definition, or the key of
            the call.
        depth: depth of loops to go back to when the body is done.
        around: the loops to go back to.
        call: the call that led here, and the function called.
    """

    instructions: list[Instruction]
    at: int
    env: list[Any]
    source: Source
    caller: int
    name: str
    bases: list[_Candidate | None]
    keep: Any
    depth: int
    around: Any
    call: tuple[Call, Definition] | None


class Fault(NamedTuple):
    """A node that is certainly wrong."""

    ref: Ref
    diagnostic: Diagnostic
    calls: tuple[Note, ...]
    call: tuple[Source, int]
    """Where the program calls the bundled function it is in, or where it is."""
    is_inside: bool
    """Whether it is of a value that the bundled function makes itself."""


class Lowerer:
    """Makes the nodes of a plan from code."""

    def __init__(self, resolver: Resolver, reporter: Reporter) -> None:
        self.builder = PlanBuilder()
        self.resolver = resolver
        self.reporter = reporter
        self.base: Definition | None = None
        """The program's first loaded image, which is every base image."""
        self.files: list[str] = []
        self._file_index: dict[str, int] = {}
        self._sources: list[Source] = []
        self.kinds = Kinds(self.builder)
        self._faults: list[Fault] = []
        self._values: dict[Definition, Ref] = {}
        self._calls: dict[tuple[Any, ...], Ref] = {}
        self._shifter = Shifter(self.builder)
        self._stack: list[Ref] = []
        self._frames: list[_Frame] = []
        self._depth = 0

    def value(self, code: Code) -> Ref:
        """Return the node of a closed expression, or :data:`WRONG`."""
        self._enter(code.instructions, [None] * code.slots, code.source, None)
        return self._run()

    def type_of(self, ref: Ref) -> Type:
        """Return what is known of a node's value."""
        return self.kinds.type_of(ref)

    def file(self, source: Source) -> int:
        """Return the index of a file among the plan's."""
        index = self._file_index.get(source.name)
        if index is None:
            index = self._file_index[source.name] = len(self.files)
            self.files.append(source.name)
            self._sources.append(source)
        return index

    def site(
        self, source: Source, start: int, end: int, caller: int = -1, name: str = ""
    ) -> int:
        """Return the index of a place in a text among the plan's sites."""
        line, column, end_column = source.spot(start, end)
        place = Site(self.file(source), line, column, end_column, caller, name)
        return self.builder.site(place)

    def _enter(
        self,
        instructions: list[Instruction],
        env: list[Any],
        source: Source,
        keep: Any,
        caller: int = -1,
        name: str = "",
        bases: list[_Candidate | None] | None = None,
        call: tuple[Call, Definition] | None = None,
    ) -> None:
        frame = _Frame(
            instructions,
            0,
            env,
            source,
            caller,
            name,
            bases or [],
            keep,
            self._depth,
            self.kinds.around,
            call,
        )
        self._frames.append(frame)

    def _run(self) -> Ref:
        """Run until all frames are done; return the value that is left."""
        frames, stack, builder = self._frames, self._stack, self.builder
        while frames:
            frame = frames[-1]
            instructions = frame.instructions
            at = frame.at
            if at == len(instructions):
                self._leave(frame)
                continue
            op = instructions[at]
            frame.at = at + 1
            code = op[0]
            if code == APP:
                self._apply(frame, op)
            elif code == CONST:
                stack.append(builder.const(op[1], self._constant_site(frame, op)))
            elif code == GLOBAL:
                self._global(op[1])
            elif code == LOCAL:
                self._local(frame, op[1])
            elif code == CALL:
                self._call(frame, op)
            else:
                self._rare(frame, op)
        return stack.pop()

    def _rare(self, frame: _Frame, op: Instruction) -> None:
        stack, code = self._stack, op[0]
        if code == LET:
            frame.env[op[1]] = (stack.pop(), self._depth)
        elif code == SKIP:
            frame.at += op[1]
        elif code == ENTER:
            self._depth += 1
            self.kinds.enter(stack[-1])
            frame.env[op[1]] = (self.builder.param(0), self._depth)
        elif code == LEAVE:
            self._depth -= 1
            stack.append(self._function(stack.pop()))
        elif code == PLACE:
            site = self.site(frame.source, op[2], op[3], frame.caller, frame.name)
            stack.append(self.builder.place(op[1], site))
        elif code == SUB:
            self._sub(frame, op[1])
        elif code == BASE:
            self._offer_base(frame, op)
        elif code == UNBASE:
            frame.bases.pop()
        elif code == FINDBASE:
            self._find_base(frame, op)
        else:
            assert code == ERROR
            stack.append(WRONG)

    def _function(self, body: Ref) -> Ref:
        """Return the function of a loop's body, which ends here."""
        result = self.kinds.leave(body)
        if body < 0:
            return WRONG
        function = self.builder.function(body)
        self.kinds.note_function(function, result)
        return function

    def _sub(self, frame: _Frame, instructions: list[Instruction]) -> None:
        self._enter(
            instructions,
            frame.env,
            frame.source,
            None,
            frame.caller,
            frame.name,
            frame.bases,
        )
        # The list itself is shared, an empty one too: offers inside end inside.
        self._frames[-1].bases = frame.bases

    def _leave(self, frame: _Frame) -> None:
        self._frames.pop()
        self._depth = frame.depth
        self.kinds.around = frame.around
        keep = frame.keep
        if keep is not None:
            if isinstance(keep, Definition):
                self._values[keep] = self._stack[-1]
            else:
                self._calls[keep] = self._stack[-1]

    # Variables and definitions

    def _constant_site(self, frame: _Frame, op: Instruction) -> int:
        return self.site(frame.source, op[2], op[3], frame.caller, frame.name)

    def _local(self, frame: _Frame, slot: int) -> None:
        ref, depth = frame.env[slot]
        if depth != self._depth:
            ref = self._shifted(ref, self._depth - depth)
        self._stack.append(ref)

    def _shifted(self, ref: Ref, by: int) -> Ref:
        """Return a node as it is some loops further in than it was made."""
        if ref < 0 or not self.builder.free[ref]:
            return ref
        shifted = self._shifter.shift(ref, by)
        self.kinds.note_shifted(ref, shifted, by)
        return shifted

    def _global(self, definition: Definition) -> None:
        known = self._values.get(definition)
        if known is not None:
            self._stack.append(known)
            return
        code = self.resolver.definition(definition)
        self._enter(code.instructions, [None] * code.slots, code.source, definition)
        self._leave_loops()

    def _leave_loops(self) -> None:
        """Go on outside of all loops, until the body just entered is done."""
        self._depth = 0
        self.kinds.leave_all()

    def _call(self, frame: _Frame, op: Instruction) -> None:
        _, definition, count, layout, node = op
        args = self._arguments(count, layout)
        code = definition.code
        base = None
        if code.needs_base:
            base = self._best(frame.bases)
        key = (
            definition,
            args,
            base and (base.ref, base.depth - self._depth),
            self.kinds.around,
        )
        known = self._calls.get(key)
        if known is not None:
            self._stack.append(known)
            return
        caller = self.site(frame.source, node.start, node.end, frame.caller, frame.name)
        env: list[Any] = [(arg, self._depth) for arg in args]
        env += [None] * (code.slots - len(args))
        self._enter(
            code.instructions,
            env,
            code.source,
            key,
            caller,
            definition.name,
            [base] if base else [],
            (node, definition),
        )

    def _arguments(self, count: int, layout: Layout) -> tuple[Any, ...]:
        stack = self._stack
        if not count:
            return ()
        args = tuple(stack[-count:])
        del stack[-count:]
        if layout is None:
            return args
        return tuple(None if at is None else args[at] for at in layout)

    # Applications

    def _apply(self, frame: _Frame, op: Instruction) -> None:
        _, primitive, count, layout, node = op
        args = self._arguments(count, layout)
        if WRONG in args:
            self._stack.append(WRONG)
            return
        site = self.site(frame.source, node.start, node.end, frame.caller, frame.name)
        ref = self.builder.app(primitive.name, args, site)
        wrong = self.kinds.note(primitive, ref)
        if wrong is not None:
            self._take_fault(ref, frame, primitive, wrong, node)
        self._stack.append(ref)

    def _take_fault(
        self,
        ref: Ref,
        frame: _Frame,
        primitive: Primitive,
        wrong: Wrong,
        node: Call,
    ) -> None:
        """Note what is wrong with an application, with its place."""
        source, caller, name = frame.source, frame.caller, frame.name
        blamed = culprit(wrong, primitive, node)
        text = ""
        for call, definition in self._calls_around():
            if not source.bundled:
                break
            site = self.builder.sites[caller]
            above = lifted(blamed, call, definition)
            if above is None or text:
                text = text or wrong.text(blamed.call.name, blamed.role)
                above = Culprit(call, None, "")
                if not self._sources[site.file].bundled:
                    text += f" (in '{name}' of {source.name})"
            blamed = above
            source = self._sources[site.file]
            caller, name = site.caller, site.name
        is_inside = bool(text)
        text = text or wrong.text(blamed.call.name, blamed.role)
        argument = blamed.argument
        start = first(argument) if argument else blamed.call.start
        end = last(argument) if argument else blamed.call.end
        found = self.reporter.make(
            Severity.ERROR, wrong.code, text, source, start, end, wrong.hint
        )
        notes = self.calls(caller, name)
        place = source, blamed.call.start
        self._faults.append(Fault(ref, found, notes, place, is_inside))

    def report_faults(self, goals: Iterable[Ref]) -> None:
        """Report what is wrong with the nodes.

        What no goal needs is only warned of: the argument of a function that does not
        use it, an item where a constant index takes another one.
        """
        if not self._faults:
            return
        # What is below a mistake that was found before is below no goal.
        is_whole = not self.reporter.errors
        needed = self._needed(goals)
        explained = {fault.call for fault in self._faults if not fault.is_inside}
        for fault in self._faults:
            if fault.is_inside and fault.call in explained:
                continue  # follows from an argument that is told of
            found = fault.diagnostic
            if is_whole and fault.ref not in needed:
                found = softened(found, "in a part that nothing asks for")
            self.reporter.add(found, fault.calls)

    def _needed(self, goals: Iterable[Ref]) -> set[Ref]:
        """Return the nodes whose values the goals need."""
        nodes = self.builder.nodes
        todo = list(goals)
        needed: set[Ref] = set()
        while todo:
            ref = todo.pop()
            if ref in needed:
                continue
            needed.add(ref)
            todo += self._shifter.origins.get(ref, ())
            chosen = self.kinds.chosen_item(ref)
            todo += children(nodes[ref]) if chosen is None else (chosen,)
        return needed

    def _calls_around(self) -> Iterator[tuple[Call, Definition]]:
        """Yield the calls that led to the body being run, innermost first."""
        for frame in reversed(self._frames):
            if frame.call is not None:
                yield frame.call
            elif frame.caller < 0:
                return

    def _error(
        self,
        frame: _Frame,
        code: str,
        message: str,
        start: int,
        end: int,
        hint: str = "",
    ) -> None:
        """Report an error at a place, or at the call of a bundled function it is in."""
        source, caller, name = frame.source, frame.caller, frame.name
        while source.bundled and caller >= 0:
            site = self.builder.sites[caller]
            source = self._sources[site.file]
            if not source.bundled:
                message += f" (in '{name}' of {frame.source.name})"
                start = source.line_starts[site.line - 1] + site.column - 1
                end = start + site.end_column - site.column
            caller, name = site.caller, site.name
        self.reporter.error(
            code,
            message,
            source,
            start,
            end,
            hint=hint,
            calls=self.calls(caller, name),
        )

    def calls(self, caller: int, name: str) -> tuple[Note, ...]:
        """Return the calls that led into a function, innermost first."""
        notes = []
        while caller >= 0:
            site = self.builder.sites[caller]
            notes.append(
                Note(
                    f"in '{name}', called here",
                    self.files[site.file],
                    site.line,
                    site.column,
                )
            )
            caller, name = site.caller, site.name
        return tuple(notes)

    # Base images

    def _offer_base(self, frame: _Frame, op: Instruction) -> None:
        _, order, target, layout, given, again = op
        if again:
            frame.bases.pop()
        refs = self._stack[len(self._stack) - len(order) :]
        offers: list[_Candidate] = []
        for index, ref in sorted(zip(order, refs, strict=True)):
            if ref >= 0:
                ref = self._grid_of(ref)
                found = self.kinds.as_base(ref)
                if found is None:
                    certain = _takes_image(target, layout, index + given)
                    offers.append(_Candidate(ref, self._depth, certain))
                elif found <= IMAGES and found:
                    offers.append(_Candidate(ref, self._depth, True))
                elif found & IMAGES:
                    offers.append(_Candidate(ref, self._depth, False))
        frame.bases.append(_first_best(offers))

    def _grid_of(self, ref: Ref) -> Ref:
        """Return the image that a constant image took its grid from."""
        node = self.builder.nodes[ref]
        while isinstance(node, App) and node.args and node.primitive in _CONSTANTS:
            ref = node.args[0] or 0
            node = self.builder.nodes[ref]
        return ref

    def _best(self, bases: list[_Candidate | None]) -> _Candidate | None:
        best = _first_best([base for base in reversed(bases) if base is not None])
        if best is None:
            return None
        ref = best.ref
        if best.depth != self._depth:
            ref = self._shifted(ref, self._depth - best.depth)
        return _Candidate(ref, self._depth, best.certain)

    def _find_base(self, frame: _Frame, op: Instruction) -> None:
        _, regions, start, end = op
        if self.base is not None:
            self._global(self.base)
            return
        best = self._best(frame.bases)
        if best is not None:
            self._stack.append(best.ref)
            return
        region = _reading(regions) or (
            self.resolver.program if self.resolver.program.reader else None
        )
        if region is None:
            self._stack.append(WRONG)
            word = frame.source.text[start:end]
            self._error(
                frame,
                "no-base-image",
                f"'{word}' needs an image to take its size and position from, and "
                "there is none around it",
                start,
                end,
                'combine it with an image, or begin with load name = "file"',
            )
        elif region is self.resolver.program:
            assert region.reader is not None
            self._enter(region.reader, [], frame.source, None)
            self._leave_loops()
        else:
            assert region.reader is not None
            self._sub(frame, region.reader)


def _reading(regions: tuple[Region, ...]) -> Region | None:
    """Return the innermost region that reads an image."""
    return next((region for region in regions if region.reader is not None), None)


def _first_best(offers: list[_Candidate]) -> _Candidate | None:
    certain = next((offer for offer in offers if offer.certain), None)
    return certain or (offers[0] if offers else None)


def _takes_image(
    target: tuple[Any, ...], layout: tuple[int | None, ...], index: int
) -> bool:
    """Return whether an argument can only be an image, by the signature.

    A truth value may stand for a region, but a region is what is meant.
    """
    if target[0] != APP or index not in layout:
        return False
    formals: tuple[Parameter, ...] = target[1].parameters
    at = layout.index(index)
    if at >= len(formals) or not formals[at].kinds & IMAGES:
        return False
    return formals[at].kinds - {"bool"} <= IMAGES
