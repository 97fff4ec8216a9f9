"""A few peers with one clock, joined by calls that arrive at once unless cut."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from peer.claims import Claims, Settings, rank
from peer.claims.messages import (
    Action,
    Answered,
    Ask,
    Begun,
    Count,
    Event,
    Fetch,
    Fetched,
    Finished,
    GivenUp,
    Gone,
    Key,
    Lease,
    Members,
    NodeId,
    NotFetched,
    Offered,
    Release,
    Renew,
    RenewalAnswered,
    RenewalFailed,
    RunEnded,
    TellArrived,
    TellFree,
    TellGranted,
    TellHeld,
    Tick,
    Unanswered,
    Wanted,
)

RUN = 1
"""The run of a machine that has only one."""


def boot(node_id: NodeId, life: int = 0) -> bytes:
    """Return the boot id of a peer's process."""
    return f"{node_id}-{life}".encode().ljust(16, b".")[:16]


def key_ranked(*order: NodeId, start: int = 0) -> Key:
    """Return a node that ranks these members in just this order."""
    number = start
    while True:
        key = number.to_bytes(32, "big")
        if rank(key, order) == list(order):
            return key
        number += 1


class Peer:
    """One daemon: its claims, its store, and what its runs were told."""

    def __init__(self, realm: Realm, name: NodeId, life: int = 0) -> None:
        self.realm = realm
        self.name = name
        self.boot_id = boot(name, life)
        self.claims = Claims(name, self.boot_id, Random(name), realm.settings)
        self.store: set[Key] = set()
        self.told: list[Action] = []
        self.counts: dict[str, int] = {}
        self.sent: list[Action] = []

    def step(self, event: Event) -> None:
        """Let something happen now."""
        self._do(self.claims.step(event, self.realm.now))

    def want(self, *keys: Key, run: int = RUN, estimate_s: float = 1.0) -> None:
        self.step(Wanted(run, tuple((key, estimate_s) for key in keys)))

    def want_all(self, *items: tuple[Key, float], run: int = RUN) -> None:
        """Want nodes that take different times."""
        self.step(Wanted(run, items))

    def begin(self, *keys: Key, run: int = RUN) -> None:
        self.step(Begun(run, keys))

    def finish(self, *keys: Key, run: int | None = None) -> None:
        """Put results into the store, and say so."""
        self.store.update(keys)
        self.step(Finished(keys, run))

    def give_up(self, *keys: Key, run: int = RUN, has_failed: bool = False) -> None:
        self.step(GivenUp(run, keys, has_failed))

    def end_run(self, run: int = RUN) -> None:
        self.step(RunEnded(run))

    def hear(self, node_id: NodeId, *keys: Key) -> None:
        self.step(Offered(node_id, keys))

    def lease(self, key: Key) -> Lease | None:
        """Return the lease of a node as it was renewed last."""
        for action in reversed(self.sent):
            if isinstance(action, Renew):
                for lease in action.leases:
                    if lease.key == key:
                        return lease
        return None

    def last(self, key: Key, run: int = RUN) -> Action | None:
        """Return what a run was told last of a node."""
        for action in reversed(self.told):
            if isinstance(action, TellArrived):
                if action.run == run and action.fetched.key == key:
                    return action
            elif isinstance(action, TellGranted | TellHeld | TellFree) and (
                action.run,
                action.key,
            ) == (run, key):
                return action
        return None

    def state(self, key: Key, run: int = RUN) -> str:
        """Return "granted", "held", "free", "arrived" or "" for a run and a node."""
        said = self.last(key, run)
        return "" if said is None else type(said).__name__.removeprefix("Tell").lower()

    def holder(self, key: Key, run: int = RUN) -> NodeId:
        """Return who was said to hold a node."""
        said = self.last(key, run)
        assert isinstance(said, TellHeld), said
        return said.holder

    def asked(self, key: Key) -> list[NodeId]:
        """Return whom a node was claimed of, in this order."""
        return [
            action.to
            for action in self.sent
            if isinstance(action, Ask) and any(item.key == key for item in action.items)
        ]

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Count):
                counted = self.counts.get(action.name, 0)
                self.counts[action.name] = counted + action.by
            elif isinstance(action, Ask | Renew | Release | Fetch):
                self.sent.append(action)
                self.realm.send(self, action)
            else:
                self.told.append(action)


class Realm:
    """Peers that see each other; what is cut off does not answer until its deadline."""

    def __init__(self, *names: NodeId, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.now = 1000.0
        self.peers: dict[NodeId, Peer] = {}
        self.dead: set[NodeId] = set()
        self.cut: set[frozenset[NodeId]] = set()
        self.fetches: list[tuple[Peer, Fetch]] = []
        self.holds_fetches = False
        """Whether fetches wait for :meth:`let_fetch`."""
        self.lost: set[type] = set()
        """Kinds of actions that get lost."""
        self._later: list[tuple[float, Peer, Event]] = []
        self._posted: list[tuple[Peer, Event]] = []
        for name in names:
            self.peers[name] = Peer(self, name)
        self.meet()

    def __getitem__(self, name: NodeId) -> Peer:
        return self.peers[name]

    def meet(self) -> None:
        """Tell everybody who lives."""
        live = set(self.peers) - self.dead
        for name in sorted(live):
            self.peers[name].step(Members(frozenset(live - {name})))
        self.settle()

    def kill(self, name: NodeId) -> None:
        """End a peer's process; the others do not know it."""
        self.dead.add(name)

    def miss(self, name: NodeId) -> None:
        """Tell the others that a peer does not answer, or that it is another now."""
        self.meet()
        boot_id = b"" if name in self.dead else self.peers[name].boot_id
        for peer in self.living():
            if peer.name != name:
                peer.step(Gone(name, boot_id))
        self.settle()

    def restart(self, name: NodeId) -> Peer:
        """Begin a new life of a peer, which knows nothing of the one before."""
        life = int(self.peers[name].boot_id.split(b"-")[1][:1]) + 1
        store = self.peers[name].store
        self.peers[name] = Peer(self, name, life)
        self.peers[name].store = store
        self.dead.discard(name)
        live = frozenset(set(self.peers) - self.dead - {name})
        self.peers[name].step(Members(live))
        return self.peers[name]

    def separate(self, one: NodeId, other: NodeId) -> None:
        """Let nothing through between two peers."""
        self.cut.add(frozenset((one, other)))

    def living(self) -> list[Peer]:
        return [peer for name, peer in self.peers.items() if name not in self.dead]

    def settle(self) -> None:
        """Deliver all that is under way and not cut off."""
        while self._posted:
            peer, event = self._posted.pop(0)
            if peer.name not in self.dead:
                peer.step(event)

    def pass_time(self, seconds: float) -> None:
        """Let time go by, with everything that falls due in it."""
        end = self.now + seconds
        self.settle()
        while True:
            due, peer, event = self._next(end)
            if peer is None:
                break
            assert due >= self.now
            self.now = due
            if peer.name not in self.dead:
                peer.step(event)
            self.settle()
        self.now = end

    def let_fetch(self) -> None:
        """Let the fetches that were held back come to their ends."""
        fetches, self.fetches = self.fetches, []
        for peer, fetch in fetches:
            self._fetch(peer, fetch)
        self.settle()

    def _next(self, end: float) -> tuple[float, Peer | None, Event]:
        soon: tuple[float, Peer | None, Event] = (end, None, Tick())
        for peer in self.living():
            due = peer.claims.next_due(self.now)
            if due is not None and due <= soon[0]:
                soon = (due, peer, Tick())
        if self._later:
            first = min(self._later, key=lambda each: each[0])
            if first[0] <= soon[0]:
                self._later.remove(first)
                return first
        return soon

    # ---- the network ---------------------------------------------------------------

    def send(self, peer: Peer, action: Action) -> None:
        if isinstance(action, Fetch):
            if self.holds_fetches:
                self.fetches.append((peer, action))
            else:
                self._fetch(peer, action)
            return
        assert isinstance(action, Ask | Renew | Release)
        other = self._reach(peer, action.to)
        is_lost = other is None or type(action) in self.lost
        if isinstance(action, Ask):
            if other is None or is_lost:
                due = self.now + action.deadline_s
                self._later.append((due, peer, Unanswered(action.number)))
                return
            answers = other.claims.claim(
                self.now, peer.name, peer.boot_id, action.items
            )
            said = Answered(action.number, other.boot_id, tuple(answers))
            self._posted.append((peer, said))
        elif isinstance(action, Renew):
            if other is None or is_lost:
                failed = RenewalFailed(action.to)
                self._later.append((self.now + 1.0, peer, failed))
                return
            lost = other.claims.renew(self.now, peer.name, peer.boot_id, action.leases)
            self._posted.append((peer, RenewalAnswered(action.to, tuple(lost))))
        elif other is not None and not is_lost:
            other.claims.release(self.now, peer.name, peer.boot_id, action.released)

    def _reach(self, peer: Peer, to: NodeId) -> Peer | None:
        other = self.peers.get(to)
        if other is None or to in self.dead:
            return None
        return None if frozenset((peer.name, to)) in self.cut else other

    def _fetch(self, peer: Peer, fetch: Fetch) -> None:
        other = self._reach(peer, fetch.source)
        if other is None or fetch.key not in other.store:
            event: Event = NotFetched(fetch.key, fetch.source)
        else:
            peer.store.add(fetch.key)
            event = Fetched(fetch.key, fetch.source, 0.01)
        self._posted.append((peer, event))
