"""Whom a run may ask: nobody, or the daemon of its store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.neighbours import (
    Alone,
    Claim,
    Neighbours,
    OnArrived,
    OnClaimed,
    OnLocated,
)

if TYPE_CHECKING:
    from store import NodeKey, SqliteStore

    from .config import NetworkUse

REALM_FOLDER = "realm"
"""Folder of a store that belongs to a realm; others have no daemon."""


def neighbours_of(store: SqliteStore, network: NetworkUse) -> Neighbours:
    """Return whom a run on ``store`` may ask.

    Raises:
        NoDaemonError: the network is required, and no daemon of the store runs.
    """
    if network == "required":
        from .local import status

        status(store.path)
    if network == "off" or not (store.path / REALM_FOLDER).is_dir():
        return Alone()
    return LateNeighbours(store.path)


class LateNeighbours:
    """The daemon's :class:`Neighbours`, loaded at the first question.

    A run that is answered from the store asks nothing, and pays nothing.
    """

    def __init__(self, store_path: Path) -> None:
        self._store_path = store_path
        self._neighbours: Neighbours | None = None
        self._is_closed = False

    @property
    def is_alone(self) -> bool:
        """Whether there is nobody to ask just now."""
        return self._loaded().is_alone

    def locate(self, keys: Sequence[NodeKey], answer: OnLocated) -> None:
        """Ask who has results of ``keys``."""
        self._loaded().locate(keys, answer)

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        """Have located results fetched into the store; one answer for each key."""
        self._loaded().fetch(keys, answer, spares_s)

    def ranks(self, keys: Sequence[NodeKey]) -> list[int]:
        """Return the place of this machine among those that may compute each node."""
        return self._loaded().ranks(keys)

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        """Ask whether to compute nodes whose arguments are here, or to wait."""
        self._loaded().claim(claims, answer)

    def begin(self, keys: Sequence[NodeKey]) -> None:
        """Say that claimed nodes are being computed without having been granted."""
        self._loaded().begin(keys)

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool = False) -> None:
        """End claims without a result."""
        self._loaded().release(keys, has_failed=has_failed)

    def publish(self, keys: Sequence[NodeKey]) -> None:
        """Say that results of ``keys`` were committed to the store; ends claims."""
        self._loaded().publish(keys)

    def close(self) -> None:
        """Ask no more; what was asked is answered with "nobody"; ends claims."""
        self._is_closed = True
        if self._neighbours is not None:
            self._neighbours.close()

    def _loaded(self) -> Neighbours:
        if self._neighbours is None:
            if self._is_closed:
                return Alone()
            from .local import DaemonNeighbours

            self._neighbours = DaemonNeighbours(self._store_path)
        return self._neighbours
