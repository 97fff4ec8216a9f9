"""Networks and machines for one scenario, removed at its end whatever happens."""

from __future__ import annotations

import json
import secrets
from types import TracebackType

from .capture import Capture
from .engine import Engine
from .machine import SLEEP, SLEEP_FOLDER, Machine, Settings

LABEL = "voxpeer.harness.lab"


class Network:
    """A link of its own: what is sent to all on it reaches nobody elsewhere."""

    def __init__(self, engine: Engine, name: str, bridge: str) -> None:
        self.name = name
        self.bridge = bridge
        self._engine = engine

    @property
    def subnet(self) -> str:
        """Its addresses, such as "172.18.0.0/16"."""
        facts = self._engine.docker("network", "inspect", self.name).stdout
        subnet: str = json.loads(facts)[0]["IPAM"]["Config"][0]["Subnet"]
        return subnet


class Lab:
    """What a scenario has built; a context manager that takes it down again."""

    def __init__(self, engine: Engine, image: str) -> None:
        # Random, so that any number of labs can be on one engine.
        self.id = secrets.token_hex(4)
        self.engine = engine
        self.image = image
        self.machines: list[Machine] = []
        self._networks: dict[str, Network] = {}
        self._helpers: list[str] = []

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def network(self, name: str = "lab") -> Network:
        """Return the network of that name, made when it is first asked for."""
        if name not in self._networks:
            full, bridge = f"vx-{self.id}-{name}", f"vx{self.id}{len(self._networks)}"
            options = ["--label", f"{LABEL}={self.id}", "--driver", "bridge"]
            options += ["--opt", f"com.docker.network.bridge.name={bridge}"]
            self.engine.docker("network", "create", *options, full)
            self._networks[name] = Network(self.engine, full, bridge)
        return self._networks[name]

    def machine(
        self, name: str, *, network: str = "lab", settings: Settings | None = None
    ) -> Machine:
        """Switch on a machine with an empty store; nothing runs on it yet."""
        settings = settings or Settings()
        full = f"vx-{self.id}-{name}"
        command = ["run", "--detach", "--name", full, "--hostname", name]
        command += ["--label", f"{LABEL}={self.id}", *settings.options]
        # Only root gets this right, and voxpeer does not run as root.
        command += ["--network", self.network(network).name, "--cap-add", "NET_ADMIN"]
        # A machine is on as long as nobody switches it off, with or without voxpeer.
        command += ["--no-healthcheck"]
        command += ["--entrypoint", "sleep", self.image, "infinity"]
        self.engine.docker(*command)
        machine = Machine(self.engine, name, full)
        self.machines.append(machine)
        if settings.additions:
            machine.add(settings.additions)
        if settings.clock:
            machine.write(f"{SLEEP_FOLDER}/sitecustomize.py", SLEEP)
        return machine

    def connect(self, one: str, other: str) -> None:
        """Put a router between two networks; it passes on no multicast.

        All machines have to be on already.
        """
        first, second = self.network(one), self.network(other)
        router = self.machine("router", network=one, settings=Settings(router=True))
        self.engine.docker("network", "connect", second.name, router.full_name)
        for machine in self.machines[:-1]:
            here, there = (first, second)
            if first.name not in machine.addresses:
                here, there = second, first
            via = router.addresses[here.name]
            machine.root("ip", "route", "add", there.subnet, "via", via)

    def capture(self, network: str = "lab") -> Capture:
        """Record every packet on a network from now on."""
        name = f"vx-{self.id}-capture{len(self._helpers)}"
        self._helpers.append(name)
        bridge = self.network(network).bridge
        label = f"{LABEL}={self.id}"
        return Capture(self.engine, self.image, name, bridge, label)

    def report(self) -> str:
        """Return what every machine has said."""
        parts = []
        for machine in self.machines:
            parts += [f"--- {machine.name}", machine.log().strip() or "(nothing)"]
        return "\n".join(parts)

    def remove(self) -> None:
        """Take everything down."""
        names = [machine.full_name for machine in self.machines] + self._helpers
        if names:
            self.engine.docker("rm", "--force", "--volumes", *names, check=False)
        for network in self._networks.values():
            self.engine.docker("network", "rm", network.name, check=False)
        self.machines, self._helpers, self._networks = [], [], {}
