"""Parameters in the strings of programs that were written for VoxLogicA 1.

Those are often templates: ``load flair = "$FOLDER/$NAME_flair.nii.gz"``, in which a
script puts values for the names before the program is read.
"""

from __future__ import annotations

import re

from scheduler.plan import Scalar

from .resolve import Variables

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)


class Filler:
    """Puts the values of ``$NAME`` into texts.

    Of the names that begin where ``$`` stands, the longest one with a value counts:
    ``$NAME_flair`` holds ``$NAME`` if there is no ``NAME_flair``.  Names without a
    value stay as they are.
    """

    def __init__(self, variables: Variables) -> None:
        self._variables = variables
        self._values: dict[str, Scalar] = {**variables.places, **variables.constants}

    def __call__(self, text: str) -> str:
        """Return ``text`` with the values of the parameters it names."""
        return _VARIABLE.sub(self._value, text) if "$" in text else text

    def _value(self, match: re.Match[str]) -> str:
        word = match[1]
        for length in range(len(word), 0, -1):
            name = word[:length]
            value = self._values.get(name)
            if value is not None:
                self._variables.used.add(name)
                return _written(value) + word[length:]
        return match[0]


def _written(value: Scalar) -> str:
    """Return a value as a script would write it: ``3``, ``0.5``, ``true``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
