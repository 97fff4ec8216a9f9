"""The numbers of the claim protocol."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds, and bounds; all members use the same.

    Attributes:
        ttl_s: how long a lease lives that is not renewed.
        resume_s: how long it lives once the process of its holder was followed by
            another one, unless that claims it again.
        renew_s: pause between two renewals of a lease.
        first_renew_s: when a grant is renewed, and told a second arbiter, first.
        ask_s: how long an arbiter has for its answer.
        suspect_s: how long who did not answer is not asked; doubled with each time.
        max_suspect_s: at most.
        strike_s: how long who said what was not so is no arbiter; doubled likewise.
        max_strike_s: at most.
        memory_s: how long it is remembered that a node is done, or has failed.
        grace_s: what a holder gets beyond the time that was said.
        least_retry_s: pause at least before a held node is claimed again.
        max_retry_s: at most.
        hedge_factor: a holder is slow when its lease is this many estimates old,
        hedge_least_s: and at least this old,
        silent_s: or when it has not renewed for so long.
        max_hedges: how many may compute a node beside a slow holder, over its life.
        fetch_least_s: how long a fetch may take before the node is claimed again,
        fetch_factor: or this many estimates, if that is more.
        max_keys: leases of others in an arbiter's table; nodes in each of its memories.
        max_keys_per_holder: leases of one of them.
        max_items: nodes in one call.
        max_leases: leases in one renewal or release.
    """

    ttl_s: float = 10.0
    resume_s: float = 3.0
    renew_s: float = 3.0
    first_renew_s: float = 1.0
    ask_s: float = 0.25
    suspect_s: float = 2.0
    max_suspect_s: float = 60.0
    strike_s: float = 60.0
    max_strike_s: float = 3600.0
    memory_s: float = 60.0
    grace_s: float = 0.5
    least_retry_s: float = 0.2
    max_retry_s: float = 2.5
    hedge_factor: float = 3.0
    hedge_least_s: float = 1.0
    silent_s: float = 4.5
    max_hedges: int = 2
    fetch_least_s: float = 5.0
    fetch_factor: float = 3.0
    max_keys: int = 100_000
    max_keys_per_holder: int = 4096
    max_items: int = 256
    max_leases: int = 4096
