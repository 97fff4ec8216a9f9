"""A model of audits: what a machine computes to see whether others tell the truth.

It knows of values only whether they are right.  The rules are those of the daemon: how
often what is accepted is drawn, from which record on a member is not believed, what
leaves the store with it, and what is audited then.
"""

from __future__ import annotations

from collections import deque

from peer.claims.messages import Key, NodeId

from .ledger import Cause
from .machine import Machine, Stage
from .shelf import TRUE, Kept, Reliance

FIRST = 20
FIRST_RATE = 0.2
LATER_RATE = 0.01
GOAL_RATE = 0.05
LOOK_S = 0.5
"""An idle machine looks so often whether there is something to audit."""

NEWS_S = 1.0
"""So long it takes until all members have heard of a dispute."""


class Auditor:
    """The audits of one machine, done while nothing runs on it.

    Attributes:
        excuses: of members that are not believed, on whom else their wrong records
            rely: the fault may be theirs.
    """

    def __init__(self, machine: Machine, stage: Stage) -> None:
        """Begin with nothing to do.

        Args:
            machine: whose store is audited.
            stage: where it stands.
        """
        self.excuses: dict[NodeId, frozenset[Reliance]] = {}
        self._machine = machine
        self._stage = stage
        tasks = stage.program.tasks
        self._tasks = {task.key: task for task in tasks}
        self._goals = frozenset(tasks[number].key for number in stage.program.goals)
        self._due: deque[Key] = deque()
        self._accused: dict[NodeId, bool] = {}
        """Who is said to be wrong, and whether its results are to be looked at."""
        self._is_busy = False
        self._seen: dict[NodeId, int] = {}
        self._confirmed: dict[NodeId, int] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to audit."""
        return not (self._due or self._is_busy or any(self._accused.values()))

    def accepted(self, key: Key, kept: Kept) -> None:
        """Draw whether a result of somebody else is computed here as well."""
        seen = self._seen[kept.signer] = self._seen.get(kept.signer, 0) + 1
        rate = LATER_RATE
        if seen <= FIRST or kept.signer in self._accused:
            rate = FIRST_RATE
        if key in self._goals:
            rate = max(rate, GOAL_RATE)
        distrusted = self._machine.shelf.distrusted
        if any(member in distrusted for member, _ in kept.reliances):
            rate = 1.0
        if self._stage.world.random.random() < rate:
            self._due.append(key)
            self._soon(LOOK_S)

    def hear(self, member: NodeId) -> None:
        """Take note that others say that a member signs what is wrong."""
        self._accused[member] = True
        self._soon(LOOK_S)

    # ---- computing ---------------------------------------------------------

    def _soon(self, delay: float) -> None:
        self._stage.world.after(delay, None, self._look)

    def _look(self) -> None:
        """Begin the next audit, if the machine has nothing else to do."""
        if self._is_busy or self.is_idle:
            return
        if self._machine.runs:
            self._soon(LOOK_S)
            return
        for member, is_new in self._accused.items():
            if is_new:
                self._due.extend(self._machine.shelf.relying(member))
                self._accused[member] = False
        closure = self._closure(self._due.popleft()) if self._due else []
        if closure:
            self._compute(closure)
        elif self._due:
            self._soon(0.0)

    def _compute(self, closure: list[Key]) -> None:
        self._is_busy = True
        world, me = self._stage.world, self._machine.me
        world.note(me, "audits", closure[-1])
        for key in closure:
            execution = self._stage.ledger.begin(world.now, me, key, Cause.AUDIT)
            execution.is_done = True
        seconds = sum(self._machine.seconds(self._tasks[key]) for key in closure)
        world.after(seconds, None, self._compare, closure)

    def _closure(self, key: Key) -> list[Key]:
        """Return what is to be computed here for it, arguments first."""
        tasks = self._stage.program.tasks
        needed: set[Key] = set()
        below = [key]
        while below:
            each = below.pop()
            if each not in needed and self._is_foreign(each):
                needed.add(each)
                numbers = self._tasks[each].arguments
                below.extend(tasks[number].key for number in numbers)
        return [task.key for task in tasks if task.key in needed]

    def _is_foreign(self, key: Key) -> bool:
        kept = self._machine.shelf.kept.get(key)
        return kept is None or bool(kept.reliances)

    # ---- what follows ------------------------------------------------------

    def _compare(self, closure: list[Key]) -> None:
        """Take what was computed here in the place of what was said."""
        self._is_busy = False
        shelf = self._machine.shelf
        wrong: list[Kept] = []
        for key in closure:
            said = shelf.kept.get(key)
            shelf.replace(key, Kept(TRUE))
            if said is None or not said.signer:
                continue
            if said.value == TRUE:
                before = self._confirmed.get(said.signer, 0)
                self._confirmed[said.signer] = max(before, said.sequence)
            else:
                wrong.append(said)
        for said in sorted(wrong, key=lambda it: len(it.relies_on)):
            self._condemn(said)
        self._soon(0.0)

    def _condemn(self, said: Kept) -> None:
        """Stop to believe a member; if it can be excused, until that is settled."""
        distrusted = self._machine.shelf.distrusted
        others = frozenset(it for it in said.relies_on if it.member != said.signer)
        if not others:
            confirmed = self._confirmed.get(said.signer, 0)
            first = 1 + confirmed if confirmed < said.sequence else said.sequence
            self.excuses.pop(said.signer, None)
            self._distrust(said.signer, first)
            self._acquit()
        elif not self._is_excused(others) and said.signer not in distrusted:
            self.excuses[said.signer] = others
            self._distrust(said.signer, said.sequence)

    def _is_excused(self, others: frozenset[Reliance]) -> bool:
        """Return whether one of them is known to be wrong, by a record of its own."""
        distrusted = self._machine.shelf.distrusted
        return any(
            sequence >= distrusted.get(member, sequence + 1)
            and member not in self.excuses
            for member, sequence in others
        )

    def _acquit(self) -> None:
        """Believe those again whose wrong records are explained by others'."""
        for member, others in list(self.excuses.items()):
            if self._is_excused(others):
                del self.excuses[member]
                del self._machine.shelf.distrusted[member]
                self._stage.world.note(self._machine.me, "acquits", member)

    def _distrust(self, member: NodeId, first: int) -> None:
        """Drop what relies on a member, audit what is left, and tell the realm."""
        stage, me = self._stage, self._machine.me
        stage.ledger.lost_results.update(self._machine.shelf.distrust(member, first))
        stage.world.note(me, "distrusts", member, "from", first)
        self.hear(member)
        for other in stage.machines.values():
            if other is not self._machine and other.auditor is not None:
                stage.world.after(NEWS_S, None, other.auditor.hear, member)
