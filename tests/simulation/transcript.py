"""What has happened, line by line, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass


class Transcript:
    """Lines in the order in which things happened.

    Attributes:
        names: what keys and node ids are called.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[object, str] = {}

    def note(self, now: float, who: str, what: str, about: Sequence[object]) -> None:
        """Write one line.

        Args:
            now: seconds since the world began.
            who: to whom it happened.
            what: happened.
            about: what it is about; named things appear under their names.
        """
        who = self.names.get(who, who)
        rest = " ".join(self._show(thing) for thing in about)
        self.lines.append(f"{now:10.4f}  {who:<10} {what:<14} {rest}")

    def _show(self, thing: object) -> str:
        if isinstance(thing, (str, bytes)) and thing in self.names:
            return self.names[thing]
        if isinstance(thing, bytes):
            return thing.hex()[:8]
        if isinstance(thing, float):
            return f"{thing:.4g}"
        if isinstance(thing, (set, frozenset)):
            return "{" + " ".join(sorted(self._show(part) for part in thing)) + "}"
        if isinstance(thing, (tuple, list)):
            return "(" + " ".join(self._show(part) for part in thing) + ")"
        if is_dataclass(thing):
            parts = [
                f"{each.name}={self._show(value)}"
                for each in fields(thing)
                if (value := getattr(thing, each.name)) is not False
            ]
            return f"{type(thing).__name__}({' '.join(parts)})"
        return str(thing)
