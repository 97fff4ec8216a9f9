"""The plan: what a program computes, as nodes that refer to earlier nodes.

A plan is one flat list.  A *reference* is an index into it, always smaller than the
index of the node that holds it, so the list is acyclic and in evaluation order, and
nothing here recurses.  Equal nodes are one entry.

Functions (the bodies of loops) are nodes too.  Inside a body the loop variable is a
:class:`Param` counted outwards by de Bruijn index: 0 is the variable of the innermost
loop.  A node that holds a parameter of a loop around it is *open* and stands for no
value of its own; :meth:`PlanBuilder.instantiate` puts nodes for its parameters and
gives exactly the nodes that the written-out expression would have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from primitives.values import Value

Ref: TypeAlias = int
"""Index of a node in its plan."""

Scalar: TypeAlias = bool | int | float | str | None
"""Kinds of value that a constant may have."""


class Const(msgspec.Struct, frozen=True, gc=False, tag="c", array_like=True):
    """A constant; the kinds of its value are told apart (``1`` is not ``1.0``)."""

    value: Scalar


class Place(msgspec.Struct, frozen=True, gc=False, tag="p", array_like=True):
    """A string that depends on where the program lies (``$dir``, ``$cwd``).

    Nothing computed from its text is stored or shared; a file read through it enters
    by content.
    """

    text: str


class App(msgspec.Struct, frozen=True, gc=False, tag="a", array_like=True):
    """A primitive applied to arguments.

    Attributes:
        primitive: qualified name.
        args: one reference per formal in the order of the signature, None where an
            optional argument is omitted before a given one; trailing omitted
            arguments are left out.  Variadic arguments come last.
    """

    primitive: str
    args: tuple[Ref | None, ...]


class Param(msgspec.Struct, frozen=True, gc=False, tag="v", array_like=True):
    """The variable of an enclosing function, by de Bruijn index."""

    index: int


class Fn(msgspec.Struct, frozen=True, gc=False, tag="f", array_like=True):
    """A function of one variable; ``body`` may refer to it as ``Param(0)``."""

    body: Ref


Node: TypeAlias = Const | Place | App | Param | Fn


class Site(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A place in a program's text.

    Attributes:
        file: index into :attr:`Plan.files`.
        line: counted from 1.
        column: counted from 1, in characters.
        end_column: first column after it, on the same line.
        caller: index into :attr:`Plan.sites` of the call that led into the function
            this place is in, or -1.
        name: the function that ``caller`` calls, or empty.
    """

    file: int
    line: int
    column: int
    end_column: int
    caller: int = -1
    name: str = ""


class Goal(msgspec.Struct, frozen=True, array_like=True):
    """Something a run is for: a value to print or to save.

    Attributes:
        kind: what to do with the value.
        label: what is printed before it, or the path it is saved to.
        node: the value.
        site: index into :attr:`Plan.sites`, or -1.
    """

    kind: Literal["print", "save"]
    label: str
    node: Ref
    site: int = -1


class Plan(msgspec.Struct, array_like=True):
    """Nodes in evaluation order, goals in program order, and where all came from.

    Attributes:
        nodes: each refers only to earlier ones.
        goals: in program order.
        node_sites: per node, index into ``sites`` of where it was first written,
            or -1.
        sites: places in the text.
        files: paths of the program's files, as given; index 0 is the program itself.
    """

    nodes: list[Node]
    goals: list[Goal]
    node_sites: list[int] = []
    sites: list[Site] = []
    files: list[str] = []


class PlanBuilder:
    """Makes a plan node by node; equal nodes become one."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.nodes: list[Node] = []
        self.free: list[int] = []
        """Per node, how many enclosing functions it refers out of; 0 is closed."""
        self.node_sites: list[int] = []
        self.sites: list[Site] = []
        self._interned: dict[tuple[object, ...], Ref] = {}
        self._site_index: dict[Site, int] = {}
        self._templates: dict[Ref, list[tuple[Ref, int]]] = {}
        if plan is not None:
            self._restore(plan)

    def const(self, value: Scalar, site: int = -1) -> Ref:
        """Return the node of a constant."""
        # float by its bits: 0.0 and -0.0 are equal but two constants, NaN is one.
        text = value.hex() if type(value) is float else value
        return self._intern(("c", type(value), text), Const, (value,), 0, site)

    def place(self, text: str, site: int = -1) -> Ref:
        """Return the node of a string that depends on where the program lies."""
        return self._intern(("p", text), Place, (text,), 0, site)

    def param(self, index: int) -> Ref:
        """Return the node of the variable ``index`` functions outwards."""
        return self._intern(("v", index), Param, (index,), index + 1, -1)

    def app(self, primitive: str, args: Sequence[Ref | None], site: int = -1) -> Ref:
        """Return the node of ``primitive`` applied to ``args``."""
        args = tuple(args)
        while args and args[-1] is None:
            args = args[:-1]
        free = 0
        for arg in args:
            if arg is not None and self.free[arg] > free:
                free = self.free[arg]
        return self._intern(("a", primitive, args), App, (primitive, args), free, site)

    def function(self, body: Ref, site: int = -1) -> Ref:
        """Return the node of the function with this body."""
        free = max(self.free[body] - 1, 0)
        return self._intern(("f", body), Fn, (body,), free, site)

    def site(self, site: Site) -> int:
        """Return the index of a place in the text."""
        index = self._site_index.get(site)
        if index is None:
            index = self._site_index[site] = len(self.sites)
            self.sites.append(site)
        return index

    def instantiate(self, function: Ref, argument: Ref) -> Ref:
        """Return the body of ``function`` with ``argument`` for its variable.

        ``function`` and ``argument`` must be closed.
        """
        fn = self.nodes[function]
        assert isinstance(fn, Fn)
        if self.free[fn.body] == 0:
            return fn.body
        return self.instance(function, argument)[fn.body, 0]

    def instance(self, function: Ref, argument: Ref) -> dict[tuple[Ref, int], Ref]:
        """Return what the open nodes below ``function`` become for ``argument``.

        Each is told with the number of functions around it inside ``function``.
        """
        fn = self.nodes[function]
        assert isinstance(fn, Fn)
        done: dict[tuple[Ref, int], Ref] = {}
        for ref, depth in self._template(fn.body):
            done[ref, depth] = self._substitute(ref, depth, argument, done)
        return done

    def plan(self, goals: Sequence[Goal], files: Sequence[str] = ()) -> Plan:
        """Return the finished plan."""
        return Plan(self.nodes, list(goals), self.node_sites, self.sites, list(files))

    def _intern(
        self,
        identity: tuple[object, ...],
        make: type[Node],
        fields: tuple[object, ...],
        free: int,
        site: int,
    ) -> Ref:
        ref = self._interned.get(identity)
        if ref is None:
            ref = self._interned[identity] = len(self.nodes)
            self.nodes.append(make(*fields))  # type: ignore[arg-type]
            self.free.append(free)
            self.node_sites.append(site)
        return ref

    def _template(self, body: Ref) -> list[tuple[Ref, int]]:
        """List the open nodes below ``body`` with their depth of functions inside it.

        Children come before parents, since references are smaller.
        """
        template = self._templates.get(body)
        if template is None:
            seen = {(body, 0)}
            todo = [(body, 0)]
            while todo:
                ref, depth = todo.pop()
                node = self.nodes[ref]
                inner = depth + 1 if isinstance(node, Fn) else depth
                for child in children(node):
                    pair = (child, inner)
                    if self.free[child] > inner and pair not in seen:
                        seen.add(pair)
                        todo.append(pair)
            template = self._templates[body] = sorted(seen)
        return template

    def _substitute(
        self, ref: Ref, depth: int, argument: Ref, done: dict[tuple[Ref, int], Ref]
    ) -> Ref:
        node = self.nodes[ref]
        site = self.node_sites[ref]
        if isinstance(node, App):
            args = tuple(
                arg if arg is None else done.get((arg, depth), arg) for arg in node.args
            )
            return self.app(node.primitive, args, site)
        if isinstance(node, Fn):
            return self.function(done.get((node.body, depth + 1), node.body), site)
        assert isinstance(node, Param)
        return argument if node.index == depth else self.param(node.index - 1)

    def _restore(self, plan: Plan) -> None:
        for site in plan.sites:
            self.site(site)
        for node, at in zip(plan.nodes, plan.node_sites, strict=True):
            match node:
                case Const():
                    self.const(node.value, at)
                case Place():
                    self.place(node.text, at)
                case App():
                    self.app(node.primitive, node.args, at)
                case Param():
                    self.param(node.index)
                case Fn():
                    self.function(node.body, at)


def children(node: Node) -> tuple[Ref, ...]:
    """Return the references that ``node`` holds."""
    if isinstance(node, App):
        return tuple(arg for arg in node.args if arg is not None)
    if isinstance(node, Fn):
        return (node.body,)
    return ()


def is_constant(value: Value) -> bool:
    """Return whether ``value`` can stand in a plan as a constant."""
    return value is None or isinstance(value, (bool, int, float, str))
