"""What is known of a value before anything runs.

A type is a set of kinds, and, where it is known, what a sequence holds and what the
keys of a record are.  It may always hold more than the value turns out to be, never
less: whatever is reported by it is certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from primitives.registry import KINDS, NUMBER

MAX_DEPTH = 6
"""Deeper down, nothing is known of what a sequence holds."""
MAX_EACH = 16
"""In longer sequences, items are not told apart."""
FUNCTION_KIND = "function"

IMAGES = frozenset({"image", "mask"})
TRUTHS = NUMBER | {"bool"}
"""Kinds that count as true or false, and as numbers."""


class Type:
    """What is known of a value; equal types are one object.

    Attributes:
        kinds: kinds that it may have.
        items: what a sequence holds; None if anything.
        length: how many items, if it is known.
        each: the type of each item, if they are known one by one.
        fields: the values of a record by key, if all keys are known.
        is_real: whether the voxels of an image are certainly floating point.
        depth: levels of sequences and records in it.
    """

    __slots__ = ("depth", "each", "fields", "is_real", "items", "kinds", "length")

    def __init__(
        self,
        kinds: frozenset[str],
        items: Type | None,
        length: int | None,
        each: tuple[Type, ...] | None,
        fields: tuple[tuple[str, Type], ...] | None,
        is_real: bool,
    ) -> None:
        self.kinds = kinds
        self.items = items
        self.length = length
        self.each = each
        self.fields = fields
        self.is_real = is_real
        below = [items] if items is not None else []
        below += [part for _, part in fields or ()]
        self.depth: int = 1 + max((part.depth for part in below), default=0)

    @property
    def item(self) -> Type:
        """What an item of the sequence is."""
        return ANY if self.items is None else self.items

    def at(self, position: int) -> Type:
        """Return what the item at a position is."""
        return self.item if self.each is None else self.each[position]


_types: dict[tuple[object, ...], Type] = {}


def type_of(
    kinds: frozenset[str],
    items: Type | None = None,
    length: int | None = None,
    each: tuple[Type, ...] | None = None,
    fields: tuple[tuple[str, Type], ...] | None = None,
    is_real: bool = False,
) -> Type:
    """Return the type with these attributes."""
    identity = (kinds, items, length, each, fields, is_real)
    found = _types.get(identity)
    if found is None:
        found = _types[identity] = Type(*identity)
    return found


ANY = type_of(KINDS)
NEVER = type_of(frozenset())
"""What an empty sequence holds; nothing is wrong with it."""
BOOL = type_of(frozenset({"bool"}))
INT = type_of(frozenset({"int"}))
DOUBLE = type_of(frozenset({"double"}))
STRING = type_of(frozenset({"string"}))
NULL = type_of(frozenset({"null"}))
IMAGE = type_of(frozenset({"image"}))
REAL_IMAGE = type_of(frozenset({"image"}), is_real=True)
MASK = type_of(frozenset({"mask"}))
NUMBERS = type_of(NUMBER)

CONSTANTS: dict[type, Type] = {
    bool: BOOL,
    int: INT,
    float: DOUBLE,
    str: STRING,
    type(None): NULL,
}
"""Types of constants, by the Python types of their values."""


def of_kinds(kinds: frozenset[str]) -> Type:
    """Return the type of which only the kinds are known."""
    return type_of(kinds)


def sequence(items: Type, length: int | None = None) -> Type:
    """Return the type of a sequence."""
    return type_of(_SEQUENCE, _not_too_deep(items), length)


def literal(each: Iterable[Type]) -> Type:
    """Return the type of a sequence with these items."""
    parts = tuple(map(_not_too_deep, each))
    items = union(dict.fromkeys(parts))
    kept = parts if len(parts) <= MAX_EACH else None
    return type_of(_SEQUENCE, items, len(parts), kept)


def record(fields: Mapping[str, Type]) -> Type:
    """Return the type of a record with these keys."""
    return type_of(_RECORD, fields=tuple(fields.items()))


def function(result: Type) -> Type:
    """Return the type of a loop's body."""
    return type_of(_FUNCTION, result)


_SEQUENCE = frozenset({"sequence"})
_RECORD = frozenset({"record"})
_FUNCTION = frozenset({FUNCTION_KIND})


def union(types: Iterable[Type]) -> Type:
    """Return what a value is that is of one of these types."""
    found = NEVER
    for one in types:
        found = join(found, one)
    return found


_joins: dict[tuple[Type, Type], Type] = {}


def join(one: Type, other: Type) -> Type:
    """Return what a value is that is of either type."""
    if one is other or other is NEVER:
        return one
    if one is NEVER:
        return other
    if one is ANY or other is ANY:
        return ANY
    found = _joins.get((one, other))
    if found is None:
        found = _joins[one, other] = _joined(one, other)
    return found


def _joined(one: Type, other: Type) -> Type:
    holders = [part for part in (one, other) if "sequence" in part.kinds]
    records = [part for part in (one, other) if "record" in part.kinds]
    images = [part for part in (one, other) if part.kinds & IMAGES]
    items, length, each = None, None, None
    if len(holders) == 1:
        items, length, each = holders[0].items, holders[0].length, holders[0].each
    elif holders:
        items, length, each = _joined_items(one, other)
    fields = records[0].fields if records else None
    if len(records) == 2 and one.fields != other.fields:
        fields = None
    is_real = bool(images) and all(part.is_real for part in images)
    return type_of(one.kinds | other.kinds, items, length, each, fields, is_real)


def _joined_items(
    one: Type, other: Type
) -> tuple[Type | None, int | None, tuple[Type, ...] | None]:
    items = None
    if one.items is not None and other.items is not None:
        items = join(one.items, other.items)
    length = one.length if one.length == other.length else None
    each = None
    if length is not None and one.each is not None and other.each is not None:
        each = tuple(map(join, one.each, other.each))
    return items, length, each


def _not_too_deep(part: Type) -> Type:
    return part if part.depth < MAX_DEPTH else ANY


_WORDS = {"int": "an integer", "double": "a number", "bool": "true or false",
          "string": "a text", "image": "an image", "mask": "a mask",
          "sequence": "a sequence", "record": "a record", "bytes": "bytes",
          "null": "nothing", FUNCTION_KIND: "a function"}  # fmt: skip
_DATA = frozenset({"bool", "double", "string", "sequence", "record"})


def describe(kinds: frozenset[str]) -> str:
    """Return kinds in words: ``an image or a mask``."""
    if kinds >= NUMBER:
        kinds -= {"int"}
    if kinds == IMAGES:
        return "an image"
    if kinds >= IMAGES:
        kinds -= {"mask"}
    if kinds >= _DATA and not kinds & IMAGES:
        return "anything but an image"
    words = [word for kind, word in _WORDS.items() if kind in kinds]
    if len(words) > 2:
        return ", ".join(words[:-1]) + " or " + words[-1]
    return " or ".join(words)
