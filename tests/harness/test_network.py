"""Networks that are divided, bad, or suddenly silent: a run is late, never wrong."""

from __future__ import annotations

from pathlib import Path

from .lab import Lab
from .machine import Machine, Run
from .programs import (
    HEAVY,
    REGIONS,
    SHARING_ALL,
    assert_all_fetched,
    know_all,
    machine,
    meet,
    near_level,
    pair,
    publish,
)
from .waiting import wait_until

SLOW_MBIT_S = 60
"""Slow enough to do something while 34 MB travel, and still worth fetching."""

NOISE_S = 4.0
"""What two busy cores may add to a run; a bound for hanging, no measurement."""


def lost_at_most(late: Run, alone: Run) -> bool:
    """Whether a run lost no more than what a bad neighbourhood may cost."""
    allowed = 0.5 + 1.2 * alone.seconds + NOISE_S
    return late.seconds <= allowed


def test_seeds_join_two_networks_that_multicast_cannot_cross(
    lab: Lab, brain: Path
) -> None:
    near = machine(lab, "near", brain, network="here")
    far = machine(lab, "far", brain, network="there")
    lab.connect("here", "there")
    token = near.found()
    far.join(token, "--seed", near.address)
    meet(near, far)
    first = publish(REGIONS, near, far)
    second = far.execute(REGIONS)

    assert_all_fetched(second, far)
    assert second.saved == first.saved
    found_by = {peer["found_by"] for peer in far.status()["peers"]}
    assert "mdns" not in found_by
    # A remembered address is as good as a seed.
    far.kill_daemon("TERM")
    far.join()
    meet(near, far)


def test_a_run_under_packet_loss_is_right_and_ends_in_time(
    lab: Lab, brain: Path
) -> None:
    first, second = pair(lab, brain)
    third = machine(lab, "third", brain)
    alone = third.execute(REGIONS)
    publish(REGIONS, first, second)
    for peer in (first, second):
        peer.lose(30)
    late = second.execute(REGIONS)

    assert late.results == alone.results
    assert late.saved == alone.saved
    assert lost_at_most(late, alone)


def test_a_peer_that_is_switched_off_in_mid_fetch_costs_a_moment_and_no_result(
    lab: Lab, brain: Path
) -> None:
    first, second, alone = _heavy_fetch(lab, brain)
    process = second.start(HEAVY)
    _wait_for_bytes(first)
    first.switch_off()
    late = second.finish(process)

    assert late.results == alone.results
    assert late.saved == alone.saved
    assert late.executed > 0
    assert lost_at_most(late, alone)
    assert second.voxpeer("store", "check").exit_code == 0


def test_a_peer_that_freezes_in_mid_fetch_costs_a_moment_and_no_result(
    lab: Lab, brain: Path
) -> None:
    first, second, alone = _heavy_fetch(lab, brain)
    process = second.start(HEAVY)
    _wait_for_bytes(first)
    first.freeze()
    late = second.finish(process)

    assert late.results == alone.results
    assert late.saved == alone.saved
    assert lost_at_most(late, alone)


def test_a_peer_that_is_frozen_before_it_is_asked_costs_a_moment_only(
    lab: Lab, brain: Path
) -> None:
    first, second = pair(lab, brain)
    alone = publish(REGIONS, first, second)
    first.freeze()
    late = second.execute(REGIONS)
    assert late.results == alone.results
    assert late.executed == alone.executed
    assert lost_at_most(late, alone)

    # And it is a neighbour again when it comes to itself.
    first.thaw()
    meet(first, second)


def test_three_peers_with_three_stores_converge(lab: Lab, brain: Path) -> None:
    peers = [machine(lab, name, brain) for name in ("one", "two", "three")]
    one, two, three = peers
    two.join(one.found())
    three.join(one.invite())
    meet(*peers)
    programs = [f"near-{level}.imgql" for level in (6, 7, 8)]
    _give_all(peers, programs)
    started = [peer.start(name) for peer, name in zip(peers, programs, strict=True)]
    firsts = [
        peer.finish(process) for peer, process in zip(peers, started, strict=True)
    ]
    # What others do not know yet would be computed once more, and be right as well.
    know_all(*peers)
    for name, first in zip(programs, firsts, strict=True):
        for peer in peers:
            again = peer.execute(name)
            had = again.from_peers + again.from_store
            assert had >= len(first.results), peer.voxpeer("why", "found_ml").stdout
            assert again.results == first.results
            assert again.saved == first.saved


def _heavy_fetch(lab: Lab, brain: Path) -> tuple[Machine, Machine, Run]:
    """Have the first of two peers compute what the second will ask for."""
    first, second = pair(lab, brain, SHARING_ALL)
    alone = publish(HEAVY, first, second)
    first.slow_down(SLOW_MBIT_S)
    return first, second, alone


def _wait_for_bytes(sender: Machine, count: int = 3_000_000) -> None:
    before = sender.sent_bytes
    wait_until(
        lambda: sender.sent_bytes > before + count,
        f"{sender.name} sends an artifact",
        limit_s=30,
    )


def _give_all(peers: list[Machine], programs: list[str]) -> None:
    for peer in peers:
        for name in programs:
            peer.write(name, near_level(int(name[5]) / 10))
