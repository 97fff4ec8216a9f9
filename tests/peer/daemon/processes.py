"""Daemons in processes of their own, to which anything may happen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.peer.daemon.harness import Peer

MEMORY = 6_000_000 * 1024
"""Address space of the attacked process: an attack that works must not end the
machine that tests run on."""

DAEMON = f"""
import resource
import sys
from dataclasses import replace
from pathlib import Path
from peer.daemon import run_daemon
from peer.identity import open_identity
from tests.peer.daemon.harness import OPTIONS, new_store

resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
store = new_store(Path(sys.argv[1]))
multicast = dict(mdns=True, interfaces=("127.0.0.1",)) if sys.argv[2] else dict()
run_daemon(
    store,
    open_identity(store),
    replace(OPTIONS, share="all", seeds=tuple(sys.argv[3:]), **multicast),
    lambda daemon: print(daemon.bound[0], flush=True),
)
store.close()
"""


@contextmanager
def daemon_of(peer: Peer, *seeds: Peer) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a machine's daemon until the end; yields the process and its address."""
    words = [sys.executable, "-c", DAEMON, str(peer.store.path), ""]
    words += [seed.address for seed in seeds]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            address = running.stdout.readline().strip()
            assert address, running.wait(20)
            yield running, address
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGCONT)
                running.kill()


def freeze(running: subprocess.Popen[str]) -> None:
    """Stop a process, and wait until none of its threads runs any more."""
    running.send_signal(signal.SIGSTOP)
    os.waitpid(running.pid, os.WUNTRACED)
