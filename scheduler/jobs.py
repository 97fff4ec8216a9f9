"""What workers do: compute a node, keep its value, carry out an effect.

A job goes to a worker by value and comes back as messages.  A worker touches no
state of the scheduler.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from primitives.context import CancelledError, Context
from primitives.encoding import Buffer, decode, encode
from primitives.errors import (
    InputChangedError,
    KernelError,
    PrimitivesError,
    ValueEncodingError,
)
from primitives.registry import Kernel
from primitives.values import Image, Mask, Value, kind_of
from store import (
    ArtifactNotFoundError,
    CorruptArtifactError,
    Digest,
    Reliance,
    Store,
    StoreError,
    digest_of,
)

from .plan import Ref
from .revealing import can_show


@dataclass(frozen=True, slots=True)
class Stored:
    """A value that lies in the store and has not been loaded."""

    digest: Digest
    kind: str
    size_bytes: int


class Keep(Enum):
    """What becomes of a computed value besides its use."""

    NOTHING = 0
    NAME = 1
    """Only its digest is wanted."""
    STORE = 2


@dataclass(slots=True)
class Job:
    """A call of a kernel, or of an effect.

    Attributes:
        ref: the node.
        call: what to call with the context and the arguments.
        args: arguments; those in the store are loaded first.
        arg_refs: the nodes of ``args``.
        names: of the last of ``args``, which are given by name.
        keep: what becomes of the result.
        threads: cores it was given.
        voxels: of the arguments together, for the cost model.
        then: called by the scheduler with the result of an effect; None for a node.
        is_overtaken: whether the node's value came from elsewhere meanwhile.
        is_distrusted: whether an argument turned out to be wrong meanwhile.
        relied: what its arguments rest on.
    """

    ref: Ref
    call: Kernel
    args: list[Value]
    arg_refs: list[Ref | None]
    names: tuple[str, ...] = ()
    keep: Keep = Keep.NOTHING
    threads: int = 1
    voxels: int = 0
    then: Callable[[Value | Exception], None] | None = None
    context: Context = field(default_factory=Context)
    is_overtaken: bool = False
    is_distrusted: bool = False
    relied: tuple[Reliance, ...] = ()


@dataclass(frozen=True, slots=True)
class Computed:
    """A job's value; ``loaded`` are arguments that were read from the store."""

    job: Job
    value: Value
    seconds: float
    loaded: dict[Ref, Value]


@dataclass(frozen=True, slots=True)
class Failed:
    """A job raised."""

    job: Job
    message: str
    is_cancelled: bool = False
    is_input_changed: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """An artifact that an argument, ``ref``, needs is not in the store any more."""

    job: Job
    digest: bytes
    ref: Ref | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A value has its digest and, if it was to be stored, its bytes are stored.

    ``can_show`` says whether it holds anything but masks and numbers.
    """

    ref: Ref
    digest: Digest
    kind: str
    size_bytes: int
    children: tuple[Digest, ...]
    is_stored: bool
    problem: str = ""
    can_show: bool = True


@dataclass(frozen=True, slots=True)
class KeptByJob:
    """A job has kept its value."""

    job: Job
    kept: Kept


Message: TypeAlias = Computed | Failed | Lost | KeptByJob


def perform(job: Job, store: Store, tell: Callable[[Message], None]) -> None:
    """Do a job and tell what came of it; never raises."""
    loaded: dict[Ref, Value] = {}
    try:
        for index, arg in enumerate(job.args):
            if needs_loading(arg):
                ref = job.arg_refs[index]
                try:
                    job.args[index] = load(arg, store)
                except (ArtifactNotFoundError, CorruptArtifactError) as error:
                    tell(Lost(job, error.digest, ref))
                    return
                if ref is not None:
                    loaded[ref] = job.args[index]
        job.context.check()
        started = time.perf_counter()
        ordered = len(job.args) - len(job.names)
        named = dict(zip(job.names, job.args[ordered:], strict=True))
        value = job.call(job.context, *job.args[:ordered], **named)
        seconds = time.perf_counter() - started
    except CancelledError:
        tell(Failed(job, "cancelled", is_cancelled=True))
        return
    except Exception as error:  # a worker must outlive whatever a kernel does
        is_changed = isinstance(error, InputChangedError)
        tell(Failed(job, explain(error), is_input_changed=is_changed))
        return
    tell(Computed(job, value, seconds, loaded))
    if job.keep is not Keep.NOTHING:
        tell(KeptByJob(job, keep(job.ref, value, store, job.keep)))


def keep(ref: Ref, value: Value, store: Store, how: Keep) -> Kept:
    """Name a value by its digest and, if asked, store its bytes."""
    children: list[Digest] = []
    problem = ""

    def put(buffers: tuple[Buffer, ...]) -> Digest:
        nonlocal problem
        if how is Keep.STORE and not problem:
            try:
                return store.put(buffers)
            except StoreError as error:
                problem = str(error)
        return digest_of(buffers)

    def put_child(part: Value) -> Digest:
        digest = put(encode(part, put_child))
        children.append(digest)
        return digest

    try:
        buffers = encode(value, put_child)
        digest = put(buffers)
    except Exception as error:  # who waits for the digest must hear of it
        problem = explain(error)
        return Kept(ref, Digest(b""), kind_of(value), 0, (), False, problem)
    return Kept(
        ref,
        digest,
        kind_of(value),
        sum(memoryview(buffer).nbytes for buffer in buffers),
        tuple(children),
        how is Keep.STORE and not problem,
        problem,
        can_show(value),
    )


def load(value: Value, store: Store) -> Value:
    """Return ``value`` with everything in it that is stored loaded.

    Raises:
        ArtifactNotFoundError: the artifact was evicted meanwhile.
        CorruptArtifactError: the bytes no longer match their name, or are no value of
            the kind that they should be: others can sign what they like.
    """
    if isinstance(value, Stored):
        return _load_artifact(value, store)
    if isinstance(value, tuple):
        return tuple(load(item, store) for item in value)
    return value


def load_payload(payload: Buffer, store: Store) -> Value:
    """Return the value of an artifact's bytes, images inside it loaded too.

    Raises:
        ArtifactNotFoundError, CorruptArtifactError: of an image inside it.
        ValueEncodingError: the bytes are not a value.
    """
    loaded: dict[bytes, Value] = {}

    def fetch(digest: bytes) -> Value:
        # Once each: a short text can refer to one long image very often.
        if digest not in loaded:
            loaded[digest] = load(Stored(Digest(digest), "", 0), store)
        return loaded[digest]

    return decode(payload, fetch)


def _load_artifact(stored: Stored, store: Store) -> Value:
    try:
        value = load_payload(store.open(stored.digest).view(), store)
    except ValueEncodingError as error:
        raise CorruptArtifactError(stored.digest, str(error)) from error
    kind = kind_of(value)
    if stored.kind and kind != stored.kind:
        problem = f"it is of kind {kind}, not {stored.kind}"
        raise CorruptArtifactError(stored.digest, problem)
    return value


def needs_loading(value: Value) -> bool:
    """Return whether :func:`load` would change ``value``."""
    if isinstance(value, tuple):
        return any(isinstance(item, (Stored, tuple)) for item in value) and any(
            needs_loading(item) for item in value
        )
    return isinstance(value, Stored)


def needs_artifact(value: Value, digest: bytes) -> bool:
    """Return whether loading ``value`` would read the artifact ``digest``."""
    if isinstance(value, tuple):
        return any(needs_artifact(item, digest) for item in value)
    return isinstance(value, Stored) and value.digest == digest


def explain(error: Exception) -> str:
    """Return what went wrong, for people."""
    if isinstance(error, (KernelError, StoreError, PrimitivesError)):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory; use fewer --jobs or smaller images"
    return f"internal error, please report it: {type(error).__name__}: {error}"


def voxels_of(value: Any) -> int:
    """Return the number of voxels of an image, of all images of a sequence, or 0."""
    if isinstance(value, Stored):
        return value.size_bytes * 8 if value.kind == "mask" else value.size_bytes // 4
    if isinstance(value, (Image, Mask)):
        return value.grid.voxel_count
    if isinstance(value, tuple):
        return sum(voxels_of(item) for item in value if type(item) not in _SCALARS)
    return 0


def bytes_of(value: Any) -> int:
    """Return the bytes that a value's voxels take in memory."""
    if isinstance(value, (Image, Mask)):
        return value.nbytes
    if isinstance(value, tuple):
        return sum(bytes_of(item) for item in value if type(item) not in _SCALARS)
    if isinstance(value, (str, bytes)):
        return len(value)
    return 0


_SCALARS = frozenset({bool, int, float, str, type(None)})
