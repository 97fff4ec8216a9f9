"""Machines of a realm: each a folder, a store, and a daemon in the background."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from peer.local.place import holder_pid
from peer.stores import open_store
from primitives.encoding import encode
from store import Batch, NodeKey, Result

from .measure import BRAIN, VOXPEER, Measured, run
from .naps.naps import LOG

CAP_BYTES = 4 << 30
LIMIT_S = 60.0
LOOK_AGAIN_S = 0.1
BATCH = 1000
NAPS = Path(__file__).with_name("naps")
"""On the path of a voxpeer, this adds the namespace of the same name."""

HERE = "127.0.0.1:0"


class Machine:
    """One machine, used through the command line."""

    def __init__(self, folder: Path, name: str, *, shares_inputs: bool = False) -> None:
        """Make the folder of a machine, with the brain in it.

        Args:
            folder: to be made.
            name: what the others call it.
            shares_inputs: whether it offers values that show an input, too.
        """
        folder.mkdir()
        (folder / "brain").symlink_to(BRAIN)
        (folder / "voxpeer.toml").write_text(
            f'name = "{name}"\n'
            f"store_cap = {CAP_BYTES}\n"
            f"share_inputs = {str(shares_inputs).lower()}\n"
        )
        self.name = name
        self.folder = folder
        self.store = folder / "store"

    def voxpeer(self, *words: str) -> Measured:
        """Run a command of voxpeer on this machine's store, to its end."""
        return run([VOXPEER, *words, "--store", self.store], self.folder)

    def execute(self, text: str, *options: str) -> tuple[Measured, dict[str, Any]]:
        """Run a program; return what it took, and what ``--json`` said."""
        (self.folder / "program.imgql").write_text(text)
        measured = self.voxpeer("run", "program.imgql", "--json", *options)
        return measured, json.loads(measured.stdout)

    def start(self, program: str, *options: str) -> subprocess.Popen[str]:
        """Start a program that lies in the folder, with the namespace ``naps``."""
        words = [VOXPEER, "run", program, "--json", "--no-progress", *options]
        return subprocess.Popen(
            [*words, "--store", str(self.store)],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(NAPS),
                LOG: str(self.folder / "naps.log"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def naps(self) -> list[str]:
        """Return the level of each nap that was begun here."""
        return (self.folder / "naps.log").read_text().split()

    def obtained(self, run_id: str) -> list[tuple[bytes, str, str]]:
        """Return of each node of a run its key, its primitive, and how it was had."""
        query = "SELECT key, primitive, how FROM node_runs WHERE run_id = ?"
        with (
            open_store(self.store, CAP_BYTES) as store,
            store.database.read() as connection,
        ):
            return connection.execute(query, (run_id,)).fetchall()

    def status(self) -> dict[str, Any]:
        """Return what the daemon says of itself."""
        status: dict[str, Any] = json.loads(self.voxpeer("status", "--json").stdout)
        return status

    # ---- the daemon ------------------------------------------------------------

    def found(self, listen: str = HERE) -> Measured:
        """Make a realm, and start the daemon."""
        return self.voxpeer("join", "--new-realm", "--detach", "--listen", listen)

    def join(self, token: str, listen: str = HERE) -> Measured:
        """Enrol with a token, and start the daemon."""
        return self.voxpeer("join", token, "--detach", "--listen", listen)

    def invite(self) -> str:
        """Return a token for one more machine."""
        token: str = json.loads(self.voxpeer("invite", "--json").stdout)["token"]
        return token

    @property
    def daemon(self) -> psutil.Process:
        """The process of the daemon."""
        pid = holder_pid(self.store)
        if not pid:
            raise RuntimeError(f"the daemon of {self.name} does not run any more")
        return psutil.Process(pid)

    def freeze(self) -> None:
        """Have the daemon stand still."""
        self.daemon.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.daemon.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the daemon, if there is one."""
        if holder_pid(self.store) is None:
            return
        daemon = self.daemon
        try:
            self.thaw()
            daemon.terminate()
            daemon.wait(LIMIT_S)
        except psutil.TimeoutExpired:
            daemon.kill()

    # ---- what is waited for ----------------------------------------------------

    def shares(self, count: int) -> None:
        """Wait until this machine offers as many results."""
        until(
            lambda: self.status()["shared_results"] >= count,
            f"{self.name} shares {count} results",
        )

    def knows(self, other: Machine) -> None:
        """Wait until this machine knows what another one offers."""
        offered = other.status()["shared_results"]

        def is_known() -> bool:
            return any(
                each["name"] == other.name
                and each["state"] == "live"
                and each["shared_results"] == offered
                for each in self.status()["peers"]
            )

        until(is_known, f"{self.name} knows what {other.name} shares")


class Lab:
    """Makes machines in one folder, and stops their daemons when it is left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    @contextmanager
    def machine(
        self, name: str = "fresh", *, shares_inputs: bool = False
    ) -> Iterator[Machine]:
        """Have a machine with an empty store for a while."""
        self._made += 1
        folder = self._folder / f"{name}-{self._made}"
        machine = Machine(folder, name, shares_inputs=shares_inputs)
        try:
            yield machine
        finally:
            machine.stop()
            shutil.rmtree(folder)


@contextmanager
def lab() -> Iterator[tuple[Lab, ExitStack]]:
    """Have a laboratory, and a stack on which to keep its lasting machines."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as lasting:
        yield Lab(Path(folder)), lasting


def fill(store: Path, count: int) -> None:
    """Keep so many results, of a second of computing each, in a new store."""
    with open_store(store, CAP_BYTES) as opened:
        for start in range(0, count, BATCH):
            results = []
            for number in range(start, min(start + BATCH, count)):
                payload = b"".join(map(bytes, encode(number, lambda value: b"")))
                digest = opened.put([payload])
                key = NodeKey(hashlib.sha256(b"result %d" % number).digest())
                results.append(Result(key, digest, "int", len(payload), 1.0, 1.0))
            opened.commit(Batch(results=results)).result()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds.

    Raises:
        RuntimeError: it does not within a minute.
    """
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited for {LIMIT_S:.0f} s in vain until {what}")
        time.sleep(LOOK_AGAIN_S)


def used_by(processes: Sequence[psutil.Process], seconds: float) -> list[float]:
    """Return the share of a core that each process takes while so much time passes."""
    before = [_cpu_s(each) for each in processes]
    started = time.perf_counter()
    time.sleep(seconds)
    passed_s = time.perf_counter() - started
    return [
        (_cpu_s(each) - then) / passed_s
        for each, then in zip(processes, before, strict=True)
    ]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
