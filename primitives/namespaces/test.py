"""Namespace ``test``: work of known cost and behaviour, for trying things out."""

from __future__ import annotations

from primitives.registry import Cost, Determinism, Primitive, Table

from ._tables import by_short_name

_KERNELS = "primitives.kernels.diagnostics"


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    return by_short_name((*_work(), *_behaviour()))


def _work() -> tuple[Primitive, ...]:
    return (
        Primitive(
            name="test.fibonacci",
            version=1,
            signature="n: number -> int",
            kernel=f"{_KERNELS}:fibonacci",
            determinism=Determinism.EXACT,
            cost=Cost.TRIVIAL,
            summary="The Fibonacci number with this index: 0, 1, 1, 2, 3, 5.",
            details="The index is at most 92, so that the number has 64 bits.",
        ),
        Primitive(
            name="test.timewaste",
            version=1,
            signature="size: number, iterations: number, seed: number = 0 -> int",
            kernel=f"{_KERNELS}:timewaste",
            determinism=Determinism.EXACT,
            cost=Cost.HEAVY,
            summary="An integer that takes a known amount of work to find.",
            details="A buffer of size bytes is hashed again and again by SHA-256, each "
            "time with the digest of the time before. The work needs one core and the "
            "memory of the buffer. Another seed gives another number at the same cost; "
            "a result as the seed of the next makes a chain that cannot be run in "
            "parallel.",
        ),
    )


def _behaviour() -> tuple[Primitive, ...]:
    return (
        Primitive(
            name="test.impure",
            version=1,
            signature="value: any -> any",
            kernel=f"{_KERNELS}:impure",
            determinism=Determinism.VOLATILE,
            cost=Cost.TRIVIAL,
            summary="The value as it is, asked for anew in every run.",
            details="It counts as something that may change from run to run, as the "
            "listing of a folder does: it is never kept nor shared.",
            reveals_input=True,
        ),
        Primitive(
            name="test.failure",
            version=1,
            signature="message: any -> null",
            kernel=f"{_KERNELS}:failure",
            determinism=Determinism.EXACT,
            cost=Cost.CHEAP,
            summary="Fails with this message when it is run.",
            details="What depends on it fails too, everything else goes on.",
        ),
    )
