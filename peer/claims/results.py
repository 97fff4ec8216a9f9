"""Who has the result of a node, for as long as the news of it comes round."""

from __future__ import annotations

from dataclasses import dataclass

from .memory import Memory
from .messages import Key, NodeId
from .settings import Settings


@dataclass(slots=True)
class _Done:
    """Who has a result, and whom this was told."""

    node_id: NodeId
    told: set[NodeId] | None = None


class Results:
    """What an arbiter remembers of nodes that are done."""

    def __init__(self, settings: Settings) -> None:
        """Begin with nothing done."""
        self._done: Memory[Key, _Done] = Memory(settings.memory_s, settings.max_keys)

    def __len__(self) -> int:
        return len(self._done)

    @property
    def ends(self) -> float | None:
        """When there is something to forget."""
        return self._done.ends

    def sweep(self, now: float) -> None:
        """Forget what was done long ago."""
        self._done.sweep(now)

    def add(self, now: float, key: Key, node_id: NodeId) -> None:
        """Remember who has a result; of several, the first."""
        done = self._done.get(now, key)
        if done is None or done.node_id == node_id:
            self._done.put(now, key, _Done(node_id))

    def get(self, now: float, key: Key) -> NodeId | None:
        """Return who has a result."""
        done = self._done.get(now, key)
        return None if done is None else done.node_id

    def tell(
        self, now: float, key: Key, caller: NodeId, *, is_missing: bool
    ) -> NodeId | None:
        """Return to whom a caller is sent for a result, if anybody is known.

        A result is forgotten if who was sent to it could not have it, or who had it
        asks for it.  Who was not sent there is sent first, whatever it has missed.
        """
        done = self._done.get(now, key)
        if done is None:
            return None
        told = done.told or set()
        if done.node_id == caller or (is_missing and caller in told):
            self._done.pop(key)
            return None
        done.told = told | {caller}
        return done.node_id
