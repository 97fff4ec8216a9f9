"""Joining through a running daemon, renewing, leaving, and meeting by multicast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from peer.daemon import leave
from peer.daemon.leaving import DaemonRunsError
from peer.exchange import enrol
from peer.identity import Standing, found_realm, invite, open_identity
from peer.identity.statements import sign_statement
from peer.local import client, status
from peer.wire.v1 import records_pb2
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import (
    Asker,
    Peer,
    eventually,
    key_of,
    let_in,
    new_store,
)

KEY, OTHER = key_of(1), key_of(2)

pytestmark = pytest.mark.slow


def meet(*peers: Peer) -> None:
    eventually(lambda: all(each.neighbours == len(peers) - 1 for each in peers))


def test_the_port_to_join_at_is_open_while_an_invitation_is_alive(
    realm: Realm, tmp_path: Path
) -> None:
    (anna,) = realm("anna")
    anna.start()
    assert status(anna.store.path).enrol_port == 0
    token = invite(anna.store, anna.identity)
    assert client.nudge(anna.store.path)
    port = status(anna.store.path).enrol_port
    assert port
    store = new_store(tmp_path / "newcomer")
    dora = Peer(store, enrol(token, "dora", store, [f"127.0.0.1:{port}"]))
    eventually(lambda: status(anna.store.path).enrol_port == 0, 5)
    dora.start()  # it was told where anna is
    meet(anna, dora)
    dora.stop()
    store.close()


def test_a_sponsor_renews_its_own_certificate_and_others(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=20)
    store = new_store(tmp_path / "anna")
    anna = Peer(store, found_realm(store, "anna", long_ago))
    store = new_store(tmp_path / "bert")
    bert = Peer(store, let_in(anna, store, "bert", at=long_ago))
    assert (bert.identity.certificate_ends - datetime.now(UTC)).days < 11
    anna.keep(KEY, b"value")
    anna.start()
    assert anna.daemon is not None
    eventually(lambda: status(anna.store.path).certificate_days > 29)
    bert.start(anna)
    assert bert.daemon is not None
    eventually(lambda: bert.neighbours)
    eventually(lambda: status(bert.store.path).certificate_days > 29)
    kept = open_identity(bert.store)
    assert kept is not None
    assert (kept.certificate_ends - datetime.now(UTC)).days >= 29
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    assert run.fetch(KEY)[KEY].source == "anna"
    run.close()
    for peer in (anna, bert):
        peer.stop()
        peer.store.close()


def test_leaving_drops_what_came_from_others_and_keeps_the_own(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(KEY, b"from anna")
    bert.keep(OTHER, b"own")
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    assert run.fetch(KEY)[KEY].source == "anna"
    run.close()
    with pytest.raises(DaemonRunsError, match="stop it"):
        leave(bert.store)
    bert.stop()
    assert leave(bert.store) == 1
    assert set(bert.store.lookup([KEY, OTHER])) == {OTHER}
    assert open_identity(bert.store) is None


def test_machines_on_one_link_meet_by_multicast(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(KEY, b"value")
    anna.start(mdns=True, interfaces=("127.0.0.1",))
    bert.start(mdns=True, interfaces=("127.0.0.1",))
    meet(anna, bert)
    routes = {
        each.found_by for peer in (anna, bert) for each in status(peer.store.path).peers
    }
    assert "mdns" in routes
    eventually(lambda: status(anna.store.path).advertised == 1)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    run.close()


def test_statements_that_are_refused_do_not_keep_others_back(realm: Realm) -> None:
    anna, bert, liar = realm("anna", "bert", "liar")
    for number in range(80):  # more than there are in one reply
        for at, peer in enumerate((anna, bert)):
            said = records_pb2.Unshareable(operation=f"vox.flood@{number}")
            statement = records_pb2.Statement(unshareable=said, issued_s=at)
            signed = sign_statement(liar.identity, statement)
            Standing(peer.store, peer.identity).add(signed)
    Standing(anna.store, anna.identity).forget([KEY])
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    assert bert.daemon is not None
    standing = bert.daemon.realm.standing
    eventually(lambda: standing.is_forgotten(KEY))
    assert len(standing.have()) == 81
