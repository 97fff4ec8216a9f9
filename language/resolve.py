"""Syntax tree to code: every name gets its meaning, every call its arguments."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from primitives.folds import FOLD_OPERATORS
from primitives.formats.suffixes import DATA_SUFFIXES, normalized_suffix
from primitives.namespaces.vox1 import NULLARY
from primitives.registry import Parameter, Primitive
from scheduler.plan import Scalar

from .arguments import arrange, count_of, identity
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
from .errors import Severity
from .lexis import NUMBER_WORDS
from .names import Names, explain_unbound, explain_variable
from .report import Reporter
from .source import Source
from .syntax import (
    Actual,
    Array,
    Call,
    Define,
    Expression,
    Fold,
    Index,
    LetIn,
    Literal,
    Load,
    Loop,
    Name,
    Slice,
)

MOST_SUGGESTIONS = 50
"""Unknown names for which near ones are looked for."""

Finish: TypeAlias = tuple[Any, ...]
"""What is left to do when the parts of an expression are resolved."""


class Variables:
    """Values of ``$name``: places, constants and the run's parameters."""

    def __init__(
        self, places: Mapping[str, str], constants: Mapping[str, Scalar]
    ) -> None:
        self.places = places
        self.constants = constants
        self.used: set[str] = set()


class Resolver:
    """Resolves the bodies of definitions and goals.

    Args:
        names: meanings at the point of the program that is being resolved.
        variables: values of ``$name``.
        reporter: makes diagnostics; they are kept with the code they are in.
        library: definitions that an import would bring, by name, for hints.
    """

    def __init__(
        self,
        names: Names,
        variables: Variables,
        reporter: Reporter,
        library: Callable[[], Mapping[str, str]],
    ) -> None:
        self.names = names
        self.variables = variables
        self.reporter = reporter
        self.library = library
        self._explained: dict[tuple[str, int, int], tuple[str, str, str]] = {}
        self.program = Region(0)
        """Where the first image that the program reads is noted."""

    def explain(
        self, name: str, local: Collection[str], scope: Collection[str]
    ) -> tuple[str, str, str]:
        """Return code, message and hint for a name that means nothing.

        Near names are looked for a limited number of times: it takes milliseconds.
        """
        known = name, len(local), len(scope)
        found = self._explained.get(known)
        if found is None:
            suggests = len(self._explained) < MOST_SUGGESTIONS
            own = [*local, *scope] if suggests else []
            found = explain_unbound(name, own, self.names, self.library(), suggests)
            self._explained[known] = found
        return found

    def definition(self, definition: Definition) -> Code:
        """Return the code of a definition, resolving it if that was not done."""
        if definition.code is None:
            definition.code = self.body(
                _meaning(definition.node),
                definition.source,
                definition.formals,
                definition.scope,
            )
        return definition.code

    def body(
        self,
        expression: Expression,
        source: Source,
        formals: tuple[str, ...] = (),
        scope: dict[str, Definition] | None = None,
    ) -> Code:
        """Return the code of an expression whose variables are ``formals``."""
        region = Region(len(formals)) if formals else self.program
        attempt = _Body(self, source, formals, scope, region, careful=False)
        code = attempt.run(expression)
        if code.needs_base:
            # Base images depend on the operands around: keep track of each of them.
            attempt = _Body(self, source, formals, scope, region, careful=True)
            code = attempt.run(expression)
        return code


class _Body:
    """Resolves one body.  Nothing here recurses into an expression."""

    def __init__(
        self,
        resolver: Resolver,
        source: Source,
        formals: tuple[str, ...],
        scope: dict[str, Definition] | None,
        region: Region,
        careful: bool,
    ) -> None:
        self.resolver = resolver
        self.names = resolver.names
        self.source = source
        self.bundled = source.bundled
        self.scope = resolver.names.definitions if scope is None else scope
        self.careful = careful
        self.locals = {name: slot for slot, name in enumerate(formals)}
        self.slots = len(formals)
        self.regions = [region]
        self.out: list[Instruction] = []
        self.code = Code(source, 0)
        self.needs: list[int] = []
        """Instructions that need a base image, ascending."""
        self.used: set[int] = set()
        self.todo: list[Any] = []

    def run(self, expression: Expression) -> Code:
        todo = self.todo
        todo.append(expression)
        while todo:
            item = todo.pop()
            _VISIT[type(item)](self, item)
        self.code.instructions = self.out
        self.code.slots = self.slots
        return self.code

    def _finish(self, item: Finish) -> None:
        item[0](*item[1:])

    # Values and names

    def _literal(self, node: Literal) -> None:
        self.out.append((CONST, node.value, node.start, node.end))

    def _name(self, node: Name) -> None:
        name = node.text
        slot = self.locals.get(name)
        if slot is not None:
            self.used.add(slot)
            self.out.append((LOCAL, slot))
            return
        definition = self.scope.get(name)
        if definition is None and name[0] == "$":
            self._variable(node)
        elif definition is None:
            number = self._number_word(name)
            if number is None:
                self._constant_primitive(node)
            else:
                self.out.append((CONST, number, node.start, node.end))
        elif definition.formals:
            self._error(
                "function-without-arguments",
                f"'{name}' is a function; it needs {count_of(len(definition.formals))}",
                node,
                hint=f"write {name}({', '.join(definition.formals)})",
            )
        else:
            self._mention(definition)
            self.out.append((GLOBAL, definition))

    def _variable(self, node: Name) -> None:
        variables = self.resolver.variables
        name = node.text[1:]
        variables.used.add(name)
        if name in variables.places:
            self.out.append((PLACE, variables.places[name], node.start, node.end))
        elif name in variables.constants:
            value = variables.constants[name]
            self.out.append((CONST, value, node.start, node.end))
        else:
            self._error(
                "unknown-variable",
                f"the parameter '{node.text}' has no value",
                node,
                hint=explain_variable(name, [*variables.places, *variables.constants]),
            )

    def _number_word(self, name: str) -> float | None:
        """Return the number that a word such as ``inf`` or ``-inf`` means, or None."""
        word = name.lstrip("+-")
        if word.lower() not in NUMBER_WORDS or word in self.locals:
            return None
        return None if word in self.scope else float(name)

    def _constant_primitive(self, node: Name) -> None:
        primitive = self._primitive(node)
        if primitive is None:
            return
        call = Call(node.text, (), node.start, node.end, node.start, node.end)
        needed = [p for p in self._formals(primitive) if not p.optional]
        if needed:
            self._error(
                "function-without-arguments",
                f"'{node.text}' is a function; it needs {count_of(len(needed))}",
                node,
                hint=f"write {node.text}({', '.join(p.name for p in needed)})",
            )
            return
        self._apply(call, primitive)

    def _primitive(self, node: Name | Call) -> Primitive | None:
        name = node.text if isinstance(node, Name) else node.name
        find = self.names.library_primitive if self.bundled else self.names.primitive
        found = find(name)
        if found is None:
            self._unbound(name, node)
        return found

    def _unbound(self, name: str, node: Name | Call) -> None:
        code, message, hint = self.resolver.explain(name, self.locals, self.scope)
        self._error(code, message, node, hint=hint)

    # Calls

    def _call(self, node: Call) -> None:
        name = node.name
        if name in self.locals:
            self._error(
                "not-a-function", f"'{name}' is a variable here, not a function", node
            )
            return
        definition = self.scope.get(name)
        if definition is not None:
            self._call_definition(node, definition)
            return
        primitive = self._primitive(node)
        if primitive is None:
            self._arguments_of_nothing(node)
        elif primitive.form in ("for", "filter"):
            self._map(node, primitive)
        else:
            self._apply(node, primitive)

    def _arguments_of_nothing(self, node: Call) -> None:
        """Resolve the arguments of a call that is wrong, for their own errors."""
        self.todo.append((self._drop, len(self.out)))
        for argument in node.args:
            self.todo.append(_value(argument))

    def _drop(self, start: int) -> None:
        del self.out[start:]

    def _call_definition(self, node: Call, definition: Definition) -> None:
        if not definition.formals:
            self._error(
                "not-a-function",
                f"'{node.name}' is a value, not a function",
                node,
                hint=self._hint_of_value(node, definition),
            )
            self._arguments_of_nothing(node)
            return
        formals = tuple(
            Parameter(name, frozenset(), "any") for name in definition.formals
        )
        layout = self._layout(node, formals)
        if layout is None:
            return
        self._mention(definition)
        code = self.resolver.definition(definition)
        self._push_call((CALL, definition), node, layout, code.needs_base)

    def _hint_of_value(self, node: Call, definition: Definition) -> str:
        """Return what to do about a value that is called."""
        hidden = self.names.primitive(node.name)
        if hidden is None:
            return f"write {node.name} without brackets"
        line = definition.source.line(definition.node.name.start)
        return (
            f"line {line} gives this name to a value; "
            f"the function can be called as {hidden.name}"
        )

    def _apply(self, node: Call, primitive: Primitive) -> None:
        formals = self._formals(primitive)
        if len(formals) < len(primitive.parameters) and _names(
            node, primitive.parameters[0].name
        ):
            # The base image is given by name: it is an argument like the others.
            formals = primitive.parameters[1:] + primitive.parameters[:1]
            layout = self._layout(node, formals)
            if layout is not None:
                self._push_call(
                    (APP, primitive), node, layout[-1:] + layout[:-1], False
                )
            return
        layout = self._layout(node, formals)
        if layout is None:
            return
        if len(formals) < len(primitive.parameters):
            self.needs.append(len(self.out))
            self.code.needs_base = True
            regions = tuple(reversed(self.regions))
            self.out.append((FINDBASE, regions, node.start, node.end))
            shifted = tuple(at if at is None else at + 1 for at in layout)
            self._push_call((APP, primitive), node, (0, *shifted), False, given=1)
        else:
            self._push_call((APP, primitive), node, layout, False)

    def _formals(self, primitive: Primitive) -> tuple[Parameter, ...]:
        """Return the parameters that a program gives: all but an implied base image."""
        if primitive.namespace == "vox1" and primitive.short_name in NULLARY:
            return primitive.parameters[1:]
        return primitive.parameters

    def _push_call(
        self,
        target: tuple[Any, ...],
        node: Call,
        layout: tuple[int | None, ...],
        needs_base: bool,
        given: int = 0,
    ) -> None:
        """Resolve the arguments of a call, then emit it."""
        todo = self.todo
        args = node.args
        if not self.careful:
            todo.append((self._emit_call, target, node, layout, needs_base, given))
            for argument in reversed(args):
                todo.append(_value(argument))
            return
        marks: list[int] = []
        todo.append(
            (self._emit_careful, target, node, layout, needs_base, given, marks)
        )
        for argument in reversed(args):
            todo.append(_value(argument))
            todo.append((self._mark, marks))

    def _mark(self, marks: list[int]) -> None:
        marks.append(len(self.out))

    def _emit_call(
        self,
        target: tuple[Any, ...],
        node: Call,
        layout: tuple[int | None, ...],
        needs_base: bool,
        given: int,
    ) -> None:
        count = len(node.args) + given
        plain: Layout = None if layout == identity(count) else layout
        if needs_base:
            self.needs.append(len(self.out))
            self.code.needs_base = True
        self.out.append((*target, count, plain, node))
        if target[0] == APP and target[1].reads and "image" in target[1].result_kinds:
            self._note_reader()

    def _note_reader(self) -> None:
        """Note an image read, if it can be repeated where its region begins."""
        region = self.regions[-1]
        if region.reader is not None:
            return
        start = self._start_of(len(self.out) - 1)
        if start is None:
            return
        reader = self.out[start:]
        if all(op[0] != LOCAL or op[1] < region.slots for op in reader):
            region.reader = reader

    def _start_of(self, at: int) -> int | None:
        """Return where the code of the value that ends at ``at`` begins."""
        wanted = 1
        while True:
            op = self.out[at]
            if op[0] in (APP, CALL):
                wanted += op[2] - 1
            elif op[0] in (CONST, PLACE, LOCAL, GLOBAL):
                wanted -= 1
            else:
                return None
            if not wanted:
                return at
            at -= 1

    def _emit_careful(
        self,
        target: tuple[Any, ...],
        node: Call,
        layout: tuple[int | None, ...],
        needs_base: bool,
        given: int,
        marks: list[int],
    ) -> None:
        """Emit a call so that operands that need a base image come last."""
        ends = [*marks[1:], len(self.out)][: len(marks)]
        needing = [
            index
            for index, (start, end) in enumerate(zip(marks, ends, strict=True))
            if bisect_left(self.needs, start) < bisect_left(self.needs, end)
        ]
        if not needing or len(marks) + given < 2:
            self._emit_call(target, node, layout, needs_base, given)
            return
        pieces = [self.out[s:e] for s, e in zip(marks, ends, strict=True)]
        # A bare constant such as "border" can be no base; it waits for the others.
        needing.sort(key=lambda index: (len(pieces[index]) <= 2, index))
        order = [i for i in range(len(pieces)) if i not in needing]
        del self.out[marks[0] :]
        while self.needs and self.needs[-1] >= marks[0]:
            self.needs.pop()
        for index in order:
            self.out.extend(pieces[index])
        for turn, index in enumerate(needing):
            if turn < 2:
                offered = tuple(order)
                self.out.append((BASE, offered, target, layout, given, turn > 0))
            self.needs.append(len(self.out))
            self.out.append((SUB, pieces[index]))
            order.append(index)
        self.out.append((UNBASE,))
        where = {given + index: given + at for at, index in enumerate(order)}
        where.update((at, at) for at in range(given))
        moved = tuple(at if at is None else where[at] for at in layout)
        self._emit_call(target, node, moved, needs_base, given)

    def _layout(
        self, node: Call, formals: tuple[Parameter, ...]
    ) -> tuple[int | None, ...] | None:
        """Return which argument each formal gets, or None after an error."""
        arranged = arrange(node, formals)
        if isinstance(arranged, tuple):
            return arranged
        self._error(arranged.code, arranged.message, arranged.place, hint=arranged.hint)
        self._arguments_of_nothing(node)
        return None

    # Loops, folds, sequences, let

    def _loop(self, node: Loop) -> None:
        primitive = self._form(
            "default.map" if node.form == "for" else "default.filter"
        )
        name = Name(node.form, node.start, node.start + len(node.form))
        args = (node.sequence, node.body)
        self.todo += [
            (self._emit_form, primitive, 2, None, name, args),
            (self._leave_loop, node.variable.text, self.locals.get(node.variable.text)),
            node.body,
            (self._enter_loop, node.variable),
            node.sequence,
        ]

    def _enter_loop(self, variable: Name) -> None:
        self._check_variable(variable)
        slot = self._new_slot(variable.text)
        self.regions.append(Region(self.slots))
        self.out.append((ENTER, slot))

    def _leave_loop(self, name: str, before: int | None) -> None:
        self.regions.pop()
        self.out.append((LEAVE,))
        self._restore(name, before)

    def _map(self, node: Call, primitive: Primitive) -> None:
        """Resolve ``map(f, items)``, or ``for_loop(items, f)``."""
        values = [arg for arg in node.args if not isinstance(arg, Actual)]
        if len(node.args) != 2 or len(values) != 2:
            self._error(
                "arity",
                f"'{node.name}' takes a function and a sequence",
                node,
                hint=f"write {node.name}(f, items)",
            )
            return
        swapped = node.name.rpartition(".")[2] != "map"
        function, items = reversed(values) if swapped else values
        if not self._is_mappable(function):
            self._error(
                "map-function",
                f"'{node.name}' needs the name of a function of one argument",
                function,
            )
            return
        assert isinstance(function, Name)
        variable = Name("", function.start, function.end)
        call = Call(
            function.text,
            (variable,),
            function.start,
            function.end,
            function.start,
            function.end,
        )
        name = Name(node.name, node.start, node.end)
        self.todo += [
            (self._emit_form, primitive, 2, None, name, (items, function)),
            (self._leave_loop, "", self.locals.get("")),
            call,
            (self._enter_loop, variable),
            items,
        ]

    def _is_mappable(self, function: Expression) -> bool:
        if not isinstance(function, Name) or function.text in self.locals:
            return False
        definition = self.scope.get(function.text)
        return definition is None or len(definition.formals) == 1

    def _fold(self, node: Fold) -> None:
        primitive = self._form("default.fold")
        op = node.operator
        known = FOLD_OPERATORS.get(op.text)
        if known is None:
            self._error(
                "fold-operator",
                f"fold cannot use '{op.text}'",
                op,
                hint="it can use " + " ".join(FOLD_OPERATORS),
            )
            del self.out[-1]
        elif node.seed is None and known.seed is None and not known.starts_from_first:
            self._error(
                "fold-seed",
                f"fold {op.text} needs a seed",
                op,
                hint=f"write fold {op.text} seed sequence",
            )
            del self.out[-1]
        by_name = {"operator": 0, "items": 1, "seed": 2 if node.seed else None}
        layout = tuple(by_name[formal.name] for formal in primitive.parameters)
        count = 3 if node.seed else 2
        name = Name("fold", node.start, node.start + 4)
        self.out.append((CONST, op.text, op.start, op.end))
        operator = Literal(op.text, op.start, op.end)
        args: tuple[Expression | Actual, ...] = (operator, node.seed or operator)
        self.todo.append(
            (self._emit_form, primitive, count, layout, name, (*args, node.sequence))
        )
        if node.seed is not None:
            self.todo.append(node.seed)
        self.todo.append(node.sequence)

    def _index(self, node: Index) -> None:
        name = Name("index", node.start, node.end)
        args = (node.sequence, node.at)
        self.todo += [
            (self._emit_form, self._form("default.index"), 2, None, name, args),
            node.at,
            node.sequence,
        ]

    def _slice(self, node: Slice) -> None:
        bounds = [bound for bound in (node.low, node.high) if bound is not None]
        layout: tuple[int | None, ...] = (0,)
        if node.low is not None:
            layout = (0, 1) if node.high is None else (0, 1, 2)
        elif node.high is not None:
            layout = (0, None, 1)
        name = Name("slice", node.start, node.end)
        self.todo.append(
            (
                self._emit_form,
                self._form("default.slice"),
                len(bounds) + 1,
                layout,
                name,
                (node.sequence, node.low or node.sequence, node.high or node.sequence),
            )
        )
        self.todo += [*reversed(bounds), node.sequence]

    def _array(self, node: Array) -> None:
        name = Name("sequence", node.start, node.end)
        primitive = self._form("default.sequence")
        form = (self._emit_form, primitive, len(node.items), None, name, node.items)
        self.todo.append(form)
        self.todo += reversed(node.items)

    def _form(self, name: str) -> Primitive:
        return self.names.registry.get(name)

    def _emit_form(
        self,
        primitive: Primitive,
        count: int,
        layout: Layout,
        name: Name,
        args: tuple[Expression | Actual, ...],
    ) -> None:
        """Emit a form of the language; ``args`` stand in the order of its formals."""
        node = Call(name.text, args, name.start, name.end, name.start, name.end)
        self.out.append((APP, primitive, count, layout, node))

    def _let_in(self, node: LetIn) -> None:
        self.todo += [
            node.body,
            (self._bind, node, len(self.out)),
            node.value,
        ]
        self.out.append((SKIP, 0))

    def _bind(self, node: LetIn, start: int) -> None:
        body = self.todo.pop()
        self._check_variable(node.variable)
        name = node.variable.text
        before = self.locals.get(name)
        slot = self._new_slot(name)
        self.out.append((LET, slot))
        length = len(self.out) - start - 1
        self.todo += [(self._end_let, name, before, slot, start, length), body]

    def _end_let(
        self, name: str, before: int | None, slot: int, start: int, length: int
    ) -> None:
        if slot not in self.used:
            self.out[start] = (SKIP, length)
        self._restore(name, before)

    def _new_slot(self, name: str) -> int:
        slot = self.locals[name] = self.slots
        self.slots += 1
        return slot

    def _restore(self, name: str, before: int | None) -> None:
        if before is None:
            del self.locals[name]
        else:
            self.locals[name] = before

    def _check_variable(self, variable: Name) -> None:
        if "." in variable.text or variable.text.startswith("$"):
            self._error(
                "reserved-name", f"'{variable.text}' cannot be defined", variable
            )
            del self.out[-1]

    def _mention(self, definition: Definition) -> None:
        self.code.calls.append(definition)

    def _error(
        self,
        code: str,
        message: str,
        node: Expression | Actual,
        *,
        hint: str = "",
    ) -> None:
        found = self.resolver.reporter.make(
            Severity.ERROR, code, message, self.source, node.start, node.end, hint
        )
        self.code.found.append(found)
        self.out.append((ERROR,))


_VISIT: dict[type, Callable[[_Body, Any], None]] = {
    tuple: _Body._finish,
    Literal: _Body._literal,
    Name: _Body._name,
    Call: _Body._call,
    Index: _Body._index,
    Slice: _Body._slice,
    Array: _Body._array,
    Loop: _Body._loop,
    Fold: _Body._fold,
    LetIn: _Body._let_in,
}
"""What to do with each kind of syntax node, and with what is left to do."""


def _meaning(node: Define | Load) -> Expression:
    """Return the expression that a definition stands for."""
    if isinstance(node, Define):
        return node.body
    place = (node.start, node.start + len("load"), node.start, node.end)
    if normalized_suffix(str(node.path.value)) in DATA_SUFFIXES:
        return Call("default.load", (node.path,), *place)
    image = Call("vox1.load", (node.path,), *place)
    if not node.base:
        return image
    base = Name(node.base, node.start, node.end)
    return Call("vox1.aligned", (image, base), *place)


def _names(node: Call, formal: str) -> bool:
    """Return whether a call gives an argument by this name."""
    return any(isinstance(arg, Actual) and arg.name == formal for arg in node.args)


def _value(argument: Expression | Actual) -> Expression:
    return argument.value if isinstance(argument, Actual) else argument
