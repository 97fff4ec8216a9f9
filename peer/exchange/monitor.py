"""One thread that looks after calls which a blocked thread cannot end itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK_S = 0.25
IDLE_TICKS = 8
"""For so long the thread waits for something to do."""

_log = logging.getLogger(__name__)


class Monitor:
    """Runs checks every quarter of a second; no thread while there are none.

    A check must not block, and ends what it is about by itself.
    """

    def __init__(self, tick_s: float = TICK_S) -> None:
        self._tick_s = tick_s
        self._changed = threading.Condition()
        self._checks: dict[object, Callable[[float], None]] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, check: Callable[[float], None]) -> Iterator[None]:
        """Have ``check`` called with the monotonic time while the body runs."""
        token = object()
        with self._changed:
            self._checks[token] = check
            if self._thread is None:
                self._start()
        try:
            yield
        finally:
            with self._changed:
                del self._checks[token]

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.name = "exchange-monitor"
        self._thread.start()

    def _run(self) -> None:
        idle = 0
        while True:
            with self._changed:
                checks = list(self._checks.values())
                idle = 0 if checks else idle + 1
                if idle > IDLE_TICKS:
                    self._thread = None
                    return
                self._changed.wait(self._tick_s)
            now = time.monotonic()
            for check in checks:
                try:
                    check(now)
                except Exception as error:
                    # One call that cannot be ended must not keep the others alive.
                    kind = type(error).__name__
                    _log.error("a call could not be looked after: %s", kind)
