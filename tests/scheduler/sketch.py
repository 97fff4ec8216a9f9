"""Plans written by hand, and kernels to run them with."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Barrier

import numpy as np

from primitives.catalog import NAMESPACES, standard_registry
from primitives.context import Context
from primitives.errors import KernelError
from primitives.registry import Cost, Determinism, Primitive, Registry, Table
from primitives.values import Grid, Image, Mask, Value
from scheduler import GoalOutcome, RunOptions, RunReport, run_plan
from scheduler.plan import Goal, Plan, PlanBuilder, Ref, Scalar
from store import SqliteStore

SHORT = {
    "+": "default.addition",
    "-": "default.subtraction",
    "*": "default.multiplication",
    "/": "default.division",
    ">": "default.num_gt",
    "<": "default.num_lt",
    "==": "default.num_eq",
    "&&": "default.logical_and",
}


class Sketch:
    """A plan in the making; numbers and strings stand for their constants."""

    def __init__(self) -> None:
        self.builder = PlanBuilder()

    def node(self, value: Ref | _Node | Scalar) -> Ref:
        if isinstance(value, _Node):
            return value.ref
        return self.builder.const(value)

    def __call__(self, name: str, *args: _Node | Scalar) -> _Node:
        full = SHORT.get(name, name if "." in name else f"default.{name}")
        refs = [self.node(arg) for arg in args]
        return _Node(self.builder.app(full, refs))

    def omitting(self, name: str, *args: _Node | Scalar) -> _Node:
        """As a call, with None for an omitted argument."""
        refs = [None if arg is None else self.node(arg) for arg in args]
        return _Node(self.builder.app(f"default.{name}", refs))

    def fold(self, operator: str, items: _Node) -> _Node:
        return self.omitting("fold", operator, None, items)

    def place(self, text: str) -> _Node:
        return _Node(self.builder.place(text))

    def variable(self, index: int = 0) -> _Node:
        return _Node(self.builder.param(index))

    def function(self, body: _Node) -> _Node:
        return _Node(self.builder.function(body.ref))

    def plan(self, *goals: _Node, saves: dict[str, _Node] | None = None) -> Plan:
        listed = [Goal("print", str(at), goal.ref) for at, goal in enumerate(goals)]
        listed += [Goal("save", path, node.ref) for path, node in (saves or {}).items()]
        return self.builder.plan(listed)


class _Node:
    def __init__(self, ref: Ref) -> None:
        self.ref = ref


def run(
    plan: Plan,
    store: SqliteStore,
    *,
    registry: Registry | None = None,
    directory: Path | None = None,
    on_goal: Callable[[GoalOutcome], None] | None = None,
    options: RunOptions | None = None,
) -> RunReport:
    """Run a plan with the standard primitives and those of this module."""
    return run_plan(
        plan,
        store=store,
        registry=registry or trial_registry(),
        directory=directory,
        options=options or RunOptions(jobs=2),
        on_goal=on_goal,
    )


def values(report: RunReport) -> list[Value]:
    """Return the values of a run's goals, all of which must have one."""
    assert [goal.failure for goal in report.goals if goal.failure] == []
    return [goal.value for goal in report.goals]


GRID = Grid(
    (40, 30, 20), (1.0, 1.0, 2.0), (0.0,) * 3, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
)


def ramp(_context: Context, seed: Value) -> Image:
    """An image that differs with its seed."""
    count = GRID.voxel_count
    array = (np.arange(count, dtype=np.float32) * float(seed)) % 251
    return Image.of_array(array.reshape(GRID.shape), GRID)


def at_least(_context: Context, image: Image, level: Value) -> Mask:
    return Mask(image.array >= level, image.grid)


def masked(_context: Context, mask: Mask, image: Image) -> Image:
    array = np.where(mask.array, image.array, np.float32(0))
    return Image.of_array(array, image.grid)


def total(_context: Context, image: Image) -> float:
    return float(image.array.sum(dtype=np.float64))


def refuse(_context: Context, value: Value) -> Value:
    raise KernelError(f"refused {value}")


def scribble(_context: Context, path: Value, text: Value) -> Value:
    """Change a file while a run reads it."""
    Path(str(path)).write_text(str(text), encoding="utf-8")
    return 0.0


def crash(_context: Context, value: Value) -> Value:
    raise ZeroDivisionError("an unforeseen bug")


def linger(context: Context, image: Image, seconds: Value) -> Image:
    """Take ``seconds``, stopping early when cancelled."""
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        context.check()
        time.sleep(0.005)
    return image


def stumble(context: Context, image: Image, seconds: Value) -> Image:
    """Take a while, and fail after a negative one."""
    linger(context, image, abs(float(seconds)))
    if float(seconds) < 0:
        raise KernelError("stumbled")
    return image


_meeting = Barrier(2)


def meet(_context: Context, image: Image) -> float:
    """Return only when called twice at the same time."""
    _meeting.wait(timeout=20)
    return float(image.array[0, 0, 0])


def threads_given(context: Context, image: Image) -> int:
    return context.threads


def _trial(name: str, signature: str, **choices: object) -> Primitive:
    fields: dict[str, object] = {
        "version": 1,
        "determinism": Determinism.EXACT,
        "cost": Cost.LINEAR,
        "summary": "For tests.",
        **choices,
    }
    kernel = f"{__name__}:{name}"
    return Primitive(f"trial.{name}", signature=signature, kernel=kernel, **fields)  # type: ignore[arg-type]


def trial_table(**choices: object) -> Table:
    """Return the kernels of this module as a namespace."""
    heavy = {"cost": Cost.HEAVY, **choices}
    primitives = [
        _trial("ramp", "seed: number -> image", **heavy),
        _trial("at_least", "image: image, level: number -> mask", **choices),
        _trial("masked", "mask: mask, image: image -> image", **choices),
        _trial("total", "image: image -> double", **choices),
        _trial("refuse", "value: any -> any", **choices),
        _trial("scribble", "path: string, text: string -> double", **choices),
        _trial("crash", "value: any -> any", **choices),
        _trial("linger", "image: image, seconds: number -> image", **heavy),
        _trial("stumble", "image: image, seconds: number -> image", **heavy),
        _trial("meet", "image: image -> double", **choices),
        _trial("threads_given", "image: image -> int", max_threads=8, **choices),
    ]
    return {primitive.short_name: primitive for primitive in primitives}


@cache
def trial_registry() -> Registry:
    """Return the standard primitives and, as ``trial``, those of this module."""
    standard = standard_registry()
    tables: dict[str, Callable[[], Table]] = {
        name: (lambda name=name: standard.table(name))  # type: ignore[misc]
        for name in NAMESPACES
    }
    return Registry({**tables, "trial": trial_table})
