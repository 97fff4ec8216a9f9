"""Which of others' results are computed here as well, to see whether they are true.

A result is drawn after it was accepted, with randomness that nobody else can know, so
that neither who signed it nor who served it can tell beforehand whether it will be.
The rates and what they find are in docs/decisions/0011-audits.md.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from random import Random

from peer.identity import NodeId

NEW_RESULTS = 20
"""Results of a signer after which it is no stranger any more."""

NEW_SHARE = 0.20
ACCUSED_SHARE = 0.20
SHARE = 0.01


class Draw:
    """Draws results to audit.  Any thread may ask."""

    def __init__(self, random: Random, seen: Mapping[NodeId, int]) -> None:
        """Begin with what is known of every signer, none of whom is accused.

        Args:
            random: decides; ``secrets.SystemRandom()`` where it matters.
            seen: how many results of each signer were accepted here before.
        """
        self._random = random
        self._seen = dict(seen)
        self._accused: frozenset[NodeId] = frozenset()
        self._lock = threading.Lock()

    def accuse(self, members: Iterable[NodeId]) -> None:
        """Look harder at these members, and no harder than usual at all others.

        Args:
            members: of whom it is said that they signed something wrong.
        """
        self._accused = frozenset(members)

    def wants_audit(self, signer: NodeId) -> bool:
        """Draw for a result of ``signer`` that was accepted just now."""
        with self._lock:
            before = self._seen.get(signer, 0)
            self._seen[signer] = before + 1
            share = NEW_SHARE if before < NEW_RESULTS else SHARE
            if signer in self._accused:
                share = max(share, ACCUSED_SHARE)
            return self._random.random() < share
