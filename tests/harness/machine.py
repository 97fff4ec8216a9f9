"""One machine: its commands, its daemon, and what may befall it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .command import Output, failure
from .engine import Engine
from .waiting import wait_until

COMMAND_LIMIT_S = 60.0
JOIN_LIMIT_S = 30.0
OWNER = "1000:1000"
"""User of the image."""

LOG = "/proc/1/fd/1"
"""Standard output of the container, which ``docker logs`` shows."""


DAEMON = "voxpeer join"
"""What the command line of a daemon contains."""

RUN = "voxpeer run"
"""What the command line of a run contains."""

TOKEN = re.compile(r"\bvxp1\.\S+")


@dataclass(frozen=True)
class Settings:
    """What is special about a machine.

    Attributes:
        store_mb: size of the disk that its store is on; None for a large one.
        clock: what its clock is off by, in libfaketime's words ("+1d").
        router: whether it passes on packets between its networks.
        shares_inputs: whether it offers values that show an input, too.
        additions: a folder with a ``sitecustomize`` for every Python on it.
        environment: variables of every process on it.
    """

    store_mb: int | None = None
    clock: str | None = None
    router: bool = False
    shares_inputs: bool = False
    additions: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> list[str]:
        """The same for ``docker run``."""
        options = []
        for name, value in self.environment.items():
            options += ["--env", f"{name}={value}"]
        if self.store_mb:
            mount = f"/store:size={self.store_mb}m,mode=0700,uid=1000,gid=1000"
            # The disk is to be full before the store has taken what it may.
            options += ["--tmpfs", mount, "--env", "VOXPEER_STORE_CAP=10GB"]
        if self.clock:
            faked = {
                "LD_PRELOAD": "libfaketimeMT.so.1",
                "LD_LIBRARY_PATH": _FAKETIME,
                "FAKETIME": self.clock,
                # A clock that was set wrong; time itself goes on as it does.
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "PYTHONPATH": SLEEP_FOLDER,
            }
            for name, value in faked.items():
                options += ["--env", f"{name}={value}"]
        if self.additions:
            folder = f"/additions/{self.additions.name}"
            options += ["--env", f"PYTHONPATH={folder}"]
        if self.router:
            options += ["--sysctl", "net.ipv4.ip_forward=1"]
        if self.shares_inputs:
            options += ["--env", "VOXPEER_SHARE_INPUTS=true"]
        return options


SLEEP_FOLDER = "/tmp/sleep"
SLEEP = """
# Under libfaketime, clock_nanosleep refuses the absolute times of Python's sleep.
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""
"""What a machine with a shifted clock runs in every Python."""

_NODES = """
import json, sqlite3, sys
query = "SELECT hex(key), primitive, how, source, seconds FROM node_runs WHERE run_id=?"
with sqlite3.connect("/store/store.db") as connection:
    print(json.dumps(connection.execute(query, sys.argv[1:]).fetchall()))
"""

_FAKETIME = ":".join(
    f"/usr/lib/{machine}-linux-gnu/faketime" for machine in ("x86_64", "aarch64")
)


@dataclass(frozen=True)
class Node:
    """How one node of a run was had.

    Attributes:
        key: in hexadecimal digits.
        primitive: its qualified name.
        how: "computed", "store" or "peer".
        source: name of the peer.
        seconds: of computing or fetching.
    """

    key: str
    primitive: str
    how: str
    source: str
    seconds: float


@dataclass(frozen=True)
class Run:
    """A program that ran to its end."""

    document: dict[str, Any]
    saved: dict[str, str] = field(default_factory=dict)

    @property
    def stats(self) -> dict[str, Any]:
        """What the run counted."""
        stats: dict[str, Any] = self.document["stats"]
        return stats

    @property
    def executed(self) -> int:
        """How many kernels ran."""
        count: int = self.stats["executed"]
        return count

    @property
    def seconds(self) -> float:
        """How long it took."""
        return float(self.stats["seconds"])

    @property
    def from_peers(self) -> int:
        """How many results came from neighbours."""
        count: int = self.stats["from_peers"]
        return count

    @property
    def from_store(self) -> int:
        """How many results were here already."""
        count: int = self.stats["from_store"]
        return count

    @property
    def results(self) -> dict[str, tuple[Any, ...]]:
        """Per goal its kind, value, node key and digest."""
        names = ("kind", "value", "key", "digest")
        return {
            goal["label"]: tuple(goal[name] for name in names)
            for goal in self.document["goals"]
        }


class Machine:
    """A container that plays a machine."""

    def __init__(self, engine: Engine, name: str, full_name: str) -> None:
        self.name = name
        self.full_name = full_name
        self._engine = engine

    # Commands

    def run(
        self, *command: str, limit_s: float = COMMAND_LIMIT_S, check: bool = True
    ) -> Output:
        """Run a command as the user of this machine."""
        words = ["exec", self.full_name, *command]
        return self._engine.docker(*words, limit_s=limit_s, check=check)

    def root(self, *command: str) -> Output:
        """Run a command as root, who has all rights on the machine's network."""
        return self._engine.docker("exec", "--user=root", self.full_name, *command)

    def voxpeer(
        self, *arguments: str, limit_s: float = COMMAND_LIMIT_S, check: bool = True
    ) -> Output:
        """Run a command of voxpeer to its end."""
        return self.run("voxpeer", *arguments, limit_s=limit_s, check=check)

    def put(self, source: Path, target: str = "") -> None:
        """Copy a file or a folder into the folder where programs run."""
        path = f"/work/{target or source.name}"
        self._engine.docker("cp", str(source), f"{self.full_name}:{path}")
        self.root("chown", "--recursive", OWNER, path)

    def add(self, folder: Path) -> None:
        """Copy a folder of additions to Python to where it is looked for."""
        self.root("mkdir", "-p", "/additions")
        target = f"{self.full_name}:/additions/{folder.name}"
        self._engine.docker("cp", str(folder), target)

    def write(self, path: str, text: str) -> None:
        """Write a text file; a bare name is one in the folder where programs run."""
        script = 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"'
        self.run("sh", "-c", script, "write", path, text)

    def start(self, program: str, *options: str) -> subprocess.Popen[str]:
        """Start a program and do not wait for its end."""
        words = ["voxpeer", "run", program, "--json", "--no-progress", *options]
        return self._engine.start("exec", self.full_name, *words)

    def finish(
        self, process: subprocess.Popen[str], limit_s: float = COMMAND_LIMIT_S
    ) -> Run:
        """Wait for the end of a started program, which must be a good one."""
        try:
            stdout, stderr = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"{self.name}: no end after {limit_s:.0f} s") from None
        output = Output(process.returncode, stdout, stderr)
        if output.exit_code:
            raise failure(f"voxpeer run on {self.name}", output)
        document = json.loads(output.stdout)
        return Run(document, self.digests(document["saved"]))

    def execute(
        self, program: str, *options: str, limit_s: float = COMMAND_LIMIT_S
    ) -> Run:
        """Run a program to its end, which must be a good one."""
        return self.finish(self.start(program, *options), limit_s)

    def nodes(self, run: Run) -> list[Node]:
        """Return how the nodes of a run were had."""
        asked = self.run("python3", "-c", _NODES, run.document["run_id"])
        return [Node(*row) for row in json.loads(asked.stdout)]

    def digests(self, paths: list[str]) -> dict[str, str]:
        """Return the SHA-256 of files, by their paths."""
        if not paths:
            return {}
        lines = self.run("sha256sum", *paths).stdout.splitlines()
        return {line[66:]: line[:64] for line in lines}

    # The daemon

    def join(self, *arguments: str) -> str:
        """Start the daemon and return what it has said once it is up."""
        script = f'exec voxpeer join "$@" > {LOG} 2>&1'
        words = ["sh", "-c", script, "join", *arguments]
        before = len(self.log())
        self._engine.docker("exec", "--detach", self.full_name, *words)
        wait_until(
            lambda: self.is_up() or not self._has_daemon(),
            f"{self.name} is up",
            limit_s=JOIN_LIMIT_S,
        )
        said = self.log()[before:]
        assert self._has_daemon(), f"the daemon of {self.name} has ended:\n{said}"
        return said

    def found(self, *arguments: str) -> str:
        """Start the daemon of a new realm and return its first token."""
        self.join(*arguments)
        wait_until(
            lambda: TOKEN.search(self.log()),
            f"{self.name} shows a token",
            limit_s=JOIN_LIMIT_S,
        )
        return token_in(self.log())

    def invite(self, *arguments: str) -> str:
        """Return a token for one more machine."""
        return token_in(self.voxpeer("invite", *arguments).stdout)

    def is_up(self) -> bool:
        """Whether the daemon answers."""
        return self.voxpeer("status", "--json", check=False).exit_code == 0

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself and its neighbours."""
        document: dict[str, Any] = json.loads(self.voxpeer("status", "--json").stdout)
        return document

    def neighbours(self, state: str = "live") -> list[str]:
        """Names of the peers in a state."""
        peers = self.status()["peers"]
        return sorted(peer["name"] for peer in peers if peer["state"] == state)

    def disbelieved(self) -> list[str]:
        """Names of the peers some of whose results are not accepted here."""
        peers = self.status()["peers"]
        return sorted(
            peer["name"] for peer in peers if peer["refused_from"] is not None
        )

    @property
    def offered(self) -> int:
        """How many results this machine shares."""
        count: int = self.status()["shared_results"]
        return count

    def offers(self, other: Machine) -> int:
        """How many results this machine knows another one to share."""
        peers = self.status()["peers"]
        return sum(
            peer["shared_results"] for peer in peers if peer["name"] == other.name
        )

    def wait_for(self, *names: str, limit_s: float = 20.0) -> None:
        """Wait until these peers are live neighbours."""
        wait_until(
            lambda: set(names) <= set(self.neighbours()),
            f"{', '.join(names)} live at {self.name}",
            limit_s=limit_s,
        )

    def kill_daemon(self, signal: str = "KILL") -> None:
        """Send the daemon a signal and wait for its end."""
        self.run("pkill", f"-{signal}", "-f", DAEMON)
        wait_until(
            lambda: not self._has_daemon(),
            f"the daemon of {self.name} has ended",
            limit_s=COMMAND_LIMIT_S,
        )

    def _has_daemon(self) -> bool:
        return self.run("pgrep", "-f", DAEMON, check=False).exit_code == 0

    def log(self) -> str:
        """Return what the daemon has said; also when the machine is off."""
        output = self._engine.docker("logs", self.full_name, check=False)
        return output.stdout + output.stderr

    # Trouble

    def freeze(self) -> None:
        """Stop all its processes in mid-air; its network answers as before."""

        def is_frozen() -> bool:
            # The kernel refuses while a process is just being made.
            done = self._engine.docker("pause", self.full_name, check=False)
            return done.exit_code == 0

        wait_until(is_frozen, f"{self.name} is frozen", limit_s=COMMAND_LIMIT_S)

    def thaw(self) -> None:
        """Let them go on."""
        self._engine.docker("unpause", self.full_name)

    def switch_off(self) -> None:
        """Pull the plug: nothing is said to anybody."""
        self._engine.docker("kill", "--signal", "KILL", self.full_name)

    def kill_runs(self) -> None:
        """Kill every program that runs, without a word to anybody."""
        self.run("pkill", "-KILL", "-f", RUN, check=False)

    def lose(self, percent: int) -> None:
        """Lose that share of the packets that arrive, at random."""
        self._drop(f"numgen random mod 100 < {percent}")

    def cut_off(self, *others: Machine) -> None:
        """Hear nothing of other machines, nor of what is sent to all."""
        addresses = ", ".join(other.address for other in others)
        self._drop(f"ip saddr {{ {addresses} }}")

    def heal(self) -> None:
        """Hear everything again."""
        self.root("nft", "flush ruleset")

    def _drop(self, what: str) -> None:
        chain = "type filter hook input priority 0;"
        self.root("nft", "add table inet trouble")
        self.root("nft", f"add chain inet trouble arriving {{ {chain} }}")
        self.root("nft", f'add rule inet trouble arriving iifname != "lo" {what} drop')

    def slow_down(self, mbit_s: int) -> None:
        """Send no faster than that."""
        shape = ["rate", f"{mbit_s}mbit", "burst", "64kb", "latency", "200ms"]
        self.root("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", *shape)

    @property
    def sent_bytes(self) -> int:
        """What it has sent since it was switched on."""
        statistics = "/sys/class/net/eth0/statistics/tx_bytes"
        return int(self.run("cat", statistics).stdout)

    @property
    def addresses(self) -> dict[str, str]:
        """Its address on each network, by the network's name."""
        facts = json.loads(self._engine.docker("inspect", self.full_name).stdout)[0]
        networks = facts["NetworkSettings"]["Networks"]
        return {name: network["IPAddress"] for name, network in networks.items()}

    @property
    def address(self) -> str:
        """Its address."""
        return next(iter(self.addresses.values()))


def token_in(text: str) -> str:
    """Return the token that a text shows."""
    found = TOKEN.search(text)
    assert found, f"no token in:\n{text}"
    return found[0]
