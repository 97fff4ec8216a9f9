"""Programs for the scenarios, and the machines that have what they need."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.workplace import EXAMPLE, T1

from .lab import Lab
from .machine import Machine, Run, Settings
from .waiting import wait_until

KNOWN_LIMIT_S = 15.0

REGIONS = "regions.imgql"
"""Quick: some masks, about a second of computing."""

REGIONS_TEXT = f"""import "vox1"
let t1 = intensity(load("brain/{T1}"))
let brain = maxvol(t1 >. 0)
let rank = percentiles(t1, brain, 0.5)
let bright = touch(rank >=. 0.667, maxvol(rank >=. 0.8))
let deep = distgeq(25, !brain)
print "bright_ml" volumeml(bright)
print "deep_ml" volumeml(deep)
save "bright.nii.gz" bright
save "deep.nii.gz" deep
"""

HEAVY = "heavy.imgql"
"""Dear and large: seconds of computing for a float image of 34 MB, 11 as stored.

It shows the brain, so only who shares inputs shares it.
"""

HEAVY_TEXT = f"""import "vox1"
import "simpleitk"
let t1 = intensity(load("brain/{T1}"))
let calm = CurvatureFlow(t1, timeStep=0.05, numberOfIterations=15)
save "calm.nii" calm
"""


SHARING_ALL = Settings(shares_inputs=True)


def near_level(level: float) -> str:
    """Return a program whose results depend on a level from 0 to 1."""
    return f"""import "vox1"
let t1 = intensity(load("brain/{T1}"))
let brain = maxvol(t1 >. 0)
let rank = percentiles(t1, brain, 0.5)
let found = touch(rank >=. {level}, maxvol(rank >=. 0.9))
print "found_ml" volumeml(found)
save "found-{level}.nii.gz" found
"""


def machine(
    lab: Lab,
    name: str,
    brain: Path,
    *,
    network: str = "lab",
    settings: Settings | None = None,
) -> Machine:
    """Switch on a machine that has the brain and the programs."""
    made = lab.machine(name, network=network, settings=settings)
    made.put(brain, "brain")
    made.write(REGIONS, REGIONS_TEXT)
    made.write(HEAVY, HEAVY_TEXT)
    made.put(EXAMPLE)
    return made


def pair(
    lab: Lab, brain: Path, settings: Settings | None = None
) -> tuple[Machine, Machine]:
    """Switch on two machines that are in one realm and know each other.

    Args:
        settings: of both.
    """
    first = machine(lab, "first", brain, settings=settings)
    second = machine(lab, "second", brain, settings=settings)
    second.join(first.found())
    meet(first, second)
    return first, second


def publish(program: str, author: Machine, *others: Machine) -> Run:
    """Run a program, and wait until others know of all that came out of it."""
    before = author.status()["shared_results"]
    run = author.execute(program)
    wait_until(
        lambda: author.status()["shared_results"] > before,
        f"{author.name} shares what it computed",
        limit_s=KNOWN_LIMIT_S,
    )
    for other in others:
        _wait_for_knowledge(other, author)
    return run


def assert_all_fetched(run: Run, peer: Machine) -> None:
    """Fail, and show where each result came from, if a goal was not fetched.

    An earlier program may have fetched it.  On a machine with too much to do a fetch
    may be late and raced: what such a race executed besides is no matter.
    """
    if run.from_peers == 0 or run.from_peers + run.from_store < len(run.results):
        shown = [peer.voxpeer("why", label).stdout for label in run.results]
        raise AssertionError("\n".join([f"executed {run.executed}", *shown]))


def know_all(*machines: Machine) -> None:
    """Wait until each knows what each other shares."""
    for one in machines:
        for other in machines:
            if one is not other:
                _wait_for_knowledge(one, other)


def _wait_for_knowledge(one: Machine, other: Machine) -> None:
    wait_until(
        lambda: one.offers(other) == other.offered,
        f"{one.name} knows what {other.name} shares",
        limit_s=KNOWN_LIMIT_S,
    )


def meet(*machines: Machine) -> None:
    """Wait until each is a live neighbour of each other."""
    for one in machines:
        one.wait_for(*(other.name for other in machines if other is not one))
