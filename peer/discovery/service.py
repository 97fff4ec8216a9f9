"""Discovery on the link: announces this peer and hears the others.

Everything runs on one thread of its own; nothing here blocks who calls.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from . import txt
from .addresses import join
from .announcement import Announcement
from .debounce import Debounce
from .errors import ClonedIdentityError, MulticastError
from .interfaces import Places, find_places
from .members import Members, OnGone, OnHeard
from .rdata import to_rdata

if TYPE_CHECKING:
    from peer.identity import NodeId, RealmKeys

    from .session import Session

RESCAN_S = 30.0
STOP_S = 5.0

HOLD_S = 3.0
"""How long a name that somebody else uses too is not announced, for the caller to find
out who that is, and to stop."""

CLASH_APART_S = 60.0

_log = logging.getLogger(__name__)


class Discovery:
    """Multicast DNS of one daemon.

    The callbacks come on discovery's own thread and must not block.  What they tell is
    true only as far as a member said so: a peer is who proves it when it is dialled.

    Args:
        node_id: ours.
        keys: of the realm.
        on_heard: a member announces itself, anew or with something changed; with its
            addresses as "host:port", the latest heard first.
        on_gone: a member said goodbye, or has been silent for long.  Anyone on the
            link can say so in its name: dial it to know.
        on_clash: another machine seems to run with a copy of our identity, see
            :class:`~peer.discovery.ClonedIdentityError`.  If it comes at the start,
            nothing is announced for three seconds, to dial it and to stop.
        interfaces: names or addresses of the interfaces to use; none: the usual.
        random: for the moment of the first question.
    """

    def __init__(
        self,
        node_id: NodeId,
        keys: RealmKeys,
        *,
        on_heard: OnHeard,
        on_gone: OnGone = lambda node_id: None,
        on_clash: Callable[[ClonedIdentityError], None] = lambda error: None,
        interfaces: Sequence[str] = (),
        random: Random | None = None,
    ) -> None:
        self.counters: Counter[str] = Counter()
        """``announcements_sent``, and ``announcements_<reason>`` of those refused."""
        self._node_id = node_id
        self._keys = keys
        self._on_clash = on_clash
        self._named = tuple(interfaces)
        self._random = random or Random()
        self._members = Members(
            node_id,
            keys,
            self.counters,
            on_heard=on_heard,
            on_gone=on_gone,
            on_double=self._clash,
        )
        self._lock = threading.Lock()
        self._latest: Announcement | None = None
        self._properties: dict[bytes, bytes] = {}
        self._debounce = Debounce()
        self._state = "not started"
        self._places = Places()
        self._session: Session | None = None
        self._clashed = self._held_until = float("-inf")
        self._is_rescan_due = self._is_stopping = False
        self._wake: Callable[[], object] | None = None
        self._thread = threading.Thread(target=self._run, name="discovery", daemon=True)

    @property
    def multicast_state(self) -> str:
        """What becomes of multicast here, for people."""
        return self._state

    def start(self) -> None:
        """Begin to listen, and to announce what :meth:`announce` was told."""
        self._thread.start()

    def announce(self, announcement: Announcement, *, urgent: bool = False) -> None:
        """Have this announced instead of what was before, when its time has come.

        The first is announced at once; later ones at most six times a minute, and
        more rarely the more peers there are.  ``generation`` is raised as needed.

        Args:
            announcement: what to say.
            urgent: whether somebody waits for it, as for a port to enrol at.

        Raises:
            ValueError: it has no record, see :func:`peer.discovery.txt.encode`.
        """
        with self._lock:
            before = self._latest
            least = 0 if before is None else before.generation + 1
            generation = max(least, announcement.generation)
            announcement = replace(announcement, generation=generation)
            self._properties = txt.encode(announcement, self._keys)
            self._latest = announcement
            self._debounce.changed(
                time.monotonic(), len(self._members), urgent=urgent or before is None
            )
        self._nudge()

    def rescan(self) -> None:
        """Look at the interfaces now; else it is done every 30 seconds."""
        self._is_rescan_due = True
        self._nudge()

    def stop(self) -> None:
        """Say goodbye and end; this takes half a second."""
        self._is_stopping = True
        self._nudge()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    # What follows runs on discovery's own thread, but for _nudge.

    def _nudge(self) -> None:
        # A loop that was closed just now needs no waking.
        with self._lock, suppress(RuntimeError):
            if self._wake is not None:
                self._wake()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:  # the daemon goes on with seeds
            _log.exception("discovery has ended")
            self._state = f"ended by an error: {error}"

    async def _main(self) -> None:
        wake = asyncio.Event()
        loop = asyncio.get_running_loop()
        with self._lock:
            self._wake = lambda: loop.call_soon_threadsafe(wake.set)
        rescan_at = 0.0
        while not self._is_stopping:
            wake.clear()
            if self._is_rescan_due or time.monotonic() >= rescan_at:
                self._is_rescan_due = False
                rescan_at = time.monotonic() + RESCAN_S
                await self._trying(self._look_around)
            await self._trying(self._announce_if_due)
            wait_s = self._next_announcement(rescan_at) - time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), max(0.0, wait_s))
        await self._close()
        self._state = "stopped"

    async def _trying(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do something; if multicast fails, close all until the next rescan."""
        try:
            await step()
        except MulticastError as error:
            await self._close()
            self._state = f"{error}; peers are found by seeds"

    def _next_announcement(self, otherwise: float) -> float:
        with self._lock:
            due = self._debounce.due
        if due is None or self._session is None:
            return otherwise
        return min(otherwise, max(due, self._held_until))

    async def _look_around(self) -> None:
        """Follow the machine's interfaces as they come and go."""
        places = find_places(self._named)
        is_changed, self._places = places != self._places, places
        if not places.multicast:
            await self._close()
            self._state = _nowhere(places)
        elif self._session is None:
            await self._open(places)
        elif is_changed:
            await self._session.use(places.multicast)
            self._announce_again()

    async def _open(self, places: Places) -> None:
        from .session import Session

        self._session = Session(
            self._node_id, places.multicast, self._members, self._random
        )
        self._state = f"listening on {', '.join(places.multicast)}"
        await self._session.probe()
        self._announce_again()

    def _announce_again(self) -> None:
        with self._lock:
            if self._latest is not None:
                self._debounce.changed(time.monotonic(), urgent=True)

    async def _announce_if_due(self) -> None:
        session, now = self._session, time.monotonic()
        with self._lock:
            latest = self._latest
            if session is None or latest is None or now < self._held_until:
                return
            if not self._debounce.take(now):
                return
            properties = self._properties
        self._members.issued.append(to_rdata(properties))
        await session.announce(latest.port, self._places.announced, properties)
        self.counters["announcements_sent"] += 1
        self._state = f"announced on {', '.join(self._places.multicast)}"

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _clash(self, other: Announcement) -> None:
        now = time.monotonic()
        session = self._session
        if session is None or now - self._clashed < CLASH_APART_S:
            return
        self._clashed = now
        if not self._members.issued:
            self._held_until = now + HOLD_S
        theirs = join(session.ear.addresses(self._node_id), other.port)
        ours = join(self._places.announced, self._latest.port if self._latest else 0)
        self._on_clash(
            ClonedIdentityError([address for address in theirs if address not in ours])
        )


def _nowhere(places: Places) -> str:
    if places.missing:
        return f"there is no interface {', '.join(places.missing)}"
    return "no network interface to announce on; peers are found by seeds"
