"""Why a result is what it is: where it came from, and what differs from last time."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from store import NodeKey, Result, SqliteStore

from .errors import AmbiguousKeyError
from .history import OMITTED

MOST_NODES = 1000
"""Nodes that an explanation holds, those nearest to the result."""

MOST_DIFFERENCES = 50
LOOKUP_BATCH = 500
_PREFIX = re.compile(r"[0-9a-fA-F]{4,64}")

Kind = Literal["application", "constant", "file", "function", "variable", "unknown"]


@dataclass(frozen=True, slots=True)
class ExplainedNode:
    """A node of the expression that a result is the value of.

    Attributes:
        key: its key.
        kind: what it is; ``unknown`` if it was too far from a goal to be written
            down.
        label: name of a primitive, text of a constant, path of a file.
        depth: steps from the result.
        arguments: keys of its arguments, None where one is omitted.
        how: where the run had it from: ``computed``, ``peer``, ``store``, or empty if
            the run had no need for it or it was trivial.
        because: why the run computed it although there were neighbours, a
            :data:`~scheduler.reasons.Reason`; empty if it did not, or there were none.
        source: name of the peer that it came from, in this run or an earlier one.
        waited_for: name of the peer that the run waited for because it was at it;
            ``"this machine"`` for another run; empty if it waited for nobody.
        waited_s: how long.
        when_ms: when it was computed or fetched, milliseconds since 1970; 0 if that
            is not known any more.
        seconds: how long computing or fetching it took.
        size_bytes: length of its artifact, as far as known.
        is_held: whether the store has its value now.
        version: of a primitive.
        environment: class of what the bits of an application depend on.
        content: digest of a file's content.
    """

    key: NodeKey
    kind: Kind
    label: str
    depth: int
    arguments: tuple[NodeKey | None, ...] = ()
    how: str = ""
    because: str = ""
    source: str = ""
    when_ms: int = 0
    seconds: float = 0.0
    size_bytes: int = 0
    is_held: bool = False
    waited_for: str = ""
    waited_s: float = 0.0
    version: int = 0
    environment: str = ""
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Difference:
    """A place in an expression where two results differ.

    Attributes:
        kind: ``file`` (its content), ``constant``, ``version`` (of a primitive),
            ``environment`` (libraries or machine), ``arguments`` (their number),
            ``expression`` (another one), or ``unknown``.
        where: names of the primitives from the result down to the place.
        before: text of what it was.
        now: text of what it is.
    """

    kind: str
    where: tuple[str, ...]
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class PreviousRun:
    """An earlier run with a goal of the same label.

    Attributes:
        run_id: of that run.
        started_ms: when it began, milliseconds since 1970.
        key: of its goal.
        differences: where the two expressions differ; none if the keys are equal.
    """

    run_id: str
    started_ms: int
    key: NodeKey
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class ResultExplanation:
    """Where a result came from.

    Attributes:
        key: its node key.
        label: of the goal, or empty if the result was none.
        run_id: of the newest run with it, or empty.
        program: path of that run's program.
        started_ms: when it began, milliseconds since 1970.
        nodes: the result first, then what lies below it, each node once, and what
            loops of the same goal computed.
        previous: the run before with a goal of the same label, if there was one.
    """

    key: NodeKey
    label: str
    run_id: str
    program: str
    started_ms: int
    nodes: tuple[ExplainedNode, ...]
    previous: PreviousRun | None = None


class _Description(NamedTuple):
    """A row of ``node_descriptions`` without its time."""

    key: NodeKey
    kind: Kind
    label: str
    version: int
    environment: str
    arguments: bytes


class _Goal(NamedTuple):
    run_id: str
    program: str
    started_ms: int
    position: int
    label: str
    key: NodeKey


class _Came(NamedTuple):
    """A row of ``node_runs`` with the time of its run."""

    run_id: str
    primitive: str
    how: str
    source: str
    seconds: float
    size_bytes: int
    because: str
    waited_for: str
    waited_s: float
    when_ms: int


def explain_result(store: SqliteStore, name: str) -> ResultExplanation | None:
    """Return where a result came from, or None if nothing is called so.

    Args:
        store: of this machine.
        name: a goal's label, meaning the newest run with it; or the first digits, four
            or more, of a key in hexadecimal.

    Raises:
        AmbiguousKeyError: several keys begin so.
    """
    with store.database.read() as connection:
        goal = _goal_of_label(connection, name)
        if goal is None and _PREFIX.fullmatch(name):
            goal = _goal_of_prefix(connection, name.lower())
        if goal is None:
            return None
        nodes = list(_explain_nodes(connection, goal))
        previous = _previous(connection, goal) if goal.label else None
    return ResultExplanation(
        goal.key,
        goal.label,
        goal.run_id,
        goal.program,
        goal.started_ms,
        tuple(_with_store(store, nodes)),
        previous,
    )


# ---- which result is meant --------------------------------------------------

_NEWEST = "ORDER BY started_ms DESC, runs.rowid DESC"
_GOALS = (
    "SELECT run_id, program, started_ms, position, label, key"
    " FROM run_goals JOIN runs USING (run_id) WHERE key IS NOT NULL AND "
)


def _goal_of_label(connection: sqlite3.Connection, label: str) -> _Goal | None:
    row = connection.execute(
        _GOALS + f"label = ? {_NEWEST}, position LIMIT 1", (label,)
    ).fetchone()
    return None if row is None else _Goal(*row)


def _goal_of_prefix(connection: sqlite3.Connection, prefix: str) -> _Goal | None:
    low = bytes.fromhex(prefix.ljust(64, "0"))
    high = bytes.fromhex(prefix.ljust(64, "f"))
    rows = connection.execute(
        "SELECT key FROM run_goals WHERE key BETWEEN ?1 AND ?2"
        " UNION SELECT key FROM node_runs WHERE key BETWEEN ?1 AND ?2 LIMIT 10",
        (low, high),
    ).fetchall()
    if len(rows) > 1:
        raise AmbiguousKeyError(prefix, [NodeKey(key) for (key,) in rows])
    if not rows:
        return None
    key = NodeKey(rows[0][0])
    row = connection.execute(
        _GOALS + f"key = ? {_NEWEST}, position LIMIT 1", (key,)
    ).fetchone()
    if row is not None:
        return _Goal(*row)
    row = connection.execute(
        "SELECT run_id, program, started_ms FROM node_runs JOIN runs USING (run_id)"
        f" WHERE key = ? {_NEWEST} LIMIT 1",
        (key,),
    ).fetchone()
    return None if row is None else _Goal(row[0], row[1], row[2], -1, "", key)


# ---- what lies below it -----------------------------------------------------


def _explain_nodes(
    connection: sqlite3.Connection, goal: _Goal
) -> Iterator[ExplainedNode]:
    seen: dict[NodeKey, int] = {goal.key: 0}
    level = [goal.key]
    # Elements of loops are no arguments of anything.
    others = [
        NodeKey(key)
        for (key,) in connection.execute(
            "SELECT key FROM node_runs WHERE run_id = ? AND position = ?",
            (goal.run_id, goal.position),
        )
    ]
    while level:
        below: list[NodeKey] = []
        for key in level:
            description = _description(connection, key)
            arguments = _arguments(description)
            yield _explained(connection, goal, key, seen[key], description, arguments)
            for child in arguments:
                if child is not None and child not in seen and len(seen) < MOST_NODES:
                    seen[child] = seen[key] + 1
                    below.append(child)
        level = below
        if not level:
            level = [key for key in others if key not in seen][:MOST_NODES]
            seen.update(dict.fromkeys(level, 1))


def _description(connection: sqlite3.Connection, key: NodeKey) -> _Description | None:
    row = connection.execute(
        "SELECT key, kind, label, version, environment, arguments"
        " FROM node_descriptions WHERE key = ?",
        (key,),
    ).fetchone()
    return None if row is None else _Description(*row)


def _arguments(description: _Description | None) -> tuple[NodeKey | None, ...]:
    if description is None or description.kind == "file":
        return ()
    blob = description.arguments
    parts = [blob[at : at + 32] for at in range(0, len(blob), 32)]
    return tuple(None if part == OMITTED else NodeKey(part) for part in parts)


def _explained(
    connection: sqlite3.Connection,
    goal: _Goal,
    key: NodeKey,
    depth: int,
    description: _Description | None,
    arguments: tuple[NodeKey | None, ...],
) -> ExplainedNode:
    rows = connection.execute(
        "SELECT run_id, primitive, how, source, seconds, size_bytes, because,"
        " waited_for, waited_s, started_ms"
        " FROM node_runs JOIN runs USING (run_id)"
        f" WHERE key = ? AND started_ms <= ? {_NEWEST}",
        (key, goal.started_ms),
    )
    found = [_Came(*row) for row in rows]
    here = next((came for came in found if came.run_id == goal.run_id), None)
    first = next((came for came in found if came.how != "store"), None)
    size_bytes = max((came.size_bytes for came in found), default=0)
    kind: Kind = "unknown"
    label = found[0].primitive if found else ""
    if description is not None:
        kind, label = description.kind, description.label
    return ExplainedNode(
        key,
        kind,
        label,
        depth,
        arguments,
        how=here.how if here is not None else "",
        because=here.because if here is not None else "",
        waited_for=here.waited_for if here is not None else "",
        waited_s=here.waited_s if here is not None else 0.0,
        source=first.source if first is not None else "",
        when_ms=first.when_ms if first is not None else 0,
        seconds=first.seconds if first is not None else 0.0,
        size_bytes=size_bytes,
        version=description.version if description is not None else 0,
        environment=description.environment if description is not None else "",
        content=description.arguments if kind == "file" and description else b"",
    )


def _with_store(
    store: SqliteStore, nodes: Sequence[ExplainedNode]
) -> Iterator[ExplainedNode]:
    """Add what the store says of each node."""
    held: dict[NodeKey, Result] = {}
    keys = [node.key for node in nodes]
    for start in range(0, len(keys), LOOKUP_BATCH):
        part = store.lookup(keys[start : start + LOOKUP_BATCH])
        held.update({key: found.result for key, found in part.items()})
    for node in nodes:
        result = held.get(node.key)
        if result is None:
            yield node
            continue
        is_untold = not node.when_ms
        yield replace(
            node,
            is_held=True,
            size_bytes=node.size_bytes or result.size_bytes,
            seconds=result.cost_s if is_untold else node.seconds,
        )


# ---- what differs from last time --------------------------------------------


def _previous(connection: sqlite3.Connection, goal: _Goal) -> PreviousRun | None:
    row = connection.execute(
        _GOALS + "label = ? AND run_id <> ? AND started_ms <= ?"
        " ORDER BY program = ? DESC, started_ms DESC, runs.rowid DESC, position"
        " LIMIT 1",
        (goal.label, goal.run_id, goal.started_ms, goal.program),
    ).fetchone()
    if row is None:
        return None
    before = _Goal(*row)
    differences = _differences(connection, before.key, goal.key)
    return PreviousRun(before.run_id, before.started_ms, before.key, differences)


def _differences(
    connection: sqlite3.Connection, before: NodeKey, now: NodeKey
) -> tuple[Difference, ...]:
    """Compare two expressions from the top; go down only where keys differ."""
    found: list[Difference] = []
    todo: list[tuple[NodeKey, NodeKey, tuple[str, ...]]] = [(before, now, ())]
    seen: set[tuple[NodeKey, NodeKey]] = set()
    while todo and len(found) < MOST_DIFFERENCES and len(seen) < MOST_NODES:
        old_key, new_key, where = todo.pop()
        if old_key == new_key or (old_key, new_key) in seen:
            continue
        seen.add((old_key, new_key))
        old = _description(connection, old_key)
        new = _description(connection, new_key)
        difference = _own_difference(old, new, where)
        found.extend(difference)
        if old is None or new is None or old.label != new.label or old.kind != new.kind:
            continue
        inside = (*where, new.label) if new.kind == "application" else where
        pairs = list(zip(_arguments(old), _arguments(new), strict=False))
        for old_arg, new_arg in reversed(pairs):
            if old_arg is not None and new_arg is not None:
                todo.append((old_arg, new_arg, inside))
    return tuple(found)


def _own_difference(
    old: _Description | None, new: _Description | None, where: tuple[str, ...]
) -> Iterator[Difference]:
    if old is None or new is None:
        yield Difference("unknown", where, "", "")
    elif old.kind == new.kind == "file":
        yield Difference("file", where, old.label, new.label)
    elif old.kind == new.kind == "constant":
        yield Difference("constant", where, old.label, new.label)
    elif old.kind != new.kind or old.label != new.label:
        yield Difference("expression", where, old.label, new.label)
    else:
        where = (*where, new.label)
        if old.version != new.version:
            yield Difference("version", where, str(old.version), str(new.version))
        if old.environment != new.environment:
            yield Difference("environment", where, old.environment, new.environment)
        given_old, given_new = _given(old), _given(new)
        if given_old != given_new:
            yield Difference("arguments", where, str(given_old), str(given_new))


def _given(description: _Description) -> int:
    """Return how many arguments are not omitted."""
    return sum(arg is not None for arg in _arguments(description))
