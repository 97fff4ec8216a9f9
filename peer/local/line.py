"""One connection of a run to the daemon of its store, with a thread that reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import count

import msgspec

from scheduler.neighbours import (
    Arrived,
    Claim,
    ClaimAnswer,
    Free,
    Granted,
    Held,
    Located,
    OnClaimed,
)
from store import NodeKey

from . import messages
from .claims import Grants, Heartbeat, OpenClaims
from .errors import FrameError
from .frames import Frames
from .messages import AnyAnswer, AnyRequest, Arrival, Claimed, Greeting, Offers, Refused
from .questions import Delivery, OpenQuestions, Question, Search

MAX_CLAIMS = 4096
"""Nodes claimed in one message."""


class Line:
    """One connection.  Any thread may ask; all that is asked is answered.

    Attributes:
        neighbours: how many there are.
        node_id: of the daemon.
        arbiters: node ids of those who decide about claims.
    """

    def __init__(
        self,
        frames: Frames,
        greeting: Greeting,
        grants: Grants,
        on_over: Callable[[Line], None],
    ) -> None:
        self._frames = frames
        self._numbers = count(1)
        self._questions = OpenQuestions(self._numbers)
        self._claims = OpenClaims(grants)
        self._heartbeat = Heartbeat(
            self._claims.__bool__, lambda: self.send(messages.Alive(id=0))
        )
        self._on_over = on_over
        self._greeted(greeting)

    def _greeted(self, greeting: Greeting) -> None:
        self.neighbours = greeting.neighbours
        self.node_id = greeting.node_id
        self.arbiters = greeting.arbiters

    def _claim_again(self) -> None:
        """Claim what an earlier daemon has granted, now that others may want it."""
        for claim, answer in self._claims.forgotten() if self.neighbours else ():
            self._claim([claim], answer)

    def start(self) -> None:
        """Read from now on."""
        self._claim_again()
        threading.Thread(target=self._read, name="neighbours", daemon=True).start()

    def close(self) -> None:
        """End the connection; what was asked is answered with "nobody"."""
        self._frames.close()
        self._heartbeat.stop()
        self._questions.give_up()
        self._claims.give_up()

    # ---- what is said ------------------------------------------------------

    def locate(self, search: Search, keys: Sequence[NodeKey]) -> None:
        """Ask who has results of ``keys``."""
        self._ask(
            search, lambda number: messages.Locate(id=number, keys=b"".join(keys))
        )

    def fetch(
        self,
        delivery: Delivery,
        keys: Sequence[NodeKey],
        spares_s: tuple[float, ...],
    ) -> None:
        """Have results brought into the store."""
        self._ask(
            delivery,
            lambda number: messages.Fetch(
                id=number, keys=b"".join(keys), spares_s=spares_s
            ),
        )

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        """Ask whether to compute nodes."""
        for start in range(0, len(claims), MAX_CLAIMS):
            self._claim(claims[start : start + MAX_CLAIMS], answer)

    def _claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        number = next(self._numbers)
        if not self._claims.add(number, claims, answer):
            for claim in claims:
                answer(Free(claim.key))
            return
        self._heartbeat.start()
        items = tuple(
            messages.ClaimItem(
                claim.key,
                claim.estimate_s,
                claim.size_bytes,
                claim.reveals_input,
                claim.is_goal,
                claim.operation,
                claim.environment,
            )
            for claim in claims
        )
        if not self.send(messages.Claim(id=number, items=items)):
            self.close()

    def begin(self, keys: Sequence[NodeKey]) -> None:
        """Say that claimed nodes are computed without a grant."""
        self.send(messages.Begin(id=0, keys=b"".join(keys)))

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool) -> None:
        """End claims without a result."""
        self._claims.end(keys)
        self.send(messages.Release(id=0, keys=b"".join(keys), has_failed=has_failed))

    def publish(self, keys: Sequence[NodeKey]) -> None:
        """Say that results are in the store; ends claims."""
        self._claims.end(keys)
        self.send(messages.Publish(id=0, keys=b"".join(keys)))

    def send(self, request: AnyRequest) -> bool:
        """Send a message; return whether the connection took it."""
        try:
            self._frames.send(msgspec.msgpack.encode(request))
        except OSError:
            return False
        return True

    def _ask(self, question: Question, message: Callable[[int], AnyRequest]) -> None:
        number = self._questions.add(question)
        if number is None:
            question.give_up()
        elif not self.send(message(number)):
            self.close()

    # ---- what is answered --------------------------------------------------

    def _read(self) -> None:
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
        match answer:
            case Greeting():
                self._greeted(answer)
                self._claim_again()
            case Offers():
                self._take_offers(answer)
            case Claimed():
                self._claims.take(answer.id, _claim_answer(answer))
            case Arrival():
                self._take_arrival(answer)
            case Refused():
                question = self._questions.remove(answer.id)
                if question is not None:
                    question.give_up()
                self._claims.refuse(answer.id)

    def _take_offers(self, offers: Offers) -> None:
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
        arrived = Arrived(
            NodeKey(arrival.key),
            arrival.source,
            arrival.seconds,
            arrival.size_bytes,
            arrival.wants_audit,
        )
        delivery = self._questions.get(arrival.id)
        if delivery is None:
            self._claims.take(arrival.id, arrived)
        elif isinstance(delivery, Delivery) and delivery.end(arrived):
            self._questions.remove(arrival.id)


def _claim_answer(said: Claimed) -> ClaimAnswer:
    key = NodeKey(said.key)
    if said.state == "granted":
        return Granted(key, said.is_hedge)
    if said.state == "held":
        return Held(key, said.holder, said.left_s)
    return Free(key)
