"""From the store's changes to what is shared: applies the rule, and what was forgotten.

Runs commit to the store without asking the daemon; its follower says what came.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from peer.identity import NodeId
from peer.trust import attestations
from store import NodeKey, Result, SharedRow, SqliteStore, StoreError

from .shared import Row, Rule, Shared

PART = 1000
LATELY_S = 60.0
LOOK_S = 1.0


class Offering:
    """Keeps :class:`Shared` what the store and the rule say."""

    def __init__(
        self,
        store: SqliteStore,
        shared: Shared,
        rule: Rule,
        goals: Callable[[], Collection[NodeKey]],
        is_forgotten: Callable[[NodeKey], bool],
        is_acceptable: Callable[[NodeId, int], bool],
        is_shareable: Callable[[str, str], bool],
        promised: Callable[[], Collection[NodeKey]] = frozenset,
    ) -> None:
        """Prepare; nothing is read before :meth:`poll`.

        Args:
            store: what is followed.
            shared: what is kept current.
            rule: which results others may have.
            goals: returns the keys of all goals of earlier runs.
            is_forgotten: whether nobody may have a result any more.
            is_acceptable: whether a signer's record of that number counts.
            is_shareable: whether results of an operation, in an environment, mean the
                same everywhere.
            promised: returns what runs compute while others wait for it: it is shared
                like a goal, though it turned out to be cheap.
        """
        self._promised = promised
        self._store = store
        self._shared = shared
        self._rule = rule
        self._read_goals = goals
        self._is_forgotten = is_forgotten
        self._is_acceptable = is_acceptable
        self._is_shareable = is_shareable
        self._follower = store.follower()
        self._goals: frozenset[NodeKey] = frozenset()
        self._seen = -1
        self._news_at = self._looked_at = float("-inf")
        self._polling = threading.Lock()

    def poll(self) -> bool:
        """Take over what changed in the store; return whether anything did."""
        with self._polling:
            changes = self._follower.poll()
            is_news = bool(changes.added or changes.removed)
            if not self._look_for_goals(time.monotonic(), is_news=is_news):
                return False
            goals = frozenset(self._read_goals())
            while True:
                self._shared.remove(changes.removed)
                for start in range(0, len(changes.added), PART):
                    self._consider(changes.added[start : start + PART], goals)
                if not changes.has_more:
                    break
                changes = self._follower.poll()
            self._promote(goals - self._goals, goals)
            self._goals = goals
            return True

    def _look_for_goals(self, now: float, *, is_news: bool) -> bool:
        """Return whether there may be new goals, or results.

        A run writes down its goals after it has kept them.
        """
        seen = self._store.changes()
        is_changed, self._seen = seen != self._seen, seen
        if is_news:
            self._news_at = now
        # A run in this very process changes nothing that ``changes`` would tell.
        is_lately = now - self._news_at < LATELY_S and now - self._looked_at > LOOK_S
        if is_news or is_changed or is_lately:
            self._looked_at = now
            return True
        return False

    def _consider(self, added: Sequence[SharedRow], goals: Collection[NodeKey]) -> None:
        allowed = []
        promised = self._promised()
        rows = [
            _row(each)
            for each in added
            if self._is_shareable(each.operation, each.environment)
        ]
        foreign = self._attested([row.key for row in rows if not row.is_ours])
        for row in rows:
            if self._is_forgotten(row.key):
                continue
            if not row.is_ours and row.key not in foreign:
                continue  # nobody has signed it
            is_goal = row.key in goals or row.key in promised
            if self._rule.allows(row, is_goal=is_goal):
                allowed.append(row)
        self._shared.add(allowed, goals)

    def _promote(self, new: Collection[NodeKey], goals: Collection[NodeKey]) -> None:
        """Share what was not worth it and turned out to be a goal."""
        keys = [key for key in new if key not in self._shared]
        for start in range(0, len(keys), PART):
            found = self._store.lookup(keys[start : start + PART])
            self._consider(
                [
                    _as_row(self._store, each.result)
                    for each in found.values()
                    if each.result.kind  # packed ones are no artifacts
                ],
                goals,
            )

    def _attested(self, keys: Sequence[NodeKey]) -> set[NodeKey]:
        """Return which results of others may be passed on: a record that counts."""
        if not keys:
            return set()
        held = attestations.find(self._store, keys)
        return {
            key
            for key, found in held.items()
            if any(self._is_acceptable(each.signer, each.sequence) for each in found)
        }

    def close(self) -> None:
        """Stop following."""
        with self._polling:
            self._follower.close()


def _row(row: SharedRow) -> Row:
    return Row(
        key=row.key,
        total_bytes=row.total_bytes,
        cost_s=row.cost_s,
        subtree_s=row.subtree_s,
        is_ours=row.origin == "local",
        reveals_input=row.reveals_input,
    )


def _as_row(store: SqliteStore, result: Result) -> SharedRow:
    total = result.size_bytes
    for child in result.children:
        with suppress(StoreError):
            total += store.manifest(child).size_bytes
    return SharedRow(
        key=result.key,
        digest=result.digest,
        size_bytes=result.size_bytes,
        cost_s=result.cost_s,
        subtree_s=result.subtree_s,
        kind=result.kind,
        origin=result.origin,
        reveals_input=result.reveals_input,
        total_bytes=total,
        operation=result.operation,
        environment=result.environment,
    )
