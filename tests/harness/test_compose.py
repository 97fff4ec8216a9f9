"""The Compose file at the root of the project does what it says."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .base import PROJECT
from .command import Output, execute
from .engine import Engine
from .waiting import wait_until

LIMIT_S = 60.0
JOIN_LIMIT_S = 40.0


class Composition:
    """The Compose file under a project name of its own."""

    def __init__(
        self, command: list[str], engine: Engine, image: str, brain: Path
    ) -> None:
        name = f"vx{secrets.token_hex(4)}"
        self._command = [*command, "-f", str(PROJECT / "compose.yaml"), "-p", name]
        self._environment = {
            **engine.environment,
            "VOXPEER_IMAGE": image,
            "BRAIN": str(brain),
        }

    def __call__(self, *arguments: str, check: bool = True) -> Output:
        return execute(
            [*self._command, *arguments],
            limit_s=LIMIT_S,
            check=check,
            environment=self._environment,
            folder=PROJECT,
        )

    def inside(self, service: str, *arguments: str, check: bool = True) -> Output:
        """Run a command of voxpeer in a service."""
        return self("exec", "-T", service, "voxpeer", *arguments, check=check)

    def live(self, service: str) -> set[str]:
        """Names of the live neighbours of a service."""
        output = self.inside(service, "peers", "--json", check=False)
        if output.exit_code:
            return set()
        peers = json.loads(output.stdout)["peers"]
        return {peer["name"] for peer in peers if peer["state"] == "live"}

    def wait_for(self, service: str, others: set[str]) -> None:
        """Wait until the others, and nobody else, are live at a service."""
        wait_until(
            lambda: self.live(service) == others,
            f"{service} sees {', '.join(sorted(others))}",
            limit_s=JOIN_LIMIT_S,
        )

    def wait_for_results(self, service: str, other: str) -> None:
        """Wait until a service knows all the results that another one shares."""

        def knows() -> bool:
            status = json.loads(self.inside(other, "status", "--json").stdout)
            peers = json.loads(self.inside(service, "peers", "--json").stdout)["peers"]
            known = [it["shared_results"] for it in peers if it["name"] == other]
            shared: int = status["shared_results"]
            return shared > 0 and known == [shared]

        wait_until(knows, f"{service} knows what {other} shares", limit_s=JOIN_LIMIT_S)


@pytest.fixture
def compose(engine: Engine, image: str, brain: Path) -> Iterator[Composition]:
    if engine.docker("compose", "version", check=False).exit_code == 0:
        command = ["docker", "compose"]
    elif shutil.which("docker-compose"):
        command = ["docker-compose"]
    else:
        pytest.skip("neither 'docker compose' nor docker-compose is installed")
    composition = Composition(command, engine, image, brain)
    try:
        yield composition
    finally:
        composition("down", "--volumes", "--timeout", "5", check=False)


def test_three_peers_come_up_find_each_other_and_share_the_example(
    compose: Composition,
) -> None:
    compose("up", "--detach", "--no-build")
    everyone = {"alice", "bob", "carol"}
    for name in everyone:
        compose.wait_for(name, everyone - {name})
    program = "/examples/brain-tissue.imgql"
    first = json.loads(compose.inside("alice", "run", program, "--json").stdout)
    compose.wait_for_results("bob", "alice")
    second = json.loads(compose.inside("bob", "run", program, "--json").stdout)
    assert first["stats"]["executed"] > 0
    # All but the picture of the brain; see the head of the file.
    assert second["stats"]["from_peers"] >= len(second["goals"]) - 1
    assert second["goals"] == first["goals"]
    assert "alice" in compose.inside("bob", "why", "grey_dice").stdout
    # They know each other again after a restart, without a token.
    compose("restart", "--timeout", "10", "bob")
    compose.wait_for("bob", {"alice", "carol"})
