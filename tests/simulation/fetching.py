"""How results come from machine to machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from peer.claims.messages import Fetch, Fetched, Key, NotFetched

from .run import LOCAL_S
from .shelf import Kept

if TYPE_CHECKING:
    from .daemon import Daemon
    from .run import Run

FIND_S = 0.25
"""Deadline of the question who has a result."""

FETCH_S = 2.0
"""A fetch that stands still for so long has failed."""

TRANSFER_S = 0.004
"""Mean time of a fetch."""


class Fetching:
    """The fetches of one life of a daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._machine = daemon.machine
        self._stage = daemon.stage

    # ---- for claims --------------------------------------------------------

    def fetch(self, fetch: Fetch) -> None:
        """Bring a result here, and let the claim machine know."""
        if fetch.key in self._machine.shelf.kept:
            self._stage.world.after(0.0, self._daemon, self._have, fetch, 0.0)
            return

        def serve(source: Daemon) -> Kept | None:
            return source.service.record(fetch.key)

        receive, miss = partial(self._receive, fetch), partial(self._miss, fetch)
        self._daemon.calls.call(fetch.source, FETCH_S, serve, receive, miss)

    def _receive(self, fetch: Fetch, kept: Kept | None) -> None:
        world = self._stage.world
        if kept is None or not self._machine.shelf.is_acceptable(kept):
            self._miss(fetch)
            return
        seconds = TRANSFER_S * world.random.expovariate(1.0)
        world.after(seconds, self._daemon, self._accept, fetch, kept, seconds)

    def _accept(self, fetch: Fetch, kept: Kept, seconds: float) -> None:
        self._put(fetch.key, kept)
        self._have(fetch, seconds)

    def _have(self, fetch: Fetch, seconds: float) -> None:
        if fetch.key not in self._machine.shelf.kept:  # it was distrusted meanwhile
            self._miss(fetch)
            return
        self._daemon.fetched(Fetched(fetch.key, fetch.source, seconds))

    def _miss(self, fetch: Fetch) -> None:
        self._stage.ledger.excuse((fetch.key,))
        self._daemon.gossip.doubt(fetch.source, fetch.key)
        self._daemon.step(NotFetched(fetch.key, fetch.source))

    def _put(self, key: Key, kept: Kept) -> None:
        """Put a result of somebody else into the store."""
        machine = self._machine
        self._stage.checker.kept(machine, key, kept)
        if key in machine.shelf.kept or not machine.shelf.is_acceptable(kept):
            return
        machine.shelf.kept[key] = kept
        if machine.auditor is not None:
            machine.auditor.accepted(key, kept)

    # ---- for runs that begin -----------------------------------------------

    def find(self, keys: tuple[Key, ...], run: Run, found: Callable[[], None]) -> None:
        """Ask everybody who has results, fetch them, and let the run know.

        Who has what is known from hints, which are right here.
        """
        world = self._stage.world
        asked = 0

        def close(kept: dict[Key, Kept] | None = None) -> None:
            nonlocal asked
            for key, each in (kept or {}).items():
                self._put(key, each)
            asked -= 1
            if not asked:
                world.after(LOCAL_S, run, found)

        for member in sorted(self._daemon.gossip.view.live):
            shelf = self._stage.machines[member].shelf
            known = tuple(key for key in keys if key in shelf.kept)
            if known:
                asked += 1
                serve = partial(_records, known)
                self._daemon.calls.call(member, FIND_S, serve, close, close)
        world.after(FIND_S if asked else LOCAL_S, run, found)


def _records(keys: tuple[Key, ...], source: Daemon) -> dict[Key, Kept]:
    return source.service.records(keys)
