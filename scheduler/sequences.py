"""Sequences, loops and folds: expanded by the scheduler, element by element.

A sequence is not a value before somebody needs it as one.  Until then it is its
*elements*: a length, and a node for each position that is made when asked for.  An
element of a loop is the loop's body for that item, so it has the key that the
written-out expression has, and a loop over a longer range shares its elements with
one over a shorter.

The rules are generators.  They yield a list of nodes and are resumed with their
values, or yield None to let other work go on; an argument that failed is raised in
them as :class:`~scheduler.errors.UnavailableError`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeGuard

from primitives.errors import KernelError, KernelTypeError, PrimitivesError
from primitives.folds import FOLD_OPERATORS
from primitives.formats.suffixes import SEEKABLE_SUFFIXES
from primitives.values import Value, kind_of
from store import NodeKey

from .errors import UnavailableError
from .graph import Graph, Operation
from .plan import App, Const, Ref, is_constant
from .reliance import NOBODY, Relied
from .scalar_loops import SCALAR_TYPES, ScalarLoop

if TYPE_CHECKING:
    from .engine import Engine

INDEX = "default.index"
WHOLE_READERS = ("default.load", "simpleitk.ReadImage")
"""Readers that give an image as the file has it."""
LOAD_VOLUME, VOLUME_COUNT = "default.loadvolume", "default.volumecount"
CHUNK = 4096
"""Elements of a scalar loop between two looks at other work."""

Request: TypeAlias = "list[Ref] | None"


class Elements(Protocol):
    """What a sequence consists of."""

    def __len__(self) -> int:
        """Return the number of elements."""

    def ref(self, position: int) -> Ref:
        """Return the node of one element."""


class Items:
    """Elements that are values: the items of a range or of a computed sequence."""

    def __init__(self, graph: Graph, sequence: Ref, items: Sequence[Value]) -> None:
        self.items = items
        self._graph = graph
        self._sequence = sequence

    def __len__(self) -> int:
        return len(self.items)

    @property
    def is_placed(self) -> bool:
        """Whether strings among the items depend on where things lie."""
        return self._graph.is_placed[self._sequence]

    def ref(self, position: int) -> Ref:
        """Return the constant of a scalar, else the node that indexes the sequence."""
        item = self.items[position]
        graph = self._graph
        if isinstance(item, str) and self.is_placed:
            return graph.place(item)
        if is_constant(item):
            return graph.const(item)
        # The number of a written index is a double; so it shares that node's key.
        return graph.app(INDEX, (self._sequence, graph.const(float(position))), -1)


class Nodes:
    """Elements that are nodes: those of an array literal, or some of a sequence."""

    def __init__(self, refs: Sequence[Ref]) -> None:
        self.refs = refs

    def __len__(self) -> int:
        return len(self.refs)

    def ref(self, position: int) -> Ref:
        """Return the node at ``position``."""
        return self.refs[position]


class Mapped:
    """Elements that are a function's values for the elements of another sequence."""

    def __init__(self, graph: Graph, source: Elements, function: Ref) -> None:
        self.source = source
        self.function = function
        self._graph = graph

    def __len__(self) -> int:
        return len(self.source)

    def ref(self, position: int) -> Ref:
        """Return the function's body for the element at ``position``."""
        return self._graph.instantiate(self.function, self.source.ref(position))


class Volumes:
    """Elements that are the volumes of a file, each of which is read by itself."""

    def __init__(self, graph: Graph, path: Ref, count: int, site: int) -> None:
        self._graph = graph
        self._path = path
        self._count = count
        self._site = site

    def __len__(self) -> int:
        return self._count

    def ref(self, position: int) -> Ref:
        """Return the node that reads the volume at ``position``."""
        # The number of a written position is a double.
        at = self._graph.const(float(position))
        return self._graph.app(LOAD_VOLUME, (self._path, at), self._site)


class Part:
    """Neighbouring elements of another sequence."""

    def __init__(self, source: Elements, positions: range) -> None:
        self.source = source
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)

    def ref(self, position: int) -> Ref:
        """Return the element at ``position`` of this part."""
        return self.source.ref(self.positions[position])


class ScalarStream:
    """Elements that are computed as scalars, chunk by chunk, without nodes."""

    def __init__(self, items: Sequence[Value], loops: list[ScalarLoop]) -> None:
        self.items = items
        self.loops = loops

    @property
    def executed(self) -> int:
        """Operations per element."""
        return sum(loop.executed for loop in self.loops)


Rule: TypeAlias = "Callable[[Ref, App], Generator[Request, list[Value], Value]]"


class Sequences:
    """The rules of the forms, such as sequence, range, for, fold, index, volumes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._graph = engine.graph
        self._elements: dict[Ref, Elements] = {}
        self._relied: dict[Ref, Relied] = {}
        """What the elements of sequences were told from, where that is somebody."""
        self._rules: dict[str, Rule] = {
            "sequence": self._collect,
            "for": self._collect,
            "filter": self._collect,
            "slice": self._collect,
            "volumes": self._collect,
            "index": self._index,
            "fold": self._fold,
        }

    def expand(self, ref: Ref, node: App, operation: Operation) -> bool:
        """Compute a form's value by its own rule; False if it is an ordinary call."""
        rule = self._rules.get(operation.form)
        if rule is None:
            return False
        is_part = operation.form in ("index", "slice", "volumes")
        if is_part and not self._is_structural(ref):
            return False
        self._engine.rules.spawn(ref, self._finish(ref, rule(ref, node)))
        return True

    def _finish(
        self, ref: Ref, rule: Generator[Request, list[Value], Value]
    ) -> Generator[Request, list[Value], None]:
        self._engine.complete_form(ref, (yield from rule))

    def forget(self, ref: Ref) -> None:
        """Find out anew of what a sequence consists when it is needed again."""
        self._elements.pop(ref, None)
        self._relied.pop(ref, None)

    # ---- keys of what depends on files or loops ----------------------------

    def find_key(
        self, ref: Ref, then: Callable[[Ref], None]
    ) -> Generator[Request, list[Value], None]:
        """Do what it takes to key a node, if it can have a key, then call ``then``."""
        yield from self._key(ref)
        then(ref)

    def _key(self, ref: Ref) -> Generator[Request, list[Value], None]:
        graph, engine = self._graph, self._engine
        for at in self._unkeyed_below(ref):
            node = graph.nodes[at]
            assert isinstance(node, App)
            operation = graph.operation(node.primitive)
            path = node.args[0] if node.args else None
            if operation.reads and path is not None:
                (text,) = yield [path]
                try:
                    graph.set_path(at, text)
                except PrimitivesError as error:
                    raise UnavailableError(engine.failure(at, str(error))) from None
                engine.release(path)
            elif (
                graph.rekey(at) is None
                and operation.form in ("for", "filter", "slice", "sequence")
                # To see what an opaque slice consists of would take its own value.
                and self._is_structural(at)
            ):
                elements = yield from self._elements_of(at)
                refs = self._refs(elements)
                self._remember(at, Nodes(refs))
                for element in refs:
                    if graph.keys[element] is None:
                        yield from self._key(element)
                graph.set_elements(at, refs)
            if graph.keys[at] is None:
                engine.demand.mark_keyless(at)

    def _unkeyed_below(self, ref: Ref) -> list[Ref]:
        """List the applications that must be keyed before ``ref``, and it, in order."""
        graph = self._graph
        seen: set[Ref] = set()
        todo = [ref]
        while todo:
            at = todo.pop()
            node = graph.nodes[at]
            if (
                at in seen
                or graph.keys[at] is not None
                or graph.builder.free[at]
                or self._engine.demand.is_keyless(at)
                or not isinstance(node, App)
            ):
                continue
            seen.add(at)
            if not graph.operation(node.primitive).reads:
                todo.extend(arg for arg in node.args if arg is not None)
        return sorted(seen)

    # ---- elements ----------------------------------------------------------

    def _is_structural(self, ref: Ref | None) -> bool:
        """Return whether a node's elements can be told without its value."""
        while ref is not None:
            node = self._graph.nodes[ref]
            if not isinstance(node, App):
                return False
            form = self._graph.operation(node.primitive).form
            if form == "volumes":
                return self._is_seekable(node.args[0])
            if form not in ("slice", "index"):
                return form in ("sequence", "for", "filter", "range")
            ref = node.args[0]
        return False

    def _is_seekable(self, ref: Ref | None) -> bool:
        """Return whether an image is a file whose volumes can be read one by one."""
        if ref is None or ref not in self._graph.files:
            return False
        node = self._graph.nodes[ref]
        is_plain = isinstance(node, App) and node.primitive in WHOLE_READERS
        return is_plain and self._graph.files[ref].suffix in SEEKABLE_SUFFIXES

    def _elements_of(self, ref: Ref) -> Generator[Request, list[Value], Elements]:
        found = self._elements.get(ref)
        if found is None:
            found = yield from self._find_elements(ref)
            self._remember(ref, found)
        elif self._relied:
            self._engine.rules.rely(self._relied.get(ref, NOBODY))
        return found

    def _remember(self, ref: Ref, elements: Elements) -> None:
        """Take note of what a sequence consists of, for other rules too."""
        self._elements[ref] = elements
        # All that this rule was told counts, though not all of it may matter here.
        if relied := self._engine.rules.relied_now:
            self._relied[ref] = relied

    def _find_elements(self, ref: Ref) -> Generator[Request, list[Value], Elements]:
        node = self._graph.nodes[ref]
        if not isinstance(node, App) or not self._is_structural(ref):
            return (yield from self._opaque(ref))
        match self._graph.operation(node.primitive).form:
            case "sequence":
                return Nodes([arg for arg in node.args if arg is not None])
            case "range":
                return (yield from self._range(ref, node))
            case "for":
                source, function = _loop(node)
                elements = yield from self._elements_of(source)
                return Mapped(self._graph, elements, function)
            case "filter":
                return (yield from self._filter(node))
            case "slice":
                return (yield from self._slice(node))
            case "volumes":
                return (yield from self._volumes(ref, node))
            case _:
                item = yield from self._item(node)
                return (yield from self._elements_of(item))

    def _opaque(self, ref: Ref) -> Generator[Request, list[Value], Elements]:
        (value,) = yield [ref]
        self._engine.release(ref)
        if not isinstance(value, tuple):
            raise KernelTypeError(f"a sequence is needed here, not {kind_of(value)}")
        return Items(self._graph, ref, value)

    def _range(self, ref: Ref, node: App) -> Generator[Request, list[Value], Elements]:
        bounds = [arg for arg in node.args if arg is not None]
        values = yield bounds
        # The kernel makes a tuple; a loop needs only its ends.
        kernel = self._graph.operation(node.primitive).kernel
        kernel(
            self._engine.context,
            *[min(value, 1) if _is_number(value) else value for value in values],
        )
        low, high = (0, *map(int, values))[-2:]
        return Items(self._graph, ref, range(low, high))

    def _volumes(
        self, ref: Ref, node: App
    ) -> Generator[Request, list[Value], Elements]:
        reader = self._graph.nodes[_first(node)]
        assert isinstance(reader, App)
        path, site = _first(reader), self._graph.builder.node_sites[ref]
        counted = self._graph.app(VOLUME_COUNT, (path,), site)
        self._engine.grow()
        (count,) = yield [counted]
        self._engine.release(counted)
        return Volumes(self._graph, path, count, site)

    def _slice(self, node: App) -> Generator[Request, list[Value], Elements]:
        source = yield from self._elements_of(_first(node))
        bounds = [arg for arg in node.args[1:] if arg is not None]
        known = dict(zip(bounds, (yield bounds), strict=True))
        kernel = self._graph.operation(node.primitive).kernel
        # The kernel cuts the positions as it would cut the items.
        kept = kernel(
            self._engine.context,
            tuple(range(len(source))),
            *[None if arg is None else known[arg] for arg in node.args[1:]],
        )
        return Part(source, range(kept[0], kept[-1] + 1) if kept else range(0))

    def _item(self, node: App) -> Generator[Request, list[Value], Ref]:
        """Return the node that an index of a structural sequence means."""
        source = yield from self._elements_of(_first(node))
        at = node.args[1]
        assert at is not None
        (position,) = yield [at]
        kernel = self._graph.operation(node.primitive).kernel
        ref = source.ref(
            kernel(self._engine.context, tuple(range(len(source))), position)
        )
        self._engine.grow()
        return ref

    def _filter(self, node: App) -> Generator[Request, list[Value], Elements]:
        source_ref, function = _loop(node)
        source = yield from self._elements_of(source_ref)
        tests = Mapped(self._graph, source, function)
        stream = yield from self._as_scalars(tests)
        chosen: list[int] = []
        if stream is not None:
            for start in range(0, len(source), CHUNK):
                found = self._chunk(stream, start)
                chosen.extend(start + at for at, ok in enumerate(found) if _truth(ok))
                yield None
        else:
            refs = self._refs(tests)
            values = yield refs
            chosen.extend(at for at, ok in enumerate(values) if _truth(ok))
            self._release(refs)
        return Nodes(self._refs(source, chosen))

    def _refs(
        self, elements: Elements, positions: Sequence[int] | None = None
    ) -> list[Ref]:
        if isinstance(elements, Nodes) and positions is None:
            return list(elements.refs)
        wanted = range(len(elements)) if positions is None else positions
        refs = [elements.ref(position) for position in wanted]
        self._engine.grow()
        return refs

    def _release(self, refs: Sequence[Ref]) -> None:
        for ref in refs:
            self._engine.release(ref)

    # ---- values ------------------------------------------------------------

    def _collect(self, ref: Ref, _node: App) -> Generator[Request, list[Value], Value]:
        """Return a sequence as a value: the tuple of its elements' values."""
        elements = yield from self._elements_of(ref)
        stream = yield from self._as_scalars(elements)
        if stream is None:
            refs = self._refs(elements)
            values = yield refs
            self._release(refs)
            return tuple(values)
        if not stream.loops:
            return tuple(stream.items)
        collected: list[Value] = []
        for start in range(0, len(elements), CHUNK):
            collected.extend(self._chunk(stream, start))
            yield None
        return tuple(collected)

    def _index(self, _ref: Ref, node: App) -> Generator[Request, list[Value], Value]:
        item = yield from self._item(node)
        (value,) = yield [item]
        self._engine.release(item)
        return value

    def _fold(self, ref: Ref, node: App) -> Generator[Request, list[Value], Value]:
        symbol_ref, seed, items = (*node.args, None)[:3]
        assert symbol_ref is not None
        assert items is not None
        (symbol,) = yield [symbol_ref]
        rule = FOLD_OPERATORS.get(symbol) if isinstance(symbol, str) else None
        if rule is None:
            known = ", ".join(sorted(FOLD_OPERATORS))
            raise KernelError(f"fold knows no operator {symbol!r}, only {known}")
        elements = yield from self._elements_of(items)
        if seed is None and not rule.starts_from_first:
            seed = self._graph.const(rule.seed)
            self._engine.grow()
        if seed is None and not len(elements):
            raise KernelError(f"an empty sequence has no {symbol}; give fold a seed")
        stream = yield from self._as_scalars(elements)
        if stream is not None:
            total: Value = None
            if seed is not None:
                (total,) = yield [seed]
                self._engine.release(seed)
            if seed is None or type(total) in SCALAR_TYPES:
                return (
                    yield from self._fold_scalars(
                        stream, rule.primitive, seed is not None, total
                    )
                )
        return (yield from self._fold_nodes(ref, rule.primitive, seed, elements))

    def _fold_scalars(
        self, stream: ScalarStream, primitive: str, has_seed: bool, total: Value
    ) -> Generator[Request, list[Value], Value]:
        kernel = self._graph.operation(primitive).kernel
        context = self._engine.context
        for start in range(0, len(stream.items), CHUNK):
            values = self._chunk(stream, start)
            if not has_seed:
                has_seed, total, values = True, values[0], values[1:]
            for value in values:
                total = kernel(context, total, value)
            self._engine.count_executed(len(values))
            yield None
        return total

    def _fold_nodes(
        self, ref: Ref, primitive: str, seed: Ref | None, elements: Elements
    ) -> Generator[Request, list[Value], Value]:
        """Fold as a chain of nodes, so that its beginnings are shared and kept."""
        site = self._graph.builder.node_sites[ref]
        total = seed
        for position in range(len(elements)):
            # Each step is made right after its element, which it lets go of: what is
            # ready is computed in the order in which nodes were made.
            element = elements.ref(position)
            if total is None:
                total = element
            else:
                total = self._graph.app(primitive, (total, element), site)
        assert total is not None
        self._engine.grow()
        (value,) = yield [total]
        self._engine.release(total)
        return value

    # ---- scalars without nodes ---------------------------------------------

    def _as_scalars(
        self, elements: Elements
    ) -> Generator[Request, list[Value], ScalarStream | None]:
        """Return a stream of the elements if all are light functions of scalars."""
        functions: list[Ref] = []
        while isinstance(elements, Mapped):
            functions.append(elements.function)
            elements = elements.source
        items = self._scalar_items(elements)
        if items is None:
            return None
        if not items:
            # What the bodies refer to is needed by no item.
            return ScalarStream(items, [])
        loops = []
        for function in reversed(functions):
            loop = ScalarLoop.compile(self._graph, function)
            if loop is None or any(
                map(self._graph.is_placed.__getitem__, loop.captured)
            ):
                return None
            loops.append(loop)
        for loop in loops:
            loop.bind((yield loop.captured))
        return ScalarStream(items, loops)

    def _scalar_items(self, elements: Elements) -> Sequence[Value] | None:
        if isinstance(elements, Part):
            items = self._scalar_items(elements.source)
            positions = elements.positions
            return None if items is None else items[positions.start : positions.stop]
        if isinstance(elements, Nodes):
            nodes = [self._graph.nodes[ref] for ref in elements.refs]
            if not all(isinstance(node, Const) for node in nodes):
                return None
            return [node.value for node in nodes if isinstance(node, Const)]
        if not isinstance(elements, Items) or elements.is_placed:
            return None
        if isinstance(elements.items, range):
            return elements.items
        if any(type(item) not in SCALAR_TYPES for item in elements.items):
            return None
        return elements.items

    def _chunk(self, stream: ScalarStream, start: int) -> list[Value]:
        values: Sequence[Value] = stream.items[start : start + CHUNK]
        engine = self._engine
        captured: list[Ref] = []
        for loop in stream.loops:
            captured += loop.captured
            # What is packed with others has no room to say whose word it rests on.  An
            # item is a constant to the loop, wherever it comes from.
            relied = engine.reliances.union(loop.captured)
            if engine.keeper.keeps_everything and not relied:
                keep = partial(self._keep_element, captured)
                values = loop.run_keeping(values, keep)
            else:
                values = loop.run(values)
        engine.count_executed(stream.executed * len(values))
        return list(values)

    def _keep_element(self, captured: list[Ref], key: NodeKey, value: Value) -> None:
        self._engine.keeper.add_small(key, value, captured)


def _is_number(value: Value) -> TypeGuard[int | float]:
    return type(value) in (int, float)


def _loop(node: App) -> tuple[Ref, Ref]:
    source, function = node.args
    assert source is not None
    assert function is not None
    return source, function


def _first(node: App) -> Ref:
    assert node.args[0] is not None
    return node.args[0]


def _truth(value: Value) -> bool:
    if type(value) not in (bool, int, float):
        raise KernelTypeError(
            f"the condition of a filter must be true or false, not {kind_of(value)}"
        )
    return bool(value)
