"""A run's neighbours: the daemon of its store, if one runs.

What other machines have is the daemon's business; here, questions cross a socket and
answers come back.  Whenever the socket is gone the answer is "nobody", and after a
while the daemon is looked for again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.neighbours import Arrived, Located, OnArrived, OnLocated
from store import NodeKey

from .questions import Delivery, OpenQuestions, Question, Search

if TYPE_CHECKING:
    from .frames import Frames
    from .messages import AnyAnswer, AnyRequest, Arrival, Fetch, Locate, Offers

CONNECT_S = 0.05
"""How long a run waits, once, for the daemon to greet."""

SEND_S = 0.1
RETRY_S = 5.0
LATER_CONNECT_S = 1.0
MAX_KEYS = 32_768
"""Keys in one message."""


class DaemonNeighbours:
    """Implements :class:`scheduler.neighbours.Neighbours` by asking the daemon."""

    def __init__(self, store_path: Path) -> None:
        """Prepare to ask the daemon of the store at ``store_path``, when there is one.

        Nothing is opened before the first question.
        """
        self._store_path = store_path
        self._line: _Line | None = None
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._next_try = 0.0
        self._was_tried = False
        self._is_closed = False

    @property
    def is_alone(self) -> bool:
        """Whether no daemon is there, or it has no neighbours."""
        line = self._connected()
        return line is None or line.neighbours == 0

    def locate(self, keys: Sequence[NodeKey], answer: OnLocated) -> None:
        """Ask who has results of ``keys``."""
        from .messages import Locate

        parts = _parts(keys)
        line = self._connected() if parts else None
        if line is None:
            answer({})
            return
        search = Search(len(parts), answer)
        for part in parts:
            line.ask(search, Locate, part)

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        """Have located results fetched into the store; one answer for each key."""
        from .messages import Fetch

        line = self._connected()
        spares = dict(zip(keys, spares_s, strict=False))
        for part in _parts(list(dict.fromkeys(keys))):
            delivery = Delivery(part, answer)
            if line is None:
                delivery.give_up()
            else:
                spared = tuple(spares.get(key, 0.0) for key in part) if spares else ()
                line.ask(delivery, partial(Fetch, spares_s=spared), part)

    def publish(self, keys: Sequence[NodeKey]) -> None:
        """Say that results of ``keys`` were committed to the store."""
        from .messages import Publish

        line = self._connected()
        if line is not None:
            for part in _parts(keys):
                line.send(Publish(id=0, keys=b"".join(part)))

    def close(self) -> None:
        """Ask no more; what was asked is answered with "nobody"."""
        with self._lock:
            self._is_closed = True
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def _connected(self) -> _Line | None:
        """Return the connection, or None; sees to it that there will be one."""
        line = self._line
        if line is not None or self._is_closed:
            return line
        if time.monotonic() < self._next_try or not self._connecting.acquire(False):
            return None
        self._next_try = time.monotonic() + RETRY_S
        if self._was_tried:
            # Only the first question may wait, and only a little.
            threading.Thread(
                target=self._connect,
                args=(LATER_CONNECT_S,),
                name="neighbours-connect",
                daemon=True,
            ).start()
            return None
        self._was_tried = True
        self._connect(CONNECT_S)
        return self._line

    def _connect(self, timeout_s: float) -> None:
        """Connect, or do not; the caller has taken the lock for it."""
        from .connection import connect
        from .errors import LocalError

        try:
            frames, greeting = connect(
                self._store_path, timeout_s=timeout_s, send_timeout_s=SEND_S
            )
            line = _Line(frames, greeting.neighbours, self._on_over)
            with self._lock:
                if not self._is_closed:
                    self._line = line
            if self._line is not line:
                line.close()
            line.start()
        except (LocalError, OSError):
            pass
        finally:
            self._connecting.release()

    def _on_over(self, line: _Line) -> None:
        with self._lock:
            if self._line is line:
                self._line = None
                self._next_try = time.monotonic() + RETRY_S


class _Line:
    """One connection to the daemon, with a thread that reads from it."""

    def __init__(
        self, frames: Frames, neighbours: int, on_over: Callable[[_Line], None]
    ) -> None:
        self.neighbours = neighbours
        self._frames = frames
        self._questions = OpenQuestions()
        self._on_over = on_over

    def start(self) -> None:
        threading.Thread(target=self._read, name="neighbours", daemon=True).start()

    def ask(
        self,
        question: Question,
        message: Callable[..., Locate | Fetch],
        keys: Sequence[NodeKey],
    ) -> None:
        number = self._questions.add(question)
        if number is None:
            question.give_up()
        elif not self.send(message(id=number, keys=b"".join(keys))):
            self.close()

    def send(self, request: AnyRequest) -> bool:
        import msgspec

        try:
            self._frames.send(msgspec.msgpack.encode(request))
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._frames.close()
        self._questions.give_up()

    def _read(self) -> None:
        import msgspec

        from .errors import FrameError
        from .messages import AnyAnswer

        decoder = msgspec.msgpack.Decoder(AnyAnswer)
        try:
            while (data := self._frames.receive()) is not None:
                self._take(decoder.decode(data))
        except (FrameError, msgspec.DecodeError):
            pass  # no daemon of ours; as good as none
        finally:
            self._on_over(self)
            self.close()
            self._frames.free()

    def _take(self, answer: AnyAnswer) -> None:
        from .messages import Arrival, Greeting, Offers, Refused

        if isinstance(answer, Greeting):
            self.neighbours = answer.neighbours
        elif isinstance(answer, Offers):
            self._take_offers(answer)
        elif isinstance(answer, Arrival):
            self._take_arrival(answer)
        elif isinstance(answer, Refused):
            question = self._questions.remove(answer.id)
            if question is not None:
                question.give_up()

    def _take_offers(self, offers: Offers) -> None:
        self.neighbours = offers.neighbours
        search = self._questions.remove(offers.id)
        if isinstance(search, Search):
            search.end_part(
                {
                    NodeKey(each.key): Located(
                        NodeKey(each.key), each.size_bytes, each.fetch_s, each.cost_s
                    )
                    for each in offers.offers
                }
            )

    def _take_arrival(self, arrival: Arrival) -> None:
        delivery = self._questions.get(arrival.id)
        arrived = Arrived(
            NodeKey(arrival.key), arrival.source, arrival.seconds, arrival.size_bytes
        )
        if isinstance(delivery, Delivery) and delivery.end(arrived):
            self._questions.remove(arrival.id)


def _parts(keys: Sequence[NodeKey]) -> list[Sequence[NodeKey]]:
    return [keys[start : start + MAX_KEYS] for start in range(0, len(keys), MAX_KEYS)]
