"""Neighbours that lie, hang, vanish, or are members no longer."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from peer.daemon import PortTakenError
from peer.local import AlreadyRunningError, DaemonRefusedError, client, status
from scheduler.neighbours import Arrived
from store import Digest
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import (
    Asker,
    Peer,
    encoded,
    eventually,
    key_of,
    let_in,
    new_store,
)
from tests.peer.daemon.processes import daemon_of, freeze

KEY, OTHER = key_of(1), key_of(2)

pytestmark = pytest.mark.slow


def meet(*peers: Peer) -> None:
    eventually(lambda: all(each.neighbours == len(peers) - 1 for each in peers))


def located_at(peer: Peer) -> set[str]:
    """Return at whom something was located."""
    return {each.name for each in status(peer.store.path).peers if each.located}


def rejected(peer: Peer) -> int:
    return sum(each.rejected for each in status(peer.store.path).peers)


def unanswered(peer: Peer) -> int:
    """Return how many questions to others had no good answer."""
    counters = status(peer.store.path).counters
    return sum(count for name, count in counters.items() if name.startswith("asking_"))


def test_damage_at_the_server_costs_the_value_and_nothing_else(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(KEY, os.urandom(2_000_000))
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    for blob in (anna.store.path / "blobs").rglob("*"):
        if blob.is_file():
            with blob.open("r+b") as file:
                file.seek(1_000_000)
                file.write(b"damage")
    assert run.fetch(KEY)[KEY].source == ""
    assert bert.store.lookup([KEY]) == {}
    eventually(lambda: KEY not in run.locate(KEY), 5)
    assert status(anna.store.path).counters["damaged_here"] == 1
    run.close()


def test_another_machine_serves_what_is_damaged_at_the_first(realm: Realm) -> None:
    anna, bert, cora = realm("anna", "bert", "cora")
    data = os.urandom(2_000_000)
    digest = anna.keep(KEY, data)
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    assert run.fetch(KEY)[KEY].source == "anna"
    run.close()
    cora.start(anna)
    meet(anna, bert, cora)
    late = Asker(cora)
    eventually(lambda: late.locate(KEY) and located_at(cora) == {"anna", "bert"})
    for blob in (anna.store.path / "blobs").rglob("*"):
        if blob.is_file():
            blob.write_bytes(b"damage")
    assert late.fetch(KEY)[KEY].source != ""
    assert cora.store.open(digest).view() == encoded(data)
    late.close()


def test_a_record_that_its_signer_did_not_sign_is_refused(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(KEY, b"true")
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    run.fetch(KEY)  # anna signs
    bert.store.remove([KEY])
    anna.store.database.transact(
        lambda c: c.execute("UPDATE attestations SET signature = ?", (bytes(64),))
    )
    eventually(lambda: KEY in run.locate(KEY))
    assert run.fetch(KEY)[KEY].source == ""
    assert bert.store.lookup([KEY]) == {}
    assert rejected(bert) == 1
    assert status(bert.store.path).counters["refused_records_signature"] == 1
    run.close()


def test_of_two_digests_for_a_key_none_is_believed(realm: Realm) -> None:
    anna, bert, cora = realm("anna", "bert", "cora")
    anna.keep(KEY, b"one")
    cora.keep(KEY, b"another")
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    assert run.fetch(KEY)[KEY].source == "anna"
    bert.store.remove([KEY])
    anna.stop()
    cora.start(bert)
    eventually(lambda: KEY in run.locate(KEY))
    assert run.fetch(KEY)[KEY].source == ""
    assert bert.store.lookup([KEY]) == {}
    digest = bert.keep(KEY, b"one")  # computed here after all
    assert bert.store.lookup([KEY])[KEY].result.digest == digest
    assert status(bert.store.path).counters["conflicts"] >= 1
    run.close()


def test_a_revoked_member_is_cut_off_and_what_it_signed_is_dropped(
    realm: Realm,
) -> None:
    anna, bert, cora = realm("anna", "bert", "cora")
    cora.keep(KEY, b"from cora")
    anna.keep(OTHER, b"from anna")
    anna.start()
    bert.start(anna)
    cora.start(anna)
    meet(anna, bert, cora)
    run = Asker(bert)
    eventually(lambda: len(run.locate(KEY, OTHER)) == 2)
    arrived = run.fetch(KEY, OTHER)
    assert {each.source for each in arrived.values()} == {"anna", "cora"}
    text = client.revoke(anna.store.path, cora.identity.node_id)
    assert "cora" in text
    eventually(lambda: KEY not in bert.store.lookup([KEY]))
    assert OTHER in bert.store.lookup([OTHER])
    eventually(lambda: (anna.neighbours, bert.neighbours) == (1, 1))
    eventually(lambda: cora.neighbours == 0)
    assert run.fetch(KEY)[KEY].source == ""
    states = {each.name: each.state for each in status(bert.store.path).peers}
    assert states["cora"] == "revoked"
    eventually(lambda: status(bert.store.path).epoch == 1)
    assert status(cora.store.path).epoch == 0
    run.close()


def test_a_member_that_is_no_sponsor_revokes_nobody(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    bert.start()
    with pytest.raises(DaemonRefusedError, match="sponsor"):
        client.revoke(bert.store.path, anna.identity.node_id)


def test_a_revoked_machine_that_cannot_hear_of_it_says_that_others_refuse_it(
    realm: Realm,
) -> None:
    anna, bert = realm("anna", "bert")
    anna.start()
    client.revoke(anna.store.path, bert.identity.node_id)
    bert.start(anna)

    def is_told() -> bool:
        return any("others refuse" in hint for hint in status(bert.store.path).hints)

    eventually(is_told)
    assert bert.neighbours == 0
    assert not any("refuse" in hint for hint in status(anna.store.path).hints)


def test_who_was_not_seen_for_two_weeks_is_not_listed_unless_it_was_revoked(
    realm: Realm,
) -> None:
    anna, bert, cora, dora = realm("anna", "bert", "cora", "dora")
    anna.start()
    for peer in (bert, cora, dora):
        peer.start(anna)
    meet(anna, bert, cora, dora)
    client.revoke(anna.store.path, cora.identity.node_id)
    for peer in (bert, cora, dora, anna):
        peer.stop()
    ago_ms = time.time_ns() // 1_000_000 - 15 * 86_400_000
    unseen = (bert.identity.node_id, cora.identity.node_id)
    anna.store.database.transact(
        lambda c: c.execute(
            "UPDATE members SET seen_ms = ? WHERE node_id IN (?, ?)", (ago_ms, *unseen)
        )
    )
    anna.start()
    states = {each.name: each.state for each in status(anna.store.path).peers}
    assert states == {"cora": "revoked", "dora": "gone"}
    bert.start(anna)  # it comes back
    eventually(lambda: "bert" in {it.name for it in status(anna.store.path).peers})


def test_a_store_that_another_process_holds_for_seconds_ends_nothing(
    realm: Realm,
) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(KEY, b"before")
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: KEY in run.locate(KEY))
    held = [sqlite3.connect(it.store.database.path) for it in (anna, bert)]
    arrived: list[Arrived] = []
    for connection in held:
        connection.execute("BEGIN IMMEDIATE")
    run.neighbours.fetch([KEY], arrived.append)
    until = time.monotonic() + 4
    while time.monotonic() < until:
        assert run.locate(KEY)
        assert {each.state for each in status(anna.store.path).peers} == {"live"}
        time.sleep(0.2)
    assert not arrived
    for connection in held:
        connection.rollback()
        connection.close()
    eventually(lambda: arrived)
    if not arrived[0].source:  # it gave up, and a later run gets it
        assert run.fetch(KEY)[KEY].source == "anna"
    anna.keep(OTHER, b"after")
    eventually(lambda: OTHER in run.locate(OTHER))
    run.close()


def test_what_is_forgotten_by_one_is_forgotten_by_all(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(KEY, b"a secret")
    anna.keep(OTHER, b"else")
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: len(run.locate(KEY, OTHER)) == 2)
    run.fetch(KEY, OTHER)
    client.forget(bert.store.path, [KEY])
    eventually(lambda: KEY not in anna.store.lookup([KEY]))
    assert KEY not in bert.store.lookup([KEY])
    assert OTHER in anna.store.lookup([OTHER])
    anna.keep(KEY, b"a secret")  # computed again, it is not shared
    time_to_share = key_of(99)
    anna.keep(time_to_share, b"later")
    eventually(lambda: time_to_share in run.locate(time_to_share))
    assert run.locate(KEY) == {}
    assert run.fetch(KEY)[KEY].source == ""
    run.close()


def test_a_neighbour_that_hangs_costs_a_moment(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(KEY, b"late")
    bert.start()
    with daemon_of(anna, bert) as (running, _):
        eventually(lambda: bert.neighbours == 1)
        run = Asker(bert)
        eventually(lambda: KEY in run.locate(KEY))
        freeze(running)
        started = time.monotonic()
        assert run.locate(KEY) == {}
        assert run.locate(KEY) == {}
        assert time.monotonic() - started < 5

        def is_spared() -> bool:
            before = unanswered(bert)
            assert run.locate(KEY) == {}
            return unanswered(bert) == before

        eventually(is_spared)  # it is suspect now, and not asked at all
        running.send_signal(signal.SIGCONT)
        eventually(lambda: KEY in run.locate(KEY), 30)
        run.close()


def test_a_neighbour_that_is_killed_is_gone_and_found_again(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(KEY, b"value")
    bert.start()
    run = Asker(bert)
    with daemon_of(anna, bert) as (running, _):
        eventually(lambda: bert.neighbours == 1)
        running.kill()
        running.wait()
        eventually(lambda: bert.neighbours == 0)
        assert run.locate(KEY) == {}
    with daemon_of(anna, bert):
        eventually(lambda: KEY in run.locate(KEY), 30)
    run.close()


def test_a_daemon_ends_cleanly_at_a_signal(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    bert.start()
    with daemon_of(anna, bert) as (running, _):
        eventually(lambda: bert.neighbours == 1)
        started = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
        assert time.monotonic() - started < 6
    assert not (anna.store.path / "realm" / "daemon").exists()


def test_a_second_daemon_of_a_store_is_refused(realm: Realm) -> None:
    (anna,) = realm("anna")
    anna.start()
    second = Peer(anna.store, anna.identity)
    with pytest.raises(AlreadyRunningError, match=f"pid {os.getpid()}"):
        second.start()
    assert status(anna.store.path).name == "anna"


def test_a_port_that_is_taken_is_named(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.start()
    with pytest.raises(PortTakenError, match="--listen"):
        bert.start(listen=anna.address)
    bert.start()  # its place is free again


def test_a_stopped_daemon_lets_the_store_be_used(realm: Realm) -> None:
    (anna,) = realm("anna")
    with daemon_of(anna) as (running, _):
        assert client.stop(anna.store.path)
        assert running.wait(10) == 0
    again = new_store(anna.store.path)
    again.put([b"x"])
    again.close()
    assert isinstance(anna.keep(KEY, b"x"), bytes)


def test_two_machines_with_one_identity_are_noticed(
    realm: Realm, tmp_path: Path
) -> None:
    anna, bert = realm("anna", "bert")
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    bert.store.database.read()
    copy = tmp_path / "copy"
    bert.stop()
    shutil.copytree(bert.store.path, copy)
    twin = Peer(new_store(copy), bert.identity)
    bert.start(anna)
    meet(anna, bert)
    twin.start(anna)
    eventually(lambda: twin.neighbours)
    eventually(
        lambda: any("identity" in hint for hint in status(anna.store.path).hints)
    )
    twin.stop()
    twin.store.close()


def test_nothing_of_an_artifact_is_served_under_another_key(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    hidden = anna.store.put([b"not a result" * 1000])
    anna.keep(KEY, b"shared" * 1000)
    anna.start()
    bert.start(anna)
    meet(anna, bert)
    assert bert.daemon is not None
    link = bert.daemon.company.link(anna.identity.node_id)
    assert link is not None
    from peer.exchange import fetch

    outcome = fetch([link], KEY, Digest(hidden), bert.store.receive)
    assert outcome.digest is None
    assert "not shared" in outcome.reason


def test_a_fetch_goes_on_where_a_killed_server_left_it(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    data = os.urandom(150_000_000)
    digest = anna.keep(KEY, data)
    bert.start()
    run = Asker(bert)
    arrived: list[Arrived] = []
    with daemon_of(anna, bert) as (running, _):
        eventually(lambda: KEY in run.locate(KEY))
        run.neighbours.fetch([KEY], arrived.append)
        eventually(lambda: fetched_bytes(bert) > 10_000_000)
        running.kill()
        eventually(lambda: arrived)
    if arrived[0].source:  # it was quicker than the signal
        return
    assert bert.store.lookup([KEY]) == {}
    with daemon_of(anna, bert):
        eventually(lambda: KEY in run.locate(KEY), 30)
        assert run.fetch(KEY)[KEY].source == "anna"
    assert bert.store.open(digest).view() == encoded(data)
    (there,) = status(bert.store.path).peers
    assert there.fetched_bytes < 1.2 * len(data)
    run.close()


def fetched_bytes(peer: Peer) -> int:
    """Return how much lies in unfinished receptions."""
    folder = peer.store.path / "tmp"
    files = [path for path in peer.store.path.rglob("*") if path.is_file()]
    return sum(
        path.stat().st_blocks * 512
        for path in files
        if folder in path.parents or "incoming" in path.parts
    )


def test_a_full_store_takes_nothing_and_the_daemon_goes_on(
    realm: Realm, tmp_path: Path
) -> None:
    (anna,) = realm("anna")
    anna.keep(KEY, os.urandom(5_000_000))
    anna.keep(OTHER, b"fits")
    anna.start()
    store = new_store(tmp_path / "small", cap_bytes=2_000_000)
    bert = Peer(store, let_in(anna, store, "bert"))
    bert.start(anna)
    meet(anna, bert)
    run = Asker(bert)
    eventually(lambda: len(run.locate(KEY, OTHER)) == 2)
    arrived = run.fetch(KEY, OTHER)
    assert arrived[KEY].source == ""
    assert arrived[OTHER].source == "anna"
    assert status(store.path).peers[0].state == "live"
    run.close()
    bert.stop()
    store.close()
