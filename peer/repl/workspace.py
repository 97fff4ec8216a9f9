"""The program so far, and running what an entry asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from language import Compiled, Session
from peer.programs import Dialect, Parameter, Program
from peer.runs import run_program
from primitives.catalog import standard_registry
from scheduler import Progress
from scheduler.plan import Plan

from .pages import PAGE, is_sequence, page_of

if TYPE_CHECKING:
    from peer.config import NetworkUse
    from scheduler import OnGoal, RunOptions, RunReport
    from store import NodeKey, SqliteStore

RUN_NAME = "repl"
"""What the runs of a session are called in the record of runs."""


@dataclass(slots=True)
class Entry:
    """An entry that was taken.

    Attributes:
        name: what messages call it.
        text: as typed, or of the file that was loaded.
        compiled: its own goals.
        is_expression: whether its value is to be shown.
        file: the program that was loaded, or None.
        left_out: places of goals that have no value, by line and column; they do not
            belong to a program that runs.
    """

    name: str
    text: str
    compiled: Compiled
    is_expression: bool = False
    file: Path | None = None
    left_out: set[tuple[int, int]] = field(default_factory=set)

    @property
    def is_sequence(self) -> bool:
        """Whether it is an expression for a sequence, which is shown by pages."""
        plan = self.compiled.plan
        if not self.is_expression or len(plan.goals) > 1:
            return False
        return is_sequence(plan, standard_registry())


@dataclass(frozen=True, slots=True)
class Terms:
    """How the entries of a session are run.

    Attributes:
        options: choices of each run.
        parameters: values of ``$NAME`` variables.
        dialect: ``"vox1"`` for VoxLogicA 1's grouping of operators.
        allow_outside: whether files may be saved outside the current directory.
        network: whether results are asked of other machines.
    """

    options: RunOptions
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    dialect: Dialect = "imgql"
    allow_outside: bool = False
    network: NetworkUse = "auto"


class Workspace:
    """A session of the language on a store.

    Args:
        store: where results are looked up and kept.
        terms: how entries are run.
    """

    def __init__(self, store: SqliteStore, terms: Terms) -> None:
        self.store = store
        self.terms = terms
        self.entries: list[Entry] = []
        self.texts: dict[str, str] = {}
        """Texts of the entries by their names, for messages with a place in them."""
        self.saved: dict[Path, bytes] = {}
        """What was written to which file by saving the session."""
        self.session = self._new_session()
        self._number = 0

    @property
    def next_name(self) -> str:
        """What messages will call the next entry."""
        return f"entry {self._number + 1}"

    def reset(self) -> None:
        """Forget all definitions; what was computed stays in the store."""
        self.entries.clear()
        self.session = self._new_session()

    def take(self, text: str) -> Entry:
        """Read an entry; what it defines is there from now on.

        Raises:
            ProgramError: it is wrong, and changed nothing.
        """
        name = self._numbered(text)
        compiled = self.session.add(text, name)
        is_expression = not self.session.pieces(text)
        return self._added(Entry(name, text, compiled, is_expression))

    def load(self, path: Path) -> Entry:
        """Read a program as if it was typed here; raises as :meth:`take`."""
        compiled = self.session.add_file(path)
        text = path.read_text(encoding="utf-8-sig")
        return self._added(Entry(str(path), text, compiled, file=path))

    def look(self, expression: str) -> list[Program]:
        """Return programs that print an expression; the session stays as it is.

        The first is for its value; if that is a sequence, the second is for the page
        of it that is shown first.

        Raises:
            ProgramError: the expression is wrong.
        """
        name = self._numbered(expression)
        plan = self.session.look(expression, name).plan
        plans = [plan]
        if is_sequence(plan, standard_registry()):
            plans.append(page_of(plan, 0))
        return [Program(RUN_NAME, plan) for plan in plans]

    def run(
        self, entry: Entry, progress: Progress, on_goal: OnGoal | None = None
    ) -> RunReport:
        """Compute the goals of an entry; of a sequence to be shown, the first page.

        Raises:
            PlanError: it cannot be run: an input is missing, say.
            OutputError: a file to save cannot be written.
            StoreError: the store is unusable.
            NoDaemonError: the network is required, and no daemon of the store runs.
            InterruptedRunError: the run was stopped; what was finished is kept.
        """
        plan = entry.compiled.plan
        # Until it is known what comes of them; an error leaves it so.
        entry.left_out = {_place(plan, index) for index in range(len(plan.goals))}
        if entry.is_sequence:
            report = self.run_page(entry, 0, progress)
        else:
            report = self._run(plan, entry, progress, on_goal)
        entry.left_out = {
            _place(plan, goal.index)
            for goal in report.goals
            if goal.failure is not None
        }
        return report

    def run_page(self, entry: Entry, first: int, progress: Progress) -> RunReport:
        """Compute some items of the sequence that an entry shows; raises as ``run``."""
        plan = page_of(entry.compiled.plan, first, PAGE)
        return self._run(plan, entry, progress, None)

    def _run(
        self,
        plan: Plan,
        entry: Entry,
        progress: Progress,
        on_goal: OnGoal | None,
    ) -> RunReport:
        name = RUN_NAME if entry.file is None else str(entry.file)
        return run_program(
            Program(name, plan),
            self.store,
            options=self.terms.options,
            allow_outside=self.terms.allow_outside,
            network=self.terms.network,
            on_goal=on_goal,
            progress=progress,
        )

    def _new_session(self) -> Session:
        return Session(
            registry=standard_registry(),
            parameters=self.terms.parameters,
            dialect=self.terms.dialect,
        )

    def _numbered(self, text: str) -> str:
        name = self.next_name
        self._number += 1
        self.texts[name] = text
        return name

    def _added(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        return entry


def key_of(plan: Plan, store: SqliteStore) -> NodeKey | None:
    """Return the node key of the first goal of a plan, if it can be told.

    Args:
        plan: of the current directory.
        store: remembers the digests of files.
    """
    from scheduler import explain_plan

    explained = explain_plan(
        plan, store=store, registry=standard_registry(), directory=Path.cwd()
    )
    wanted = plan.goals[0].node
    return next((node.key for node in explained.nodes if node.ref == wanted), None)


def _place(plan: Plan, index: int) -> tuple[int, int]:
    site = plan.goals[index].site
    if site < 0:
        return (0, 0)
    return plan.sites[site].line, plan.sites[site].column
