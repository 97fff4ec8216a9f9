"""Checks of single fields; every one raises :class:`WireError` or returns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from . import limits
from .errors import WireError

M = TypeVar("M", bound=Message)

_NODE_ID = re.compile(r"[a-z2-7]{16}")
_ADDRESS = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[0-9A-Za-z][0-9A-Za-z._-]*):([0-9]{1,5})")


def parse(kind: type[M], data: bytes, limit: int = limits.REQUEST_BYTES) -> M:
    """Read a message of at most ``limit`` bytes; its fields are not checked yet."""
    if len(data) > limit:
        raise WireError(f"{kind.DESCRIPTOR.name} has {len(data)} bytes")
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise WireError(f"not a {kind.DESCRIPTOR.name}") from error


def exactly(name: str, value: bytes, length: int) -> None:
    """Check the length of a field of bytes."""
    if len(value) != length:
        raise WireError(f"{name} has {len(value)} bytes, not {length}")


def empty_or(name: str, value: bytes, length: int) -> None:
    """Check the length of a field of bytes that may be left out."""
    if value:
        exactly(name, value, length)


def at_most(name: str, count: int, limit: int) -> None:
    """Check a number, a length or a count."""
    if count > limit:
        raise WireError(f"{name} is {count}, more than {limit}")


def at_least(name: str, count: int, limit: int) -> None:
    """Check a number that must not be too small."""
    if count < limit:
        raise WireError(f"{name} is {count}, less than {limit}")


def few(name: str, values: Collection[object], limit: int) -> None:
    """Check how many values a repeated field has."""
    if len(values) > limit:
        raise WireError(f"{len(values)} {name}, more than {limit}")


def text(name: str, value: str, limit: int) -> None:
    """Check a text that people will read: short, and without control characters."""
    if len(value) > limit:
        raise WireError(f"{name} has {len(value)} characters, more than {limit}")
    if not value.isprintable():
        raise WireError(f"{name} has characters that cannot be shown")


def node_id(name: str, value: str) -> None:
    """Check that a text can be a node id."""
    if not _NODE_ID.fullmatch(value):
        raise WireError(f"{name} is no node id")


def addresses(name: str, values: Collection[str], limit: int) -> None:
    """Check texts that should be "host:port"."""
    few(name, values, limit)
    for value in values:
        found = _ADDRESS.fullmatch(value)
        if len(value) > limits.ADDRESS_CHARACTERS or found is None:
            raise WireError(f"{name} has what is no address")
        if not 0 < int(found[2]) <= 65535:
            raise WireError(f"{name} has a port that cannot be")


def split(name: str, value: bytes, length: int, limit: int) -> list[bytes]:
    """Cut a field into values of ``length`` bytes, at most ``limit`` of them."""
    count, rest = divmod(len(value), length)
    if rest:
        raise WireError(f"{name} has {len(value)} bytes, not a multiple of {length}")
    at_most(f"count of {name}", count, limit)
    return [value[at : at + length] for at in range(0, len(value), length)]


def each_exactly(name: str, values: Iterable[bytes], length: int) -> None:
    """Check the lengths of many fields of bytes."""
    for value in values:
        if len(value) != length:
            raise WireError(f"one of {name} has {len(value)} bytes, not {length}")
