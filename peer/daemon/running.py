"""Running a daemon in the foreground of a process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from peer.identity import Identity
from store import SqliteStore

from .daemon import Daemon
from .options import DaemonOptions


def run_daemon(
    store: SqliteStore,
    identity: Identity,
    options: DaemonOptions,
    on_ready: Callable[[Daemon], None] = lambda daemon: None,
) -> None:
    """Run the daemon of ``store`` until a signal or ``voxpeer`` ends it.

    Args:
        store: stays the caller's.
        identity: of the store.
        options: what the user chose.
        on_ready: called once it serves.

    Raises:
        AlreadyRunningError: the store has a daemon.
        PortTakenError: another program listens where it should.
        StoreError: the store cannot be read.
    """
    daemon = Daemon(store, identity, options)
    with _stopping_on_signals(daemon):
        daemon.start()
        try:
            on_ready(daemon)
            daemon.wait()
        finally:
            daemon.stop()


@contextmanager
def _stopping_on_signals(daemon: Daemon) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        daemon.want_stop()

    signals = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        signals.append(signal.SIGHUP)  # the terminal was closed
    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
