"""Whole programs on several machines at once: each node is executed by one of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from peer.local import status
from tests.peer.daemon.claimers import meet
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import eventually
from tests.peer.daemon.naps import Nappers
from tests.peer.daemon.processes import daemon_of

pytestmark = pytest.mark.slow

COUNT = 12


@pytest.fixture
def nappers(tmp_path: Path) -> Iterator[Nappers]:
    started = Nappers(tmp_path)
    yield started
    started.close()


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("names", [("anna", "bert"), ("anna", "bert", "cleo")])
def test_each_shared_node_is_executed_once(
    realm: Realm, nappers: Nappers, names: tuple[str, ...]
) -> None:
    peers = realm(*names)
    meet(*peers)
    runs = [nappers.start(peer, COUNT) for peer in peers]
    nappers.begin()
    for run in runs:
        nappers.finish(run, COUNT)
    begun = nappers.begun()
    assert len(begun) == COUNT
    assert begun.total() == COUNT, begun
    shares = [nappers.begun(run).total() for run in runs]
    assert min(shares) > 0, shares


@pytest.mark.usefixtures("patience")
def test_two_runs_of_one_machine_execute_each_node_once(
    realm: Realm, nappers: Nappers
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    runs = [nappers.start(peer, COUNT) for peer in (anna, anna, bert)]
    nappers.begin()
    for run in runs:
        nappers.finish(run, COUNT)
    assert nappers.begun().total() == COUNT, nappers.begun()


def test_what_a_killed_run_computed_is_computed_by_another(
    realm: Realm, nappers: Nappers
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    victim, other = nappers.start(anna, COUNT), nappers.start(bert, COUNT)
    nappers.begin()
    nappers.wait_for(victim, 2)
    victim.kill()
    nappers.finish(other, COUNT)
    begun = nappers.begun()
    assert len(begun) == COUNT
    # Lost is what was under way, and what was not yet durable.
    assert begun.total() <= COUNT + 2, begun
    assert set(nappers.begun(other)) | set(nappers.begun(victim)) == set(begun)


def test_a_run_that_stands_still_holds_nobody_up(
    realm: Realm, nappers: Nappers
) -> None:
    anna, bert = realm("anna", "bert")
    meet(anna, bert)
    frozen, other = nappers.start(anna, COUNT), nappers.start(bert, COUNT)
    nappers.begin()
    nappers.wait_for(frozen, 2)
    os.kill(frozen.pid, signal.SIGSTOP)
    nappers.finish(other, COUNT)
    os.kill(frozen.pid, signal.SIGCONT)
    nappers.finish(frozen, COUNT)
    assert nappers.begun().total() <= COUNT + 2, nappers.begun()


@pytest.mark.parametrize("fate", [signal.SIGSTOP, signal.SIGKILL])
def test_a_daemon_that_stops_costs_a_moment(
    realm: Realm, nappers: Nappers, fate: signal.Signals
) -> None:
    anna, bert = realm("anna", "bert")
    meet(bert)
    with daemon_of(anna, bert) as (daemon, _):
        eventually(lambda: bert.neighbours == 1)
        there, here = nappers.start(anna, COUNT), nappers.start(bert, COUNT)
        nappers.begin()
        nappers.wait_for(there, 1)
        nappers.wait_for(here, 1)
        daemon.send_signal(fate)
        nappers.finish(here, COUNT)
        nappers.finish(there, COUNT)
    assert len(nappers.begun()) == COUNT
    assert status(bert.store.path).counters.get("failed_calls", 0) == 0
