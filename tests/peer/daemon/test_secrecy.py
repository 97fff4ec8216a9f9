"""What no member gets by any call, and what ends with a membership."""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from peer.daemon.hints import MOST_DIFFERENCE, Hints
from peer.daemon.inventory import State
from peer.discovery.addresses import is_elsewhere
from peer.exchange import (
    Credentials,
    ExchangeError,
    Link,
    PeerClient,
    RefusedError,
    fetch,
)
from peer.identity import invite
from peer.local import client, status
from peer.local.place import noted_socket
from peer.wire.v1 import peer_pb2
from primitives.encoding import encode
from primitives.values import Grid, Image, Mask
from store import Batch, Digest, NodeKey, Result
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Asker, Peer, eventually, key_of
from tests.peer.daemon.test_lies import references

KEY, OTHER = key_of(1), key_of(2)
GRID = Grid((16, 16, 16), (1.0,) * 3, (0.0,) * 3, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
VOXELS = np.arange(4096, dtype=np.float32).reshape(16, 16, 16)


def meet(*peers: Peer) -> None:
    eventually(lambda: all(each.neighbours == len(peers) - 1 for each in peers))


def link(peer: Peer, to: Peer) -> Link:
    assert peer.daemon is not None
    found = peer.daemon.company.link(to.identity.node_id)
    assert found is not None
    return found


def put(peer: Peer, value: Image | Mask) -> Digest:
    return peer.store.put(encode(value, lambda part: b""))


def commit(peer: Peer, *results: Result) -> None:
    peer.store.commit(Batch(results=list(results))).result()


def result(
    key: NodeKey, digest: Digest, kind: str, size: int, *, reveals: bool = False
) -> Result:
    return Result(key, digest, kind, size, 1.0, 1.0, reveals_input=reveals)


@pytest.mark.slow
def test_what_shows_an_input_is_served_under_no_key(realm: Realm) -> None:
    """The same bytes are a result that may be shared, too."""
    anna, bert = realm("anna", "bert")
    image = put(anna, Image.of_array(VOXELS, GRID))
    size = anna.store.manifest(image).size_bytes
    commit(anna, result(KEY, image, "image", size, reveals=True))
    commit(anna, result(OTHER, image, "image", size))
    anna.start(share="all")
    bert.start(anna)
    meet(anna, bert)
    there = link(bert, anna)
    assert there.locate([KEY]) == [None]
    assert there.records([KEY, OTHER]).records == []
    for key in (KEY, OTHER):
        outcome = fetch([there], key, image, bert.store.receive)
        assert outcome.digest is None
    assert there.locate([OTHER]) == [None]


@pytest.mark.slow
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_member_does_not_learn_who_has_an_image(
    realm: Realm, is_wrapped: bool
) -> None:
    """It signs that an image that the other one may not share is some key's result."""
    anna, bert = realm("anna", "bert")
    image = put(bert, Image.of_array(VOXELS, GRID))
    size = bert.store.manifest(image).size_bytes
    commit(bert, result(OTHER, image, "image", size, reveals=True))
    assert put(anna, Image.of_array(VOXELS, GRID)) == image
    lie = result(KEY, image, "image", size)
    if is_wrapped:
        payload = references(1, [image])
        lie = result(KEY, anna.store.put([payload]), "sequence", len(payload))
        lie = replace(lie, children=(image,))
    commit(anna, lie)
    anna.start(share="all", share_inputs=True)
    bert.start(anna, share="all")
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    assert run.fetch(KEY)[KEY].source == "anna"
    run.close()
    anna.store.remove([KEY])
    for key in (KEY, OTHER):
        outcome = fetch([link(anna, bert)], key, image, anna.store.receive)
        assert outcome.bytes_from == {} or not sum(outcome.bytes_from.values())
        assert "not shared" in outcome.reason


@pytest.mark.slow
def test_a_mask_is_served_though_it_stands_in_what_shows_an_input(
    realm: Realm,
) -> None:
    anna, bert = realm("anna", "bert")
    mask = put(anna, Mask(VOXELS > 9, GRID))
    size = anna.store.manifest(mask).size_bytes
    payload = references(2, [mask])
    shown = anna.store.put([payload])
    commit(
        anna,
        Result(
            OTHER, shown, "sequence", len(payload), 1.0, 1.0,
            reveals_input=True, children=(mask,),
        ),
        result(KEY, mask, "mask", size),
    )  # fmt: skip
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    assert run.fetch(KEY)[KEY].source == "anna"
    run.close()


@pytest.mark.slow
def test_a_revocation_ends_a_running_stream_within_a_chunk(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    digest = anna.keep(KEY, os.urandom(200 << 20))
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    # A way of its own, which the daemon does not cut when it hears that it is out.
    there = PeerClient(lambda: Credentials.of(bert.identity)).to(
        anna.identity.node_id, anna.address
    )
    eventually(lambda: there.locate([KEY]) != [None])
    stream = there.fetch(peer_pb2.FetchRequest(key=KEY, digest=digest))
    next(stream)
    next(stream)
    client.revoke(anna.store.path, bert.identity.node_id)
    served = status(anna.store.path).counters["served_bytes"]
    with pytest.raises(RefusedError) as refused:
        all(stream)
    stream.close()
    there.cut()
    assert refused.value.status == "UNAUTHENTICATED"
    # What is taken from the server after that was on its way already.
    assert status(anna.store.path).counters["served_bytes"] - served <= 2 << 20


@pytest.mark.slow
def test_a_revocation_ends_watches_and_hands_over_no_key(realm: Realm) -> None:
    anna, bert, cora = realm("anna", "bert", "cora")
    anna.start()
    bert.start(anna)
    cora.start(anna)
    meet(anna, bert, cora)
    there = link(cora, bert)
    assert bert.daemon is not None
    me = bert.daemon.introduction()
    ended: list[ExchangeError] = []

    def watch() -> None:
        try:
            while True:
                there.watch(
                    peer_pb2.WatchRequest(
                        have=me.inventory,
                        statements_digest=me.statements_digest,
                        timeout_ms=30_000,
                    )
                )
        except ExchangeError as error:
            ended.append(error)

    waiting = threading.Thread(target=watch)
    waiting.start()
    started = time.monotonic()
    client.revoke(anna.store.path, cora.identity.node_id)
    waiting.join(10)
    assert ended
    assert time.monotonic() - started < 10
    eventually(lambda: status(bert.store.path).epoch == 1)
    with pytest.raises(ExchangeError):
        there.hello(me)
    assert cora.identity.keys.epoch == 0


@pytest.mark.slow
def test_nothing_that_names_data_or_opens_doors_is_logged(
    realm: Realm, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    anna, bert = realm("anna", "bert")
    digest = anna.keep(KEY, os.urandom(2 << 20))
    bert.keep(OTHER, b"other")
    token = invite(anna.store, anna.identity)
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    run.fetch(KEY)
    run.close()
    client.forget(anna.store.path, [KEY])
    anna.stop()
    bert.stop()
    said = caplog.text + "".join(capfd.readouterr())
    names = [KEY, OTHER, digest, token.secret, token.token_id]
    names += [secret for _, secret in anna.identity.keys.all()]
    for name in names:
        assert name.hex() not in said
        assert repr(bytes(name)) not in said
    assert token.encode() not in said
    assert "start" in said


@pytest.mark.slow
def test_only_its_owner_may_look_into_a_store_with_an_identity(realm: Realm) -> None:
    old = os.umask(0)
    try:
        (anna,) = realm("anna")
        invite(anna.store, anna.identity)
        anna.start()
        client.nudge(anna.store.path)
    finally:
        os.umask(old)
    realm_folder = anna.store.path / "realm"
    secret = [*realm_folder.rglob("*"), *private_files(anna.store.path)]
    assert secret
    for path in (realm_folder, *secret):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.parent == realm_folder and path.name in ("daemon",):
            continue  # names the socket
        assert not mode & 0o077, (path, oct(mode))
    socket = noted_socket(anna.store.path)
    assert socket is not None
    assert not stat.S_IMODE(socket.parent.stat().st_mode) & 0o077


def private_files(store: Path) -> list[Path]:
    """Return the files of the database, which holds invitations."""
    return [path for path in store.glob("*.db*") if path.is_file()]


def test_a_neighbour_cannot_fill_the_memory_with_changes() -> None:
    hints = Hints()
    hints.replace(0.0, State(b"x" * 8, 1, 0), ())
    held = 0
    for step in range(100):
        first = step * 16_384
        state = State(b"x" * 8, step + 2, 0)
        hints.change(0.0, state, range(first, first + 16_384), ())
        held = held + 16_384 if hints.has_inventory else 0  # it knows nothing any more
        assert held <= MOST_DIFFERENCE
    assert hints.probable(0.0, [KEY]) in ([], [KEY])


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.168.1.4:47800", True),
        ("[fd00::1]:47800", True),
        ("127.0.0.1:22", False),
        ("127.9.9.9:22", False),
        ("[::1]:22", False),
        ("[::ffff:127.0.0.1]:22", False),
        ("169.254.169.254:80", False),
        ("localhost:22", False),
    ],
)
def test_members_lead_nobody_to_services_of_the_own_machine(
    address: str, expected: bool
) -> None:
    assert is_elsewhere(address) is expected
