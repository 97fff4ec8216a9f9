"""The table of SimpleITK's filters, written by ``scripts/generate_simpleitk_table.py``.

Signatures are read in every run that calls a filter; the documentation lies in a file
of its own, read only to be shown.  Nothing here needs SimpleITK.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).parent


class Formal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One formal of a filter's function.

    Attributes:
        name: as SimpleITK names it.
        type: ``Image``, ``LabelMap``, a C++ type, or a name in
            :attr:`Table.enumerations`; ``Image?`` may be omitted, and of ``Image|int``
            either will do.
        default: as a program would write it; ``null`` for none, empty if the formal
            must be given.
        setter: the filter's method without ``Set``; empty for an input image.
    """

    name: str
    type: str
    default: str
    setter: str

    @property
    def is_optional(self) -> bool:
        """Whether a call may omit it."""
        return self.default != "" or self.type.endswith("?")

    @property
    def is_random_seed(self) -> bool:
        """Whether it seeds random numbers; SimpleITK's own default is the clock."""
        return self.name == "seed" and self.type == "uint32_t"


class Filter(msgspec.Struct, frozen=True, array_like=True):
    """One filter with a procedural form.

    Attributes:
        class_name: of the filter.
        summary: one sentence.
        formals: in the procedural order.
        result: kind of the result.
    """

    class_name: str
    summary: str
    formals: tuple[Formal, ...]
    result: str

    @property
    def ordered_formals(self) -> tuple[Formal, ...]:
        """Formals in the order of a call: images that may be omitted come last.

        SimpleITK has a second form with such an image in the middle; a call tells
        the forms apart by naming the image.
        """
        middle = [formal for formal in self.formals if formal.type.endswith("?")]
        return (*(formal for formal in self.formals if formal not in middle), *middle)


class Table(msgspec.Struct, frozen=True):
    """All filters.

    Attributes:
        simpleitk: version that the table describes.
        enumerations: enumerators by type.
        filters: by name of the function.
    """

    simpleitk: str
    enumerations: dict[str, tuple[str, ...]]
    filters: dict[str, Filter]


class _Documentation(msgspec.Struct, frozen=True):
    simpleitk: str
    filters: dict[str, tuple[str, dict[str, str]]]


@cache
def load_table() -> Table:
    """Return the table."""
    data = (_FOLDER / "simpleitk_table.json").read_bytes()
    return msgspec.json.decode(data, type=Table)


def documentation(name: str) -> str:
    """Return what SimpleITK's own documentation says on a filter."""
    text, notes = _load_documentation().filters[name]
    lines = [f"{formal}: {note}" for formal, note in notes.items()]
    return "\n\n".join([text, *lines])


@cache
def _load_documentation() -> _Documentation:
    data = (_FOLDER / "simpleitk_docs.json").read_bytes()
    return msgspec.json.decode(data, type=_Documentation)
