"""What many worlds have in common, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean

from .outcome import Outcome
from .playing import Failure, Played

HEADS = (
    "scenario",
    "seeds",
    "executions/task",
    "worst",
    "needless",
    "make-span/alone",
    "worst",
    "waiting",
    "hedges",
    "ungranted",
    "audits",
    "failures",
)


@dataclass(slots=True)
class Row:
    """One scenario's worlds."""

    outcomes: list[Outcome] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def executions(self) -> float:
        """Executions of a task, mean over all that were worth a claim."""
        tasks = sum(outcome.tasks for outcome in self.outcomes)
        return sum(outcome.executions for outcome in self.outcomes) / max(1, tasks)

    @property
    def needless(self) -> float:
        """Executions of a task that somebody within reach had, or was at."""
        tasks = sum(outcome.tasks for outcome in self.outcomes)
        return sum(outcome.needless for outcome in self.outcomes) / max(1, tasks)

    @property
    def span(self) -> float:
        """Time of a run in shares of its time alone, mean."""
        spans = [span for outcome in self.outcomes for span in outcome.spans]
        return fmean(spans) if spans else 0.0

    def cells(self, name: str) -> list[str]:
        """Return what the table says of this scenario."""
        outcomes = self.outcomes
        spans = [span for outcome in outcomes for span in outcome.spans]
        waits = [share for outcome in outcomes for share in outcome.waited]
        return [
            name,
            str(len(outcomes) + len(self.failures)),
            f"{self.executions:.3f}",
            str(max((outcome.worst for outcome in outcomes), default=0)),
            f"{self.needless:.3f}",
            f"{self.span:.3f}",
            f"{max(spans, default=0.0):.2f}",
            f"{100 * fmean(waits or [0.0]):.1f} %",
            str(sum(outcome.hedges for outcome in outcomes)),
            str(sum(outcome.ungranted for outcome in outcomes)),
            str(sum(outcome.audits for outcome in outcomes)),
            str(len(self.failures)),
        ]


class Summary:
    """The table."""

    def __init__(self, played: Iterable[Played] = ()) -> None:
        self.rows: dict[str, Row] = {}
        for one in played:
            self.add(one)

    def add(self, played: Played) -> None:
        """Take one world into account."""
        row = self.rows.setdefault(played.scenario, Row())
        if isinstance(played.result, Failure):
            row.failures.append(played.result)
        else:
            row.outcomes.append(played.result)

    @property
    def failures(self) -> list[Failure]:
        """All worlds in which something happened that must not."""
        return [failure for row in self.rows.values() for failure in row.failures]

    def __str__(self) -> str:
        total = Row()
        for row in self.rows.values():
            total.outcomes += row.outcomes
            total.failures += row.failures
        table = [list(HEADS)]
        table += [row.cells(name) for name, row in self.rows.items()]
        table.append(total.cells("all"))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(_line(cells, widths) for cells in table)


def _line(cells: list[str], widths: list[int]) -> str:
    first, *rest = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *rest])
