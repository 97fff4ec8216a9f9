"""Where a result came from, as a tree for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from peer.quantities import format_duration, format_size

from .audit_views import audited_json, audited_text
from .output import format_time, note, write_line
from .reasons import BECAUSE

if TYPE_CHECKING:
    from scheduler.audits import EndedAudit
    from scheduler.why import (
        Difference,
        ExplainedNode,
        PreviousRun,
        ResultExplanation,
    )
    from store import NodeKey

SHOWN_NODES = 200
"""Longer trees are cut in text; JSON holds everything."""

INLINE = ("constant", "variable")
"""Kinds of arguments that stand in the line of what they are given to."""

LABEL_WIDTH = 46


def explanation_json(
    found: ResultExplanation, audits: Mapping[NodeKey, EndedAudit]
) -> dict[str, object]:
    """Return the JSON object that ``why --json`` prints."""
    from dataclasses import asdict

    fields = asdict(found)
    shown = _shown(fields)
    assert isinstance(shown, dict)
    return {**shown, "audits": [audited_json(audit) for audit in audits.values()]}


def show_explanation(
    found: ResultExplanation, audits: Mapping[NodeKey, EndedAudit]
) -> None:
    """Show where each part of a result came from, and what is new in it.

    Args:
        found: the result, and what it was made of.
        audits: of its nodes, the last that has ended.
    """
    name = found.label or "result"
    write_line(f"{name}  {found.key.hex()}")
    if found.run_id:
        write_line(f"of {found.program}, run {format_time(found.started_ms)}")
    write_line("")
    lines = list(Tree(found, audits).lines())
    for line in lines[:SHOWN_NODES]:
        write_line(line)
    if len(lines) > SHOWN_NODES:
        note(f"{len(lines) - SHOWN_NODES} more lines; --json has everything")
    if found.previous is not None:
        write_line("")
        for line in _compared(found.previous, found.key):
            write_line(line)


class Tree:
    """The lines of an explanation: each node once, below the first that needs it."""

    def __init__(
        self, found: ResultExplanation, audits: Mapping[NodeKey, EndedAudit]
    ) -> None:
        self._found = found
        self._audits = audits
        self._nodes = {node.key: node for node in found.nodes}
        self._drawn: set[NodeKey] = set()

    def lines(self) -> Iterator[str]:
        """Yield the tree, then what loops computed."""
        if not self._found.nodes:
            return
        yield from self._drawing(self._found.nodes[0])
        elements = [
            node
            for node in self._found.nodes
            if node.key not in self._drawn and node.kind not in INLINE
        ]
        if elements:
            yield ""
            yield "and in its loops:"
        for node in elements:
            if node.key not in self._drawn:
                yield from self._drawing(node)

    def _drawing(self, top: ExplainedNode) -> Iterator[str]:
        """Yield the lines of a node and what is below it; not by recursion."""
        todo: list[tuple[ExplainedNode, str, str, bool]] = [(top, "", "", False)]
        while todo:
            node, lead, below, is_spared = todo.pop()
            again = node.key in self._drawn
            self._drawn.add(node.key)
            state = "as above" if again else self._state(node, is_spared)
            yield f"{lead + self._label(node):<{LABEL_WIDTH}}  {state}".rstrip()
            if again:
                continue
            is_spared = is_spared or node.how in ("peer", "store")
            parts = self._parts(node)
            for at in range(len(parts) - 1, -1, -1):
                is_last = at == len(parts) - 1
                branch, rest = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
                todo.append((parts[at], below + branch, below + rest, is_spared))

    def _state(self, node: ExplainedNode, is_spared: bool) -> str:
        audit = self._audits.get(node.key)
        is_own = node.how == "computed"
        audited = "" if audit is None else audited_text(audit, is_own=is_own)
        return _listed(_state(node, is_spared), audited)

    def _parts(self, node: ExplainedNode) -> list[ExplainedNode]:
        known = [self._nodes.get(key) for key in node.arguments if key is not None]
        return [part for part in known if part and part.kind not in INLINE]

    def _label(self, node: ExplainedNode) -> str:
        if node.kind == "unknown" and not node.label:
            return "…"
        if node.kind == "function":
            return "for each"
        known = [self._nodes.get(key) for key in node.arguments if key is not None]
        words = [part.label for part in known if part and part.kind == "constant"]
        return " ".join([node.label, *words])


def _state(node: ExplainedNode, is_spared: bool) -> str:
    if node.kind != "application":
        return {"file": "file", "unknown": "not recorded"}.get(node.kind, "")
    took = format_duration(node.seconds) if node.seconds else ""
    size = format_size(node.size_bytes) if node.size_bytes else ""
    waited = _waited(node)
    if node.how == "computed":
        because = BECAUSE.get(node.because, "")
        return _listed("computed", took, size, because, waited)
    if node.how == "peer":
        return _listed(f"fetched from {node.source}", took, size, waited)
    if node.how == "store":
        return _listed("here", _earlier(node, took), size, waited)
    return "not needed" if is_spared else ""


def _waited(node: ExplainedNode) -> str:
    """Say for whom a run waited who was at the node already."""
    if not node.waited_for:
        return ""
    is_here = node.waited_for == "this machine"
    who = "another run" if is_here else node.waited_for
    return f"waited for {who}, {format_duration(node.waited_s)}"


def _earlier(node: ExplainedNode, took: str) -> str:
    """Say where what was in the store had come from."""
    if not node.when_ms:
        return ""
    how = f"fetched from {node.source}" if node.source else "computed"
    return f"{how} {format_time(node.when_ms)}{f' in {took}' if took else ''}"


def _listed(*texts: str) -> str:
    return ", ".join(filter(None, texts))


def _compared(previous: PreviousRun, key: NodeKey) -> Iterator[str]:
    when = format_time(previous.started_ms)
    if previous.key == key:
        yield f"the same computation as in the run of {when}"
        return
    yield f"since the run of {when}:"
    for difference in previous.differences:
        yield f"  {_difference(difference)}"


def _difference(difference: Difference) -> str:
    where = " > ".join(difference.where) or "at the top"
    if difference.kind == "unknown":
        return f"{where}: something that is not recorded"
    if difference.kind == "file":
        paths = dict.fromkeys((difference.before, difference.now))
        return f"{where}: the content of {' and '.join(paths)}"
    return f"{where}: {difference.kind} {difference.now}, was {difference.before}"


def _shown(value: object) -> object:
    """Return ``value`` with bytes as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: _shown(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(part) for part in value]
    return value
