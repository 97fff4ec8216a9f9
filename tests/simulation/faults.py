"""What befalls the machines of a world, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .network import Weather

if TYPE_CHECKING:
    from .realm import Realm

BOOTED_S = 0.1
"""The user begins a run so long after the daemon has begun."""


@dataclass(frozen=True, slots=True)
class DaemonDies:
    """A daemon ends without a word, and begins again after a while."""

    at: float
    machine: int
    for_s: float

    def happen(self, realm: Realm) -> None:
        """End it."""
        realm.end_daemon(self.machine)
        realm.later(self.for_s, realm.begin_daemon, self.machine)


@dataclass(frozen=True, slots=True)
class RunDies:
    """A run ends without a word; its user begins it anew."""

    at: float
    machine: int
    for_s: float

    def happen(self, realm: Realm) -> None:
        """End it."""
        realm.begin_runs(self.for_s, realm.end_runs(self.machine))


@dataclass(frozen=True, slots=True)
class MachineDies:
    """The power fails; later the machine and what ran on it begin anew."""

    at: float
    machine: int
    for_s: float
    loses_store: bool = False

    def happen(self, realm: Realm) -> None:
        """End all that runs on the machine."""
        plans = realm.end_runs(self.machine)
        realm.end_daemon(self.machine)
        if self.loses_store:
            realm.lose_store(self.machine)
        realm.away(self.machine, self.for_s + BOOTED_S)
        realm.later(self.for_s, realm.begin_daemon, self.machine)
        realm.begin_runs(self.for_s + BOOTED_S, plans)


@dataclass(frozen=True, slots=True)
class Freezes:
    """Processes of a machine stop, and go on after a while as if nothing had been.

    ``what`` is "daemon", "runs" or "machine".
    """

    at: float
    machine: int
    for_s: float
    what: str = "machine"

    def happen(self, realm: Realm) -> None:
        """Stop them."""
        realm.freeze(self.machine, self.what, self.for_s)


@dataclass(frozen=True, slots=True)
class Sleeps:
    """A laptop is closed: everything stops, and its clock jumps when it wakes."""

    at: float
    machine: int
    for_s: float
    jump_s: float

    def happen(self, realm: Realm) -> None:
        """Close it."""
        realm.freeze(self.machine, "machine", self.for_s)
        realm.later(self.for_s, realm.jump, self.machine, self.jump_s)


@dataclass(frozen=True, slots=True)
class Jumps:
    """A monotonic clock goes on from a later reading."""

    at: float
    machine: int
    jump_s: float

    def happen(self, realm: Realm) -> None:
        """Let it jump."""
        realm.jump(self.machine, self.jump_s)


@dataclass(frozen=True, slots=True)
class Divides:
    """The network falls into groups, and is whole again after a while."""

    at: float
    groups: Mapping[int, int]
    for_s: float

    def happen(self, realm: Realm) -> None:
        """Cut it."""
        realm.divide(self.groups)
        if self.for_s < float("inf"):
            realm.later(self.for_s, realm.heal)


@dataclass(frozen=True, slots=True)
class Changes:
    """The network becomes better or worse."""

    at: float
    weather: Weather

    def happen(self, realm: Realm) -> None:
        """Let it."""
        realm.change_weather(self.weather)


Fault: TypeAlias = (
    DaemonDies | RunDies | MachineDies | Freezes | Sleeps | Jumps | Divides | Changes
)
