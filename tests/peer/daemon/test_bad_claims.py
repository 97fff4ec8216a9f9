"""Members that claim what is no claim, or far too much; and members of old."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import grpc
import pytest

from peer.claims.messages import Answer, Item
from peer.daemon import daemon
from peer.daemon.serving import Serving
from peer.exchange import Refusal
from peer.identity import Member
from peer.local import status
from peer.wire.v1 import peer_pb2
from scheduler.neighbours import Free, Granted
from tests.peer.daemon.attacks import Victim, at_least, attacked, fill, meet, unharmed
from tests.peer.daemon.claimers import Claimer, keys_of
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Peer, eventually, key_of

pytestmark = pytest.mark.slow

PEER = "/voxpeer.v1.Peer"
BOOT = b"b" * 16


def say(channel: grpc.Channel, method: str, request: bytes) -> grpc.StatusCode:
    """Send bytes as a request; return how the call ended."""
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes]
    call = channel.unary_unary(f"{PEER}/{method}")
    try:
        call(request, timeout=10)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def claim_of(count: int, boot_id: bytes = BOOT, size: int = 32) -> bytes:
    """Return a claim of so many nodes."""
    items = [
        peer_pb2.ClaimItem(key=os.urandom(size), estimate_ms=60_000)
        for _ in range(count)
    ]
    return peer_pb2.ClaimRequest(boot_id=boot_id, items=items).SerializeToString()


def leases_of(count: int, size: int = 32, arbiter: str = "") -> bytes:
    """Return a renewal of so many leases."""
    leases = [
        peer_pb2.ClaimLease(key=os.urandom(size), arbiter=arbiter, token=1)
        for _ in range(count)
    ]
    return peer_pb2.RenewClaimsRequest(boot_id=BOOT, leases=leases).SerializeToString()


def releases_of(count: int, boot_id: bytes = BOOT) -> bytes:
    """Return a release of so many leases."""
    released = [
        peer_pb2.ReleasedClaim(key=os.urandom(32), token=1, is_done=True)
        for _ in range(count)
    ]
    return peer_pb2.ReleaseClaimsRequest(
        boot_id=boot_id, released=released
    ).SerializeToString()


BAD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a key too short": ("Claim", lambda: claim_of(1, size=31)),
    "no boot id": ("Claim", lambda: claim_of(1, boot_id=b"")),
    "nothing": ("Claim", lambda: claim_of(0)),
    "ten thousand items": ("Claim", lambda: claim_of(10_000)),
    "no message": ("Claim", lambda: b"\xff" * 64),
    "a lease of nobody's node": ("RenewClaims", lambda: leases_of(1, size=33)),
    "a lease of no member": ("RenewClaims", lambda: leases_of(1, arbiter="x" * 100)),
    "ten thousand leases": ("RenewClaims", lambda: leases_of(10_000)),
    "ten thousand ends": ("ReleaseClaims", lambda: releases_of(10_000)),
    "ends of no process": ("ReleaseClaims", lambda: releases_of(1, boot_id=b"x")),
}


def test_bad_claims_are_refused_and_counted(realm: Realm) -> None:
    anna, bert, mall = realm("anna", "bert", "mall")
    with attacked(anna) as victim:
        meet(victim, bert)
        with victim.channel(mall) as channel:
            said = {
                what: say(channel, method, make())
                for what, (method, make) in BAD.items()
            }
        assert set(said.values()) == {grpc.StatusCode.INVALID_ARGUMENT}, said
        at_least(victim, bad_requests=len(BAD))
        assert victim.counters.get("failed_calls", 0) == 0
        goes_on(victim, bert)


def goes_on(victim: Victim, honest: Peer) -> None:
    """See that honest claims are still decided by the attacked daemon."""
    run = Claimer(honest)
    eventually(lambda: not run.neighbours.is_alone)
    before = victim.counters.get("served_claim", 0)
    for key in (next(keys_of(victim.peer, honest, start=n)) for n in range(5000, 5003)):
        run.claim(key)
        run.wait(key, Granted)
    assert victim.counters.get("served_claim", 0) > before
    run.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_member_that_claims_everything_harms_nobody(realm: Realm) -> None:
    anna, bert, mall = realm("anna", "bert", "mall")
    kept = fill(anna, 5)
    with attacked(anna) as victim:
        meet(victim, bert)
        with victim.channel(mall) as channel, unharmed(victim, bert, kept) as work:
            codes = {say(channel, "Claim", claim_of(256)) for _ in range(150)}
            work.goes_on()
            codes |= {say(channel, "RenewClaims", leases_of(4096)) for _ in range(25)}
            codes |= {
                say(channel, "ReleaseClaims", releases_of(4096)) for _ in range(25)
            }
            work.goes_on()
        assert codes == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
        at_least(victim, refused_resource_exhausted=1)
        # A member has only so many leases; what others claim is granted all the same.
        assert status(anna.store.path).claims["table"] <= 4096 + 10
        goes_on(victim, bert)


class OldServing(Serving):
    """What a member answers that was made before there were claims."""

    asked = 0

    def claim(
        self, member: Member, boot_id: bytes, items: Sequence[Item]
    ) -> tuple[bytes, Sequence[Answer]]:
        """Know no such call."""
        OldServing.asked += 1
        raise Refusal(grpc.StatusCode.UNIMPLEMENTED, "no such call")


def test_members_that_know_no_claims_are_asked_once_and_do_no_harm(
    realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bert = realm("anna", "bert")
    with monkeypatch.context() as old:
        old.setattr(daemon, "Serving", OldServing)
        bert.start()
    anna.start(bert)
    eventually(lambda: anna.neighbours == bert.neighbours == 1)
    run = Claimer(anna)
    eventually(lambda: not run.neighbours.is_alone)
    keys = keys_of(bert, anna)
    for _ in range(5):
        key = next(keys)
        assert run.asked(key) in (Granted(key), Free(key))
    eventually(lambda: isinstance(run.asked(next(keys)), Free))
    assert 1 <= OldServing.asked <= 5
    bert.keep(key_of(1), b"a result")  # which is still of use
    eventually(lambda: status(anna.store.path).peers[0].shared_results == 1)
    run.close()
