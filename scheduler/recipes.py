"""What re-lowers a kept result: its plan, and the way from there to its node.

A node that stands in the plan is found by its key.  A node that a loop made is found
by making it again: each step instantiates a function, named by its key, with an item
that is a constant or another node's key.  A recipe is::

    [digest of the plan, [[key of the function, item], …]]

in MessagePack, where an item is ``["const", value]``, ``["node", key]``, or
``["place"]`` for a path of this machine, which is nobody else's business.
"""

from __future__ import annotations

import msgspec

from store import Digest, Store

from .graph import Graph
from .plan import Const, Place, Plan, Ref

_encoder = msgspec.msgpack.Encoder()


class Recipes:
    """Writes the recipes of one run; its plan is stored with the first of them."""

    def __init__(self, graph: Graph, plan: Plan, store: Store) -> None:
        self._graph = graph
        # Encoded at once: the graph grows in the plan's own list of nodes.
        self._plan = _encoder.encode(plan)
        self._store = store
        self._digest: Digest | None = None

    def recipe(self, ref: Ref) -> tuple[bytes, Digest]:
        """Return the recipe of a node, and the digest of the plan that it names.

        Raises:
            StoreError: the plan cannot be stored.
        """
        digest = self._digest or self.store_plan()
        return _encoder.encode((digest, self._steps(ref))), digest

    def store_plan(self) -> Digest:
        """Store the plan, again if need be, and return its digest.

        Raises:
            StoreError: there is no room for it.
        """
        self._digest = self._store.put([self._plan])
        return self._digest

    def _steps(self, ref: Ref) -> list[tuple[bytes, list[object]]]:
        steps: list[tuple[bytes, list[object]]] = []
        origin = self._graph.origin(ref)
        while origin is not None:
            function, argument = origin
            key = self._graph.keys[function]
            steps.append((key or b"", self._item(argument)))
            # Either may have been made by an outer loop, the function more often.
            origin = self._graph.origin(function) or self._graph.origin(argument)
        return steps[::-1]

    def _item(self, argument: Ref) -> list[object]:
        node = self._graph.nodes[argument]
        if isinstance(node, Const):
            return ["const", node.value]
        key = self._graph.keys[argument]
        if isinstance(node, Place) or key is None:
            return ["place"]
        return ["node", key]
