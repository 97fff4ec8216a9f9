"""What programs can call: names, signatures, versions, and where the kernels are.

This module and the namespace tables import no kernel, so that a program can be
parsed, checked and answered from the store without numpy or SimpleITK.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from .errors import UnknownPrimitiveError
from .values import Value

if TYPE_CHECKING:
    from .reference import Reference

Kernel = Callable[..., Value]
"""``kernel(context, *arguments, **named)``; see :class:`primitives.context.Context`."""

NUMBER = frozenset({"int", "double"})
_SCALAR_KINDS = ("null", "bool", "int", "double", "string", "bytes")
KINDS = frozenset((*_SCALAR_KINDS, "image", "mask", "sequence", "record"))
_KIND_SETS: dict[str, frozenset[str]] = {
    **{kind: frozenset({kind}) for kind in KINDS},
    "number": NUMBER,
    "any": KINDS,
    # A mask serves where an image is asked for (0 and 1), and an image where a mask
    # is (nonzero is true).
    "image": frozenset({"image", "mask"}),
    "mask": frozenset({"image", "mask"}),
}


class Determinism(Enum):
    """What a kernel promises about its bits."""

    EXACT = "exact"
    """The same bits everywhere: logic, labels, integers, IEEE basic operations."""
    FLOAT = "float"
    """The same bits within one environment class, whatever the number of threads."""
    THREADS = "threads"
    """As FLOAT, but only with one thread; it is always run so."""
    VOLATILE = "volatile"
    """No promise (a directory listing); never stored nor shared."""


class Cost(Enum):
    """First guess of a kernel's time, in nanoseconds per voxel of its arguments."""

    TRIVIAL = 0.0
    CHEAP = 1.0
    LINEAR = 8.0
    HEAVY = 80.0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One formal parameter of a primitive.

    Attributes:
        name: how a program may name it.
        kinds: kinds of value it takes.
        text: its type as written in the signature, for people.
        optional: whether it may be omitted.
        variadic: whether it takes all further positional arguments (zero or more,
            or one or more when not optional).
        default: what omitting it means, for people.
    """

    name: str
    kinds: frozenset[str]
    text: str
    optional: bool = False
    variadic: bool = False
    default: str = ""


@dataclass(frozen=True)
class Primitive:
    """One operation that programs can call.

    Attributes:
        name: qualified name, ``namespace.name``.
        version: integer, raised whenever results may change.
        signature: ``"image: image, low: number, high: number = 1.0 -> mask"``;
            ``*name: type`` takes the rest, ``name: type?`` may be omitted, unions are
            written ``image|number``.
        kernel: where the function is, ``"module:function"``; empty for the forms that
            the scheduler itself expands.
        determinism: what the bits depend on.
        cost: first guess of the time.
        summary: one sentence for people.
        libraries: distributions whose exact version belongs to the environment class.
        extra: optional part of voxpeer that brings these libraries, or empty; without
            it a program is still checked, and the call itself fails.
        drops: parts of the environment class that a test shows not to matter.
        max_threads: more threads than this do not help.
        reads: whether the first argument is the path of a file, entered by content.
        reveals_input: whether the result may show the voxels, or the text, of an
            argument that does.
        form: name of the scheduler's own rule (``"for"``, ``"index"``, …), or empty.
        bound: arguments put before the program's, for kernels shared by many names.
        details: further text for people; paragraphs of the reference page.

    What each parameter means, units and examples are no part of the table, which is
    read in every run; see :attr:`reference`.
    """

    name: str
    version: int
    signature: str
    kernel: str
    determinism: Determinism
    cost: Cost
    summary: str
    libraries: tuple[str, ...] = ()
    extra: str = field(default="", kw_only=True)
    drops: frozenset[str] = frozenset()
    max_threads: int = 1
    reads: bool = False
    reveals_input: bool = False
    form: str = ""
    bound: tuple[str, ...] = ()
    details: str = field(default="", compare=False)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Formal parameters in order."""
        formals = self.signature.rpartition("->")[0].strip()
        return tuple(_parameter(text) for text in formals.split(",") if text.strip())

    @cached_property
    def result_kinds(self) -> frozenset[str]:
        """Kinds that the result may have."""
        text = self.signature.rpartition("->")[2].strip()
        if text in ("image", "mask"):
            return frozenset({text})
        return parse_kinds(text)

    @property
    def namespace(self) -> str:
        """The part of the name before its first dot."""
        return self.name.partition(".")[0]

    @property
    def short_name(self) -> str:
        """The part of the name after its first dot."""
        return self.name.partition(".")[2]

    @property
    def reference(self) -> Reference:
        """What its page says besides, read from ``primitives/reference/``."""
        from .reference import reference_of

        return reference_of(self)

    def load(self) -> Kernel:
        """Import and return the kernel."""
        module, _, function = self.kernel.partition(":")
        kernel: Kernel = getattr(importlib.import_module(module), function)
        if not self.bound:
            return kernel
        bound = self.bound
        return lambda context, *args, **named: kernel(context, *bound, *args, **named)


def parse_kinds(text: str) -> frozenset[str]:
    """Return the kinds that a type of a signature stands for."""
    found: frozenset[str] = frozenset()
    for word in text.split("|"):
        found |= _KIND_SETS[word.strip()]
    return found


def _parameter(text: str) -> Parameter:
    name, _, rest = text.strip().partition(":")
    kinds, _, default = rest.partition("=")
    kinds = kinds.strip()
    optional = bool(default) or kinds.endswith("?")
    kinds = kinds.removesuffix("?").strip()
    return Parameter(
        name.strip().lstrip("*"),
        parse_kinds(kinds),
        kinds,
        optional,
        name.strip().startswith("*"),
        default.strip(),
    )


Table = Mapping[str, Primitive]
"""Primitives of one namespace by short name; one primitive may have several names."""


class Registry:
    """Namespaces of primitives, each loaded at its first use.

    An unqualified name is looked for in ``default``, then in the imported namespaces
    in their order, then in all others in alphabetical order.
    """

    def __init__(self, tables: Mapping[str, Callable[[], Table]]) -> None:
        self._loaders = dict(tables)
        self._tables: dict[str, Table] = {}

    @property
    def namespaces(self) -> tuple[str, ...]:
        """All namespaces, sorted."""
        return tuple(sorted(self._loaders))

    def table(self, namespace: str) -> Table:
        """Return the primitives of one namespace by short name.

        Raises:
            UnknownPrimitiveError: there is no such namespace.
        """
        if namespace not in self._loaders:
            raise UnknownPrimitiveError(
                f"there is no namespace '{namespace}'; "
                f"there are {', '.join(self.namespaces)}"
            )
        if namespace not in self._tables:
            self._tables[namespace] = self._loaders[namespace]()
        return self._tables[namespace]

    def find(self, name: str, imported: Sequence[str] = ()) -> Primitive | None:
        """Return the primitive that ``name`` means, qualified or not, or None."""
        namespace, dot, short = name.partition(".")
        if dot and short and namespace in self._loaders:
            return self.table(namespace).get(short)
        for namespace in self._search_order(imported):
            found = self.table(namespace).get(name)
            if found is not None:
                return found
        return None

    def get(self, name: str) -> Primitive:
        """Return the primitive with this qualified name.

        Raises:
            UnknownPrimitiveError: there is none; the message suggests near names.
        """
        found = self.find(name)
        if found is None:
            near = " or ".join(f"'{other}'" for other in self.suggest(name))
            hint = f"; did you mean {near}?" if near else ""
            raise UnknownPrimitiveError(f"there is no primitive '{name}'{hint}")
        return found

    def names(self) -> Iterator[str]:
        """Yield every qualified name."""
        for namespace in self.namespaces:
            for short in self.table(namespace):
                yield f"{namespace}.{short}"

    def suggest(self, name: str, known: Iterable[str] = ()) -> list[str]:
        """Return up to two known names that look like ``name``, nearest first."""
        names = {*known, *(full.partition(".")[2] for full in self.names())}
        lowered = {other.lower(): other for other in sorted(names, reverse=True)}
        near = difflib.get_close_matches(name.lower(), lowered, n=2, cutoff=0.7)
        return [lowered[other] for other in near]

    def _search_order(self, imported: Sequence[str]) -> Iterator[str]:
        seen = {"default"}
        yield "default"
        for namespace in (*imported, *self.namespaces):
            if namespace not in seen and namespace in self._loaders:
                seen.add(namespace)
                yield namespace
