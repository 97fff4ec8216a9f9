"""Node keys: the SHA-256 that names what a node computes.

A key is ``SHA-256("voxpeer/node/1" NUL encoding)``.  The encoding is an array in
canonical MessagePack (arrays, shortest integers, 64-bit floats, strings as given)
that begins with the kind of the node:

============  ==================================================================
constant      ``["const", value]``
file          ``["file", digest, format, [[name, digest], …]]``
application   ``["app", primitive, version, environment, [key or nil, …]]``
variable      ``["param", de Bruijn index]``
function      ``["fn", key of the body]``
============  ==================================================================

The kind of a constant is the MessagePack type of its value, so ``1``, ``1.0``,
``true`` and ``"1"`` have four keys.  No path, time, host, user, run or number of
threads is in a key.  The recipe is final: a changed recipe is a new domain
(``voxpeer/node/2``), never a change of this one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from store import Digest, NodeKey

from .plan import Scalar

DOMAIN = b"voxpeer/node/1\0"
_NAN = float("nan")
_encode = msgspec.msgpack.Encoder().encode


def constant_key(value: Scalar) -> NodeKey:
    """Return the key of a constant; every NaN is one constant."""
    if type(value) is float and math.isnan(value):
        value = _NAN
    return _key(["const", value])


def file_key(
    digest: Digest, media: str, members: Sequence[tuple[str, Digest]] = ()
) -> NodeKey:
    """Return the key of a file's content.

    Args:
        digest: of the file's bytes.
        media: format from the suffix, for instance ``".nii.gz"``.
        members: names and digests of further files that belong to it, such as the
            ``.raw`` file of a ``.mhd`` header.
    """
    return _key(["file", digest, media, [list(pair) for pair in sorted(members)]])


def application_key(
    primitive: str,
    version: int,
    environment: str,
    arguments: Sequence[NodeKey | None],
) -> NodeKey:
    """Return the key of a primitive applied to arguments; None is an omitted one."""
    return _key(["app", primitive, version, environment, arguments])


def param_key(index: int) -> NodeKey:
    """Return the key of a variable, counted outwards from the innermost function."""
    return _key(["param", index])


def function_key(body: NodeKey) -> NodeKey:
    """Return the key of a function with this body."""
    return _key(["fn", body])


def _key(fields: list[object]) -> NodeKey:
    return NodeKey(sha256(DOMAIN + _encode(fields)).digest())
