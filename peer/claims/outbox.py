"""What one step wants done, put together so that little is sent."""

from __future__ import annotations

from dataclasses import dataclass

from .messages import Action, Ask, Count, Item, NodeId, Release, Released
from .settings import Settings


@dataclass(slots=True)
class Call:
    """A claim under way: to whom, and for which nodes."""

    to: NodeId
    items: list[Item]


class Outbox:
    """Collects the actions of a step: one call for each arbiter, not for each node."""

    def __init__(self, settings: Settings) -> None:
        """Begin empty."""
        self.calls: dict[int, Call] = {}
        """Claims that are not answered yet, by number."""
        self._settings = settings
        self._number = 0
        self._actions: list[Action] = []
        self._open: dict[NodeId, int] = {}
        self._asked: list[int] = []
        self._released: dict[NodeId, list[Released]] = {}
        self._counts: dict[str, int] = {}

    def do(self, action: Action) -> None:
        """Have something done as it is."""
        self._actions.append(action)

    def count(self, name: str, by: int = 1) -> None:
        """Count something."""
        self._counts[name] = self._counts.get(name, 0) + by

    def ask(self, to: NodeId, item: Item) -> int:
        """Claim a node; return the number under which the answer will come."""
        number = self._open.get(to)
        if number is not None:
            items = self.calls[number].items
            if len(items) < self._settings.max_items:
                items.append(item)
                return number
        self._number += 1
        self._open[to] = self._number
        self._asked.append(self._number)
        self.calls[self._number] = Call(to, [item])
        return self._number

    def release(self, to: NodeId, released: Released) -> None:
        """Tell an arbiter of the end of a lease."""
        self._released.setdefault(to, []).append(released)

    def flush(self) -> list[Action]:
        """Return everything, and begin anew."""
        actions = self._actions
        self._actions = []
        if self._released:
            self._flush_releases(actions)
        if self._asked:
            for number in self._asked:
                call = self.calls[number]
                deadline_s = self._settings.ask_s
                actions.append(Ask(number, call.to, tuple(call.items), deadline_s))
            self._asked = []
            self._open = {}
        if self._counts:
            actions.extend(Count(name, by) for name, by in self._counts.items())
            self._counts = {}
        return actions

    def _flush_releases(self, actions: list[Action]) -> None:
        most = self._settings.max_leases
        for to, released in self._released.items():
            for begin in range(0, len(released), most):
                actions.append(Release(to, tuple(released[begin : begin + most])))
        self._released = {}
