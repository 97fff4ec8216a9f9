"""How a daemon shares work with others, as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from peer.quantities import format_duration

if TYPE_CHECKING:
    from peer.local.messages import Status

DUPLICATES = "duplicate_executions_"

NOW = (
    ("granted", "computed here"),
    ("begun", "computed here without a grant"),
    ("held", "by others"),
    ("fetching", "being fetched"),
    ("asking", "being asked about"),
)
"""States of claims, in the order in which they are shown."""

SO_FAR = (
    ("claims_granted", "to compute here"),
    ("claims_arrived", "came instead"),
    ("begun_without_grant", "begun without waiting longer"),
    ("claims_free", "of no interest to others"),
    ("claims_unshared", "not worth sharing"),
)
"""Counters of claims, in the order in which they are shown."""


def claim_facts(status: Status) -> Iterator[tuple[str, str]]:
    """Yield what there is to say about shared work: a label, and a text."""
    claims, counters = status.claims, status.counters
    now = _listed(claims, NOW)
    if now:
        runs = claims.get("waiting_runs", 0)
        yield "work now", f"of {runs} run{'' if runs == 1 else 's'}: {now}"
    so_far = _listed(counters, SO_FAR)
    if so_far:
        yield "work so far", so_far
    waits = ", ".join(_waits(status.claim_seconds))
    if waits:
        yield "waited", waits
    twice = {
        name.removeprefix(DUPLICATES): count
        for name, count in counters.items()
        if name.startswith(DUPLICATES)
    }
    if twice:
        causes = ", ".join(f"{cause} {count}" for cause, count in sorted(twice.items()))
        total = sum(twice.values())
        yield "in vain", f"{total} node{'' if total == 1 else 's'} ({causes})"


def is_of_claims(counter: str) -> bool:
    """Return whether a counter is shown by :func:`claim_facts`."""
    return counter.startswith(DUPLICATES) or counter in dict(SO_FAR)


def _listed(numbers: Mapping[str, int], names: tuple[tuple[str, str], ...]) -> str:
    shown = ((numbers.get(name, 0), text) for name, text in names)
    return ", ".join(f"{number} {text}" for number, text in shown if number)


def _waits(seconds: Mapping[str, tuple[int, float]]) -> Iterator[str]:
    for until, text in (
        ("answer", "for answers"),
        ("arrival", "for results that came"),
        ("grant", "for results that did not come"),
        ("begin", "for results, and then no longer"),
    ):
        count, total = seconds.get(until, (0, 0.0))
        if count:
            mean = format_duration(total / count)
            times = f"{count} times {text}, {mean} each"
            yield times if count > 1 else f"once {text}, {mean}"
