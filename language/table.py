"""Runs the LALR table that lark makes of the grammar.

lark's own loop compares its token and rule objects in Python at each step; the same
table over plain strings takes half the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from .tokens import Terminal


class Reduce(NamedTuple):
    """The end of an alternative of the grammar.

    Attributes:
        size: number of its symbols.
        origin: the rule it belongs to.
        make: makes its value of those of its symbols.
    """

    size: int
    origin: str
    make: Callable[[list[Any]], Any]


Action: TypeAlias = int | Reduce
"""The state to go on in, or what to reduce first."""


class Table:
    """What to do in each state at each terminal.

    Attributes:
        start: the first state.
    """

    def __init__(self, configuration: Any) -> None:
        reductions: dict[int, Reduce] = {}
        self.start: int = configuration.start_state
        self._end: int = configuration.end_state
        self._states: dict[int, dict[str, Action]] = {
            state: {
                str(symbol): arg
                if isinstance(arg, int)
                else reductions.setdefault(
                    id(arg), _reduction(arg, configuration.callbacks)
                )
                for symbol, (_, arg) in actions.items()
            }
            for state, actions in configuration.states.items()
        }

    def run(
        self,
        tokens: Sequence[Terminal],
        at: int,
        states: list[int],
        values: list[Any],
    ) -> int:
        """Parse tokens from ``at`` on, the last of them being ``$END``.

        Args:
            tokens: what to parse.
            at: index of the first.
            states: stack of states; holds the start state.
            values: stack of values; the program's is left at its bottom.

        Returns:
            The index of the token that cannot stand where it does, or the number of
            tokens if all is well.
        """
        table = self._states
        actions = table[states[-1]]
        for index in range(at, len(tokens)):
            token = tokens[index]
            terminal = token.type
            while True:
                action = actions.get(terminal)
                if type(action) is int:
                    states.append(action)
                    values.append(token)
                    actions = table[action]
                    break
                if action is None:
                    return index
                size, origin, make = action  # type: ignore[misc]
                if size:
                    parts = values[-size:]
                    del values[-size:]
                    del states[-size:]
                else:
                    parts = []
                state = table[states[-1]][origin]
                states.append(state)  # type: ignore[arg-type]
                values.append(make(parts))
                if state == self._end and terminal == "$END":
                    return len(tokens)
                actions = table[state]  # type: ignore[index]
        return len(tokens)

    def accepted(self, states: list[int]) -> frozenset[str]:
        """Return the terminals that can stand where the parser is."""
        return frozenset(
            terminal
            for terminal in self._states[states[-1]]
            if (terminal.isupper() or terminal == "$END")
            and self._accepts(states, terminal)
        )

    def _accepts(self, states: list[int], terminal: str) -> bool:
        # Only the top of the stack changes: "base" states of it are still there.
        base = len(states)
        above: list[int] = []
        while True:
            state = above[-1] if above else states[base - 1]
            action = self._states[state].get(terminal)
            if action is None:
                return False
            if isinstance(action, int):
                return True
            for _ in range(action.size):
                if above:
                    above.pop()
                else:
                    base -= 1
            state = above[-1] if above else states[base - 1]
            goto = self._states[state][action.origin]
            assert isinstance(goto, int)
            if goto == self._end and terminal == "$END":
                return True
            above.append(goto)


def _reduction(rule: Any, callbacks: Any) -> Reduce:
    return Reduce(len(rule.expansion), str(rule.origin.name), callbacks[rule])
