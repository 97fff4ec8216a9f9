"""How often each member may ask: token buckets, without a clock of their own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MEMBERS = 1024
"""Members whose buckets are remembered; of more, those heard longest ago are not."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What a bucket holds at most, and what flows into it every second."""

    capacity: float
    per_s: float


RATES: Mapping[str, Sequence[Rate]] = {
    "Hello": [Rate(2, 2)],
    "Sync": [Rate(20, 20)],
    "Locate": [Rate(1000, 1000)],
    "Locate.keys": [Rate(20e6, 20e6 / 60)],
    "Records": [Rate(50, 50)],
    "Fetch": [Rate(500, 500)],
    "Inventory": [Rate(1, 1), Rate(4, 1 / 60)],
    "Watch": [Rate(10, 10)],
    "Renew": [Rate(2, 2)],
    "Claim": [Rate(1000, 1000)],
    "Claim.keys": [Rate(20_000, 10_000)],
    "RenewClaims": [Rate(20, 20)],
    "ReleaseClaims": [Rate(1000, 1000)],
    "leases": [Rate(40_000, 10_000)],
}
"""The rates that ``peer.proto`` promises."""


@dataclass(slots=True)
class Bucket:
    """One bucket; full when it is new."""

    rate: Rate
    level: float
    at: float

    def wait_s(self, amount: float, now: float) -> float:
        """Fill up, and return how long it is until ``amount`` is there."""
        elapsed = max(now - self.at, 0.0)
        self.level = min(self.level + elapsed * self.rate.per_s, self.rate.capacity)
        self.at = now
        return max(amount - self.level, 0.0) / self.rate.per_s


class Buckets:
    """The buckets of all members; not for use by several threads at once."""

    def __init__(
        self, rates: Mapping[str, Sequence[Rate]] = RATES, members: int = MEMBERS
    ) -> None:
        self._rates = rates
        self._limit = members
        self._members: OrderedDict[str, dict[str, list[Bucket]]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many members are remembered."""
        return len(self._members)

    def take(self, member: str, name: str, amount: float, now: float) -> float:
        """Take ``amount`` from all buckets of ``name``, or nothing.

        Returns:
            0 if it was taken, else after how many seconds it could be.
        """
        buckets = self._of(member, name, now)
        wait_s = max(bucket.wait_s(amount, now) for bucket in buckets)
        if wait_s <= 0:
            for bucket in buckets:
                bucket.level -= amount
        return wait_s

    def _of(self, member: str, name: str, now: float) -> list[Bucket]:
        named = self._members.setdefault(member, {})
        self._members.move_to_end(member)
        if len(self._members) > self._limit:
            self._members.popitem(last=False)
        if name not in named:
            rates = self._rates[name]
            named[name] = [Bucket(rate, rate.capacity, now) for rate in rates]
        return named[name]
