"""The store's contract: bytes by digest, and result records by node key.

Words: an *artifact* is the bytes of one value; its *digest* is the SHA-256 of its
chunk manifest (``store.manifest``).  A *node key* is the 32 bytes that name what a
node computes.  A *result record* says which artifact a node key computed to.

Order of writes.  Bytes come before rows: an artifact's bytes are complete under
their final name before a record that names them is committed, so a crash can lose
a result but never leave a record without its bytes.

Results are insert-only.  A second, different digest for a key is kept as evidence and
never replaces the first.  A key in conflict is absent until it has been computed here
once more; from then on what was computed here is the answer, whatever others say.  If
two computations here disagree, it stays absent until an audit says which is right.

Computed here means: from nothing that others said.  A result that *relies on* others,
because what it was computed from came from them, is their word as far as conflicts go.
Of two records of one key and one digest the one is held that rests on less: first a
local one, then the one that relies on fewer members; a local one that relies on nobody
takes the place of every other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NewType, Protocol

if TYPE_CHECKING:
    from .manifest import Manifest

NodeKey = NewType("NodeKey", bytes)
"""32 bytes: SHA-256 of what a node computes."""

Digest = NewType("Digest", bytes)
"""32 bytes: SHA-256 of an artifact's chunk manifest."""


class Reliance(NamedTuple):
    """A result rests on what a member of the realm signed.

    Attributes:
        member: its 16 characters; empty for somebody of whom nothing is known.
        sequence: the highest number among its records that were used.
    """

    member: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Result:
    """One result record: what a node key computed to, and at what cost.

    Attributes:
        key: the node.
        digest: the artifact it computed to.
        kind: kind of the value (``"image"``, ``"mask"``, ``"double"``, …).
        size_bytes: length of the artifact.
        cost_s: seconds the kernel took.
        subtree_s: seconds to compute it again from what is kept.
        environment: environment class of the node, empty for exact kernels.
        origin: ``"local"``, ``"peer"`` or ``"import"``.
        recipe: what re-lowers the node, as a run wrote it down; empty if none has.
        reveals_input: whether the value shows its input's voxels.
        children: digests of artifacts that this artifact refers to; the value is whole
            with these and nothing else.
        plan: the plan that ``recipe`` names.  It is kept as long as the result, but it
            holds paths of this machine: it is no part of the value and no business of
            others.
        operation: what computed it, ``"namespace.primitive@version"``; empty if that
            is not known.
        relies_on: who signed it, if it came from others, and the results that it was
            computed from, directly or not; sorted, each member once.
    """

    key: NodeKey
    digest: Digest
    kind: str
    size_bytes: int
    cost_s: float
    subtree_s: float
    environment: str = ""
    origin: str = "local"
    recipe: bytes = b""
    reveals_input: bool = False
    children: tuple[Digest, ...] = ()
    plan: Digest | None = None
    operation: str = ""
    relies_on: tuple[Reliance, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A result record that is held here; ``payload`` is set when it is small."""

    result: Result
    payload: bytes | None


@dataclass(frozen=True, slots=True)
class Small:
    """A result of a few bytes that is kept with many others in one packed segment.

    Its payload always comes with its record, whatever its length, and its record has
    no kind and no cost.  It is no artifact: ``open`` does not find it.  Nor has it room
    to say on whom it relies: only what relies on nobody may be kept so.
    """

    key: NodeKey
    payload: bytes


class Recipe(NamedTuple):
    """What re-lowers a node whose result came from elsewhere.

    Attributes:
        key, recipe, plan: as in :class:`Result`.
    """

    key: NodeKey
    recipe: bytes
    plan: Digest


@dataclass(slots=True)
class Batch:
    """What one commit makes durable, all of it or nothing."""

    results: list[Result] = field(default_factory=list)
    small: list[Small] = field(default_factory=list)
    recipes: list[Recipe] = field(default_factory=list)
    """For results that are held without one; of no effect for others."""
    release: list[NodeKey] = field(default_factory=list)
    """Leases to give back in the same transaction."""


class Artifact(Protocol):
    """Verified bytes of one artifact, open for reading."""

    @property
    def digest(self) -> Digest:
        """Name of the bytes."""

    @property
    def size_bytes(self) -> int:
        """Length in bytes."""

    def view(self) -> memoryview:
        """Return all bytes as one read-only view, without a copy where possible.

        The view keeps its memory alive; it stays valid after eviction.
        """


class ArtifactWriter(Protocol):
    """Streams the bytes of one artifact in; hashes them as they come."""

    def write(self, data: bytes | memoryview) -> None:
        """Append ``data``."""

    def close(self) -> Digest:
        """Finish; the bytes are complete in the store when this returns."""

    def abort(self) -> None:
        """Drop what was written."""


class Reception(Protocol):
    """An artifact that arrives in chunks, in any order, from anywhere.

    End it with one of :meth:`close`, :meth:`suspend` and :meth:`abort`.
    """

    @property
    def digest(self) -> Digest:
        """Name of the artifact."""

    @property
    def manifest(self) -> Manifest:
        """What its chunks have to be."""

    def missing(self) -> list[range]:
        """Return the chunks that are still to come, as ranges of their indices."""

    def write_chunk(self, index: int, data: bytes | bytearray | memoryview) -> None:
        """Verify a chunk and write it; any thread, several at a time.

        A chunk that is here already is verified and not written again.

        Raises:
            ChunkMismatchError: it is not what the manifest says; nothing was written.
            StoreFullError: the disk has no room.
            StoreUnusableError: the reception has ended.
        """

    def close(self) -> Digest:
        """Store the artifact; its bytes are complete in the store when this returns.

        Raises:
            IncompleteArtifactError: chunks are missing; the reception goes on.
            StoreFullError: no room; what was received is dropped.
        """

    def suspend(self) -> None:
        """End, and keep what was received for the next reception of this artifact.

        No effect if the reception has ended.
        """

    def abort(self) -> None:
        """End, and drop what was received; no effect if the reception has ended."""


class SharedRow(NamedTuple):
    """A result as somebody who offers it to others has to know it.

    Attributes:
        key, digest, size_bytes, cost_s, subtree_s, kind, origin, reveals_input,
            operation, environment: as in :class:`Result`.
        total_bytes: length of the artifact and of all artifacts it refers to.
    """

    key: NodeKey
    digest: Digest
    size_bytes: int
    cost_s: float
    subtree_s: float
    kind: str
    origin: str
    reveals_input: bool
    total_bytes: int
    operation: str
    environment: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed among the results since it was last asked.

    Attributes:
        added: new results; one whose key was told before takes the other's place.
        removed: keys that were told before and whose results are not there any more.
        has_more: whether there is more to tell at once.
    """

    added: list[SharedRow] = field(default_factory=list)
    removed: list[NodeKey] = field(default_factory=list)
    has_more: bool = False


class Follower(Protocol):
    """Follows the results of a store; for one thread at a time."""

    def poll(self) -> Changes:
        """Return what any process changed since the last call; first, all there is.

        Results come in batches of some thousands.  Small results are not told of, nor
        are keys in conflict.  Costs next to nothing when nothing has changed.
        """

    def close(self) -> None:
        """Stop following."""


@dataclass(frozen=True, slots=True)
class Leases:
    """Answer to a request for leases."""

    granted: frozenset[NodeKey]
    held: frozenset[NodeKey]
    """Held by another live process."""
    done: dict[NodeKey, Found]
    """Already computed by somebody else meanwhile."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Sizes of the store, in counts and bytes."""

    results: int
    small_results: int
    artifacts: int
    bytes_stored: int
    bytes_logical: int
    conflicts: int
    pins: int
    cap_bytes: int
    last_check: str | None = None


@dataclass(frozen=True, slots=True)
class GcReport:
    """What a collection removed (or, dry, would remove)."""

    results: int
    artifacts: int
    bytes_freed: int
    orphans: int


@dataclass(frozen=True, slots=True)
class Damage:
    """One damaged artifact found by a check, and what it means."""

    digest: Digest
    keys: tuple[NodeKey, ...]
    problem: str
    consequence: str


class Store(Protocol):
    """Bytes by digest and result records by node key, shared by threads and processes.

    All methods may be called from any thread.
    """

    def lookup(self, keys: Sequence[NodeKey]) -> dict[NodeKey, Found]:
        """Return what is held of ``keys``; absent and conflicted keys are left out.

        One query per 500 keys.  A payload of at most 1 KiB comes with its record.
        """

    def open(self, digest: Digest) -> Artifact:
        """Open an artifact; its bytes are verified on first use.

        Raises:
            ArtifactNotFoundError: no such artifact is here.
            CorruptArtifactError: its bytes no longer match its name.  The artifact and
                the records that name it are dropped, so that the next lookup misses.
        """

    def writer(self, size_hint_bytes: int | None = None) -> ArtifactWriter:
        """Start an artifact.

        Raises:
            StoreFullError: the disk (or the cap) leaves no room.
        """

    def put(self, parts: Iterable[bytes | memoryview]) -> Digest:
        """Store one artifact given in parts; storing it twice is no error."""

    def manifest(self, digest: Digest) -> Manifest:
        """Return the chunk manifest of an artifact; computed at most once.

        Raises:
            ArtifactNotFoundError: no such artifact is here.
            CorruptArtifactError: as :meth:`open`.
        """

    def receive(self, manifest: Manifest) -> Reception:
        """Begin, or go on with, an artifact that arrives in chunks.

        What an earlier reception left is taken up: what it noted when it was suspended
        is trusted while the file is unchanged, all else is hashed again.  Receptions
        of the same artifact at the same time do not meet.  What is left for a day is
        dropped.  The caller decides beforehand which sizes it admits.

        Raises:
            ManifestError: the manifest's length and chunks disagree.
            StoreFullError: the disk, or the cap, leaves no room.
        """

    def commit(self, batch: Batch) -> Future[None]:
        """Queue ``batch`` for the next group commit; the future ends when durable.

        The future's exception is ``ArtifactNotFoundError`` when an artifact that a
        record names is not here (any more), ``StoreFullError`` when there is no room.
        The batch must not be changed afterwards.

        A record whose key is held with another digest, or is in conflict, is noted as
        evidence; only a local one that relies on nobody can settle a conflict.  One
        whose key is held with the same digest takes the place of the held one, with
        all that it says, if it rests on less.
        """

    def note_conflict(
        self, key: NodeKey, digest: Digest, environment: str, origin: str
    ) -> None:
        """Note that a key was said elsewhere to compute to ``digest``.

        No effect if that is what is held; else the key is in conflict from now on,
        unless it was settled here before.
        """

    def relying(self, member: str, from_sequence: int) -> list[NodeKey]:
        """Return the keys of results that rely on a member, from a record on.

        Results of every origin, in conflict or not.
        """

    def remove(self, keys: Iterable[NodeKey]) -> int:
        """Remove records, pinned or not; return how many there were.

        Their artifacts go too, unless they are pinned or something else needs them.
        Evidence stays.
        """

    def follower(self) -> Follower:
        """Begin to follow the results of this store."""

    def lease(self, keys: Sequence[NodeKey]) -> Leases:
        """Take leases on nodes about to be computed, against other processes."""

    def release(self, keys: Sequence[NodeKey]) -> None:
        """Give leases back without a result."""

    def changes(self) -> int:
        """Return a number that differs after another process committed."""

    def pin(self, name: str, digests: Iterable[Digest]) -> None:
        """Protect artifacts, and the artifacts they refer to, from collection."""

    def unpin(self, name: str) -> None:
        """Withdraw the pins made under ``name``."""

    def remove_origin(self, origin: str) -> int:
        """Remove every record of an origin; return how many there were.

        Their artifacts go too, unless they are pinned or something else needs them, and
        so does evidence of that origin.  For ``"peer"``, unfinished receptions go too.
        """

    def origin_bytes(self, origin: str) -> int:
        """Return how many bytes the results of an origin take.

        What several results share counts for each.  One row is read.
        """

    def gc(self, *, cap_bytes: int | None = None, dry_run: bool = False) -> GcReport:
        """Evict cheapest-to-recompute unpinned results until under the cap."""

    def check(self) -> Iterable[Damage]:
        """Re-read and verify every artifact; yield and drop each damaged one."""

    def stats(self) -> StoreStats:
        """Count what is here."""

    def close(self) -> None:
        """Commit what is queued and let go of every file."""
