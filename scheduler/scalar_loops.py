"""Loops whose bodies are light operations on scalars, without a node per element.

The body is compiled once into a list of steps over numbered slots.  The results, and
where results are kept the keys, are those of the nodes that the loop would expand to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from primitives.context import Context
from primitives.errors import PrimitivesError
from primitives.registry import Kernel
from primitives.values import Value, kind_of
from store import NodeKey

from .elements import shown_item
from .errors import ItemFailedError
from .graph import INTEGRAL, Graph, Operation
from .keys import application_key, constant_key
from .options import Failure
from .plan import App, Fn, Param, Ref

SCALAR_TYPES = frozenset({bool, int, float, str, type(None)})

KeepSmall = Callable[[NodeKey, Value], None]


@dataclass(slots=True)
class _Step:
    """One operation: ``slots[out] = kernel(slots[args[0]], …)``."""

    kernel: Kernel
    operation: Operation
    out: int
    args: tuple[int, ...]
    site: int


class ScalarLoop:
    """A function of one scalar, compiled.

    Attributes:
        captured: closed nodes that the body refers to; :meth:`bind` takes their
            values.
        executed: operations per element.
    """

    def __init__(self, graph: Graph, captured: list[Ref], steps: list[_Step]) -> None:
        self.captured = captured
        self.executed = len(steps)
        self._graph = graph
        self._steps = steps
        self._item = len(captured)
        self._slots: list[Value] = []
        self._context = Context()

    @staticmethod
    def compile(graph: Graph, function: Ref) -> ScalarLoop | None:
        """Return the compiled function, or None if its body is not all light."""
        fn = graph.nodes[function]
        assert isinstance(fn, Fn)
        nodes = _body(graph, fn.body)
        if nodes is None:
            return None
        captured, inner = nodes
        slot_of: dict[Ref, int] = {ref: at for at, ref in enumerate(captured)}
        steps: list[_Step] = []
        for ref in inner:
            node = graph.nodes[ref]
            if isinstance(node, Param):
                slot_of[ref] = len(captured)
                continue
            assert isinstance(node, App)
            operation = graph.operation(node.primitive)
            slot_of[ref] = len(captured) + 1 + len(steps)
            args = tuple(slot_of[arg] for arg in node.args if arg is not None)
            site = graph.builder.node_sites[ref]
            steps.append(_Step(operation.kernel, operation, slot_of[ref], args, site))
        return ScalarLoop(graph, captured, steps)

    def bind(self, values: Sequence[Value]) -> None:
        """Take the values of the captured nodes."""
        self._slots = [*values, None, *[None] * len(self._steps)]

    def run(self, items: Sequence[Value]) -> list[Value]:
        """Return the function's value for each item.

        Raises:
            ItemFailedError: an operation cannot be applied to its arguments.
        """
        slots, item_slot, context = self._slots, self._item, self._context
        last = len(slots) - 1 if self._steps else item_slot
        steps = [(step.kernel, step.out, step.args) for step in self._steps]
        results = []
        for item in items:
            slots[item_slot] = item
            try:
                for kernel, out, args in steps:
                    slots[out] = kernel(context, *[slots[at] for at in args])
            except PrimitivesError as error:
                raise self._failure(error, item, out) from None
            results.append(slots[last])
        return results

    def run_keeping(self, items: Sequence[Value], keep: KeepSmall) -> list[Value]:
        """As :meth:`run`, and hand every operation's result to ``keep``."""
        known = [self._graph.keys[ref] for ref in self.captured]
        results = []
        for item in items:
            results.extend(self.run([item]))
            keys: list[NodeKey | None] = [*known, constant_key(item)]
            integral = [self._graph.kinds_of(ref) <= INTEGRAL for ref in self.captured]
            integral.append(kind_of(item) in INTEGRAL)
            for step in self._steps:
                key = _step_key(step, keys, integral)
                if key is not None:
                    keep(key, self._slots[step.out])
                keys.append(key)
                integral.append(step.operation.primitive.result_kinds <= INTEGRAL)
        return results

    def _failure(
        self, error: PrimitivesError, item: Value, out: int
    ) -> ItemFailedError:
        step = next(step for step in self._steps if step.out == out)
        return ItemFailedError(
            Failure(
                str(error),
                step.operation.primitive.name,
                step.site,
                (shown_item(item),),
            )
        )


def _step_key(
    step: _Step, keys: list[NodeKey | None], integral: list[bool]
) -> NodeKey | None:
    args = [keys[at] for at in step.args]
    if None in args:
        return None
    if step.operation.commutes and all(integral[at] for at in step.args):
        args.sort()
    return application_key(*step.operation.identity, args)


def _body(graph: Graph, body: Ref) -> tuple[list[Ref], list[Ref]] | None:
    """Return the closed nodes a body refers to, and its own in evaluation order."""
    captured: set[Ref] = set()
    inner: set[Ref] = set()
    todo = [body]
    while todo:
        ref = todo.pop()
        if ref in inner or ref in captured:
            continue
        if graph.builder.free[ref] == 0:
            if not graph.is_scalar[ref]:
                return None
            captured.add(ref)
            continue
        node = graph.nodes[ref]
        inner.add(ref)
        if isinstance(node, App):
            if not _is_light(graph, node):
                return None
            todo.extend(arg for arg in node.args if arg is not None)
        elif not isinstance(node, Param):
            return None
    if graph.builder.free[body] == 0:
        return None
    return sorted(captured), sorted(inner)


def _is_light(graph: Graph, node: App) -> bool:
    operation = graph.operation(node.primitive)
    return (
        operation.is_light
        and operation.maps_scalars
        and not operation.form
        and not operation.reads
        and not operation.is_volatile
        and None not in node.args
    )
