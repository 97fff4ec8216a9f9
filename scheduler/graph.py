"""The nodes of one run, their keys, and the files they read.

A run's graph starts as the program's plan and grows as loops expand.  Every node has
a key as soon as it can have one:

* a node that reads a file is keyed by the file's content, so it has no key before
  its path is known;
* a node whose value depends on a place (a listing of a folder, ``$dir``) never has
  one: it is evaluated in every run and never stored;
* an open node, one inside a function, has a key that only serves the function's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from primitives.context import Context
from primitives.environment import environment_class
from primitives.errors import KernelTypeError, PrimitivesError
from primitives.files import InputFile
from primitives.registry import (
    KINDS,
    Cost,
    Determinism,
    Kernel,
    Primitive,
    Registry,
)
from primitives.values import Value, kind_of
from store import NodeKey

from .keys import (
    application_key,
    constant_key,
    function_key,
    param_key,
)
from .plan import App, Const, Fn, Node, Param, Place, Plan, PlanBuilder, Ref, children

GZIP_RATIO = 6
"""Voxels of a compressed image per byte of its file, roughly."""

STATIC_DEPTH = 64
"""Deeper expressions for a path are left to the run, which does not recurse."""


class InputResolver(Protocol):
    """Finds out what a path names: its format and the digests of its bytes."""

    def resolve(self, path: str) -> tuple[InputFile, NodeKey]:
        """Return the file behind ``path`` and the key of its content.

        Raises:
            InputFileError: there is no such readable file.
        """


@dataclass(slots=True)
class Operation:
    """A primitive as a run uses it: looked up, imported and classified once."""

    primitive: Primitive
    identity: tuple[str, int, str]
    environment: str
    form: str
    is_light: bool
    """Whether it takes microseconds when all its arguments are scalars."""
    has_scalar_result: bool
    maps_scalars: bool
    """Whether its result is a scalar when all its arguments are."""
    is_volatile: bool
    reads: bool
    commutes: bool
    max_threads: int
    _kernel: Kernel | None = None

    @property
    def kernel(self) -> Kernel:
        """The function; imported at the first use."""
        if self._kernel is None:
            self._kernel = self.primitive.load()
        return self._kernel


SEQUENCE = "default.sequence"
"""The primitive behind an array literal."""

COMMUTATIVE_SCALARS = frozenset(
    f"default.{name}"
    for name in (
        *("addition", "multiplication", "num_eq", "num_neq"),
        *("logical_and", "logical_or", "minimum", "maximum"),
    )
)
"""Exactly commutative on integers and booleans: the order of arguments is not keyed."""

INTEGRAL = frozenset({"int", "bool"})
_SCALAR = frozenset({"null", "bool", "int", "double", "string"})


class Graph:
    """Nodes, keys and input files of one run."""

    def __init__(
        self,
        plan: Plan,
        registry: Registry,
        inputs: InputResolver,
        directory: Path | None = None,
    ) -> None:
        self.builder = PlanBuilder(plan)
        self.nodes: list[Node] = self.builder.nodes
        self.keys: list[NodeKey | None] = []
        self.is_placed: list[bool] = []
        """Per node, whether its value depends on where things lie on this machine."""
        self.is_scalar: list[bool] = []
        """Per node, whether its value is known to be a scalar."""
        self.is_small: list[bool] = []
        """Per node, whether it is known to be a light operation on scalars."""
        self.voxels: list[int] = []
        """Per node, a guess of the voxels of its arguments, from the files' sizes."""
        self.files: dict[Ref, InputFile] = {}
        """What the readers read."""
        self.problems: dict[Ref, str] = {}
        """Readers and listings whose file or folder cannot be had, and why."""
        self.elements: dict[Ref, Sequence[Ref]] = {}
        """The elements of the sequences that are keyed by them."""
        self._origins: list[tuple[Ref, Ref, Ref, Ref]] = []
        """Runs of nodes that instances brought: first, end, function, argument."""
        self._file_keys: dict[Ref, NodeKey] = {}
        self._listings: dict[Ref, Value] = {}
        self._expanded = False
        self.directory = directory or Path()
        self._context = Context(directory=self.directory)
        self._inputs = inputs
        # A dictionary's own method: it is called several times for every node.
        self.operation: Callable[[str], Operation] = _Operations(registry).__getitem__
        """Returns what is to be known of a primitive."""
        self.extend()

    def extend(self) -> None:
        """Key the nodes that were added since the last call."""
        first, end = len(self.keys), len(self.nodes)
        self.keys.extend([None] * (end - first))
        self.voxels.extend([0] * (end - first))
        for flags in (self.is_placed, self.is_scalar, self.is_small):
            flags.extend([False] * (end - first))
        for ref in range(first, end):
            node = self.nodes[ref]
            if isinstance(node, App):
                self._classify(ref, node)
            else:
                self.is_scalar[ref] = isinstance(node, (Const, Place))
            self.keys[ref] = self._make_key(ref, node)
            if not self.is_small[ref]:
                self._guess_voxels(ref, node)

    def instantiate(self, function: Ref, argument: Ref) -> Ref:
        """Return the body of ``function`` for ``argument``, keyed."""
        first = len(self.nodes)
        ref = self.builder.instantiate(function, argument)
        if len(self.nodes) > first:
            self._origins.append((first, len(self.nodes), function, argument))
            self.extend()
        return ref

    def origin(self, ref: Ref) -> tuple[Ref, Ref] | None:
        """Return the function and argument whose instance brought a node, if any."""
        at = bisect_right(self._origins, ref, key=lambda origin: origin[0]) - 1
        if at < 0 or ref >= self._origins[at][1]:
            return None
        return self._origins[at][2:]

    def const(self, value: Value) -> Ref:
        """Return the keyed node of a constant."""
        ref = self.builder.const(value)
        self.extend()
        return ref

    def place(self, text: str) -> Ref:
        """Return the node of a string that depends on where things lie."""
        ref = self.builder.place(text)
        self.extend()
        return ref

    def app(self, primitive: str, args: Sequence[Ref | None], site: int) -> Ref:
        """Return the keyed node of an application."""
        ref = self.builder.app(primitive, args, site)
        self.extend()
        return ref

    def set_path(self, reader: Ref, path: Value) -> None:
        """Tell the path of a reader whose path had to be computed.

        Raises:
            InputFileError: there is no such readable file.
        """
        self._open(reader, path)
        self.rekey(reader)

    def set_elements(self, sequence: Ref, elements: Sequence[Ref]) -> None:
        """Key an expanded sequence as the literal of its elements."""
        keys = [self.keys[element] for element in elements]
        if None not in keys:
            literal = self.operation(SEQUENCE).identity
            self.keys[sequence] = application_key(*literal, keys)
            self.elements[sequence] = elements
            self._expanded = True

    def above(self, refs: Collection[Ref]) -> list[Ref]:
        """Return the nodes that refer to any of ``refs``, directly or not, in order."""
        reached = set(refs)
        found = []
        for at in range(min(refs, default=len(self.nodes)) + 1, len(self.nodes)):
            if not reached.isdisjoint(children(self.nodes[at])):
                reached.add(at)
                found.append(at)
        return found

    def reopen(self, reader: Ref, above: Sequence[Ref]) -> bool:
        """Key a reader, and the nodes above it, by what its file holds now.

        Args:
            reader: whose file changed after it was keyed.
            above: the nodes above it, of which none has a value.

        Returns:
            False if it cannot be done, because keys of loops may go back to the file.

        Raises:
            InputFileError: there is no such readable file any more.
        """
        if self._expanded or self.origin(reader) is not None:
            return False
        self._open(reader, str(self.files[reader].path))
        for ref in (reader, *above):
            self.keys[ref] = self._make_key(ref, self.nodes[ref])
        return True

    def rekey(self, ref: Ref) -> NodeKey | None:
        """Key a node whose arguments have become keyed; return its key, if any."""
        if self.keys[ref] is None:
            self.keys[ref] = self._make_key(ref, self.nodes[ref])
            self._guess_voxels(ref, self.nodes[ref])
        return self.keys[ref]

    def file_key(self, ref: Ref) -> NodeKey | None:
        """Return the key of the content of the file that a node reads, if any."""
        return self._file_keys.get(ref)

    def static_value(self, ref: Ref, depth: int = 0) -> tuple[bool, Value]:
        """Return (True, value) of what can be told without running anything."""
        node = self.nodes[ref]
        if isinstance(node, Const):
            return True, node.value
        if isinstance(node, Place):
            return True, node.text
        if not isinstance(node, App) or depth > STATIC_DEPTH:
            return False, None
        if ref in self._listings:
            return True, self._listings[ref]
        operation = self.operation(node.primitive)
        if operation.form or operation.reads or not operation.is_light:
            return False, None
        values = []
        for arg in node.args:
            if arg is None:
                return False, None
            known, value = self.static_value(arg, depth + 1)
            if not known:
                return False, None
            values.append(value)
        value = operation.kernel(self._context, *values)
        if operation.is_volatile:
            self._listings[ref] = value
        return True, value

    def _classify(self, ref: Ref, node: App) -> None:
        operation = self.operation(node.primitive)
        is_scalar = self.is_scalar
        if operation.is_light and not operation.form and not operation.reads:
            for arg in node.args:
                if arg is not None and not is_scalar[arg]:
                    break
            else:
                self.is_small[ref] = True
        is_scalar[ref] = operation.has_scalar_result or (
            self.is_small[ref] and operation.maps_scalars
        )

    def _guess_voxels(self, ref: Ref, node: Node) -> None:
        file = self.files.get(ref)
        if file is None:
            known = self.voxels
            self.voxels[ref] = max((known[arg] for arg in children(node)), default=0)
        else:
            packed = GZIP_RATIO if file.suffix.endswith(".gz") else 1
            size = sum(signature.size for _, signature in file.expected)
            self.voxels[ref] = packed * size

    def _make_key(self, ref: Ref, node: Node) -> NodeKey | None:
        match node:
            case App():
                return self._application(ref, node)
            case Const():
                return constant_key(node.value)
            case Place():
                self.is_placed[ref] = True
                return None
            case Param():
                return param_key(node.index)
            case Fn():
                body = self.keys[node.body]
                self.is_placed[ref] = self.is_placed[node.body]
                return None if body is None else function_key(body)

    def _application(self, ref: Ref, node: App) -> NodeKey | None:
        operation = self.operation(node.primitive)
        if operation.reads:
            return self._reader(ref, node, operation)
        keys: list[NodeKey | None] = []
        for arg in node.args:
            key = None
            if arg is not None:
                key = self.keys[arg]
                if key is None:
                    self.is_placed[ref] = self.is_placed[arg] and not operation.form
                    return None
            keys.append(key)
        if operation.is_volatile:
            self.is_placed[ref] = True
            self._evaluate_place(ref)
            return None
        if operation.commutes and self._are_integral(node):
            keys.sort()
        return application_key(*operation.identity, keys)

    def _evaluate_place(self, ref: Ref) -> None:
        if self.builder.free[ref] == 0:
            try:
                self.static_value(ref)
            except PrimitivesError as error:
                self.problems[ref] = str(error)

    def _reader(self, ref: Ref, node: App, operation: Operation) -> NodeKey | None:
        path = node.args[0]
        if path is None or self.builder.free[path] > 0:
            return None
        if ref not in self.files:
            try:
                known, text = self.static_value(path)
                if not known:
                    return None
                self._open(ref, text)
            except PrimitivesError as error:
                self.problems[ref] = str(error)
                return None
        keys: list[NodeKey | None] = [self._file_keys[ref]]
        for arg in node.args[1:]:
            key = None if arg is None else self.keys[arg]
            if arg is not None and key is None:
                return None
            keys.append(key)
        return application_key(*operation.identity, keys)

    def _open(self, reader: Ref, path: Value) -> None:
        if not isinstance(path, str):
            raise KernelTypeError(
                f"the path of a file must be a string, this is a {kind_of(path)}"
            )
        self.files[reader], self._file_keys[reader] = self._inputs.resolve(path)

    def _are_integral(self, node: App) -> bool:
        return all(
            arg is not None and self.kinds_of(arg) <= INTEGRAL for arg in node.args
        )

    def kinds_of(self, ref: Ref) -> frozenset[str]:
        """Return the kinds that a node's value may have, as far as can be told."""
        node = self.nodes[ref]
        if isinstance(node, Const):
            return frozenset({kind_of(node.value)})
        if isinstance(node, App):
            return self.operation(node.primitive).primitive.result_kinds
        return KINDS


class _Operations(dict[str, Operation]):
    """Operations by the names of their primitives, made at the first use."""

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self._registry = registry

    def __missing__(self, name: str) -> Operation:
        found = self[name] = _operation(self._registry.get(name))
        return found


def _operation(primitive: Primitive) -> Operation:
    environment = environment_class(primitive)
    return Operation(
        primitive=primitive,
        identity=(primitive.name, primitive.version, environment),
        environment=environment,
        form=primitive.form,
        is_light=primitive.cost in (Cost.TRIVIAL, Cost.CHEAP),
        has_scalar_result=primitive.result_kinds <= _SCALAR,
        maps_scalars=bool(primitive.result_kinds & _SCALAR)
        and primitive.result_kinds != KINDS,
        is_volatile=primitive.determinism is Determinism.VOLATILE,
        reads=primitive.reads,
        commutes=primitive.name in COMMUTATIVE_SCALARS,
        max_threads=1
        if primitive.determinism is Determinism.THREADS
        else primitive.max_threads,
    )
