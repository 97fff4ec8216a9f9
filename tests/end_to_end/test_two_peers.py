"""Two machines of a realm: what one has computed the other does not compute."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .workplace import EXAMPLE, T1, Outcome, Workplace

pytestmark = pytest.mark.slow

LIMIT_S = 30.0
ATTEMPTS = 3
ON_LOOPBACK = {"VOXPEER_MDNS": "false", "VOXPEER_LISTEN": "127.0.0.1:0"}

REGIONS = Path("regions.imgql")
REGIONS_TEXT = f"""import "vox1"
let t1 = intensity(load("brain/{T1}"))
let brain = maxvol(t1 >. 0)
let rank = percentiles(t1, brain, 0.5)
let white = touch(rank >=. $cut, maxvol(rank >=. 0.8))
print "white" volumeml(white)
print "deep" volumeml(distgeq($depth, !brain))
save "white.nii.gz" white
"""


class Machine(Workplace):
    """A workplace with a daemon, reached by its address alone."""

    def __init__(self, folder: Path, brain: Path) -> None:
        super().__init__(folder, brain)
        self.name = folder.name
        (folder / REGIONS.name).write_text(REGIONS_TEXT)

    def join(self, *words: str) -> str:
        """Start the daemon; return what was printed."""
        outcome = self.voxpeer("join", *words, "--name", self.name, "--detach")
        assert outcome.exit_code == 0, outcome.stderr
        return outcome.stdout.strip()

    def voxpeer(self, *arguments: str, **environment: str) -> Outcome:
        """Run ``voxpeer`` here to its end."""
        return super().voxpeer(*arguments, **ON_LOOPBACK, **environment)

    def peer(self, name: str) -> dict[str, object]:
        """Return what ``peers --json`` says of a live neighbour, or nothing."""
        document = json.loads(self.voxpeer("peers", "--json").stdout)
        found = [
            peer
            for peer in document["peers"]
            if peer["name"] == name and peer["state"] == "live"
        ]
        return found[0] if found else {}

    def wait_for(self, name: str, results: int = 0) -> None:
        """Wait until a neighbour is there and offers at least so many results."""
        deadline = time.monotonic() + LIMIT_S
        while int(str(self.peer(name).get("shared_results", -1))) < results:
            assert time.monotonic() < deadline, f"{name} did not come"
            time.sleep(0.1)

    def wait_until_settled(self, name: str) -> None:
        """Wait until what a neighbour offers has stayed the same for a second."""
        deadline = time.monotonic() + LIMIT_S
        seen, since = -1, 0.0
        while seen < 0 or time.monotonic() < since + 1.0:
            offered = int(str(self.peer(name).get("shared_results", -1)))
            if offered != seen:
                seen, since = offered, time.monotonic()
            assert time.monotonic() < deadline, f"what {name} offers keeps changing"
            time.sleep(0.1)


@pytest.fixture
def pair(brain: Path, tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """Return two machines of one realm, with their daemons running."""
    first, second = (Machine(tmp_path / name, brain) for name in ("lab-1", "lab-2"))
    try:
        second.join(first.join())
        second.wait_for("lab-1")
        yield first, second
    finally:
        for machine in (first, second):
            machine.voxpeer("leave", "--yes")


def test_the_second_machine_executes_nothing_and_knows_whom_it_has_it_from(
    pair: tuple[Machine, Machine],
) -> None:
    first, second = pair
    # On a machine with much else to do an answer may come too late to be waited for,
    # so the program is run with several parameters.
    for attempt in range(ATTEMPTS):
        words = ("-p", f"cut={0.667 + attempt / 1000}", "-p", f"depth={10 + attempt}")
        computed = first.run(REGIONS, *words)
        assert computed.executed > 0
        second.wait_for("lab-1", results=3)
        second.wait_until_settled("lab-1")
        fetched = second.run(REGIONS, *words)
        assert fetched.results == computed.results
        assert second.saved() == first.saved()
        if fetched.executed == 0:
            break
    assert fetched.executed == 0
    assert fetched.document["stats"]["from_peers"] == 3

    why = second.voxpeer("why", "white")
    assert why.exit_code == 0, why.stderr
    assert "fetched from lab-1" in why.stdout
    explained = json.loads(second.voxpeer("why", "white", "--json").stdout)
    assert explained["nodes"][0]["how"] == "peer"
    assert explained["nodes"][0]["source"] == "lab-1"

    again = second.run(REGIONS, *words)
    assert again.executed == 0
    assert again.document["stats"]["from_peers"] == 0
    assert "lab-1" in second.voxpeer("why", "white").stdout
    assert int(str(second.peer("lab-1")["fetched"])) > 0


def test_a_picture_that_shows_the_scan_is_drawn_on_each_machine(
    pair: tuple[Machine, Machine],
) -> None:
    first, second = pair
    computed = first.run()
    second.wait_for("lab-1", results=10)
    second.wait_until_settled("lab-1")
    fetched = second.run()
    because = fetched.document["stats"]["executed_because"]
    if not because.get("late") and not because.get("nobody"):
        assert fetched.document["stats"]["from_peers"] == len(fetched.results) - 1
        assert because == {"reveals_input": 2}, "the scan is loaded, the picture drawn"
    assert fetched.executed == sum(because.values())
    assert fetched.results == computed.results
    assert second.saved() == first.saved()
    explained = json.loads(second.voxpeer("why", "brain-tissue.png", "--json").stdout)
    assert explained["nodes"][0]["how"] == "computed"
    assert explained["nodes"][0]["because"] == "reveals_input"
    shown = second.voxpeer("why", "brain-tissue.png").stdout
    assert "shows an input, which nobody shares" in shown


def test_a_run_asks_nobody_when_told_so_and_is_alone_when_the_daemon_is_gone(
    pair: tuple[Machine, Machine],
) -> None:
    first, second = pair
    computed = first.run()
    second.wait_for("lab-1", results=10)
    off = second.run(EXAMPLE, "--network", "off")
    assert off.executed == computed.executed
    assert off.results == computed.results
    second.voxpeer("leave", "--yes")
    required = second.voxpeer("run", str(EXAMPLE), "--network", "required")
    assert required.exit_code == 7
    assert second.run().executed == 0
