"""Calls of kernels: which arguments, how many threads."""

from __future__ import annotations

from collections.abc import Sequence

from primitives.context import Context
from primitives.values import Value

from .graph import Graph, Operation
from .jobs import Job, Keep, voxels_of
from .plan import App, Ref


def operands(graph: Graph, ref: Ref) -> tuple[Ref, ...]:
    """Return the arguments whose values a node needs: all but the path of a file."""
    node = graph.nodes[ref]
    assert isinstance(node, App)
    args = node.args[1:] if graph.operation(node.primitive).reads else node.args
    if None in args:
        return tuple(arg for arg in args if arg is not None)
    return args  # type: ignore[return-value]


def bind(
    node: App, operation: Operation, values: Sequence[Value]
) -> tuple[list[Value], dict[str, Value]]:
    """Return positional arguments up to the first omitted one, then named ones.

    Args:
        node: the application.
        operation: its primitive.
        values: by reference.
    """
    if None not in node.args:
        return [values[arg] for arg in node.args if arg is not None], {}
    first_gap = node.args.index(None)
    named = {
        operation.primitive.parameters[position].name: values[arg]
        for position, arg in enumerate(node.args)
        if arg is not None and position > first_gap
    }
    return [values[arg] for arg in node.args[:first_gap] if arg is not None], named


def make_job(graph: Graph, ref: Ref, values: Sequence[Value], cores: int) -> Job:
    """Return the job that computes a node, with nothing decided about keeping it.

    Args:
        graph: of the run.
        ref: an application whose operands have values.
        values: by reference.
        cores: that the job may use.
    """
    node = graph.nodes[ref]
    assert isinstance(node, App)
    operation = graph.operation(node.primitive)
    threads = max(1, min(cores, operation.max_threads))
    context = Context(threads, graph.directory)
    if operation.reads:
        file = graph.files[ref]
        others = operands(graph, ref)
        return Job(
            ref,
            operation.kernel,
            [file, *(values[arg] for arg in others)],
            [None, *others],
            threads=threads,
            voxels=sum(signature.size for _, signature in file.expected),
            context=context,
        )
    ordered, named = bind(node, operation, values)
    args = [*ordered, *named.values()]
    return Job(
        ref,
        operation.kernel,
        args,
        list(operands(graph, ref)),
        tuple(named),
        keep=Keep.NOTHING,
        threads=threads,
        voxels=max((voxels_of(arg) for arg in args), default=0),
        context=context,
    )
