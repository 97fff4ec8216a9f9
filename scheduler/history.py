"""What is written down of a run besides its goals: where each result came from.

Two things are kept of the last runs: a row for every node worth one, and what the
node keys below the goals stand for.  The second is the same from run to run as long
as the program and its inputs are, and is then not written again.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from store import NodeKey, SqliteStore

from .graph import Graph
from .jobs import Kept
from .plan import App, Const, Fn, Goal, Param, Ref, children

if TYPE_CHECKING:
    from .neighbours import Arrived

KEPT_RUNS = 200
"""Of older runs the goals are known, but no longer where their results came from."""

MOST_ROWS = 1000
"""Nodes of one run that get a row; goals and fetched ones first, then the dearest."""

MOST_DESCRIBED = 1000
"""Nodes of one run whose keys are described, those nearest to the goals."""

LEAST_S = 1e-3
"""A node that is neither a goal nor kept gets a row from this many seconds on."""

MOST_ARGUMENTS = 1000
"""A longer sequence is described by its beginning."""

MOST_CHARACTERS = 200
"""A constant's text is cut there."""

OMITTED = bytes(32)
_DAY_MS = 86_400_000


# Plain tuples, because a named one costs a warm run half a millisecond to define.
NodeRow: TypeAlias = tuple[
    str, NodeKey, str, str, str, float, int, int | None, str, str, float
]
"""A row of ``node_runs``: run, key, primitive, how, source, seconds, bytes, goal, why
it was computed, who was waited for, and how long."""

Description: TypeAlias = tuple[NodeKey, str, str, int, str, bytes]
"""A row of ``node_descriptions`` but for its time: key, kind, label, version,
environment, arguments."""


class Sources:
    """Where the values of a run came from, by node.

    Attributes:
        seconds: of what was computed.
        kept: what was named or is stored.
        from_store: what the store had.
        arrived: what neighbours had.
        because: says why a node was computed although there were neighbours.
        waited: who was waited for, and for how many seconds.
    """

    def __init__(
        self,
        seconds: dict[Ref, float],
        kept: dict[Ref, Kept],
        from_store: set[Ref],
        arrived: dict[Ref, Arrived],
        because: Callable[[Ref], str],
        waited: dict[Ref, tuple[str, float]],
    ) -> None:
        self.seconds = seconds
        self.kept = kept
        self.from_store = from_store
        self.arrived = arrived
        self.because = because
        self.waited = waited


def goal_keys(store: SqliteStore, since_days: float = 30) -> set[NodeKey]:
    """Return the keys of what was a goal of a run of the last days."""
    since_ms = int(time.time() * 1000 - since_days * _DAY_MS)
    with store.database.read() as connection:
        rows = connection.execute(
            "SELECT DISTINCT key FROM runs JOIN run_goals USING (run_id)"
            " WHERE started_ms >= ? AND key IS NOT NULL AND digest IS NOT NULL",
            (since_ms,),
        ).fetchall()
    return {NodeKey(key) for (key,) in rows}


class History:
    """Collects what is to be written down of one run."""

    def __init__(self, graph: Graph, goals: Sequence[Goal]) -> None:
        self._graph = graph
        self._goals: dict[Ref, int] = {}
        for position, goal in enumerate(goals):
            self._goals.setdefault(goal.node, position)

    def rows(self, run_id: str, sources: Sources) -> list[NodeRow]:
        """Return the rows of the nodes that are worth one."""
        refs = {ref for ref in self._goals if ref in sources.kept}
        refs |= sources.arrived.keys() | sources.from_store | sources.kept.keys()
        refs |= {ref for ref, s in sources.seconds.items() if s >= LEAST_S}
        chosen = sorted(refs, key=lambda ref: self._rank(ref, sources))[:MOST_ROWS]
        positions = self._positions()
        rows = {}
        for ref in sorted(chosen):
            row = self._row(run_id, ref, sources, self._position(ref, positions))
            if row is not None:
                rows[row[1]] = row
        return list(rows.values())

    def _rank(self, ref: Ref, sources: Sources) -> tuple[bool, bool, float]:
        is_goal, is_fetched = ref in self._goals, ref in sources.arrived
        return not is_goal, not is_fetched, -sources.seconds.get(ref, 0.0)

    def _row(
        self, run_id: str, ref: Ref, sources: Sources, position: int | None
    ) -> NodeRow | None:
        node, key = self._graph.nodes[ref], self._graph.keys[ref]
        if not isinstance(node, App) or key is None:
            return None
        kept, arrived = sources.kept.get(ref), sources.arrived.get(ref)
        seconds = sources.seconds.get(ref)
        how = "computed"
        if arrived is not None:
            how, seconds = "peer", arrived.seconds
        elif ref in sources.from_store and seconds is None:
            how = "store"
        return (
            run_id,
            key,
            node.primitive,
            how,
            arrived.source if arrived is not None else "",
            seconds or 0.0,
            kept.size_bytes if kept is not None else 0,
            position,
            sources.because(ref) if how == "computed" else "",
            *sources.waited.get(ref, ("", 0.0)),
        )

    def _position(self, ref: Ref, positions: dict[Ref, int]) -> int | None:
        """Return the first goal that a node was for, as far as that is easily told."""
        found = positions.get(ref)
        origin = self._graph.origin(ref)
        while found is None and origin is not None:  # an element of a loop
            found = positions.get(origin[0])
            origin = self._graph.origin(origin[0])
        if found is None:  # a step of a fold, from elements
            known = [positions.get(arg) for arg in children(self._graph.nodes[ref])]
            found = min((at for at in known if at is not None), default=None)
        if found is not None:
            positions[ref] = found
        return found

    def _positions(self) -> dict[Ref, int]:
        return dict(self._near_goals())

    # ---- what keys stand for -----------------------------------------------

    def descriptions(self) -> list[Description]:
        """Return what the keys nearest to the goals stand for."""
        found: dict[NodeKey, Description] = {}
        for ref, _ in self._near_goals():
            for description in self._described(ref):
                found[description[0]] = description
        return list(found.values())

    def goal_keys(self) -> list[NodeKey]:
        """Return the keys of the goals that have one."""
        keys = self._graph.keys
        return [key for ref in self._goals if (key := keys[ref]) is not None]

    def _near_goals(self) -> Iterator[tuple[Ref, int]]:
        """Yield nodes, and the first goal each is for, level by level."""
        seen = set(self._goals)
        todo = deque(self._goals.items())
        for _ in range(MOST_DESCRIBED):
            if not todo:
                return
            ref, position = todo.popleft()
            yield ref, position
            for child in self._below(ref):
                if child not in seen:
                    seen.add(child)
                    todo.append((child, position))

    def _below(self, ref: Ref) -> tuple[Ref, ...]:
        below = children(self._graph.nodes[ref])[:MOST_ARGUMENTS]
        return below + tuple(self._graph.elements.get(ref, ())[:MOST_ARGUMENTS])

    def _described(self, ref: Ref) -> Iterator[Description]:
        graph = self._graph
        node, key = graph.nodes[ref], graph.keys[ref]
        if key is None:
            return
        if isinstance(node, Const):
            yield key, "constant", _text(node.value), 0, "", b""
        elif isinstance(node, Param):
            yield key, "variable", f"{node.index}", 0, "", b""
        elif isinstance(node, Fn):
            yield key, "function", "", 0, "", self._keys([node.body])
        elif isinstance(node, App):
            yield from self._described_application(ref, node, key)

    def _described_application(
        self, ref: Ref, node: App, key: NodeKey
    ) -> Iterator[Description]:
        graph = self._graph
        operation = graph.operation(node.primitive)
        arguments = self._keys(graph.elements.get(ref, node.args))
        file_key = graph.file_key(ref)
        if file_key is not None:
            path = str(graph.files[ref].path)
            # A file has no arguments: here stands the digest of its content.
            digest = graph.files[ref].digest or b""
            yield file_key, "file", path, 0, "", bytes(digest)
            arguments = file_key + arguments[32:]
        yield (
            key,
            "application",
            node.primitive,
            operation.primitive.version,
            operation.environment,
            arguments,
        )

    def _keys(self, refs: Sequence[Ref | None]) -> bytes:
        keys = self._graph.keys
        return b"".join(
            OMITTED if ref is None else keys[ref] or OMITTED
            for ref in refs[:MOST_ARGUMENTS]
        )


def are_described(connection: sqlite3.Connection, keys: Sequence[NodeKey]) -> bool:
    """Return whether it was written down lately what these keys stand for."""
    row = connection.execute(
        "SELECT started_ms FROM runs ORDER BY started_ms DESC LIMIT 1 OFFSET ?",
        (KEPT_RUNS // 2,),
    ).fetchone()
    since_ms = row[0] if row is not None else 0
    query = "SELECT 1 FROM node_descriptions WHERE key = ? AND seen_ms >= ?"
    return all(connection.execute(query, (key, since_ms)).fetchone() for key in keys)


def write_history(
    connection: sqlite3.Connection,
    rows: Sequence[NodeRow],
    descriptions: Sequence[Description],
    now_ms: int,
) -> None:
    """Write what was collected, and remove what is too old."""
    connection.executemany(
        f"INSERT OR REPLACE INTO node_runs VALUES ({', '.join('?' * 11)})", rows
    )
    connection.executemany(
        "INSERT INTO node_descriptions VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE"
        " SET label = excluded.label, seen_ms = excluded.seen_ms",
        [(*description, now_ms) for description in descriptions],
    )
    old = connection.execute(
        "SELECT run_id, started_ms FROM runs ORDER BY started_ms DESC"
        " LIMIT 10 OFFSET ?",
        (KEPT_RUNS,),
    ).fetchall()
    if old:
        connection.executemany(
            "DELETE FROM node_runs WHERE run_id = ?", [(run_id,) for run_id, _ in old]
        )
        connection.execute(
            "DELETE FROM node_descriptions WHERE seen_ms < ?", (old[0][1],)
        )


def _text(value: object) -> str:
    """Return a constant as a program would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text[:MOST_CHARACTERS]
