"""Which argument of a call each parameter gets."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from primitives.registry import Parameter

from .syntax import Actual, Call, Expression, Literal, first, last


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a call does not fit the parameters: the parts of a diagnostic."""

    code: str
    message: str
    place: Call | Actual
    hint: str = ""


def arrange(
    node: Call, formals: tuple[Parameter, ...]
) -> tuple[int | None, ...] | Mismatch:
    """Return, per parameter, the index of its argument; None if it is omitted.

    The arguments of a variadic parameter come last.  Parameters omitted at the end are
    left out.
    """
    args = node.args
    variadic = bool(formals) and formals[-1].variadic
    if len(args) == len(formals) and not variadic:
        for argument in args:
            if type(argument) is Actual:
                break
        else:
            return identity(len(args))
    fixed = formals[:-1] if variadic else formals
    given: dict[str, int] = {}
    rest: list[int] = []
    for index, argument in enumerate(args):
        if isinstance(argument, Actual):
            wrong = _misnamed(argument, fixed, given, node)
            if wrong is not None:
                return wrong
            given[argument.name] = index
        elif index < len(fixed):
            given[fixed[index].name] = index
        elif variadic:
            rest.append(index)
        else:
            return _wrong_count(node, formals)
    if any(not one.optional and one.name not in given for one in fixed):
        return _wrong_count(node, formals)
    if variadic and not formals[-1].optional and not rest:
        return _wrong_count(node, formals)
    layout = [*(given.get(formal.name) for formal in fixed), *rest]
    while layout and layout[-1] is None:
        layout.pop()
    return tuple(layout)


@cache
def identity(count: int) -> tuple[int, ...]:
    """Return the layout of arguments that are already in order."""
    return tuple(range(count))


def count_of(number: int) -> str:
    """Return ``number`` arguments in words."""
    return "1 argument" if number == 1 else f"{number} arguments"


def _misnamed(
    argument: Actual,
    formals: tuple[Parameter, ...],
    given: dict[str, int],
    node: Call,
) -> Mismatch | None:
    names = [formal.name for formal in formals]
    if argument.name not in names:
        message = f"'{node.name}' has no parameter '{argument.name}'"
        near = difflib.get_close_matches(argument.name, names, n=1)
        if near:
            hint = f"did you mean '{near[0]}'?"
        elif names:
            hint = f"it has {', '.join(names)}"
        else:
            hint = "it takes none by name"
        return Mismatch("unknown-argument", message, argument, hint)
    if argument.name in given:
        message = f"'{argument.name}' is given twice to '{node.name}'"
        return Mismatch("repeated-argument", message, argument)
    return None


def _wrong_count(node: Call, formals: tuple[Parameter, ...]) -> Mismatch:
    needed = sum(1 for formal in formals if not formal.optional)
    given = len(node.args)
    most = None if formals and formals[-1].variadic else len(formals)
    if given >= needed and (most is None or given <= most):
        return _missing(node, formals)
    has_comma = given > needed and _has_decimal_comma(node.args)
    return Mismatch(
        "arity",
        f"'{node.name}' takes {_range(needed, most)}, "
        f"but {'1 was' if given == 1 else f'{given} were'} given",
        node,
        _DECIMAL if has_comma else _form_of(node, formals, needed),
    )


_DECIMAL = "numbers have a decimal point, not a comma"


def _has_decimal_comma(args: tuple[Expression | Actual, ...]) -> bool:
    """Return whether two arguments look like one number with a decimal comma.

    Nothing else stands between the two, while a blank follows other commas; or the
    first of them is the end of an expression: ``image > 0,5``.
    """
    pairs = [(one, other, first(other) - last(one)) for one, other in pairwise(args)]
    tight = [(one, other) for one, other, gap in pairs if gap == 1]
    if len(tight) != 1:
        return False
    one, other = tight[0]
    end = one.args[-1] if isinstance(one, Call) else one
    is_told_apart = end is not one or len(pairs) > 1
    return is_told_apart and _is_number(end) and _is_number(other)


def _is_number(node: Expression | Actual) -> bool:
    return isinstance(node, Literal) and type(node.value) is float


def _missing(node: Call, formals: tuple[Parameter, ...]) -> Mismatch:
    """Return what to say if there are enough arguments, but for other parameters."""
    names = {arg.name for arg in node.args if isinstance(arg, Actual)}
    by_place = len(node.args) - len(names)
    lacking = [
        formal.name
        for formal in formals[by_place:]
        if not formal.optional and formal.name not in names
    ]
    message = f"'{node.name}' needs an argument for '{lacking[0]}'"
    return Mismatch("arity", message, node, _form_of(node, formals, len(formals)))


def _form_of(node: Call, formals: tuple[Parameter, ...], needed: int) -> str:
    """Return how the call is written."""
    if not formals:
        return f"write {node.name} without brackets"
    if len(node.args) == 1 and needed == 2 and not _is_word(node.name):
        if node.name == "-":
            return "write 0 - x for the negative of x"
        return "a value is missing before it"
    return f"it takes {node.name}({', '.join(map(_shown, formals))})"


def _is_word(name: str) -> bool:
    return name[0].isalnum() or name[0] == "_"


def _range(needed: int, most: int | None) -> str:
    if most is None:
        return f"at least {count_of(needed)}" if needed else "any number of arguments"
    if needed == most:
        return count_of(needed) if needed else "no arguments"
    return f"{needed} to {count_of(most)}"


def _shown(formal: Parameter) -> str:
    if formal.variadic:
        return f"{formal.name}, …"
    return f"[{formal.name}]" if formal.optional else formal.name
