"""Calls between daemons: late, lost, doubled, or cut off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from peer.claims.messages import NodeId

from .world import World

if TYPE_CHECKING:
    from .daemon import Daemon

REFUSED_S = 0.001
"""After this time it is known that nobody listens at an address."""


@dataclass(slots=True)
class Weather:
    """How the network is.

    Attributes:
        loss: probability that a message, or an answer, does not come.
        delay_s: shortest time of a message.
        jitter_s: mean of what comes on top; later messages may so overtake earlier.
        doubled: probability that a message comes twice.
    """

    loss: float = 0.0
    delay_s: float = 0.0003
    jitter_s: float = 0.0005
    doubled: float = 0.0


@dataclass(slots=True)
class Call:
    """One question on its way.

    Attributes:
        caller: whose question.
        to: who is asked.
        deadline: when the caller stops to wait.
        serve: answers it at the one who is asked.
        succeed: takes the answer at the caller.
        fail: is called there if none came.
    """

    caller: Daemon
    to: NodeId
    deadline: float
    serve: Callable[[Daemon], Any]
    succeed: Callable[[Any], None]
    fail: Callable[[], None]


class Network:
    """Who can reach whom, and how well.

    Attributes:
        weather: how the network is; may be changed at any time.
        lags: seconds by which overloaded members answer late.
    """

    def __init__(
        self,
        world: World,
        daemons: Mapping[NodeId, Daemon],
        on_lost: Callable[[float], None],
    ) -> None:
        """Connect everybody.

        Args:
            world: where time comes from.
            daemons: who listens; those that have ended stay until others begin.
            on_lost: told the time of each question that is not answered.
        """
        self.weather = Weather()
        self.lags: dict[NodeId, float] = {}
        self._world = world
        self._daemons = daemons
        self._groups: dict[NodeId, int] = {}
        self._on_lost = on_lost

    # ---- who can reach whom ------------------------------------------------

    def divide(self, groups: Mapping[NodeId, int]) -> None:
        """Cut the network: only members of one group reach each other."""
        self._groups = dict(groups)

    def heal(self) -> None:
        """Let everybody reach everybody."""
        self._groups = {}

    def reaches(self, one: NodeId, other: NodeId) -> bool:
        """Return whether there is a way between two members."""
        groups = self._groups
        return not groups or groups.get(one, 0) == groups.get(other, 0)

    def components(self) -> int:
        """Return into how many groups the network is cut."""
        return len(set(self._groups.values())) or 1

    def hears(self, one: NodeId, other: NodeId) -> Daemon | None:
        """Return the daemon that answers a short question of ``one`` just now."""
        daemon = self._daemons.get(other)
        if daemon is None or not daemon.is_alive or daemon.is_frozen:
            return None
        return daemon if self.reaches(one, other) and not self._is_lost() else None

    # ---- questions ---------------------------------------------------------

    def call(self, call: Call) -> None:
        """Carry a question to the one who is asked; it succeeds or fails, once."""
        world = self._world
        daemon = self._daemons.get(call.to)
        if not self.reaches(call.caller.me, call.to) or self._is_lost():
            self._fail(call)
        elif daemon is None or not daemon.is_alive:
            self._on_lost(self._world.now)
            world.after(REFUSED_S, call.caller, call.fail)
        else:
            world.after(self.delay_s(), None, self._arrive, call, daemon)
            weather = self.weather
            if weather.doubled and world.random.random() < weather.doubled:
                world.after(self.delay_s(), None, self._arrive_again, call, daemon)

    def _arrive(self, call: Call, daemon: Daemon) -> None:
        if not daemon.is_alive:
            self._fail(call)
        elif daemon.is_frozen:
            daemon.miss(call.serve, (daemon,))
            self._fail(call)
        else:
            self._answer(call, call.serve(daemon))

    def _arrive_again(self, call: Call, daemon: Daemon) -> None:
        if daemon.is_alive and not daemon.is_frozen:
            call.serve(daemon)

    def _answer(self, call: Call, answer: Any) -> None:
        late = self.delay_s() + self.lags.get(call.to, 0.0)
        when = self._world.now + late
        is_cut = not self.reaches(call.caller.me, call.to)
        if when > call.deadline or is_cut or self._is_lost():
            self._fail(call)
        else:
            self._world.at(when, call.caller, call.succeed, answer)

    def _fail(self, call: Call) -> None:
        self._on_lost(self._world.now)
        when = max(self._world.now, call.deadline)
        self._world.at(when, call.caller, call.fail)

    def delay_s(self) -> float:
        weather = self.weather
        if not weather.jitter_s:
            return weather.delay_s
        jitter = self._world.random.expovariate(1.0) * weather.jitter_s
        return weather.delay_s + jitter

    def _is_lost(self) -> bool:
        weather = self.weather
        return bool(weather.loss) and self._world.random.random() < weather.loss
