"""Neighbours of whom nothing can be expected when it comes to claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

from scheduler import Arrived
from scheduler.neighbours import Claim, ClaimAnswer, Granted, Held, OnClaimed
from store import NodeKey, SqliteStore

from .neighbourhood import StoreNeighbours

Tell: TypeAlias = Callable[..., None]
"""``tell(answer, after_s)`` answers a claim."""


class Rogue(StoreNeighbours):
    """Says of claims whatever comes to mind.

    ``say(claim, tell)`` is called for every claim; ``tell(answer, after_s)`` answers.
    """

    def __init__(
        self,
        store: SqliteStore,
        say: Callable[[Claim, Tell], None],
        *,
        after_release: Callable[[NodeKey], Sequence[ClaimAnswer]] = lambda _: (),
    ) -> None:
        super().__init__(store, store)
        self._say = say
        self._after_release = after_release
        self._answers: dict[NodeKey, OnClaimed] = {}

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        self.claimed.append(list(claims))

        def tell(said: ClaimAnswer, after_s: float = 0.0) -> None:
            self._later(after_s, lambda is_closed: None if is_closed else answer(said))

        for claim in claims:
            self._answers[claim.key] = answer
            self._say(claim, tell)

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool = False) -> None:
        super().release(keys, has_failed=has_failed)
        for key in keys:
            for said in self._after_release(key):
                self._answers[key](said)


def silent(_claim: Claim, _tell: Tell) -> None:
    pass


def held_for_ever(claim: Claim, tell: Tell) -> None:
    tell(Held(claim.key, "eve", 3600.0))


def held_again_and_again(claim: Claim, tell: Tell) -> None:
    for at in range(200):
        tell(Held(claim.key, "eve", 0.1), at / 20)


def held_then_granted(claim: Claim, tell: Tell) -> None:
    tell(Held(claim.key, "eve", 3600.0))
    tell(Granted(claim.key), 0.09)


def granted_twice(claim: Claim, tell: Tell) -> None:
    tell(Granted(claim.key))
    tell(Granted(claim.key, is_hedge=True))
    tell(Held(claim.key, "eve", 3600.0), 0.02)


def never_arrived(claim: Claim, tell: Tell) -> None:
    tell(Held(claim.key, "eve", 0.05))
    tell(Arrived(claim.key, "eve", 0.0), 0.01)


def never_came(claim: Claim, tell: Tell) -> None:
    tell(Arrived(claim.key, "", 0.0))
    tell(Arrived(claim.key, "eve", 0.0), 0.02)


def of_something_else(claim: Claim, tell: Tell) -> None:
    other = NodeKey(bytes(32))
    for said in (Granted(other), Held(other, "eve", 1.0), Arrived(other, "eve", 0.0)):
        tell(said)


def endless(claim: Claim, tell: Tell) -> None:
    tell(Held(claim.key, "eve", math.inf))
    tell(Held(claim.key, "eve", math.nan))


ROGUES = [
    silent,
    held_for_ever,
    held_again_and_again,
    held_then_granted,
    granted_twice,
    never_arrived,
    never_came,
    of_something_else,
    endless,
]
