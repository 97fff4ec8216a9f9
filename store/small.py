"""Small results: many in one row, sorted by key.

A row per result would land its key anywhere in a B-tree and rewrite a page for each;
appending sorted *segments* costs a twentieth.  What one commit brings is a *run* of
segments in the order of their keys.  Runs of one level are merged into one of the next
when there are eight, so that a look-up asks a few runs whatever their number of
results: by binary search among the first four bytes of the keys, which are kept in
memory, and then in one segment.

An entry is the key, the length of the payload and the payload, padded so that all
entries of a run have one length::

    32 bytes key | 4 bytes length, little-endian | payload | zeros
"""

from __future__ import annotations

import heapq
import sqlite3
import struct
import sys
import threading
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from .contract import NodeKey, Small

KEY_BYTES = 32
SEGMENT_ENTRIES = 1024
FANOUT = 8
SHORTEST = 16
CACHE_BYTES = 32 << 20
MERGE_ENTRIES = 16384
"""Entries that a merge holds in memory at once."""

LENGTH = struct.Struct("<I")
PREFIX_END = 1 << 32


@dataclass(frozen=True, slots=True)
class Run:
    """A sorted run of segments; ``prefixes`` are the keys' first four bytes."""

    run: int
    level: int
    width: int
    prefixes: array[int]

    @property
    def stride(self) -> int:
        """Length of an entry."""
        return KEY_BYTES + self.width


class SegmentDamagedError(Exception):
    """A segment or the index of a run does not match its checksum."""

    def __init__(self, run: int) -> None:
        super().__init__(f"run {run} of small results is damaged")
        self.run = run


class SmallResults:
    """Looks small results up; keeps what it has read in memory."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._generation = -1
        self._runs: dict[int, Run] = {}
        self._segments: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._cached_bytes = 0

    def lookup(
        self, connection: sqlite3.Connection, keys: Iterable[NodeKey]
    ) -> dict[NodeKey, set[bytes]]:
        """Return the payloads held of ``keys``; more than one is a conflict.

        Args:
            connection: in a transaction that has changed nothing here.

        Raises:
            SegmentDamagedError: what was asked for lies in a damaged run.
        """
        found: dict[NodeKey, set[bytes]] = {}
        with self._lock:
            self._refresh(connection)
            if not self._runs:
                return found
            wanted = [(int.from_bytes(key[:4], "big"), key) for key in keys]
            for run in self._runs.values():
                prefixes, count = run.prefixes, len(run.prefixes)
                for prefix, key in wanted:
                    at = bisect_left(prefixes, prefix)
                    while at < count and prefixes[at] == prefix:
                        entry = self._entry(connection, run, at)
                        if entry.startswith(key):
                            found.setdefault(key, set()).add(payload_of(entry))
                        at += 1
        return found

    def _refresh(self, connection: sqlite3.Connection) -> None:
        generation = connection.execute(
            "SELECT value FROM meta WHERE name = 'small_generation'"
        ).fetchone()[0]
        if generation == self._generation:
            return
        rows = connection.execute("SELECT run FROM small_runs ORDER BY run")
        self._runs = {
            run: self._runs.get(run) or read_run(connection, run)
            for (run,) in rows.fetchall()
        }
        self._generation = generation
        for at in [at for at in self._segments if at[0] not in self._runs]:
            self._cached_bytes -= len(self._segments.pop(at))

    def _entry(self, connection: sqlite3.Connection, run: Run, at: int) -> bytes:
        position, index = divmod(at, SEGMENT_ENTRIES)
        segment = self._segments.get((run.run, position))
        if segment is None:
            segment = read_segment(connection, run, position)
            self._segments[run.run, position] = segment
            self._cached_bytes += len(segment)
            while self._cached_bytes > CACHE_BYTES and len(self._segments) > 1:
                self._cached_bytes -= len(self._segments.popitem(last=False)[1])
        start = index * run.stride
        return segment[start : start + run.stride]


def payload_of(entry: bytes) -> bytes:
    """Return the payload in an entry."""
    (length,) = LENGTH.unpack_from(entry, KEY_BYTES)
    start = KEY_BYTES + LENGTH.size
    return entry[start : start + length]


def append(connection: sqlite3.Connection, smalls: Sequence[Small]) -> None:
    """Add small results as new runs, one for each width."""
    if any(len(small.key) != KEY_BYTES for small in smalls):
        raise ValueError(f"a node key has {KEY_BYTES} bytes")
    by_width: dict[int, list[bytes]] = {}
    for length in {len(small.payload) for small in smalls}:
        width = SHORTEST
        if length > SHORTEST - LENGTH.size:
            width = 1 << (length + LENGTH.size - 1).bit_length()
        head = LENGTH.pack(length)
        rest = bytes(width - LENGTH.size - length)
        by_width.setdefault(width, []).extend(
            small.key + head + small.payload + rest
            for small in smalls
            if len(small.payload) == length
        )
    for width, entries in by_width.items():
        entries.sort()
        writer = RunWriter(connection, 0, width)
        writer.add(entries)
        writer.finish()


class RunWriter:
    """Writes one run from entries that come in order."""

    def __init__(self, connection: sqlite3.Connection, level: int, width: int) -> None:
        self._connection = connection
        self._width = width
        self._stride = KEY_BYTES + width
        self._rest: list[bytes] = []
        self._prefixes = bytearray()
        self._position = 0
        self._run = connection.execute(
            "INSERT INTO small_runs (level, width, count, checksum, prefixes)"
            " VALUES (?, ?, 0, x'', x'')",
            (level, width),
        ).lastrowid

    def add(self, entries: list[bytes]) -> None:
        """Append sorted entries, all of them after those before."""
        entries = self._rest + entries
        whole = len(entries) // SEGMENT_ENTRIES * SEGMENT_ENTRIES
        for start in range(0, whole, SEGMENT_ENTRIES):
            self._write(entries[start : start + SEGMENT_ENTRIES])
        self._rest = entries[whole:]

    def finish(self) -> None:
        """Write what is left and make the run known."""
        if self._rest:
            self._write(self._rest)
        run, count = self._run, len(self._prefixes) // 4
        if count:
            self._connection.execute(
                "UPDATE small_runs SET count = ?, checksum = ?, prefixes = ?"
                " WHERE run = ?",
                (count, _checksum(self._width, self._prefixes), self._prefixes, run),
            )
        else:
            self._connection.execute("DELETE FROM small_runs WHERE run = ?", (run,))
        _changed(self._connection)

    def _write(self, entries: list[bytes]) -> None:
        body = b"".join(entries)
        prefixes = bytearray(4 * len(entries))
        for byte in range(4):  # little-endian in the index, big-endian in the keys
            prefixes[3 - byte :: 4] = body[byte :: self._stride]
        self._prefixes += prefixes
        self._connection.execute(
            "INSERT INTO small_segments (run, position, checksum, entries)"
            " VALUES (?, ?, ?, ?)",
            (self._run, self._position, _checksum(self._width, body), body),
        )
        self._position += 1


def read_run(connection: sqlite3.Connection, run: int) -> Run:
    """Read the index of a run.

    Raises:
        SegmentDamagedError: it does not match its checksum.
    """
    level, width, checksum, data = connection.execute(
        "SELECT level, width, checksum, prefixes FROM small_runs WHERE run = ?", (run,)
    ).fetchone()
    if _checksum(width, data) != checksum:
        raise SegmentDamagedError(run)
    prefixes = array("I", data)
    if sys.byteorder == "big":
        prefixes.byteswap()
    return Run(run, level, width, prefixes)


def read_segment(connection: sqlite3.Connection, run: Run, position: int) -> bytes:
    """Read one segment.

    Raises:
        SegmentDamagedError: it is missing or does not match its checksum.
    """
    row = connection.execute(
        "SELECT checksum, entries FROM small_segments WHERE run = ? AND position = ?",
        (run.run, position),
    ).fetchone()
    if row is None or _checksum(run.width, row[1]) != row[0]:
        raise SegmentDamagedError(run.run)
    entries: bytes = row[1]
    return entries


def entries_of(
    connection: sqlite3.Connection, run: Run, start: int = 0, stop: int | None = None
) -> Iterator[bytes]:
    """Yield entries ``start`` to ``stop`` of a run in order of their keys."""
    stop = len(run.prefixes) if stop is None else stop
    stride = run.stride
    while start < stop:
        position, index = divmod(start, SEGMENT_ENTRIES)
        body = read_segment(connection, run, position)
        last = min(index + stop - start, SEGMENT_ENTRIES)
        for at in range(index * stride, last * stride, stride):
            yield body[at : at + stride]
        start += last - index


def merge_runs(
    connection: sqlite3.Connection,
) -> list[tuple[NodeKey, set[bytes]]] | None:
    """Merge one level that has too many runs; return the conflicts met, or None.

    Raises:
        SegmentDamagedError: a run is damaged and must be repaired first.
    """
    crowded = connection.execute(
        "SELECT level, width FROM small_runs GROUP BY level, width"
        " HAVING count(*) >= ? ORDER BY level LIMIT 1",
        (FANOUT,),
    ).fetchone()
    if crowded is None:
        return None
    level, width = crowded
    ids = connection.execute(
        "SELECT run FROM small_runs WHERE level = ? AND width = ?", (level, width)
    ).fetchall()
    runs = [read_run(connection, run) for (run,) in ids]
    conflicts: list[tuple[NodeKey, set[bytes]]] = []
    writer = RunWriter(connection, level + 1, width)
    for entries in _in_order(connection, runs):
        unique, met = _without_repeats(entries)
        conflicts += met
        writer.add(unique)
    writer.finish()
    for run in runs:
        delete_run(connection, run.run)
    return conflicts


def delete_run(connection: sqlite3.Connection, run: int) -> None:
    """Remove a run and its segments."""
    connection.execute("DELETE FROM small_segments WHERE run = ?", (run,))
    connection.execute("DELETE FROM small_runs WHERE run = ?", (run,))
    _changed(connection)


def repair_run(connection: sqlite3.Connection, run: int) -> list[bytes]:
    """Write a damaged run again without its damaged segments; return their names."""
    row = connection.execute(
        "SELECT level, width FROM small_runs WHERE run = ?", (run,)
    ).fetchone()
    if row is None:
        return []
    damaged: list[bytes] = []
    level, width = row
    writer = RunWriter(connection, level, width)
    positions = connection.execute(
        "SELECT position FROM small_segments WHERE run = ? ORDER BY position", (run,)
    )
    for (position,) in positions.fetchall():
        checksum, body = connection.execute(
            "SELECT checksum, entries FROM small_segments"
            " WHERE run = ? AND position = ?",
            (run, position),
        ).fetchone()
        if _checksum(width, body) == checksum:
            stride = KEY_BYTES + width
            starts = range(0, len(body), stride)
            writer.add([body[at : at + stride] for at in starts])
        else:
            damaged.append(checksum)
    writer.finish()
    delete_run(connection, run)
    return damaged


def remove_keys(connection: sqlite3.Connection, keys: set[NodeKey]) -> int:
    """Remove small results by key; return how many there were.

    Raises:
        SegmentDamagedError: a run is damaged and must be repaired first.
    """
    removed = 0
    numbers = [int.from_bytes(key[:4], "big") for key in keys]
    ids = connection.execute("SELECT run FROM small_runs").fetchall()
    for run in [read_run(connection, run) for (run,) in ids]:
        places = (bisect_left(run.prefixes, number) for number in numbers)
        count = len(run.prefixes)
        if not any(
            at < count and run.prefixes[at] == number
            for at, number in zip(places, numbers, strict=True)
        ):
            continue
        writer = RunWriter(connection, run.level, run.width)
        kept = 0
        for start in range(0, count, MERGE_ENTRIES):
            part = entries_of(connection, run, start, min(start + MERGE_ENTRIES, count))
            entries = [entry for entry in part if entry[:KEY_BYTES] not in keys]
            writer.add(entries)
            kept += len(entries)
        writer.finish()
        delete_run(connection, run.run)
        removed += count - kept
    return removed


def with_prefix(
    connection: sqlite3.Connection, low: bytes, high: bytes
) -> Iterator[tuple[NodeKey, bytes]]:
    """Yield keys, in order, and payloads from ``low`` to ``high``, both included.

    What lies in a damaged segment is left out, and so is all after it in its run.
    """
    ids = connection.execute("SELECT run FROM small_runs").fetchall()
    runs = [_sound_between(connection, run, low, high) for (run,) in ids]
    last = None
    for item in heapq.merge(*runs):
        if item != last:
            yield item
        last = item


def _sound_between(
    connection: sqlite3.Connection, run_id: int, low: bytes, high: bytes
) -> Iterator[tuple[NodeKey, bytes]]:
    with suppress(SegmentDamagedError):
        run = read_run(connection, run_id)
        start = bisect_left(run.prefixes, int.from_bytes(low[:4], "big"))
        stop = bisect_left(run.prefixes, int.from_bytes(high[:4], "big") + 1)
        for entry in entries_of(connection, run, start, stop):
            key = entry[:KEY_BYTES]
            if low <= key <= high:
                yield NodeKey(key), payload_of(entry)


def _in_order(connection: sqlite3.Connection, runs: list[Run]) -> Iterator[list[bytes]]:
    # Keys are spread evenly, so equal ranges of prefixes hold about as many entries,
    # and no more than one range is in memory.
    parts = -(-sum(len(run.prefixes) for run in runs) // MERGE_ENTRIES)
    bounds = [PREFIX_END * part // parts for part in range(parts + 1)]
    for low, high in pairwise(bounds):
        entries: list[bytes] = []
        for run in runs:
            start = bisect_left(run.prefixes, low)
            stop = bisect_left(run.prefixes, high)
            entries += entries_of(connection, run, start, stop)
        entries.sort()
        yield entries


def _without_repeats(
    entries: list[bytes],
) -> tuple[list[bytes], list[tuple[NodeKey, set[bytes]]]]:
    keys = [entry[:KEY_BYTES] for entry in entries]
    if len(set(keys)) == len(keys):
        return entries, []
    by_key: dict[bytes, bytes] = {}
    met: dict[bytes, set[bytes]] = {}
    for key, entry in zip(keys, entries, strict=True):
        first = by_key.setdefault(key, entry)
        if first != entry:
            met.setdefault(key, {payload_of(first)}).add(payload_of(entry))
    return list(by_key.values()), [(NodeKey(key), met[key]) for key in met]


def _checksum(width: int, data: bytes | bytearray) -> bytes:
    # With another width the same bytes would be other entries.
    return sha256(LENGTH.pack(width & 0xFFFFFFFF) + data).digest()


def _changed(connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE meta SET value = value + 1 WHERE name = 'small_generation'"
    )
