"""Runs that claim nodes, played by the test over the real socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import msgspec

from peer.claims.ranking import rank
from peer.local import DaemonNeighbours
from peer.local.connection import connect
from peer.local.messages import AnyAnswer, Claim, Claimed, ClaimItem
from scheduler import neighbours as port
from scheduler.neighbours import ClaimAnswer
from store import NodeKey
from tests.peer.daemon.harness import Peer, eventually, key_of

WAIT_S = 20.0


class Claimer:
    """One run of a machine: claims nodes, and collects what it is told."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.neighbours = DaemonNeighbours(peer.store.path)
        self.told: list[ClaimAnswer] = []
        self._changed = threading.Condition()

    def claim(
        self,
        *keys: NodeKey,
        estimate_s: float = 30.0,
        size_bytes: int = 100,
        reveals_input: bool = False,
        is_goal: bool = False,
        operation: str = "",
        environment: str = "",
    ) -> None:
        """Claim nodes."""
        self.neighbours.claim(
            [
                port.Claim(
                    key,
                    estimate_s,
                    size_bytes,
                    reveals_input,
                    is_goal,
                    operation,
                    environment,
                )
                for key in keys
            ],
            self._take,
        )

    def _take(self, answer: ClaimAnswer) -> None:
        with self._changed:
            self.told.append(answer)
            self._changed.notify_all()

    def answers(self, key: NodeKey) -> list[ClaimAnswer]:
        """Return what was said of a node."""
        with self._changed:
            return [answer for answer in self.told if answer.key == key]

    def wait(
        self, key: NodeKey, kind: type[ClaimAnswer], seconds: float = WAIT_S
    ) -> ClaimAnswer:
        """Wait for an answer of a kind, and return the last of it."""

        def said() -> list[ClaimAnswer]:
            return [
                each for each in self.told if each.key == key and type(each) is kind
            ]

        with self._changed:
            assert self._changed.wait_for(said, seconds), (kind, self.told)
            return said()[-1]

    def asked(self, key: NodeKey) -> ClaimAnswer:
        """Claim a node, and return the first answer."""
        before = len(self.answers(key))
        self.claim(key)
        with self._changed:
            assert self._changed.wait_for(lambda: self._count(key) > before, WAIT_S)
        return self.answers(key)[before]

    def _count(self, key: NodeKey) -> int:
        return sum(each.key == key for each in self.told)

    def finish(
        self, key: NodeKey, data: bytes = b"value", cost_s: float = 30.0
    ) -> None:
        """Keep a result as a run would, and say so."""
        self.peer.keep(key, b"value of " + key, cost_s=cost_s)
        self.neighbours.publish([key])

    def has(self, key: NodeKey) -> bool:
        """Return whether a result is in the machine's store."""
        return key in self.peer.store.lookup([key])

    def close(self) -> None:
        """End the run."""
        self.neighbours.close()


class SilentRun:
    """A run that claims and never says that it lives."""

    def __init__(self, peer: Peer) -> None:
        path = peer.store.path
        self._frames, _ = connect(path, timeout_s=WAIT_S, send_timeout_s=WAIT_S)
        self._frames.set_timeout(WAIT_S)
        self._asked = 0
        self._heard: dict[bytes, Claimed] = {}

    def claim(self, key: NodeKey) -> None:
        """Claim a node."""
        self._asked += 1
        items = (ClaimItem(key, 30.0, 100),)
        self._frames.send(msgspec.msgpack.encode(Claim(id=self._asked, items=items)))

    def hear(self) -> Claimed:
        """Return what is said next of a claim, but for the same again."""
        while (data := self._frames.receive()) is not None:
            answer: AnyAnswer = msgspec.msgpack.decode(data, type=AnyAnswer)
            if isinstance(answer, Claimed) and answer != self._last(answer):
                return answer
        raise AssertionError("nothing is said any more")

    def _last(self, answer: Claimed) -> Claimed | None:
        before = self._heard.get(answer.key)
        self._heard[answer.key] = answer
        is_same = before is not None and before.state == answer.state
        return answer if is_same else None

    def close(self) -> None:
        """End the run."""
        self._frames.close()
        self._frames.free()


def arbitrated_by(peer: Peer, *others: Peer, start: int = 0) -> NodeKey:
    """Return a node about which ``peer`` decides when ``others`` are there."""
    return next(keys_of(peer, *others, start=start))


def keys_of(peer: Peer, *others: Peer, start: int = 0) -> Iterator[NodeKey]:
    """Yield nodes about which ``peer`` decides when ``others`` are there."""
    members = [each.identity.node_id for each in (peer, *others)]
    number = start
    while True:
        key = key_of(number)
        if rank(key, members)[0] == peer.identity.node_id:
            yield key
        number += 1


def meet(*peers: Peer, **options: Any) -> None:
    """Start the daemons of peers, and wait until all know each other."""
    first, *others = peers
    first.start(**options)
    for peer in others:
        peer.start(first, **options)
    eventually(lambda: all(peer.neighbours == len(others) for peer in peers))
