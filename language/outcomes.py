"""What comes of looking at an application: a type, or what is certainly wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .value_types import Type

Types: TypeAlias = tuple[Type | None, ...]
"""Types of the arguments, None where one is omitted."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is certainly wrong with an application.

    Attributes:
        message: for people; ``{name}`` stands for what was called, ``{role}`` for the
            argument.
        at: index of the parameter that is wrong, or -1 for all together.
        hint: what to do, or empty.
        code: stable word for programs.
    """

    message: str
    at: int = -1
    hint: str = ""
    code: str = "kind"

    def text(self, name: str, role: str) -> str:
        """Return the message for what was called by this name, and an argument."""
        return self.message.replace("{name}", name).replace("{role}", role)


Outcome: TypeAlias = Type | Wrong
