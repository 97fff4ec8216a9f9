"""A Docker engine to run the scenarios on.

An engine that answers is used as it is.  If none does, root can have one of our own:
it lives in a temporary folder and in a network of its own (a network namespace), so
neither its bridges nor its firewall rules touch those of this machine, nor are its
containers cut off by rules that are here already.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .command import CommandError, Output, execute
from .waiting import wait_until

START_LIMIT_S = 30.0
STOP_LIMIT_S = 30.0
CALL_LIMIT_S = 60.0
"""Seconds for a call of the engine that has nothing to wait for."""

PROGRAMS = ("dockerd", "docker", "unshare", "ip")
"""What an engine of our own needs."""


class EngineUnavailableError(Exception):
    """There is no engine and none can be started; the message says why."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers; ``host`` is its address, None the usual one."""

    host: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which Docker's programs find the engine."""
        # The classic builder is in every engine; the other one is a plug-in.
        classic = {"DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}
        return {**classic, **({"DOCKER_HOST": self.host} if self.host else {})}

    def docker(
        self, *arguments: str, limit_s: float = CALL_LIMIT_S, check: bool = True
    ) -> Output:
        """Run ``docker`` with ``arguments``."""
        command = ["docker", *arguments]
        return execute(
            command, limit_s=limit_s, check=check, environment=self.environment
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``docker`` with ``arguments`` and do not wait for its end."""
        return subprocess.Popen(
            ["docker", *arguments],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    @property
    def answers(self) -> bool:
        """Whether the engine can be used."""
        try:
            self.docker("info", "--format", "{{.ServerVersion}}", limit_s=20)
        except (CommandError, FileNotFoundError):
            return False
        return True


@contextmanager
def any_engine() -> Iterator[Engine]:
    """Give the engine that answers, or for the time of the context one of our own.

    Raises:
        EngineUnavailableError: no engine answers and none can be started.
    """
    if shutil.which("docker") and Engine().answers:
        yield Engine()
        return
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        raise EngineUnavailableError(
            f"no Docker engine answers, and {', '.join(missing)} is not installed"
        )
    if os.geteuid() != 0:
        raise EngineUnavailableError(
            "no Docker engine answers this user, and only root can start one"
        )
    with own_engine() as engine:
        yield engine


@contextmanager
def own_engine() -> Iterator[Engine]:
    """Start an engine, and stop it at the end with all it has made.

    Raises:
        EngineUnavailableError: it does not start; the message holds its log.
    """
    folder = Path(tempfile.mkdtemp(prefix="voxpeer-engine-"))
    try:
        with (folder / "log").open("wb") as log:
            daemon = subprocess.Popen(
                _command(folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
            try:
                engine = Engine(f"unix://{folder}/docker.sock")
                _wait_for(engine, daemon, folder / "log")
                yield engine
            finally:
                _stop(daemon)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _command(folder: Path) -> Sequence[str]:
    # A mount namespace too: what the engine mounts goes away with it.
    alone = ["unshare", "--net", "--mount", "--propagation", "private"]
    script = 'ip link set lo up && exec dockerd "$@"'
    options = {
        "--data-root": folder / "data",
        "--exec-root": folder / "run",
        "--pidfile": folder / "pid",
        "--host": f"unix://{folder}/docker.sock",
    }
    words = [str(word) for option in options.items() for word in option]
    return [*alone, "sh", "-c", script, "dockerd", *words]


def _end_with_parent() -> None:
    """Have the engine end properly even if this process is killed."""
    set_parent_death_signal = 1  # prctl(2)
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _wait_for(engine: Engine, daemon: subprocess.Popen[bytes], log: Path) -> None:
    try:
        wait_until(
            lambda: daemon.poll() is not None or engine.answers,
            "the engine answers",
            limit_s=START_LIMIT_S,
        )
    except AssertionError:
        pass
    else:
        if daemon.poll() is None:
            return
    said = log.read_text(errors="replace")[-3000:]
    raise EngineUnavailableError(f"the engine that was started is not usable:\n{said}")


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
