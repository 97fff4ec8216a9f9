"""What keeps a store in shape while it is used: eviction, and merging of segments."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from . import disputes
from .artifacts import Artifacts
from .blobs import BlobAge, Blobs
from .collect import GRACE_S, Collector, Removed, orphans, stored_bytes
from .contract import GcReport, NodeKey
from .database import Database
from .errors import StoreError
from .incoming import Incoming
from .manifest import digest_of_bytes
from .small import SegmentDamagedError, merge_runs, repair_run

EVICT_ABOVE = 0.9
EVICT_TO = 0.8
RETRY_S = 30.0
"""Pause before another eviction, when one has not made enough room."""

SWEEP_S = 3600.0
"""Pause between looks for receptions that nobody goes on with."""

REMOVED_AT_ONCE = 1000
"""Records removed in one transaction; others may write between them."""


class Upkeep:
    """Tidies one store."""

    def __init__(
        self,
        database: Database,
        artifacts: Artifacts,
        blobs: Blobs,
        incoming: Incoming,
    ) -> None:
        self.has_new_small = False
        """Set when small results were added since the last look."""
        self._database = database
        self._artifacts = artifacts
        self._blobs = blobs
        self._incoming = incoming
        self._retry_at = 0.0
        self._sweep_at = 0.0

    def tidy(self) -> None:
        """Merge and evict where it is due; on the writer's thread, after each group."""
        with suppress(StoreError):
            if self.has_new_small:
                self.has_new_small = False
                self._merge_small()
            self._make_room()
            if time.monotonic() >= self._sweep_at:
                self._sweep_at = time.monotonic() + SWEEP_S
                self._incoming.sweep()

    def collect(self, cap_bytes: int, dry_run: bool) -> GcReport:
        """Evict until under ``cap_bytes`` and sweep orphans, or tell what would go."""

        def work(connection: sqlite3.Connection) -> Removed:
            if dry_run:
                connection.execute("SAVEPOINT collection")
            removed = Collector(connection).collect(cap_bytes)
            if dry_run:
                connection.execute("ROLLBACK TO collection")
            return removed

        removed = self._database.transact(work)
        if not dry_run:
            self._clear(removed)
            self._database.writer.outside_transaction(
                lambda c: c.execute("PRAGMA incremental_vacuum").fetchall()
            )
        swept = self._sweep(dry_run) + self._incoming.sweep(is_dry=dry_run)
        freed = removed.bytes_freed + sum(file.size_bytes for file in swept)
        return GcReport(removed.results, removed.artifacts, freed, len(swept))

    def _sweep(self, dry_run: bool) -> list[BlobAge]:
        with self._database.read() as connection:
            found = orphans(connection, self._blobs.older_than(GRACE_S))
        if dry_run or not found:
            return found

        def unlink(connection: sqlite3.Connection) -> list[BlobAge]:
            # A row may have come since, and none can come now.
            found_still = orphans(connection, found)
            for file in found_still:
                with suppress(OSError):
                    Path(file.path).unlink()
            return found_still

        return self._database.transact(unlink)

    def remove(self, keys: Iterable[NodeKey]) -> int:
        """Remove records and what only they needed; return how many there were."""
        wanted = set(keys)
        while True:
            try:
                removed = self._database.transact(lambda c: Collector(c).remove(wanted))
            except SegmentDamagedError as error:
                self._database.transact(partial(repair_run, run=error.run))
            else:
                self._clear(removed)
                return removed.results

    def remove_origin(self, origin: str) -> int:
        """Remove all that is of an origin; return how many records there were."""
        count = 0
        while True:
            removed = self._database.transact(
                lambda c: Collector(c).remove_origin(origin, REMOVED_AT_ONCE)
            )
            self._clear(removed)
            count += removed.results
            if removed.results < REMOVED_AT_ONCE:
                break
        self._database.transact(lambda c: disputes.forget_origin(c, origin))
        if origin == "peer":
            self._incoming.sweep(age_s=0.0)
        return count

    def look_again(self) -> None:
        """Try to evict at the next occasion, whatever came of it before."""
        self._artifacts.set_room(None)
        self._retry_at = 0.0

    def _merge_small(self) -> None:
        is_merged = True
        while is_merged:
            try:
                is_merged = self._database.transact(_merge_once)
            except SegmentDamagedError as error:
                self._database.transact(partial(repair_run, run=error.run))

    def _make_room(self) -> None:
        cap = self._artifacts.cap_bytes
        held = self._database.writer.outside_transaction(stored_bytes)
        if held > EVICT_ABOVE * cap and time.monotonic() >= self._retry_at:
            target = int(EVICT_TO * cap)
            removed = self._database.transact(lambda c: Collector(c).collect(target))
            self._clear(removed)
            held -= removed.bytes_freed
            if held > EVICT_ABOVE * cap:
                self._retry_at = time.monotonic() + RETRY_S
        is_crowded = held > EVICT_ABOVE * cap
        self._artifacts.set_room(max(0, cap - held) if is_crowded else None)

    def _clear(self, removed: Removed) -> None:
        for digest in removed.digests:
            self._artifacts.forget(digest)
        for file in removed.files:
            self._blobs.remove(file)
        self.look_again()


def _merge_once(connection: sqlite3.Connection) -> bool:
    conflicts = merge_runs(connection)
    if conflicts is None:
        return False
    for key, payloads in conflicts:
        for payload in payloads:
            digest = digest_of_bytes(payload)
            disputes.note(connection, key, digest, "", "local")
    return True
