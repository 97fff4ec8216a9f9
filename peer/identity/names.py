"""What members are called."""

from __future__ import annotations

import re
import unicodedata
from base64 import b32encode
from hashlib import sha256
from typing import NewType

NodeId = NewType("NodeId", str)
"""16 lowercase base32 characters: the beginning of the SHA-256 of a peer's TLS key."""

NAME_BYTES = 64
"""Longest name in UTF-8; a certificate's common name takes no more (RFC 5280 A.1)."""

NODE_ID = re.compile(r"[a-z2-7]{16}")


def node_id_of(public_key: bytes) -> NodeId:
    """Return the node id that belongs to a DER SubjectPublicKeyInfo."""
    return NodeId(b32encode(sha256(public_key).digest()[:10]).decode().lower())


def is_node_id(text: str) -> bool:
    """Return whether ``text`` could be a node id."""
    return NODE_ID.fullmatch(text) is not None


def dns_name(node_id: NodeId) -> str:
    """Return the name that a peer is dialled by, whatever its address."""
    return f"{node_id}.voxpeer"


def clean_name(text: str, otherwise: str) -> str:
    """Return ``text`` as a name that can be shown in one line of a terminal.

    Args:
        otherwise: what to call a machine of whose name nothing is left.
    """
    normal = unicodedata.normalize("NFC", text)
    shown = "".join(char if char.isprintable() else " " for char in normal)
    name = " ".join(shown.split())
    short = name.encode("utf-8", "replace")[:NAME_BYTES].decode("utf-8", "ignore")
    return short.strip() or otherwise
