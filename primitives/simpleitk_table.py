"""The table of SimpleITK's filters, written by ``scripts/generate_simpleitk_table.py``.

It is read in every run that calls a filter; what people are told of filters lies in
``reference/filters.toml``, read only to be shown.  Nothing here needs SimpleITK.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

MEASURES_OF = "Measurements"
"""At the end of a primitive's name: what the filter of that name measures."""

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


class Measure(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that a filter measures.

    Attributes:
        name: of its getter without ``Get``.
        form: what the getter is given: ``label`` for a measure of each label, ``both``
            for one of each label and one of all, ``reference`` for the first image.
        condition: name of a setter; the measure is taken only if that is true.
    """

    name: str
    form: str
    condition: str = ""


class Filter(msgspec.Struct, frozen=True, array_like=True):
    """One filter, called for its image or for what it measures.

    Attributes:
        class_name: of the filter.
        formals: in the procedural order.
        result: kind of the result.
        measures: what the result holds; empty if it is the image.
    """

    class_name: str
    formals: tuple[Formal, ...]
    result: str
    measures: tuple[Measure, ...] = ()

    @property
    def ordered_formals(self) -> tuple[Formal, ...]:
        """Formals in the order of a call: images that may be omitted come last.

        SimpleITK has a second form with such an image in the middle; a call tells
        the forms apart by naming the image.
        """
        middle = [formal for formal in self.formals if formal.type.endswith("?")]
        return (*(formal for formal in self.formals if formal not in middle), *middle)

    @property
    def image_position(self) -> int | None:
        """Where SimpleITK's second form has the image that may be omitted, if it does.

        A call with an image there is of the second form: its arguments are in the
        order of :attr:`formals`.
        """
        for position, formal in enumerate(self.formals[:-1]):
            if formal.type == "Image?":
                return position
        return None


class Table(msgspec.Struct, frozen=True):
    """All filters.

    Attributes:
        simpleitk: version that the table describes.
        enumerations: enumerators by type.
        filters: by name of the function, or what it would be.
    """

    simpleitk: str
    enumerations: dict[str, tuple[str, ...]]
    filters: dict[str, Filter]


@cache
def load_table() -> Table:
    """Return the table."""
    data = (_FOLDER / "simpleitk_table.json").read_bytes()
    return msgspec.json.decode(data, type=Table)
