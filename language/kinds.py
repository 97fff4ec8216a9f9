"""What is known of the nodes of a plan that is being made.

A node inside a loop may stand in several loops over different things, so what is known
of it belongs to the loops around it.
"""

from __future__ import annotations

from primitives.registry import KINDS, Primitive
from primitives.values import Value
from scheduler.plan import App, Const, Place, PlanBuilder, Ref

from . import constants, filters
from .constants import UNKNOWN, Unknown
from .inference import outcome, result
from .outcomes import Outcome, Types, Wrong
from .value_types import (
    ANY,
    CONSTANTS,
    IMAGE,
    IMAGES,
    NEVER,
    STRING,
    Type,
    function,
)

MAX_LITERAL = 32
"""The items of longer array literals are not looked at one by one."""
_REGION_OR_TRUTH = frozenset({"bool", "mask"})
"""What gives a region unless it is given truth values alone, as ``and`` does."""


class Loops:
    """The loops around a node, by what their variables are; equal ones are one object.

    Attributes:
        outer: those but the innermost, or None outside of all loops.
        is_idle: whether one of them has no items, so that nothing in it is computed.
        types: what is known of the nodes in them.
    """

    __slots__ = ("_inner", "is_idle", "outer", "types")

    def __init__(self, outer: Loops | None = None, item: Type | None = None) -> None:
        self.outer = outer
        self.is_idle: bool = item is NEVER or (outer is not None and outer.is_idle)
        self.types: dict[Ref, Type] = {}
        self._inner: dict[Type, Loops] = {}

    def inner(self, item: Type) -> Loops:
        """Return these loops and one more inside, over such items."""
        found = self._inner.get(item)
        if found is None:
            found = self._inner[item] = Loops(self, item)
        return found


class Kinds:
    """Notes what is known of each node as it is made.

    Attributes:
        around: the loops around what is being made.
    """

    def __init__(self, builder: PlanBuilder) -> None:
        self._builder = builder
        self._closed = self.around = Loops()
        self._outcomes: dict[tuple[str, Types], Outcome] = {}
        self._primitives: dict[str, Primitive] = {}

    def type_of(self, ref: Ref) -> Type:
        """Return what is known of a node's value, in the loops at hand."""
        if ref < 0:
            return ANY
        here = self.around if self._builder.free[ref] else self._closed
        found = here.types.get(ref)
        if found is None:
            node = self._builder.nodes[ref]
            if isinstance(node, Const):
                found = CONSTANTS[type(node.value)]
            else:
                found = STRING if isinstance(node, Place) else ANY
            here.types[ref] = found
        return found

    def note(self, primitive: Primitive, ref: Ref) -> Wrong | None:
        """Find out what an application gives; return what is certainly wrong with it.

        What was found out before is not said again.
        """
        here = self.around if self._builder.free[ref] else self._closed
        if ref in here.types:
            return None
        node = self._builder.nodes[ref]
        assert isinstance(node, App)
        args = node.args
        types = tuple([None if arg is None else self.type_of(arg) for arg in args])
        name = primitive.name
        self._primitives[name] = primitive
        found: Outcome | None = None
        if name in constants.RULES or name.startswith(filters.NAMESPACE):
            found = self._by_constants(primitive, types, args)
        if found is None:
            found = self._outcomes.get((name, types))
            if found is None:
                found = self._outcomes[name, types] = outcome(primitive, types)
        if isinstance(found, Wrong):
            here.types[ref] = result(primitive)
            return None if self.around.is_idle else found
        here.types[ref] = found
        return None

    def _by_constants(
        self, primitive: Primitive, types: Types, args: tuple[Ref | None, ...]
    ) -> Outcome | None:
        by_kind = outcome(primitive, types)
        if isinstance(by_kind, Wrong):
            return by_kind
        values = tuple([None if arg is None else self._value(arg) for arg in args])
        if primitive.name.startswith(filters.NAMESPACE):
            return filters.check(primitive.name, types, values)
        return constants.outcome(primitive, types, values)

    def _value(self, ref: Ref) -> Value | Unknown:
        """Return the value of a constant, or the tuple of an array literal's."""
        nodes = self._builder.nodes
        node = nodes[ref]
        if isinstance(node, Const):
            return node.value
        if not isinstance(node, App) or node.primitive != "default.sequence":
            return UNKNOWN
        if len(node.args) > MAX_LITERAL:
            return UNKNOWN
        items = [nodes[arg] for arg in node.args if arg is not None]
        return tuple(
            item.value if isinstance(item, Const) else UNKNOWN for item in items
        )

    def chosen_item(self, ref: Ref) -> Ref | None:
        """Return the item that a constant index takes of an array literal, or None."""
        nodes = self._builder.nodes
        node = nodes[ref]
        if not isinstance(node, App) or node.primitive != "default.index":
            return None
        items, at = node.args[0], node.args[1]
        assert items is not None
        assert at is not None
        array, place = nodes[items], nodes[at]
        if not isinstance(array, App) or array.primitive != "default.sequence":
            return None
        if not isinstance(place, Const) or not isinstance(place.value, float | int):
            return None
        position = int(place.value)
        return array.args[position] if 0 <= position < len(array.args) else None

    def as_base(self, ref: Ref) -> frozenset[str] | None:
        """Return the kinds of a node as far as they matter for a base image.

        Which of several operands is the base is part of what a program means, so it
        depends on signatures alone, however much is known.

        Returns:
            None if it may be of any kind; nothing if it cannot be an image.
        """
        known = self.type_of(ref)
        if not known.kinds & IMAGES:
            return frozenset()
        node = self._builder.nodes[ref]
        if not isinstance(node, App):
            return None
        if node.primitive == "default.load":
            return known.kinds if known is IMAGE else None
        kinds = self._primitives[node.primitive].result_kinds
        if kinds == _REGION_OR_TRUTH:
            return kinds - {"bool"}
        return None if kinds == KINDS else kinds

    # Loops

    def enter(self, items: Ref) -> None:
        """Go on in the body of a loop over the items of a sequence."""
        item = _item_of(self.type_of(items))
        self.around = self.around.inner(item)
        self.around.types[self._builder.param(0)] = item

    def leave(self, body: Ref) -> Type:
        """Go on outside of the innermost loop; return what is known of its body."""
        found = self.type_of(body)
        outer = self.around.outer
        assert outer is not None
        self.around = outer
        return found

    def leave_all(self) -> None:
        """Go on outside of all loops."""
        self.around = self._closed

    def note_function(self, ref: Ref, body: Type) -> None:
        """Take note of what a loop's function gives."""
        here = self.around if self._builder.free[ref] else self._closed
        here.types[ref] = function(body)

    def note_shifted(self, ref: Ref, shifted: Ref, by: int) -> None:
        """Take note that a node is another one, some loops further out."""
        loops: Loops | None = self.around
        for _ in range(by):
            assert loops is not None
            loops = loops.outer
        assert loops is not None
        known = loops.types.get(ref)
        if known is not None:
            self.around.types[shifted] = known


def _item_of(items: Type) -> Type:
    """Return what the variable of a loop is."""
    if items is NEVER or (items.kinds == {"sequence"} and items.length == 0):
        return NEVER
    return items.item if "sequence" in items.kinds else ANY
