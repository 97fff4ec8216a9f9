"""What processes of the store ask over the private socket, and who answers."""

from __future__ import annotations

from typing import Protocol

from peer.daemon.claims.claiming import Claiming
from peer.events import mistake
from peer.identity import IdentityError, NodeId, StatementRefused
from peer.local.messages import (
    Alive,
    AnyRequest,
    Arrival,
    Begin,
    Claim,
    Done,
    Fetch,
    Forget,
    GetStatus,
    Locate,
    Nudge,
    Offer,
    Offers,
    Publish,
    Refused,
    Release,
    Revoke,
    Status,
    Stop,
    Trust,
)
from peer.local.server import Reply
from peer.wire import limits
from store import NodeKey, StoreError

from .consequences import Consequences
from .errors import DaemonError
from .fetching import Arrived, Fetching
from .locating import Locating
from .realm import Realm
from .shared import Shared


class Host(Protocol):
    """What answering takes of the daemon."""

    def status(self, request_id: int) -> Status:
        """Return how the daemon is."""

    def look_again(self) -> None:
        """Look at what another process has changed in the realm's tables."""

    def forgive(self, member: NodeId) -> bool:
        """Believe a member again; return whether there was anything against it."""

    def look_at_store(self) -> None:
        """Look soon at what a run has committed."""

    def want_stop(self) -> None:
        """End soon."""


class Requests:
    """Answers the requests of all connections."""

    def __init__(
        self,
        host: Host,
        realm: Realm,
        shared: Shared,
        consequences: Consequences,
        locating: Locating,
        fetching: Fetching,
        claiming: Claiming,
    ) -> None:
        self._claiming = claiming
        self._host = host
        self._realm = realm
        self._shared = shared
        self._consequences = consequences
        self._locating = locating
        self._fetching = fetching

    def handle(self, request: AnyRequest, reply: Reply) -> None:
        """Take one request; answers now, later, or with why not."""
        try:
            self._answer(request, reply)
        except (StoreError, DaemonError, IdentityError, StatementRefused) as error:
            reply(Refused(id=request.id, reason=str(error)))
        except ValueError as error:
            reply(Refused(id=request.id, reason=f"not understood: {error}"))
        except Exception as error:
            mistake(type(request).__name__, error)
            reply(
                Refused(id=request.id, reason="the daemon made a mistake; see its log")
            )

    def _answer(self, request: AnyRequest, reply: Reply) -> None:
        match request:
            case Locate():
                self._locate(request, reply)
            case Fetch():
                self._fetch(request, reply)
            case Claim():
                self._claiming.claim(request, reply)
            case Begin():
                self._claiming.begin(_keys(request.keys), reply)
            case Release():
                self._claiming.release(
                    _keys(request.keys), reply, has_failed=request.has_failed
                )
            case Alive():
                self._claiming.alive(reply)
            case Publish():
                self._claiming.publish(_keys(request.keys), reply)
                self._host.look_at_store()
            case GetStatus():
                reply(self._host.status(request.id))
            case Revoke():
                reply(Done(id=request.id, text=self._revoke(request)))
            case Trust():
                reply(self._trust(request))
            case Forget():
                reply(Done(id=request.id, text=self._forget(_keys(request.keys))))
            case Nudge():
                self._host.look_again()
                reply(Done(id=request.id, text="looked"))
            case Stop():
                reply(Done(id=request.id, text="it stops"))
                self._host.want_stop()

    def _locate(self, request: Locate, reply: Reply) -> None:
        def answer(offers: list[Offer]) -> None:
            reply(Offers(id=request.id, offers=tuple(offers)))

        self._locating.locate(_keys(request.keys), answer)

    def _fetch(self, request: Fetch, reply: Reply) -> None:
        def answer(arrived: Arrived) -> None:
            reply(
                Arrival(
                    id=request.id,
                    key=arrived.key,
                    source=arrived.source,
                    seconds=arrived.seconds,
                    size_bytes=arrived.size_bytes,
                    wants_audit=arrived.wants_audit,
                )
            )

        self._fetching.fetch(_keys(request.keys), answer, request.spares_s)

    def _revoke(self, request: Revoke) -> str:
        node_id = NodeId(request.node_id)
        name = self._realm.directory.name(node_id)
        self._realm.standing.revoke(node_id, request.from_sequence)
        self._realm.refresh()
        self._consequences.apply()
        return f"{name} is a member no longer"

    def _trust(self, request: Trust) -> Done | Refused:
        node_id = NodeId(request.node_id)
        name = self._realm.directory.name(node_id)
        if self._host.forgive(node_id):
            text = f"results of {name} are taken here again"
            return Done(id=request.id, text=text)
        reason = f"results of {name} are taken here anyway"
        return Refused(id=request.id, reason=reason)

    def _forget(self, keys: list[NodeKey]) -> str:
        self._realm.standing.forget(keys)
        self._shared.remove(keys)
        self._realm.refresh()
        self._consequences.apply()
        return f"{len(keys)} results are forgotten here and by every member that hears"


def _keys(data: bytes) -> list[NodeKey]:
    if len(data) % limits.KEY_BYTES:
        raise ValueError("node keys have 32 bytes each")
    starts = range(0, len(data), limits.KEY_BYTES)
    return [NodeKey(data[at : at + limits.KEY_BYTES]) for at in starts]
