"""The answer to Locate: a bit for each key, and two numbers for each that is set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from peer.wire.v1 import peer_pb2

from . import limits
from .errors import WireError

Located: TypeAlias = tuple[int, int]
"""Bytes of an artifact with those it refers to, and milliseconds to compute it."""

_COST_LIMIT = (1 << 32) - 1


def encode(found: Sequence[Located | None]) -> peer_pb2.LocateReply:
    """Return the answer for keys in the order in which they were asked."""
    present = [each for each in found if each is not None]
    if len(present) == len(found):
        flags = (1 << len(found)) - 1
    else:
        bits = "".join(["0" if each is None else "1" for each in reversed(found)])
        flags = int(bits, 2)
    sizes = [size for size, _ in present]
    costs = [cost for _, cost in present]
    if costs and max(costs) > _COST_LIMIT:
        costs = [min(cost, _COST_LIMIT) for cost in costs]
    length = -(-len(found) // 8)
    return peer_pb2.LocateReply(
        present=flags.to_bytes(length, "little"), sizes=sizes, costs_ms=costs
    )


def decode(message: peer_pb2.LocateReply, asked: int) -> list[Located | None]:
    """Return the answers for ``asked`` keys, in their order.

    Raises:
        WireError: the answer is not one to so many keys.
    """
    if len(message.present) != -(-asked // 8):
        raise WireError("an answer to another number of keys")
    flags = int.from_bytes(message.present, "little")
    if flags >> asked:
        raise WireError("an answer to keys that were not asked")
    count = flags.bit_count()
    if len(message.sizes) != count or len(message.costs_ms) != count:
        raise WireError("sizes or costs that belong to no key")
    if not count:
        return [None] * asked
    sizes = message.sizes[:]  # as a list, which is quicker to go through
    if max(sizes) > limits.ARTIFACT_BYTES * limits.RECORD_CHILDREN:
        raise WireError("a size that cannot be")
    pairs = zip(sizes, message.costs_ms[:], strict=True)
    if count == asked:
        return list(pairs)
    marks = f"{flags:0{asked}b}"[::-1]
    return [next(pairs) if mark == "1" else None for mark in marks]
