"""What must be so in every world, whatever happens in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from peer.claims.messages import Answer, Grant, HeldBy, Item, Key, NodeId, Unclaimed
from scheduler.patience import PATIENCE_SHARE
from scheduler.turns import AHEAD_S

from .ledger import Cause
from .programs import Task
from .shelf import TRUE, Kept

if TYPE_CHECKING:
    from .daemon import Daemon
    from .machine import Machine, Stage
    from .run import Run

TTL_S = 10.0
"""A lease lives so long without being renewed."""

PATIENT = 1.06
PATIENT_S = 0.6 + AHEAD_S
"""What patience is, what messages take besides, and by how much a grant comes early."""

SLOWER = 1.2
SLOWER_S = 1.0
"""A run takes at most so many times its time alone, and so many seconds."""

MEMORIES = frozenset({"done", "failed", "released", "suspected", "struck"})
"""What is remembered for some minutes, whether anybody wants something or not."""

CAPPED = ("table", "done", "failed", "released")
"""Tables of an arbiter that hold a number of nodes at most."""


class Violation(AssertionError):  # noqa: N818
    """Something happened that must not.

    Attributes:
        invariant: which one it is about.
    """

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant


@dataclass(slots=True)
class _Lease:
    """What an arbiter granted last for a node, as seen from outside."""

    holder: NodeId
    holder_boot: bytes
    token: int
    heard: float


class Checker:
    """Looks on, from outside of all processes."""

    stage: Stage

    def __init__(self) -> None:
        self._leases: dict[tuple[bytes, Key], _Lease] = {}
        self._components = 1

    # ---- values ------------------------------------------------------------

    def kept(self, machine: Machine, key: Key, kept: Kept) -> None:
        """I1: honest signers' results are right unless they rely on a liar's."""
        if kept.value == TRUE:
            return
        machines = self.stage.machines
        signers = {member for member, _ in kept.reliances} | {machine.me}
        if not any(machines[signer].nature.lie_rate for signer in signers):
            raise Violation("I1", f"a wrong {self.stage.name(key)}, and nobody lied")

    # ---- leases ------------------------------------------------------------

    def answered(
        self,
        arbiter: Daemon,
        caller: NodeId,
        boot_id: bytes,
        items: Sequence[Item],
        answers: Sequence[Answer],
    ) -> None:
        """Look at what an arbiter says to another machine."""
        if len(answers) != len(items):
            raise Violation("wire", f"{len(answers)} answers to {len(items)} items")
        for item, answer in zip(items, answers, strict=True):
            if isinstance(answer, Grant):
                self._granted(arbiter, caller, boot_id, item.key, answer)
            elif isinstance(answer, Unclaimed):
                self.stage.ledger.excuse([item.key])
            elif isinstance(answer, HeldBy) and answer.holder == caller:
                raise Violation("I8", "who claims is told to wait for itself")

    def _granted(
        self, arbiter: Daemon, caller: NodeId, boot_id: bytes, key: Key, grant: Grant
    ) -> None:
        """I8: one holder at a time for each boot of an arbiter; tokens rise."""
        now = arbiter.now
        before = self._leases.get((arbiter.boot_id, key))
        if before is not None:
            is_same = before.holder == caller and before.holder_boot == boot_id
            if grant.token < before.token or (
                grant.token == before.token and not is_same
            ):
                text = f"token {grant.token} after {before.token}"
                raise Violation("I8", f"{text} of {self.stage.name(key)}")
            if not is_same and not grant.is_hedge and self._is_held(now, key, before):
                self._granted_twice(arbiter, key, before.holder, caller)
        if not grant.is_hedge:
            lease = _Lease(caller, boot_id, grant.token, now)
            self._leases[arbiter.boot_id, key] = lease

    def granted_itself(self, arbiter: Daemon, key: Key) -> None:
        """An arbiter let its own machine compute a node, beside nobody."""
        before = self._leases.get((arbiter.boot_id, key))
        if before is None:
            lease = _Lease(arbiter.me, arbiter.boot_id, 0, float("inf"))
            self._leases[arbiter.boot_id, key] = lease
        elif before.holder != arbiter.me:
            if self._is_held(arbiter.now, key, before):
                self._granted_twice(arbiter, key, before.holder, arbiter.me)
            before.holder, before.holder_boot = arbiter.me, arbiter.boot_id
            before.heard = float("inf")

    def _granted_twice(
        self, arbiter: Daemon, key: Key, holder: NodeId, caller: NodeId
    ) -> None:
        name = self.stage.name
        raise Violation(
            "I8",
            f"{name(key)}, which {name(holder)} computes, "
            f"is granted to {name(caller)} by {name(arbiter.me)}",
        )

    def _is_held(self, now: float, key: Key, lease: _Lease) -> bool:
        """Return whether a lease lives, and its holder does compute the node."""
        if now > lease.heard + TTL_S:
            return False
        machine = self.stage.machines[lease.holder]
        daemon = machine.daemon
        if daemon is None or not daemon.is_alive or not machine.nature.is_truthful:
            return False
        return daemon.boot_id == lease.holder_boot and any(
            one.machine == lease.holder
            and one.ended is None
            and one.cause in (Cause.GRANTED, Cause.HEDGE)
            for one in self.stage.ledger.executions.get(key, ())
        )

    def renewed(self, arbiter: Daemon, caller: NodeId, keys: Sequence[Key]) -> None:
        """A holder has let an arbiter know that it lives."""
        for key in keys:
            lease = self._leases.get((arbiter.boot_id, key))
            if lease is not None and lease.holder == caller:
                lease.heard = arbiter.now

    def dropped(self, arbiter: Daemon, holder: NodeId, new_boot: bytes) -> None:
        """An arbiter is told that a member is gone: what its last life held is free."""
        for (boot_id, _), lease in self._leases.items():
            is_its = boot_id == arbiter.boot_id and lease.holder == holder
            if is_its and lease.holder_boot != new_boot:
                lease.heard = float("-inf")

    def released(self, arbiter: Daemon, caller: NodeId, keys: Sequence[Key]) -> None:
        """A holder has let an arbiter know that it computes nodes no longer."""
        for key in keys:
            lease = self._leases.get((arbiter.boot_id, key))
            if lease is not None and lease.holder == caller:
                lease.heard = float("-inf")

    def looked(self, daemon: Daemon) -> None:
        """I20: no table is larger than its cap; a full one forgets."""
        states = daemon.claims.states()
        # What a machine computes itself, it knows without a place in the table.
        most = self.stage.settings.max_keys + states["granted"] + states["begun"]
        for name in CAPPED:
            if states[name] > most:
                text = f"{self.stage.name(daemon.me)} has {states[name]} {name}"
                raise Violation("I20", text)
            if states[name] >= self.stage.settings.max_keys:
                self.stage.ledger.disturb(self.stage.world.now)

    def divided(self) -> None:
        """The network was cut."""
        self._components = max(self._components, self.stage.network.components())

    # ---- runs --------------------------------------------------------------

    def ended(self, run: Run) -> None:
        """I6: no run takes much longer than alone.

        A run loses its patience, and besides one wait for a holder that it believed in
        vain, which is as long as its longest task.  With tasks that are short against
        the whole that is less than a fifth of the time alone and a second.
        """
        if run.is_hopeless:
            return
        factor = run.machine.estimate_factor
        alone_s = max(run.alone_s, run.alone_s * factor)
        one_wait = PATIENT * alone_s + PATIENT_S + run.longest_s * max(1.0, factor)
        most = max(SLOWER * alone_s + SLOWER_S, one_wait) + PATIENCE_SHARE * run.seems_s
        if run.elapsed_s > most:
            raise Violation(
                "I6",
                f"{run.name} took {run.elapsed_s:.2f} s, alone {run.alone_s:.2f} s, "
                f"at most {most:.2f} s",
            )

    # ---- at the end --------------------------------------------------------

    def _check_calm(self) -> None:
        """I5: where nothing goes wrong, nobody believes that something does."""
        for at in self.stage.ledger.disturbances:
            raise Violation("I5", f"something seemed to be wrong at {at:.4f}")

    def check_end(self, runs: Sequence[Run], *, is_calm: bool) -> None:
        """Look at everything when nothing is wanted any more."""
        for run in runs:
            if run.is_alive and run.ended is None and not run.is_hopeless:
                raise Violation("I3", f"{run.name} has not finished")
        if is_calm:
            self._check_calm()
        for task in self.stage.program.tasks:
            if task.key in self.stage.ledger.executions and self.stage.is_shared(task):
                self._check_executions(task, is_calm=is_calm)
        for machine in self.stage.machines.values():
            self._check_tables(machine)
            self._check_trust(machine)

    def _check_executions(self, task: Task, *, is_calm: bool) -> None:
        """I4, I5: what is executed twice has reasons that the transcript shows."""
        ledger = self.stage.ledger
        executions = len(ledger.executions[task.key])
        if is_calm and executions != 1:
            raise Violation("I5", f"task{task.number} was executed {executions} times")
        reasons = self._components + ledger.transitions(task.key)
        reasons += ledger.count(
            task.key,
            Cause.HEDGE,
            Cause.AUDIT,
            Cause.UNGRANTED,
            Cause.FREE,
            Cause.OFFLINE,
        )
        if executions > reasons:
            raise Violation(
                "I4",
                f"task{task.number} was executed {executions} times for "
                f"{reasons} reasons",
            )

    def _check_tables(self, machine: Machine) -> None:
        """I9: nothing is left of what nobody wants."""
        daemon = machine.daemon
        if daemon is None or not daemon.is_alive or daemon.is_frozen:
            return
        left = {
            name: number
            for name, number in daemon.claims.states().items()
            if number and name not in MEMORIES
        }
        if left:
            raise Violation("I9", f"{self.stage.name(machine.me)} still has {left}")

    def _check_trust(self, machine: Machine) -> None:
        """I2: nothing is left of liars that were found, and only they are blamed."""
        auditor = machine.auditor
        if auditor is None or machine.nature.lie_rate:
            return
        stage, distrusted = self.stage, machine.shelf.distrusted
        lying = {each.me for each in stage.machines.values() if each.nature.lie_rate}
        for member in distrusted:
            excuses = {each for each, _ in auditor.excuses.get(member, ())}
            if not lying & (excuses | {member}):
                text = f"{stage.name(member)} is distrusted, and nobody lied"
                raise Violation("I2", text)
        for key, kept in machine.shelf.kept.items():
            signers = {member for member, _ in kept.reliances}
            if kept.value != TRUE and signers & distrusted.keys():
                raise Violation("I2", f"a lie survives as {stage.name(key)}")
