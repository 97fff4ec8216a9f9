"""The daemon of a store: builds all its parts, and runs until it is stopped."""

from __future__ import annotations

import os
import secrets
import threading
import time
from random import Random

from peer.daemon.claims.claiming import Claiming
from peer.daemon.claims.policy import ClaimPolicy
from peer.events import event, mistake
from peer.exchange import ExchangeError, PeerServer
from peer.identity import Identity, NodeId
from peer.installation import voxpeer_version
from peer.local import DaemonPlace, LocalServer
from peer.local.messages import (
    Status,
)
from peer.trust.attestations import counts_by_signer, signed_bytes_by_signer
from peer.trust.barring import Barring
from peer.trust.drawing import Draw
from peer.wire import limits
from peer.wire.v1 import peer_pb2
from primitives.catalog import standard_registry
from scheduler import goal_keys
from store import SqliteStore, StoreError

from .advice import advice
from .announcing import Announcing
from .attesting import Attesting
from .auditing import Auditing, audit_command
from .company import Company
from .consequences import Consequences
from .enrolling import Enrolling
from .errors import PortTakenError
from .fetching import Fetching
from .libraries import deciding_libraries
from .listening import announced_on, dialled_at, host_of, listen_at
from .locating import Locating, Speeds
from .messages import inventory_state
from .neighbour import Introduction
from .offering import Offering
from .options import DaemonOptions
from .quota import Quota, default_limit_bytes
from .realm import Realm
from .renewing import Renewing
from .reporting import report
from .requests import Requests
from .serving import Serving
from .shared import Rule, Shared
from .traffic import Traffic
from .trust import Trust

STEP_S = 0.5
"""Between two looks at what is due, unless something happens before."""

FLUSH_S = 5.0
REMEMBER_S = 60.0
GRACE_S = 5.0
RETRY_S = 1.0


class Daemon:
    """One daemon.  :meth:`start` returns once it serves; :meth:`stop` ends it."""

    def __init__(
        self,
        store: SqliteStore,
        identity: Identity,
        options: DaemonOptions,
        random: Random | None = None,
    ) -> None:
        """Take the store's place as its daemon.

        Args:
            store: stays the caller's, and has to stay open.
            identity: of the store.
            options: what the user chose.
            random: draws what is audited; nobody else may know what it draws.  The
                system's own by default.

        Raises:
            AlreadyRunningError: the store has a daemon.
            LocalError: there is no place for its socket.
        """
        self.store = store
        self.options = options
        self._place = DaemonPlace(store.path, store.store_id)
        try:
            self._build(identity, random or secrets.SystemRandom())
        except BaseException:
            self._place.leave()
            raise

    def _build(self, identity: Identity, random: Random) -> None:
        store, options = self.store, self.options
        self._started = time.monotonic()
        self._boot_id = os.urandom(limits.BOOT_ID_BYTES)
        self._stopping = threading.Event()
        self._is_wanted_to_stop = threading.Event()
        self._has_stopped = threading.Event()
        self._wake = threading.Event()
        self._name = options.name or identity.name
        self._version = voxpeer_version()[: limits.VERSION_CHARACTERS]
        registry = standard_registry()
        self._libraries = deciding_libraries(
            registry.get(name) for name in registry.names()
        )
        self._dialled: tuple[str, ...] = ()
        self.realm = Realm(store, identity)
        self._shared = Shared(os.urandom(limits.INVENTORY_ID_BYTES))
        self._traffic = Traffic(store)
        speeds = Speeds()
        self._quota = Quota(default_limit_bytes(store.path, store.origin_bytes("peer")))
        self._offering = Offering(
            store,
            self._shared,
            Rule(options.share, options.share_inputs),
            lambda: goal_keys(store),
            self.realm.is_forgotten,
            self.realm.accepts,
            self.realm.is_shareable,
            lambda: self._claiming.computed(),
        )
        self.company = Company(
            self.realm,
            self._boot_id,
            self.introduction,
            self._on_count,
            self._wake.set,
            lambda node_id: self._claiming.heard_of(node_id),
        )
        self._barring = Barring()
        self._draw = Draw(random, counts_by_signer(store))
        self._locating = Locating(
            self.realm, self.company, self._traffic, speeds, self._barring
        )
        self._fetching = Fetching(
            self.realm,
            self.company,
            self._locating,
            self._traffic,
            speeds,
            self._quota,
            self._barring,
            self._draw,
        )
        self._claiming = Claiming(
            self.realm,
            self._boot_id,
            self.company,
            self._fetching,
            ClaimPolicy(self.realm, self.company, speeds, options),
            lambda: self._on_count(len(self.company.live())),
        )
        self._auditing = Auditing(
            store,
            audit_command(store.path),
            options.audit_share,
            self._started,
        )
        self._trust = Trust(self.realm, self._shared, self._draw, self._barring)
        self._consequences = Consequences(self.realm, self.company, self._trust.remove)
        self._renewing = Renewing(self.realm, self.company, self._on_renewed)
        serving = Serving(
            self,
            self.realm,
            self._shared,
            Attesting(self.realm),
            self._claiming,
            share_inputs=options.share_inputs,
        )
        self._server = PeerServer(self.realm.credentials, serving, self.realm.counters)
        requests = Requests(
            self,
            self.realm,
            self._shared,
            self._consequences,
            self._locating,
            self._fetching,
            self._claiming,
        )
        self._local = LocalServer(
            self._place,
            store.store_id,
            requests.handle,
            self.realm.counters.add,
            self._claiming.ended,
            identity.node_id,
        )
        self._announcing: Announcing | None = None
        self._enrolling: Enrolling | None = None
        self._thread = threading.Thread(target=self._run, name="daemon", daemon=True)
        self._flush_at = self._remember_at = 0.0
        self._remembered: frozenset[NodeId] = frozenset()

    # ---- life --------------------------------------------------------------

    def start(self) -> None:
        """Listen, serve and look for others.

        Raises:
            PortTakenError: another program listens there.
            StoreError: the store cannot be read.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self._trust.begin()
        self._step_store()
        try:
            self.bound = tuple(self._server.start(listen_at(self.options)))
        except ExchangeError as error:
            raise PortTakenError(
                f"the daemon cannot listen at {error}; give it another port or address"
                " with --listen, for example --listen :47900 for a second store of one"
                " machine"
            ) from error
        self._dialled = dialled_at(self.options, self.bound)
        enrol_at = [
            f"{host_of(address)}:{self.options.enrol_port}" for address in self.bound
        ]
        self._enrolling = Enrolling(self.realm, enrol_at, self._referred)
        self._enrolling.look(at_once=True)
        interfaces = announced_on(self.options, self.bound)
        if self.options.mdns and interfaces is not None:
            self._announcing = Announcing(
                self.realm,
                self.company,
                self._shared,
                int(self.bound[0].rpartition(":")[2]),
                interfaces,
                lambda: self._enrolling.port if self._enrolling else 0,
            )
            self._announcing.start()
        self.realm.on_change = self._on_statements
        self._claiming.start()
        self.company.start(self.options.seeds)
        self._thread.start()
        self._local.start()
        event(
            "start",
            peer=self.realm.identity.node_id,
            listen=",".join(self.bound),
            shared=len(self._shared),
        )

    def stop(self) -> None:
        """Say goodbye, let streams end within five seconds, and end."""
        self.want_stop()
        if self._stopping.is_set():
            self._has_stopped.wait(2 * GRACE_S)
            return
        self._stopping.set()
        self._wake.set()
        self._shared.wake()
        self._local.stop()
        if self._thread.is_alive():
            self._thread.join(GRACE_S)
        if self._announcing is not None:
            self._announcing.stop()
        if self._enrolling is not None:
            self._enrolling.stop()
        self._auditing.stop()
        self.company.remember(wait=True)
        self._claiming.stop()
        self._locating.stop()
        self._fetching.stop()
        self.company.stop()
        self._server.stop(GRACE_S)
        self._offering.close()
        self._traffic.flush(wait=True)
        self._place.leave()
        self._has_stopped.set()
        event("stop", peer=self.realm.identity.node_id)

    def want_stop(self) -> None:
        """Let :meth:`wait` return; may be called from a signal handler."""
        self._is_wanted_to_stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether it is about to end."""
        return self._stopping.is_set()

    def wait(self) -> None:
        """Return once somebody wants it to end."""
        while not self._is_wanted_to_stop.wait(1.0):
            pass  # signals are seen between two waits

    def _run(self) -> None:
        has_trouble = False
        while not self._stopping.is_set():
            try:
                self._step()
                has_trouble = False
            except (StoreError, OSError) as error:
                # Full, locked, or gone for the moment: what runs need most goes on.
                if not has_trouble:
                    event("trouble", level=30, problem=str(error))
                has_trouble = True
                self._stopping.wait(RETRY_S)
            except Exception as error:
                mistake("daemon", error)
                self._stopping.wait(RETRY_S)
            self._wake.wait(min(STEP_S, self.company.wait_s()))
            self._wake.clear()

    def _step(self) -> None:
        self.company.step()
        self._step_store()
        self._consequences.apply()
        if self._enrolling is not None:
            self._enrolling.look()
        if self._announcing is not None:
            self._announcing.step()
        self._renewing.look()
        now = time.monotonic()
        self._auditing.step(now)
        if now >= self._flush_at:
            self._flush_at = now + FLUSH_S
            self._traffic.flush()
            self._dialled = dialled_at(self.options, self.bound)
        live = frozenset(self.company.live())
        if now >= self._remember_at or not live <= self._remembered:
            # A new one at once: whoever is killed soon has to find it again.
            self._remembered = live
            self._remember_at = now + REMEMBER_S
            self._quota.replace(signed_bytes_by_signer(self.store))
            self.company.remember()

    def _step_store(self) -> None:
        is_news = self._offering.poll()
        self._trust.step(time.monotonic(), is_news=is_news)
        self._claiming.settle(self._shared.__contains__)

    # ---- what others ask (see serving.Host) --------------------------------

    def introduction(self) -> peer_pb2.HelloRequest:
        """Say who we are."""
        return peer_pb2.HelloRequest(
            protocol=limits.PROTOCOL,
            boot_id=self._boot_id,
            name=self._name,
            version=self._version,
            libraries=self._libraries,
            inventory=inventory_state(self._shared.state),
            statements_digest=self.realm.statements_digest,
            epoch=self.realm.keys.epoch,
            addresses=self._dialled,
            is_sponsor=self.realm.identity.is_sponsor,
        )

    def greeted(self, said: Introduction) -> None:
        """Take note of a member that calls."""
        self.company.greeted(said)

    def referrals(self, asker: NodeId) -> list[peer_pb2.Referral]:
        """Return where others are."""
        return self.company.referrals(asker)

    def served(self, member: NodeId, size_bytes: int) -> None:
        """Count what a member gets."""
        self._traffic.add(member, served_bytes=size_bytes)

    def _referred(self) -> list[tuple[NodeId, tuple[str, ...]]]:
        """Return us and our neighbours, for who joins."""
        me = self.realm.identity.node_id
        others = self.company.referrals(me)
        found = [(NodeId(it.node_id), tuple(it.addresses)) for it in others]
        mine = self._dialled[: limits.REFERRAL_ADDRESSES]
        return [(me, mine), *found][: limits.ENROL_MEMBERS]

    # ---- what happens ------------------------------------------------------

    def _on_count(self, count: int) -> None:
        self._local.set_neighbours(count, self._claiming.look())

    def _on_statements(self) -> None:
        """Statements or keys are new: at once what cannot wait, the rest in a step."""
        self._consequences.cut_links()
        self._shared.wake()
        self._wake.set()

    def _on_renewed(self) -> None:
        self._server.reload()
        self.company.reload()

    def look_again(self) -> None:
        """Look at what another process has changed in the realm's tables."""
        self.realm.standing.refresh()
        self._trust.look_again()
        self.realm.refresh()
        if self._enrolling is not None:
            self._enrolling.look(at_once=True)

    def forgive(self, member: NodeId) -> bool:
        """Believe a member again; return whether there was anything against it."""
        is_new = self._trust.forgive(member)
        self._wake.set()
        return is_new

    def look_at_store(self) -> None:
        """Look soon at what a run has committed."""
        self._wake.set()

    def status(self, request_id: int = 0) -> Status:
        """Return how the daemon is."""
        announcing = self._announcing
        counters = self.realm.counters.snapshot()
        if announcing is not None:
            counters |= announcing.counters
        return report(
            request_id,
            realm=self.realm,
            company=self.company,
            shared=self._shared,
            traffic=self._traffic,
            name=self._name,
            version=self._version,
            libraries=self._libraries,
            started=self._started,
            addresses=self._dialled,
            enrol_port=self._enrolling.port if self._enrolling else 0,
            discovery=announcing.state if announcing else self._why_not_announced(),
            hints=(
                *advice(self.realm, self.company, announcing, self._enrolling),
                *self._trust.advice(),
            ),
            advertised=announcing.advertised if announcing else 0,
            counters=counters,
            trust=self._trust.report(),
            claims=self._claiming.states(),
            claim_seconds=self._claiming.times.snapshot(),
        )

    def _why_not_announced(self) -> str:
        if self.options.mdns:
            return f"not announced: only this machine reaches {', '.join(self.bound)}"
        return "off: seeds only"
