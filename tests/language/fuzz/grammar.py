"""Right programs made by chance, and an evaluator that knows nothing of voxpeer's.

A program is a tree of tuples, ``(form, type, …)``; types are ``number``, ``truth``,
``text`` and ``list of`` one of them.  The evaluator follows the language guide word by
word, on Python's own values.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Node: TypeAlias = tuple[Any, ...]
Value: TypeAlias = Any

NUMBER, TRUTH, TEXT = "number", "truth", "text"
PLAIN = (NUMBER, TRUTH, TEXT)

LITERALS = (0.0, 1.0, 2.0, 3.0, 7.0, 0.5, 2.25, 10.0, -1.0, -2.5, 1e3, 1e-3)
WORDS = ("", "a", "case", "left lung", "T1", "0", "é")
NAMES = ("age", "case_1", "width", "Brain", "b", "scores", "low", "high2", "t", "k")
FUNCTIONS = ("twice", "mix", "step", "Norm", "pick")


def list_of(kind: str) -> str:
    """Return the type of a sequence."""
    return f"list of {kind}"


def item_of(kind: str) -> str:
    """Return the type of a sequence's items."""
    return kind.removeprefix("list of ")


class NoValueError(Exception):
    """The expression has no value: a division by zero, an item that is not there."""


@dataclass(frozen=True)
class Function:
    """A function of a program.

    Attributes:
        name: of it.
        formals: names and types of its parameters.
        body: what it gives.
        result: type of that.
        scope: what names mean in its body.
    """

    name: str
    formals: tuple[tuple[str, str], ...]
    body: Node
    result: str
    scope: dict[str, Any]


@dataclass
class Made:
    """A program and what its goals are.

    Attributes:
        commands: ``("let", name, node)``, ``("function", function)``, ``("print",
            label, node)``.
    """

    commands: list[tuple[Any, ...]] = field(default_factory=list)

    def values(self) -> list[Value | None]:
        """Return the value of each goal, :class:`NoValueError` for none."""
        scope: dict[str, Any] = {}
        found: list[Value | None] = []
        for command in self.commands:
            if command[0] == "print":
                try:
                    found.append(evaluate(command[2], scope))
                except NoValueError as error:
                    found.append(error)
            elif command[0] == "let":
                scope = {**scope, command[1]: _kept(command[2], scope)}
            else:
                made = command[1]
                closed = Function(
                    made.name, made.formals, made.body, made.result, scope
                )
                scope = {**scope, made.name: closed}
        return found


def _kept(node: Node, scope: dict[str, Any]) -> Value:
    try:
        return evaluate(node, scope)
    except NoValueError as error:
        return error


# ---- making ----------------------------------------------------------------


class Maker:
    """Makes programs by chance.

    Args:
        chance: where chance comes from.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.values: dict[str, str] = {}
        self.functions: dict[str, Function] = {}

    def program(self) -> Made:
        """Return a program of a few definitions and goals."""
        made = Made()
        for _ in range(self.chance.randrange(1, 7)):
            made.commands.append(self._definition())
        for number in range(self.chance.randrange(1, 5)):
            kind = self._kind()
            made.commands.append(("print", f"g{number}", self.node(kind, 4)))
            if self.chance.random() < 0.3:
                made.commands.append(self._definition())
        return made

    def _kind(self) -> str:
        plain = self.chance.choice(PLAIN)
        return list_of(plain) if self.chance.random() < 0.35 else plain

    def _definition(self) -> tuple[Any, ...]:
        if self.chance.random() < 0.4:
            return self._function()
        name = self.chance.choice(NAMES)
        kind = self._kind()
        node = self.node(kind, 4)
        self.values[name] = kind
        self.functions.pop(name, None)
        return ("let", name, node)

    def _function(self) -> tuple[Any, ...]:
        name = self.chance.choice(FUNCTIONS)
        count = self.chance.randrange(1, 4)
        formals = tuple((f"p{at}", self._kind()) for at in range(count))
        result = self._kind()
        before = dict(self.values)
        self.values.update(formals)
        body = self.node(result, 3)
        self.values = before
        self.functions[name] = made = Function(name, formals, body, result, {})
        return ("function", made)

    def node(self, kind: str, depth: int) -> Node:
        """Return an expression of a type."""
        chance = self.chance
        known = [name for name, its in self.values.items() if its == kind]
        if known and chance.random() < 0.3:
            return ("name", kind, chance.choice(known))
        if depth <= 0:
            return self._leaf(kind)
        if chance.random() < 0.12:
            return self._let(kind, depth)
        fitting = [one for one in self.functions.values() if one.result == kind]
        if fitting and chance.random() < 0.25:
            return self._call(chance.choice(fitting), depth)
        if chance.random() < 0.08:
            return self._index(kind, depth)
        if kind.startswith("list"):
            return self._list(kind, depth)
        makers: dict[str, Callable[[int], Node]] = {
            NUMBER: self._number,
            TRUTH: self._truth,
            TEXT: self._text,
        }
        return makers[kind](depth)

    def _leaf(self, kind: str) -> Node:
        if kind == NUMBER:
            return ("literal", kind, self.chance.choice(LITERALS))
        if kind == TRUTH:
            return ("literal", kind, self.chance.random() < 0.5)
        if kind == TEXT:
            return ("literal", kind, self.chance.choice(WORDS))
        count = self.chance.randrange(1, 4)
        item = item_of(kind)
        return ("array", kind, tuple(self._leaf(item) for _ in range(count)))

    def _number(self, depth: int) -> Node:
        form = self.chance.choice(["infix"] * 5 + ["fold", "length", "argmax", "leaf"])
        if form == "infix":
            op = self.chance.choice("+-*/")
            return self._infix(NUMBER, op, NUMBER, depth)
        if form == "length":
            return ("length", NUMBER, self.node(self._list_kind(), depth - 1))
        if form == "argmax":
            return ("argmax", NUMBER, self.node(list_of(NUMBER), depth - 1))
        if form == "fold":
            op = self.chance.choice(["+", "-", "*", "max", "min", "/"])
            items = self.node(list_of(NUMBER), depth - 1)
            seeded = op == "/" or self.chance.random() < 0.5
            seed = self.node(NUMBER, depth - 2) if seeded else None
            return ("fold", NUMBER, op, seed, items)
        return self._leaf(NUMBER)

    def _truth(self, depth: int) -> Node:
        form = self.chance.choice(
            ["compare", "compare", "logic", "not", "fold", "text"]
        )
        if form == "compare":
            op = self.chance.choice(["==", "!=", "<", "<=", ">", ">="])
            return self._infix(TRUTH, op, NUMBER, depth)
        if form == "text":
            return self._infix(TRUTH, self.chance.choice(["==", "!="]), TEXT, depth)
        if form == "logic":
            op = self.chance.choice(["&&", "||"])
            return self._infix(TRUTH, op, TRUTH, depth)
        if form == "not":
            return ("not", TRUTH, self.node(TRUTH, depth - 1))
        op = self.chance.choice(["&&", "||"])
        return ("fold", TRUTH, op, None, self.node(list_of(TRUTH), depth - 1))

    def _text(self, depth: int) -> Node:
        if self.chance.random() < 0.4:
            return self._infix(TEXT, "+", TEXT, depth)
        parts = [
            self.node(self.chance.choice(PLAIN), depth - 1)
            for _ in range(self.chance.randrange(1, 4))
        ]
        return ("concat", TEXT, tuple(parts))

    def _infix(self, kind: str, op: str, operands: str, depth: int) -> Node:
        left = self.node(operands, depth - 1)
        return ("infix", kind, op, left, self.node(operands, depth - 1))

    def _list_kind(self) -> str:
        return list_of(self.chance.choice(PLAIN))

    def _list(self, kind: str, depth: int) -> Node:
        item = item_of(kind)
        forms = ["array", "array", "for", "for", "filter", "slice", "map"]
        if item == NUMBER:
            forms += ["range", "range", "wise"]
        form = self.chance.choice(forms)
        if form == "range":
            end = ("literal", NUMBER, float(self.chance.randrange(0, 6)))
            return ("range", kind, end)
        if form == "wise":
            op = self.chance.choice("+-*")
            one, other = self.node(kind, depth - 1), self.node(NUMBER, depth - 1)
            pair = (one, other) if self.chance.random() < 0.5 else (other, one)
            return ("infix", kind, op, *pair)
        if form == "slice":
            return self._slice(kind, depth)
        if form == "for":
            source = self._list_kind()
            return self._loop("for", kind, source, item, depth)
        if form == "filter":
            return self._loop("filter", kind, kind, TRUTH, depth)
        mappable = [
            one
            for one in self.functions.values()
            if one.result == item and len(one.formals) == 1
        ]
        if form == "map" and mappable:
            function = self.chance.choice(mappable)
            its = function.formals[0][1]
            if not its.startswith("list"):
                return ("map", kind, function.name, self.node(list_of(its), depth - 1))
        count = self.chance.randrange(0 if depth < 3 else 1, 4)
        return ("array", kind, tuple(self.node(item, depth - 1) for _ in range(count)))

    def _slice(self, kind: str, depth: int) -> Node:
        bounds = [
            ("literal", NUMBER, float(self.chance.randrange(0, 4)))
            if self.chance.random() < 0.6
            else None
            for _ in range(2)
        ]
        return ("slice", kind, self.node(kind, depth - 1), *bounds)

    def _loop(self, form: str, kind: str, source: str, inner: str, depth: int) -> Node:
        items = self.node(source, depth - 1)
        name = self.chance.choice(NAMES)
        body = self._within(name, item_of(source), inner, depth)
        return (form, kind, name, items, body)

    def _let(self, kind: str, depth: int) -> Node:
        name = self.chance.choice(NAMES)
        its = self._kind()
        value = self.node(its, depth - 1)
        return ("let", kind, name, value, self._within(name, its, kind, depth))

    def _within(self, name: str, its: str, kind: str, depth: int) -> Node:
        before = dict(self.values)
        self.values[name] = its
        body = self.node(kind, depth - 1)
        self.values = before
        return body

    def _call(self, function: Function, depth: int) -> Node:
        args = tuple(self.node(its, depth - 1) for _, its in function.formals)
        return ("call", function.result, function.name, args)

    def _index(self, kind: str, depth: int) -> Node:
        at = ("literal", NUMBER, float(self.chance.randrange(0, 3)))
        if kind.startswith("list"):
            return self._list(kind, depth)
        return ("index", kind, self.node(list_of(kind), depth - 1), at)


# ---- evaluating ------------------------------------------------------------

_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_COMPARE = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_STARTS = {"+": 0, "-": 0, "*": 1, "&&": True, "||": False}


EMPTY: list[Node] = []
"""Loops that went over nothing: what is wrong in them does no harm."""


def evaluate(node: Node, scope: dict[str, Any]) -> Value:
    """Return the value of an expression.

    Raises:
        NoValueError: it has none.
    """
    value = _EVALUATE[node[0]](node, scope)
    if isinstance(value, NoValueError):
        raise value
    return value


def _name(node: Node, scope: dict[str, Any]) -> Value:
    return scope[node[2]]


def _literal(node: Node, _: dict[str, Any]) -> Value:
    return node[2]


def _infix(node: Node, scope: dict[str, Any]) -> Value:
    return combine(node[2], evaluate(node[3], scope), evaluate(node[4], scope))


def combine(op: str, left: Value, right: Value) -> Value:
    """Return two values combined by an operator, item by item if one is a sequence."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        count = len(left) if isinstance(left, tuple) else len(right)
        if not count:
            EMPTY.append(("infix", op))
        lefts = left if isinstance(left, tuple) else (left,) * count
        rights = right if isinstance(right, tuple) else (right,) * count
        return tuple(map(combine, (op,) * count, lefts, rights))
    if op in _ARITHMETIC:
        result = _ARITHMETIC[op](left, right)
        if type(result) is int and abs(result) >= 2**63:
            raise NoValueError("too great")
        return result
    if op == "/":
        if right == 0:
            raise NoValueError("division by zero")
        return left / right
    if op in ("min", "max"):
        return right if (right < left if op == "min" else right > left) else left
    if op == "&&":
        return bool(left) and bool(right)
    if op == "||":
        return bool(left) or bool(right)
    return _COMPARE[op](left, right)


def _fold(node: Node, scope: dict[str, Any]) -> Value:
    _, _, op, seed, source = node
    items = list(_noted(node, evaluate(source, scope)))
    if seed is not None:
        total = evaluate(seed, scope)
    elif op in _STARTS:
        total = _STARTS[op]
    elif items:
        total = items.pop(0)
    else:
        raise NoValueError("nothing to start from")
    for item in items:
        total = combine(op, total, item)
    return total


def _for(node: Node, scope: dict[str, Any]) -> Value:
    _, _, name, source, body = node
    items = _noted(node, evaluate(source, scope))
    return tuple([evaluate(body, {**scope, name: item}) for item in items])


def _filter(node: Node, scope: dict[str, Any]) -> Value:
    _, _, name, source, body = node
    items = _noted(node, evaluate(source, scope))
    return tuple([item for item in items if evaluate(body, {**scope, name: item})])


def _noted(node: Node, items: Value) -> Value:
    if not items:
        EMPTY.append(node)
    return items


def _let(node: Node, scope: dict[str, Any]) -> Value:
    _, _, name, value, body = node
    return evaluate(body, {**scope, name: _kept(value, scope)})


def _call(node: Node, scope: dict[str, Any]) -> Value:
    _, _, name, args = node
    return _applied(scope[name], [_kept(arg, scope) for arg in args])


def _applied(function: Function, args: list[Value]) -> Value:
    names = [name for name, _ in function.formals]
    inner = {**function.scope, **dict(zip(names, args, strict=True))}
    return evaluate(function.body, inner)


def _map(node: Node, scope: dict[str, Any]) -> Value:
    _, _, name, source = node
    items = _noted(node, evaluate(source, scope))
    return tuple([_applied(scope[name], [item]) for item in items])


def _index(node: Node, scope: dict[str, Any]) -> Value:
    items, at = evaluate(node[2], scope), int(evaluate(node[3], scope))
    if not 0 <= at < len(items):
        raise NoValueError("no such item")
    return items[at]


def _slice(node: Node, scope: dict[str, Any]) -> Value:
    items = evaluate(node[2], scope)
    low, high = (
        None if bound is None else int(evaluate(bound, scope)) for bound in node[3:]
    )
    return items[low:high]


def _argmax(node: Node, scope: dict[str, Any]) -> Value:
    items = evaluate(node[2], scope)
    if not items:
        raise NoValueError("nothing is greatest")
    if any(item != item for item in items):
        raise NoValueError("not a number")
    return items.index(max(items))


def printed(value: Value) -> str:
    """Return the text of a number, a truth value or a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return "NaN"
        if abs(value) == float("inf"):
            return "Infinity" if value > 0 else "-Infinity"
        return repr(value)
    return str(value)


_EVALUATE: dict[str, Callable[[Node, dict[str, Any]], Value]] = {
    "name": _name,
    "literal": _literal,
    "infix": _infix,
    "not": lambda node, scope: not evaluate(node[2], scope),
    "array": lambda node, scope: tuple([evaluate(one, scope) for one in node[2]]),
    "range": lambda node, scope: tuple(range(int(evaluate(node[2], scope)))),
    "length": lambda node, scope: len(evaluate(node[2], scope)),
    "concat": lambda node, scope: "".join(
        [printed(evaluate(one, scope)) for one in node[2]]
    ),
    "argmax": _argmax,
    "fold": _fold,
    "for": _for,
    "filter": _filter,
    "let": _let,
    "call": _call,
    "map": _map,
    "index": _index,
    "slice": _slice,
}
