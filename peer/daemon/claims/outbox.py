"""What is said to one connection, in the order in which it was decided."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from peer.local.messages import AnyAnswer


class Outbox:
    """Answers on their way to one connection.

    They are put in under the lock under which they were decided, and sent without it,
    so that a process that takes no answers holds up nobody but itself and who sends.
    Whoever finds nobody sending sends what is there: an answer that is alone has no
    other thread to wait for.
    """

    def __init__(self, send: Callable[[AnyAnswer], None]) -> None:
        """Begin empty.

        Args:
            send: the connection; may block.
        """
        self._send = send
        self._waiting: deque[AnyAnswer] = deque()
        self._sending = threading.Lock()

    def put(self, answer: AnyAnswer) -> None:
        """Queue an answer; some thread has to call :meth:`send` afterwards."""
        self._waiting.append(answer)

    def send(self) -> None:
        """Send what is queued, unless another thread is at it, who does it then."""
        while self._waiting and self._sending.acquire(blocking=False):
            try:
                while self._waiting:
                    self._send(self._waiting.popleft())
            finally:
                self._sending.release()
