"""Who is there, and what to do about it next.

A state machine: events go in with the time at which they happened, and what to do
comes out of :meth:`Neighbourhood.tick`.  It has no socket, clock or thread, so that any
order of events can be tried.

A neighbour is a member that answered.  Every 5 seconds it is asked for a Hello; one
that stays silent is suspect for 2 seconds, then 4, 8, up to 60, and is asked nothing
else meanwhile; after 15 silent seconds it is gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from math import inf

from peer.identity import NodeId
from store import NodeKey

from .hints import Hints
from .inventory import State
from .neighbour import Introduction, Neighbour, Task, Trouble

HELLO_S = 5.0
SUSPECT_S = 2.0
MAX_SUSPECT_S = 60.0
MAX_LATE = 2
"""Late answers in a row after which a neighbour counts as silent."""

GONE_S = 15.0
BANNED_S = 600.0
"""How long who speaks another protocol, or says we are no member, is left alone."""

WATCH_PAUSE_S = 0.1
"""A server grants ten watches a second: whoever waits for a result hears of it soon."""

PULL_PAUSE_S = 1.0
PULL_RETRY_S = 15.0
SYNC_RETRY_S = 5.0
MAX_NEIGHBOURS = 64
"""Above, a partial mesh: whoever is dialled then is dialled when another leaves."""

MAX_REFERRALS = 32
MAX_KNOWN = 512
KEPT_BOOTS = 4
RTT_WEIGHT = 0.2


class Neighbourhood:
    """All neighbours of one peer."""

    def __init__(self, me: NodeId, boot_id: bytes) -> None:
        """Begin alone.

        Args:
            me: own node id.
            boot_id: 16 random bytes of this process.
        """
        self.statements_digest = b""
        """Of the statements that are known here; to be kept current."""
        self._me = me
        self._boot_id = boot_id
        self._neighbours: dict[NodeId, Neighbour] = {}
        self._banned: dict[NodeId, float] = {}
        self._boots: dict[NodeId, deque[bytes]] = {}
        self._clones: dict[NodeId, float] = {}
        self._turned_away_by: set[NodeId] = set()

    # ---- events ------------------------------------------------------------

    def answered(
        self,
        now: float,
        said: Introduction,
        *,
        address: str,
        route: str,
        rtt_s: float,
    ) -> bool:
        """Take the answer to a Hello, the first one included; return if it is new.

        Args:
            now: when it came.
            said: the answer.
            address: where it was dialled.
            route: how it was found.
            rtt_s: seconds that the answer took.
        """
        self._note_boot(now, said)
        if said.node_id == self._me:
            return False
        self._turned_away_by.clear()
        known = self._neighbours.get(said.node_id)
        if known is None:
            if len(self._neighbours) >= MAX_NEIGHBOURS:
                return False
            known = Neighbour(said, address, route, now, now + HELLO_S, Hints())
            known.rtt_s = rtt_s
            self._neighbours[said.node_id] = known
            self._banned.pop(said.node_id, None)
            self._told(now, known, said)
            return True
        known.said = said
        known.answered = now
        known.next_hello = now + HELLO_S
        known.suspect_s = 0.0
        known.late = 0
        known.suspect_until = now
        # The first one took a handshake besides; what is shorter is believed at once.
        weight = RTT_WEIGHT if rtt_s > known.rtt_s else 1.0
        known.rtt_s += weight * (rtt_s - known.rtt_s)
        known.busy.discard(Task.HELLO)
        self._told(now, known, said)
        return False

    def greeted(self, now: float, said: Introduction) -> None:
        """Take a Hello that a member sent of its own accord."""
        self._note_boot(now, said)
        known = self._neighbours.get(said.node_id)
        if known is None:
            return
        is_anew = known.said.boot_id != said.boot_id
        if is_anew and known.address not in said.addresses:
            known.answered = float("-inf")  # it is to be dialled where it is now
        elif is_anew or known.suspect_s:
            known.next_hello = min(known.next_hello, now)
        self._told(now, known, said)

    def troubled(
        self, now: float, node_id: NodeId, trouble: Trouble, task: Task | None = None
    ) -> None:
        """Take note that a neighbour gave no good answer to ``task`` or to a question.

        Args:
            now: when that was known.
            node_id: whose answer it was to be.
            trouble: what happened.
            task: what was tried, if it was one of ours.
        """
        if trouble in (Trouble.REFUSED, Trouble.MISMATCH):
            self._ban(now, node_id)
        if trouble is Trouble.REFUSED:
            self.turned_away(node_id)
        known = self._neighbours.get(node_id)
        if known is None:
            return
        if task is not None:
            known.busy.discard(task)
            self._put_off(now, known, task)
        if trouble is Trouble.LATE:
            known.late += 1
            known.next_hello = min(known.next_hello, now)
        is_silent = trouble is Trouble.SILENT or known.late >= MAX_LATE
        if is_silent and not known.suspect_until > now:
            known.suspect_s = min(MAX_SUSPECT_S, 2 * known.suspect_s or SUSPECT_S)
            known.suspect_until = now + known.suspect_s
            known.next_hello = known.suspect_until
        elif trouble in (Trouble.REFUSED, Trouble.MISMATCH):
            known.answered = float("-inf")

    def turned_away(self, node_id: NodeId) -> None:
        """A member says that we are none, or closes the door before it says hello.

        An answer of anybody makes up for it: who is a member still hears from others
        of what it is refused for.
        """
        if len(self._turned_away_by) < MAX_KNOWN:
            self._turned_away_by.add(node_id)

    def done(self, now: float, node_id: NodeId, task: Task) -> None:
        """Take note that a task has come to a good end."""
        known = self._neighbours.get(node_id)
        if known is None:
            return
        known.busy.discard(task)
        if task is Task.WATCH:
            known.next_watch = max(known.next_watch, now)
        elif task is Task.PULL:
            known.next_pull = now + PULL_PAUSE_S
        elif task is Task.SYNC:
            known.synced = (known.said.statements_digest, self.statements_digest)

    def told(
        self, now: float, node_id: NodeId, state: State, digest: bytes, epoch: int
    ) -> None:
        """Take what a watch says of a neighbour's state."""
        known = self._neighbours.get(node_id)
        if known is None:
            return
        if epoch > known.said.epoch:
            known.next_hello = now  # its Hello has the keys
        said = known.said
        said = replace(
            said,
            inventory=state,
            statements_digest=digest,
            epoch=max(epoch, said.epoch),
        )
        self._told(now, known, said)

    def left(self, now: float, node_id: NodeId) -> None:
        """Take a goodbye by multicast, which anybody can say: look at once."""
        known = self._neighbours.get(node_id)
        if known is not None:
            known.next_hello = now

    def drop(self, now: float, node_id: NodeId) -> None:
        """A neighbour is no member any more."""
        self._ban(now, node_id)
        known = self._neighbours.get(node_id)
        if known is not None:
            known.answered = float("-inf")

    # ---- what to do --------------------------------------------------------

    def tick(self, now: float) -> list[tuple[Task, NodeId]]:
        """Return what is to be done now; each is ended by an event."""
        tasks: list[tuple[Task, NodeId]] = []
        for node_id, known in list(self._neighbours.items()):
            if now - known.answered > GONE_S:
                del self._neighbours[node_id]
                tasks.append((Task.PART, node_id))
                continue
            for task in self._due(now, known):
                known.busy.add(task)
                tasks.append((task, node_id))
        return tasks

    def wait_s(self, now: float) -> float:
        """Return after how long to call :meth:`tick` for the next watch."""
        waits = (
            known.next_watch - now
            for known in self._neighbours.values()
            if Task.WATCH not in known.busy and not known.is_suspect(now)
        )
        return max(0.0, min(waits, default=inf))

    def _due(self, now: float, known: Neighbour) -> list[Task]:
        due = []
        if now >= known.next_hello:
            due.append(Task.HELLO)
        if not known.is_suspect(now):
            hints, said = known.hints, known.said
            is_behind = _is_behind(hints.state, said.inventory) or hints.is_overgrown
            if is_behind and now >= known.next_pull:
                due.append(Task.PULL)
            digests = (said.statements_digest, self.statements_digest)
            is_same = digests[0] == digests[1] or known.synced == digests
            if not is_same and now >= known.next_sync:
                due.append(Task.SYNC)
            if now >= known.next_watch:
                known.next_watch = now + WATCH_PAUSE_S
                due.append(Task.WATCH)
        return [task for task in due if task not in known.busy]

    # ---- what is known -----------------------------------------------------

    def is_dialable(self, now: float, node_id: NodeId | None) -> bool:
        """Return whether to dial a candidate: new, welcome, and there is room."""
        if node_id is None:
            return len(self._neighbours) < MAX_NEIGHBOURS
        if node_id == self._me or node_id in self._neighbours:
            return False
        is_banned = self._banned.get(node_id, float("-inf")) > now
        return not is_banned and len(self._neighbours) < MAX_NEIGHBOURS

    def get(self, node_id: NodeId) -> Neighbour | None:
        """Return a neighbour."""
        return self._neighbours.get(node_id)

    def all(self) -> dict[NodeId, Neighbour]:
        """Return all neighbours."""
        return dict(self._neighbours)

    def live(self, now: float) -> dict[NodeId, Neighbour]:
        """Return the neighbours that may be asked something."""
        return {
            node_id: known
            for node_id, known in self._neighbours.items()
            if not known.is_suspect(now) and now - known.answered <= GONE_S
        }

    def referrals(
        self, now: float, asker: NodeId
    ) -> list[tuple[NodeId, tuple[str, ...]]]:
        """Return live neighbours and where they answer, for another member."""
        found = [
            (node_id, tuple(dict.fromkeys((known.address, *known.said.addresses))))
            for node_id, known in self.live(now).items()
            if node_id != asker
        ]
        return found[:MAX_REFERRALS]

    def hints_for(
        self, now: float, keys: Sequence[NodeKey]
    ) -> dict[NodeId, list[NodeKey]]:
        """Return which live neighbours to ask for which of ``keys``."""
        asked = {}
        for node_id, known in self.live(now).items():
            probable = known.hints.probable(now, keys)
            if probable:
                asked[node_id] = probable
        return asked

    @property
    def is_turned_away(self) -> bool:
        """Whether somebody turned us away, and nobody has answered since."""
        return bool(self._turned_away_by)

    def clones(self) -> frozenset[NodeId]:
        """Return the members of whose identity there seem to be copies."""
        return frozenset(self._clones)

    # ---- details -----------------------------------------------------------

    def _told(self, now: float, known: Neighbour, said: Introduction) -> None:
        known.said = said
        known.hints.confirm(now, said.inventory)

    def _put_off(self, now: float, known: Neighbour, task: Task) -> None:
        if task is Task.PULL:
            known.next_pull = now + PULL_RETRY_S
        elif task is Task.SYNC:
            known.next_sync = now + SYNC_RETRY_S
        elif task is Task.WATCH:
            known.next_watch = now + SUSPECT_S
        elif task is Task.HELLO:
            known.next_hello = max(known.next_hello, now + SUSPECT_S)

    def _ban(self, now: float, node_id: NodeId) -> None:
        for old in [each for each, until in self._banned.items() if until <= now]:
            del self._banned[old]
        if len(self._banned) < MAX_KNOWN:
            self._banned[node_id] = now + BANNED_S

    def _note_boot(self, now: float, said: Introduction) -> None:
        """Two processes with one identity are told by boot ids that come back."""
        if said.node_id == self._me:
            if said.boot_id != self._boot_id:
                self._clones[said.node_id] = now
            return
        if said.node_id not in self._boots and len(self._boots) >= MAX_KNOWN:
            del self._boots[next(iter(self._boots))]
        boots = self._boots.setdefault(said.node_id, deque(maxlen=KEPT_BOOTS))
        if boots and boots[-1] == said.boot_id:
            return
        if said.boot_id in boots:
            self._clones[said.node_id] = now
        boots.append(said.boot_id)


def _is_behind(here: State, there: State) -> bool:
    if here.id != there.id:
        return bool(there.id)
    return here.sequence < there.sequence
