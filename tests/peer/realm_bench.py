"""Machines with daemons, each a folder with its own store, on 127.0.0.1."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .conftest import Bench

LIMIT_S = 30.0


class Machine(Bench):
    """A bench that can have a daemon; nothing of it leaves this machine."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self.name = name
        self.environment |= {
            "VOXPEER_MDNS": "false",
            "VOXPEER_LISTEN": "127.0.0.1:0",
            "VOXPEER_NAME": name,
        }

    @property
    def store(self) -> Path:
        """The folder of its store."""
        return self.folder / "store"

    def join(self, *words: str) -> str:
        """Start its daemon in the background; return what was printed."""
        done = self.voxpeer("join", *words, "--detach")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start its daemon in the foreground."""
        return subprocess.Popen(
            self.command("join", *words),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def status(self) -> dict[str, Any]:
        """Return what ``status --json`` says."""
        document: dict[str, Any] = json.loads(self.voxpeer("status", "--json").stdout)
        return document

    def is_up(self) -> bool:
        """Return whether its daemon answers."""
        return bool(self.status()["answers"])

    def address(self) -> str:
        """Return where its daemon listens."""
        return str(self.status()["addresses"][0])

    def live(self) -> list[str]:
        """Return the names of its live neighbours."""
        peers = self.status().get("peers", [])
        return sorted(peer["name"] for peer in peers if peer["state"] == "live")

    def stop(self) -> None:
        """End its daemon, if one runs."""
        from peer.local import stop
        from peer.local.place import holder_pid

        if (self.store / "realm").is_dir():
            stop(self.store)
            wait_until(lambda: holder_pid(self.store) is None, "the daemon ends")


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for a condition; fail when it takes too long."""
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """Ask a daemon in the foreground to end; return what it wrote on stderr."""
    process.send_signal(number)
    _, stderr = process.communicate(timeout=LIMIT_S)
    assert "Traceback" not in stderr, stderr
    return stderr
