"""Troubles that befall machines at random, the same ones for the same seed."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from .command import CommandError
from .machine import Machine, Run
from .waiting import wait_until

MOST_TROUBLED = 2
"""Machines in trouble at a time."""

PAUSE_S = (0.3, 1.5)
"""Between the beginnings of two troubles."""

LASTS_S = (0.5, 6.0)
RECOVERY_S = 5.0
"""After which machines that heard nothing of each other divide their work again."""

RUN_LIMIT_S = 300.0
LOOK_S = 0.1

SPOIL_ONE = """
import os, pathlib, random, sys
blobs = sorted(pathlib.Path("/store/blobs").rglob("*"))
blobs = [path for path in blobs if path.is_file()]
if blobs:
    path = random.Random(int(sys.argv[1])).choice(blobs)
    state = path.stat()
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(state.st_size // 2)
        byte = file.read(1)[0]
        file.seek(state.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    path.chmod(state.st_mode)
    print(path.name)
"""
"""Changes one bit of one artifact, and no time of modification."""


@dataclass
class Runner:
    """A machine whose user starts the same program again until it has come to an end.

    Attributes:
        machine: where it runs.
        run: the one that came to its end, if any.
        starts: how often it was started.
    """

    machine: Machine
    program: str
    options: tuple[str, ...]
    run: Run | None = None
    starts: int = 0
    process: subprocess.Popen[str] | None = None

    def look(self) -> None:
        """Start the program if it does not run; see whether it is done."""
        if self.run is not None:
            return
        if self.process is None:
            self.starts += 1
            self.process = self.machine.start(self.program, *self.options)
        elif self.process.poll() is not None:
            process, self.process = self.process, None
            if process.returncode == 0:
                self.run = self.machine.finish(process)
            else:
                process.communicate()


@dataclass
class Trouble:
    """What is wrong with a machine just now."""

    kind: str
    machine: Machine
    ends: float


@dataclass
class Chaos:
    """Troubles machines until their programs are done, and for a time at least.

    Attributes:
        befell: how often each kind of trouble befell a machine.
        executions_allowed: how many naps may have been begun twice over it.
    """

    machines: list[Machine]
    random: Random
    slots: int
    nap_s: float
    befell: Counter[str] = field(default_factory=Counter)
    executions_allowed: float = 0.0
    transcript: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._troubles: list[Trouble] = []
        self._started = time.monotonic()
        self._next = self._started + self.random.uniform(*PAUSE_S)

    def until_done(self, runners: list[Runner]) -> None:
        """Make trouble until every runner has come to its end; then let it be."""
        deadline = time.monotonic() + RUN_LIMIT_S
        while any(runner.run is None for runner in runners):
            assert time.monotonic() < deadline, "the programs do not come to their end"
            self._step()
            for runner in runners:
                if not self._is_frozen(runner.machine):
                    runner.look()
            time.sleep(LOOK_S)
        self._end(self._troubles)

    # ---- troubles ----------------------------------------------------------

    def _step(self) -> None:
        now = time.monotonic()
        self._end([trouble for trouble in self._troubles if trouble.ends <= now])
        if now < self._next:
            return
        self._next = now + self.random.uniform(*PAUSE_S)
        troubled = {trouble.machine.name for trouble in self._troubles}
        free = [each for each in self.machines if each.name not in troubled]
        if len(troubled) >= MOST_TROUBLED or not free:
            return
        kind = self.random.choice(sorted(_BEGINNINGS))
        machine = self.random.choice(free)
        ends = now + self.random.uniform(*LASTS_S)
        self._say(f"{kind} {machine.name} for {ends - now:.1f} s")
        self.befell[kind] += 1
        self._allow(kind, ends - now)
        _BEGINNINGS[kind](self, machine)
        self._troubles.append(Trouble(kind, machine, ends))

    def _allow(self, kind: str, lasts_s: float) -> None:
        """Count what may be executed twice over one trouble.

        Who is cut off executes what it wants meanwhile, and until others are heard
        again; what a machine was at is done once more elsewhere when it is lost.
        """
        apart_s = 0.0
        if kind in ("cut off", "lose packets", "kill daemon"):
            apart_s = lasts_s + RECOVERY_S
        elif kind == "freeze":  # it executes nothing while it lasts
            apart_s = RECOVERY_S
        self.executions_allowed += self.slots * (1 + apart_s / self.nap_s)

    def _end(self, troubles: list[Trouble]) -> None:
        for trouble in list(troubles):
            self._say(f"end of {trouble.kind} {trouble.machine.name}")
            _ENDS[trouble.kind](trouble.machine)
            self._troubles.remove(trouble)

    def _is_frozen(self, machine: Machine) -> bool:
        return any(
            trouble.machine is machine and trouble.kind == "freeze"
            for trouble in self._troubles
        )

    def _say(self, text: str) -> None:
        self.transcript.append(f"{time.monotonic() - self._started:7.1f}  {text}")

    def freeze(self, machine: Machine) -> None:
        machine.freeze()

    def cut_off(self, machine: Machine) -> None:
        others = [each for each in self.machines if each is not machine]
        machine.cut_off(*others)

    def lose_packets(self, machine: Machine) -> None:
        machine.lose(30)

    def kill_daemon(self, machine: Machine) -> None:
        machine.kill_daemon()

    def kill_run(self, machine: Machine) -> None:
        machine.kill_runs()

    def spoil(self, machine: Machine) -> None:
        seed = str(self.random.randrange(2**32))
        machine.run("python3", "-c", SPOIL_ONE, seed, check=False)


def rejoin(machine: Machine) -> None:
    """Start the daemon that was killed."""
    try:
        machine.join()
    except (AssertionError, CommandError):
        wait_until(machine.is_up, f"{machine.name} is up again", limit_s=30)


def nothing(machine: Machine) -> None:
    """Some troubles have no end."""


_BEGINNINGS = {
    "freeze": Chaos.freeze,
    "cut off": Chaos.cut_off,
    "lose packets": Chaos.lose_packets,
    "kill daemon": Chaos.kill_daemon,
    "kill run": Chaos.kill_run,
    "spoil disk": Chaos.spoil,
}
_ENDS = {
    "freeze": Machine.thaw,
    "cut off": Machine.heal,
    "lose packets": Machine.heal,
    "kill daemon": rejoin,
    "kill run": nothing,
    "spoil disk": nothing,
}
