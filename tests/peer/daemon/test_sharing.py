"""Two and three machines of a realm share what they computed."""

from __future__ import annotations

import os
import sqlite3
import time

import numpy as np
import pytest

from peer.daemon import DaemonOptions
from peer.local import status
from primitives.encoding import encode
from primitives.values import Grid, Image, Mask, Value
from store import Batch, Digest, NodeKey, Result
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Asker, Peer, encoded, eventually, key_of

SHORT, LONG, ABSENT = key_of(1), key_of(2), key_of(3)
SENT = len(encoded(bytes(1_024_000)))

pytestmark = pytest.mark.slow


def meet(*peers: Peer) -> None:
    """Wait until everybody knows everybody."""
    eventually(lambda: all(each.neighbours == len(peers) - 1 for each in peers))


def started(first: Peer, *others: Peer, **options: object) -> None:
    first.start(**options)
    for other in others:
        other.start(first, **options)
    meet(first, *others)


def test_what_one_computed_the_other_fetches(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    data = os.urandom(3_000_000)
    anna.keep(SHORT, b"short")
    digest = anna.keep(LONG, data)
    started(anna, bert)
    run = Asker(bert)
    eventually(lambda: len(run.locate(SHORT, LONG)) == 2)
    offered = run.locate(SHORT, LONG, ABSENT)
    assert set(offered) == {SHORT, LONG}
    assert offered[LONG].size_bytes == len(encoded(data))
    assert offered[LONG].cost_s == 1.0
    arrived = run.fetch(SHORT, LONG, ABSENT)
    assert {key: each.source for key, each in arrived.items()} == {
        SHORT: "anna",
        LONG: "anna",
        ABSENT: "",
    }
    found = bert.store.lookup([SHORT, LONG])
    assert found[SHORT].payload == encoded(b"short")
    assert found[LONG].result.origin == "peer"
    assert bert.store.open(digest).view() == encoded(data)
    run.close()


def test_status_counts_what_came_and_went(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(LONG, bytes(range(256)) * 4000)
    started(anna, bert)
    run = Asker(bert)
    eventually(lambda: LONG in run.locate(LONG))
    run.fetch(LONG)
    (there,) = status(bert.store.path).peers
    assert (there.name, there.state, there.is_sponsor) == ("anna", "live", True)
    assert there.located >= 1
    assert there.fetched == 1
    assert there.fetched_bytes == SENT
    assert 0 < there.saved_s <= 1
    assert there.shares_floats
    assert there.rtt_ms is not None
    (here,) = status(anna.store.path).peers
    assert here.served_bytes == SENT
    bert.stop()
    bert.start(anna)
    (there,) = [each for each in status(bert.store.path).peers if each.name == "anna"]
    assert there.fetched == 1
    run.close()


def test_what_is_computed_while_the_daemons_run_is_found_within_a_moment(
    realm: Realm,
) -> None:
    anna, bert = realm("anna", "bert")
    started(anna, bert)
    run = Asker(bert)
    assert run.locate(SHORT) == {}
    anna.keep(SHORT, b"new")
    eventually(lambda: SHORT in run.locate(SHORT), 5)
    run.close()


def test_what_is_removed_is_not_offered_any_more(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(SHORT, b"short")
    started(anna, bert)
    run = Asker(bert)
    eventually(lambda: SHORT in run.locate(SHORT), 5)
    anna.store.remove([SHORT])
    eventually(lambda: SHORT not in run.locate(SHORT), 5)
    run.close()


def test_a_fetched_result_is_passed_on_with_the_record_of_who_computed_it(
    realm: Realm,
) -> None:
    anna, bert, cora = realm("anna", "bert", "cora")
    anna.keep(LONG, b"x" * 100_000)
    started(anna, bert)
    run = Asker(bert)
    eventually(lambda: LONG in run.locate(LONG))
    assert run.fetch(LONG)[LONG].source == "anna"
    anna.stop()
    cora.start(bert)
    eventually(lambda: cora.neighbours)
    late = Asker(cora)
    eventually(lambda: LONG in late.locate(LONG), 5)
    assert late.fetch(LONG)[LONG].source == "bert"
    with cora.store.database.read() as connection:
        rows = connection.execute("SELECT signer, source FROM attestations").fetchall()
    assert rows == [(anna.identity.node_id, bert.identity.node_id)]
    run.close()
    late.close()


def test_members_that_know_one_member_find_each_other(realm: Realm) -> None:
    peers = realm("anna", "bert", "cora")
    started(*peers)
    assert {each.neighbours for each in peers} == {2}


def test_a_restarted_daemon_dials_whom_it_knew(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    started(anna, bert)
    address = anna.address
    bert.stop()
    bert.start()  # without a seed
    meet(anna, bert)
    assert anna.address == address


def test_a_goal_is_shared_whatever_it_cost(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(SHORT, b"cheap", cost_s=0.0)
    anna.keep(LONG, b"cheap too", cost_s=0.0)
    run_of_goal(anna, SHORT)
    started(anna, bert)
    run = Asker(bert)
    eventually(lambda: SHORT in run.locate(SHORT, LONG), 5)
    assert LONG not in run.locate(SHORT, LONG)
    run_of_goal(anna, LONG)
    anna.keep(ABSENT, b"else")
    eventually(lambda: LONG in run.locate(LONG), 5)
    run.close()


def run_of_goal(peer: Peer, key: NodeKey) -> None:
    """Record a run whose goal was ``key``, as the scheduler does."""
    now = int(time.time() * 1000)
    name = key.hex()[:32]
    digest = peer.store.lookup([key])[key].result.digest

    def work(connection: sqlite3.Connection) -> None:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
        values: dict[str, object] = dict.fromkeys(columns, 0)
        values |= {
            "run_id": name, "program": "p", "started_ms": now, "ended_ms": now,
            "status": "done",
        }  # fmt: skip
        marks = ",".join("?" * len(columns))
        connection.execute(
            f"INSERT INTO runs ({','.join(columns)}) VALUES ({marks})",
            [values[column] for column in columns],
        )
        connection.execute(
            "INSERT INTO run_goals VALUES (?, 0, 'print', 'x', 'bytes', ?, ?, NULL)",
            (name, key, digest),
        )

    peer.store.database.transact(work)


def test_what_shows_an_input_stays_at_home_unless_asked_for(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    digest = anna.store.put([encoded(b"voxels")])
    shown = Result(SHORT, digest, "bytes", 9, 1.0, 1.0, reveals_input=True)
    anna.store.commit(Batch(results=[shown])).result()
    started(anna, bert)
    run = Asker(bert)
    assert run.locate(SHORT) == {}
    anna.stop()
    anna.start(share_inputs=True)
    bert.stop()
    bert.start(anna)
    meet(anna, bert)
    eventually(lambda: SHORT in Asker(bert).locate(SHORT), 5)
    run.close()


@pytest.mark.parametrize(
    ("share", "expected"),
    [("all", {SHORT, LONG}), ("worth", {LONG}), ("goals", set()), ("none", set())],
)
def test_the_rule_decides_what_is_shared(
    realm: Realm, share: str, expected: set[bytes]
) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(SHORT, b"cheap", cost_s=0.001)
    anna.keep(LONG, b"dear", cost_s=1.0)
    started(anna, bert, share=share)
    run = Asker(bert)
    assert set(run.locate(SHORT, LONG)) == expected
    run.close()


def test_a_run_without_neighbours_is_told_that_it_is_alone(realm: Realm) -> None:
    (anna,) = realm("anna")
    anna.start()
    run = Asker(anna)
    assert run.neighbours.is_alone
    assert run.locate(SHORT) == {}
    run.close()


def test_two_runs_that_want_the_same_share_one_fetch(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    anna.keep(LONG, os.urandom(4_000_000))
    started(anna, bert)
    one, two = Asker(bert), Asker(bert)
    eventually(lambda: LONG in one.locate(LONG))
    arrived: list[object] = []
    one.neighbours.fetch([LONG], arrived.append)
    two.neighbours.fetch([LONG], arrived.append)
    eventually(lambda: len(arrived) == 2)
    (there,) = status(bert.store.path).peers
    assert there.fetched_bytes == len(encoded(bytes(4_000_000)))
    one.close()
    two.close()


def test_options_have_the_documented_defaults() -> None:
    options = DaemonOptions()
    assert (options.listen, options.share, options.share_inputs) == (
        ":47800",
        "worth",
        False,
    )


def keep_sequence(
    peer: Peer, key: NodeKey, items: tuple[Value, ...], *, reveals_input: bool = False
) -> None:
    """Keep a sequence as a run would, images as artifacts of their own."""
    children: list[Digest] = []

    def put(value: Value) -> Digest:
        children.append(peer.store.put(encode(value, put)))
        return children[-1]

    data = b"".join(bytes(part) for part in encode(items, put))
    digest = peer.store.put([data])
    result = Result(
        *(key, digest, "sequence", len(data), 1.0, 1.0),
        reveals_input=reveals_input,
        children=tuple(children),
    )
    peer.store.commit(Batch(results=[result])).result()


GRID = Grid((4, 4, 4), (1.0,) * 3, (0.0,) * 3, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def test_a_sequence_comes_with_the_masks_that_it_refers_to(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    masks = [Mask(np.arange(64).reshape(4, 4, 4) % n == 0, GRID) for n in (2, 3)]
    keep_sequence(anna, SHORT, (1.0, *masks))
    started(anna, bert)
    run = Asker(bert)
    eventually(lambda: SHORT in run.locate(SHORT))
    assert run.fetch(SHORT)[SHORT].source == "anna"
    result = bert.store.lookup([SHORT])[SHORT].result
    assert len(result.children) == 2
    for digest in (result.digest, *result.children):
        assert bert.store.open(digest).view() == anna.store.open(digest).view()
    run.close()


def test_of_two_sequences_of_images_the_one_that_shows_an_input_stays_at_home(
    realm: Realm,
) -> None:
    anna, bert = realm("anna", "bert")
    voxels = np.arange(64, dtype=np.float32).reshape(4, 4, 4)
    image = Image.of_array(voxels, GRID)
    keep_sequence(anna, SHORT, (image,), reveals_input=True)
    keep_sequence(anna, LONG, (1.0, image))
    started(anna, bert)
    run = Asker(bert)
    eventually(lambda: LONG in run.locate(LONG))
    assert run.locate(SHORT) == {}
    run.close()


def test_thousands_of_short_results_come_in_few_calls(realm: Realm) -> None:
    anna, bert = realm("anna", "bert")
    keys = [key_of(number) for number in range(3000)]
    short = encoded(b"short")
    digest = anna.store.put([short])
    results = [Result(key, digest, "bytes", len(short), 1.0, 1.0) for key in keys]
    anna.store.commit(Batch(results=results)).result()
    started(anna, bert)
    run = Asker(bert)
    eventually(lambda: len(run.locate(*keys)) == 3000)
    arrived = run.fetch(*keys)
    assert all(each.source == "anna" for each in arrived.values())
    assert len(bert.store.lookup(keys)) == 3000
    assert status(anna.store.path).counters["served_records"] < 40
    run.close()
