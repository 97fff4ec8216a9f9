"""Which argument of a call each parameter gets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from primitives.registry import Parameter

from .syntax import Actual, Call


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
        hint = f"it has {', '.join(names)}" if names else "it takes none by name"
        return Mismatch("unknown-argument", message, argument, hint)
    if argument.name in given:
        message = f"'{argument.name}' is given twice to '{node.name}'"
        return Mismatch("repeated-argument", message, argument)
    return None


def _wrong_count(node: Call, formals: tuple[Parameter, ...]) -> Mismatch:
    needed = sum(1 for formal in formals if not formal.optional)
    most: int | None = len(formals)
    if formals and formals[-1].variadic:
        most = None
    hint = f"it takes {node.name}({', '.join(_shown(formal) for formal in formals)})"
    if len(node.args) == 1 and node.name == "-" and needed == 2:
        hint = "write 0 - x for the negative of x"
    given = len(node.args)
    return Mismatch(
        "arity",
        f"'{node.name}' takes {_range(needed, most)}, "
        f"but {'1 was' if given == 1 else f'{given} were'} given",
        node,
        hint,
    )


def _range(needed: int, most: int | None) -> str:
    if most is None:
        return f"at least {count_of(needed)}" if needed else "any number of arguments"
    if needed == most:
        return count_of(needed)
    return f"{needed} to {count_of(most)}"


def _shown(formal: Parameter) -> str:
    if formal.variadic:
        return f"{formal.name}, …"
    return f"[{formal.name}]" if formal.optional else formal.name
