"""The default store: SQLite rows, and files for what is long."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType

from . import check, disputes, leases, place, reliances, results, stream
from .artifacts import Artifacts, OpenArtifact, now_ms
from .blobs import Blobs
from .collect import stored_bytes
from .contract import (
    Batch,
    Damage,
    Digest,
    Found,
    GcReport,
    Leases,
    NodeKey,
    Recipe,
    Result,
    Small,
    StoreStats,
)
from .database import Database
from .errors import (
    ArtifactNotFoundError,
    StoreError,
    StoreUnusableError,
    explain_os_error,
)
from .follower import ResultFollower
from .incoming import Incoming
from .manifest import Buffer, Manifest, digest_of_bytes
from .migrations import STORE_ROOM, Migrations
from .migrations import apply as apply_steps
from .migrations import create as create_database
from .migrations import missing as missing_steps
from .reception import ArtifactReception, receive
from .small import (
    SegmentDamagedError,
    SmallResults,
    append,
    repair_run,
    with_prefix,
)
from .upkeep import Upkeep

CAP_SHARE = 0.2
"""Part of the room on the disk that a store takes when it is given no cap."""

USE_GRAIN_MS = 3_600_000
MAX_REPAIRS = 100
"""Repairs during one look-up, besides one per key, before it is given up."""

"""A record's last use is noted no more often than this."""


def open_store(
    path: Path | None = None,
    *,
    cap_bytes: int | None = None,
    migrations: Sequence[Migrations] = (),
) -> SqliteStore:
    """Open the store at ``path``, making or migrating it first if need be.

    Args:
        path: its folder; by default the user's data folder.
        cap_bytes: most bytes to hold; by default a fifth of what the disk has left.
        migrations: other rooms' tables.

    Raises:
        ForeignStoreError: the folder holds something else.
        StoreNewerError: the store is from a newer version.
        NetworkFileSystemError: the folder is on a network.
        StoreUnusableError: no permission, or damaged.
        StoreFullError: no room even to begin.
    """
    root = place.default_path() if path is None else Path(path)
    place.refuse_network(root, place.mounted())
    database = root / place.DATABASE
    rooms = (STORE_ROOM, *migrations)
    if not place.is_store(root) or missing_steps(database, rooms):
        _set_up(root, database, rooms)
    place.require_writable(root)
    try:
        return SqliteStore(root, cap_bytes)
    except OSError as error:
        raise explain_os_error(error, root) from error


def _set_up(root: Path, database: Path, rooms: Sequence[Migrations]) -> None:
    place.make_folder(root)
    place.require_writable(root)
    with place.locked(root):
        if not place.is_store(root):
            create_database(database)
            place.is_store(root)  # recognises it while nothing is connected to it
        apply_steps(database, rooms)


class SqliteStore:
    """Implements :class:`store.contract.Store`; see there for the promises."""

    def __init__(self, root: Path, cap_bytes: int | None) -> None:
        self.path = root
        self.database = Database(root / place.DATABASE)
        self._blobs = Blobs(root)
        with self.database.read() as connection:
            self.store_id = _store_id(self.database, connection)
            held = stored_bytes(connection)
        if cap_bytes is None:
            disk = os.statvfs(root)
            cap_bytes = int(CAP_SHARE * (disk.f_bavail * disk.f_frsize + held))
        self.cap_bytes = cap_bytes
        self._artifacts = Artifacts(self.database, self._blobs, cap_bytes)
        self._small = SmallResults()
        self._owner = leases.Owner(root)
        self._used: set[NodeKey] = set()
        self._incoming = Incoming(root, self.database, self._blobs)
        self._upkeep = Upkeep(
            self.database, self._artifacts, self._blobs, self._incoming
        )
        self.database.writer.after_group = self._upkeep.tidy

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ---- records -----------------------------------------------------------

    def lookup(self, keys: Sequence[NodeKey]) -> dict[NodeKey, Found]:
        """Return what is held of ``keys``; absent and conflicted keys are left out."""
        for _ in range(len(keys) + MAX_REPAIRS):
            try:
                with self.database.read() as connection:
                    connection.execute("BEGIN")
                    return self._look_up(connection, keys)
            except results.DamagedPayloadError as error:
                row = self._artifacts.find(error.digest)
                self._artifacts.drop_damaged(error.digest, row)
            except SegmentDamagedError as error:
                self.database.transact(partial(repair_run, run=error.run))
        raise StoreUnusableError(
            f"{self.path}: damage comes back after it was repaired; the disk or the"
            " memory of this machine may be failing. Move the store elsewhere"
        )

    def _look_up(
        self, connection: sqlite3.Connection, keys: Sequence[NodeKey]
    ) -> dict[NodeKey, Found]:
        found = {}
        recently = now_ms() - USE_GRAIN_MS
        for hit, used_ms in results.lookup(connection, keys):
            found[hit.result.key] = hit
            if used_ms < recently:
                self._used.add(hit.result.key)
        payloads = self._small.lookup(connection, keys)
        disputed = disputes.answers(connection, payloads) if payloads else {}
        for key, values in payloads.items():
            small = [Found(_small_result(key, value), value) for value in values]
            hits = [*small, found[key]] if key in found else small
            digests = {hit.result.digest for hit in hits}
            if len(digests) > 1:
                evidence = [hit.result for hit in hits]
                self.database.write(partial(_note, evidence=evidence))
                found.pop(key, None)
            elif (key not in disputed or disputed[key] in digests) and (
                key not in found or found[key].result.relies_on
            ):
                found[key] = small[0]  # relies on nobody
        return found

    def note_conflict(
        self, key: NodeKey, digest: Digest, environment: str, origin: str
    ) -> None:
        """Note that a key was said elsewhere to compute to ``digest``."""
        held = [found.result for found in self.lookup([key]).values()]
        if digest not in (result.digest for result in held):
            said = Result(key, digest, "", 0, 0.0, 0.0, environment, origin)
            self.database.transact(lambda c: _note(c, [*held, said]))

    def correct(self, key: NodeKey, digest: Digest, environment: str) -> None:
        """Note that a key computes to ``digest``, as an audit has found out.

        What else was computed here, or is held, was wrong: it is evidence from now on,
        and no answer.
        """
        self.note_conflict(key, digest, environment, "local")
        self.database.transact(lambda c: disputes.correct(c, key, digest))

    def commit(self, batch: Batch) -> Future[None]:
        """Queue ``batch`` for the next group commit; the future ends when durable."""

        def work(connection: sqlite3.Connection) -> None:
            if batch.results:
                self._insert_results(connection, batch.results)
            if batch.recipes:
                self._note_recipes(connection, batch.recipes)
            if batch.small:
                append(connection, batch.small)
                _settle_small(connection, batch.small)
                self._upkeep.has_new_small = True
            if batch.release:
                leases.give_back(connection, self._owner, batch.release)

        return self.database.write(work)

    def _insert_results(
        self, connection: sqlite3.Connection, records: Sequence[Result]
    ) -> None:
        try:
            results.insert(connection, records)
        except ArtifactNotFoundError as error:
            raise self._artifacts.why_missing(error.digest) from None

    def _note_recipes(
        self, connection: sqlite3.Connection, recipes: Sequence[Recipe]
    ) -> None:
        try:
            results.note_recipes(connection, recipes)
        except ArtifactNotFoundError as error:
            raise self._artifacts.why_missing(error.digest) from None

    def results(self, prefix: str | None = None) -> Iterator[Result]:
        """Yield records in order of their keys, then small results.

        Args:
            prefix: only those whose key or digest begins with these hexadecimal
                digits; a small result is found by its key alone.

        Raises:
            ValueError: ``prefix`` is not hexadecimal.
        """
        low, high = _range(prefix or "")
        with self.database.read() as connection:
            connection.execute("BEGIN")
            yield from results.between(connection, low, high)
            for key, payload in with_prefix(connection, low, high):
                yield _small_result(key, payload)

    def resolve(self, prefix: str, limit: int = 10) -> list[Result]:
        """Return at most ``limit`` records whose key or digest begins so."""
        found = []
        records = self.results(prefix)
        for result in records:
            found.append(result)
            if len(found) == limit:
                break
        records.close()  # type: ignore[attr-defined]
        return found

    def relying(self, member: str, from_sequence: int) -> list[NodeKey]:
        """Return the keys of results that rely on a member, from a record on."""
        with self.database.read() as connection:
            return reliances.relying(connection, member, from_sequence)

    def remove(self, keys: Iterable[NodeKey]) -> int:
        """Remove records, pinned or not; return how many there were.

        Their artifacts go too, unless they are pinned or something else needs them.
        """
        return self._upkeep.remove(keys)

    def remove_origin(self, origin: str) -> int:
        """Remove every record of an origin; return how many there were."""
        return self._upkeep.remove_origin(origin)

    def origin_bytes(self, origin: str) -> int:
        """Return how many bytes the results of an origin take."""
        query = "SELECT stored_bytes FROM origins WHERE origin = ?"
        with self.database.read() as connection:
            row = connection.execute(query, (origin,)).fetchone()
        return int(row[0]) if row else 0

    def follower(self) -> ResultFollower:
        """Begin to follow the results of this store."""
        return ResultFollower(self.database.path)

    # ---- artifacts ---------------------------------------------------------

    def open(self, digest: Digest) -> OpenArtifact:
        """Open an artifact; its bytes are verified on first use."""
        return self._artifacts.open(digest)

    def writer(self, size_hint_bytes: int | None = None) -> stream.ArtifactStream:
        """Start an artifact."""
        self._artifacts.require_room(size_hint_bytes or 0)
        return stream.ArtifactStream(self._artifacts)

    def put(self, parts: Iterable[Buffer]) -> Digest:
        """Store one artifact given in parts; storing it twice is no error."""
        return stream.put(self._artifacts, parts)

    def manifest(self, digest: Digest) -> Manifest:
        """Return the chunk manifest of an artifact; computed at most once."""
        return self._artifacts.manifest(digest)

    def receive(self, manifest: Manifest) -> ArtifactReception:
        """Begin, or go on with, an artifact that arrives in chunks."""
        return receive(self._artifacts, self._incoming, manifest)

    # ---- leases ------------------------------------------------------------

    def lease(self, keys: Sequence[NodeKey]) -> Leases:
        """Take leases on nodes about to be computed, against other processes."""
        self._owner.appear()
        # Who waits for others asks often; asking must not keep them from writing.
        done = self.lookup(keys)
        keys = [key for key in keys if key not in done]
        with self.database.read() as connection:
            held = leases.held_by_others(connection, self._owner, keys)
        if len(held) == len(keys):
            return Leases(frozenset(), held, done)
        while True:
            try:
                taken = self.database.transact(lambda c: self._take(c, keys))
                return Leases(taken.granted, taken.held, done | taken.done)
            except (results.DamagedPayloadError, SegmentDamagedError):
                self.lookup(keys)  # repairs what is damaged

    def _take(self, connection: sqlite3.Connection, keys: Sequence[NodeKey]) -> Leases:
        done = self._look_up(connection, keys)
        rest = [key for key in keys if key not in done]
        granted, held = leases.take(connection, self._owner, rest)
        return Leases(granted, held, done)

    def release(self, keys: Sequence[NodeKey]) -> None:
        """Give leases back without a result."""
        given = list(keys)
        self.database.write(lambda c: leases.give_back(c, self._owner, given))

    def is_computing(self) -> bool:
        """Return whether somebody else computes for this store just now.

        Somebody who has taken no lease yet is not seen.
        """
        return not self._owner.is_alone()

    def changes(self) -> int:
        """Return a number that differs after another process committed."""
        return self.database.changes()

    # ---- pins --------------------------------------------------------------

    def pin(self, name: str, digests: Iterable[Digest]) -> None:
        """Protect artifacts, and the artifacts they refer to, from collection."""
        rows = [(name, digest) for digest in digests]
        self.database.transact(
            lambda c: c.executemany("INSERT OR IGNORE INTO pins VALUES (?, ?)", rows)
        )

    def unpin(self, name: str) -> None:
        """Withdraw the pins made under ``name``."""
        self.database.transact(
            lambda c: c.execute("DELETE FROM pins WHERE name = ?", (name,))
        )
        self._upkeep.look_again()

    def pins(self) -> dict[str, tuple[Digest, ...]]:
        """Return the pinned artifacts by the name they are pinned under."""
        pins: dict[str, tuple[Digest, ...]] = {}
        with self.database.read() as connection:
            for name, digest in connection.execute(
                "SELECT name, digest FROM pins ORDER BY name, digest"
            ):
                pins[name] = (*pins.get(name, ()), digest)
        return pins

    # ---- care --------------------------------------------------------------

    def gc(self, *, cap_bytes: int | None = None, dry_run: bool = False) -> GcReport:
        """Evict cheapest-to-recompute unpinned results until under the cap."""
        cap = self.cap_bytes if cap_bytes is None else cap_bytes
        if not dry_run:
            self.database.transact(lambda c: leases.sweep(c, self._owner))
        return self._upkeep.collect(cap, dry_run)

    def check(self) -> Iterator[Damage]:
        """Re-read and verify everything; yield and drop what is damaged."""
        return check.check(self.database, self._artifacts)

    def stats(self) -> StoreStats:
        """Count what is here."""
        query = """SELECT
          (SELECT count(*) FROM results),
          (SELECT ifnull(sum(count), 0) FROM small_runs),
          (SELECT count(*) FROM artifacts),
          (SELECT value FROM meta WHERE name = 'stored_bytes'),
          (SELECT ifnull(sum(size_bytes), 0) FROM artifacts)
            + (SELECT ifnull(sum(length(entries)), 0) FROM small_segments),
          (SELECT count(DISTINCT key) FROM conflicts), (SELECT count(*) FROM pins),
          (SELECT value FROM meta WHERE name = 'last_check_ms')"""
        with self.database.read() as connection:
            row = connection.execute(query).fetchone()
        return StoreStats(
            results=row[0],
            small_results=row[1],
            artifacts=row[2],
            bytes_stored=row[3],
            bytes_logical=row[4],
            conflicts=row[5],
            pins=row[6],
            cap_bytes=self.cap_bytes,
            last_check=_date(row[7]),
        )

    def close(self) -> None:
        """Commit what is queued and let go of every file."""
        with suppress(StoreError):
            self._note_used()
            if self._owner.has_leases:
                self.database.write(lambda c: leases.give_all_back(c, self._owner))
        self.database.close()
        if not self.database.is_inherited:
            self._owner.leave()

    def _note_used(self) -> None:
        used, self._used = list(self._used), set()
        if used:
            self.database.write(lambda c: results.mark_used(c, used))


def _store_id(database: Database, connection: sqlite3.Connection) -> str:
    query = "SELECT value FROM meta WHERE name = 'store_id'"
    row = connection.execute(query).fetchone()
    if row is None:
        import uuid

        database.transact(
            lambda c: c.execute(
                "INSERT OR IGNORE INTO meta VALUES ('store_id', ?)", (uuid.uuid4().hex,)
            )
        )
        row = connection.execute(query).fetchone()
    return str(row[0])


def _note(connection: sqlite3.Connection, evidence: Sequence[Result]) -> None:
    for it in evidence:
        said_by = results.witness_of(it)
        disputes.note(connection, it.key, it.digest, it.environment, said_by)


def _settle_small(connection: sqlite3.Connection, smalls: Sequence[Small]) -> None:
    disputed = disputes.answers(connection, [small.key for small in smalls])
    for small in smalls:
        if small.key in disputed:
            digest = digest_of_bytes(small.payload)
            disputes.settle(connection, small.key, digest, "")


def _small_result(key: NodeKey, payload: bytes) -> Result:
    return Result(key, digest_of_bytes(payload), "", len(payload), 0.0, 0.0)


def _range(prefix: str) -> tuple[bytes, bytes]:
    digits = prefix.lower()
    if len(digits) > 64 or not set(digits) <= set("0123456789abcdef"):
        raise ValueError(f"{prefix!r} is not the beginning of a key or digest")
    return bytes.fromhex(digits.ljust(64, "0")), bytes.fromhex(digits.ljust(64, "f"))


def _date(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(
        timespec="seconds"
    )
