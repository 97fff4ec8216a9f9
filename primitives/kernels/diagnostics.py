"""Work whose cost is known, for trying out how programs are run."""

from __future__ import annotations

from hashlib import sha256

from primitives.context import Context
from primitives.errors import KernelError
from primitives.values import Value

from .operators import a_kind
from .sequences import integral

LAST_FIBONACCI = 92
"""Index of the last Fibonacci number below 2⁶³."""

MAX_BYTES = 2**31
"""Most bytes of a buffer."""

CHUNK_BYTES = 1 << 20
"""Bytes hashed between two looks at whether to stop."""


def fibonacci(_context: Context, n: Value) -> int:
    """Return the Fibonacci number with index ``n``: 0, 1, 1, 2, 3, 5, …

    Raises:
        KernelTypeError: ``n`` is no integer.
        KernelError: ``n`` is negative, or the number has more than 64 bits.
    """
    index = integral(n, "n")
    if not 0 <= index <= LAST_FIBONACCI:
        raise KernelError(f"n must be from 0 to {LAST_FIBONACCI}, not {index}")
    one, other = 0, 1
    for _ in range(index):
        one, other = other, one + other
    return one


def timewaste(context: Context, size: Value, iterations: Value, seed: Value = 0) -> int:
    """Return an integer that takes ``size * iterations`` bytes of SHA-256 to find.

    A buffer of ``size`` bytes is hashed again and again, together with the digest of
    the time before.  The work holds one core, the memory of the buffer, and no lock.

    Args:
        context: of the run.
        size: of the buffer in bytes.
        iterations: how often it is hashed.
        seed: an integer; another one gives another number at the same cost.

    Returns:
        The last digest's first 62 bits.

    Raises:
        KernelTypeError: an argument is no integer.
        KernelError: ``size`` or ``iterations`` is negative, or ``size`` too large.
    """
    length, rounds = integral(size, "size"), integral(iterations, "iterations")
    if not 0 <= length <= MAX_BYTES or rounds < 0:
        raise KernelError(
            f"size must be from 0 to {MAX_BYTES} bytes and iterations not negative"
        )
    buffer = memoryview(bytes(length))
    digest = sha256(b"%d" % integral(seed, "seed")).digest()
    for _ in range(rounds):
        state = sha256(digest)
        for start in range(0, length, CHUNK_BYTES):
            context.check()
            state.update(buffer[start : start + CHUNK_BYTES])
        context.check()
        digest = state.digest()
    return int.from_bytes(digest[:8], "big") >> 2


def impure(_context: Context, value: Value) -> Value:
    """Return the value as it is."""
    return value


def failure(_context: Context, message: Value) -> Value:
    """Fail with this message.

    Raises:
        KernelError: always.
    """
    text = message if isinstance(message, str) else f"with {a_kind(message)}"
    raise KernelError(f"the program asked for a failure: {text}")
