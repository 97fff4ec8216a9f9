"""Keys, node ids and announcements to try discovery with."""

from __future__ import annotations

from base64 import b32encode
from dataclasses import replace
from hashlib import sha256
from typing import Any

from peer.discovery import Announcement, advertise
from peer.identity import NodeId, RealmKeys


def secret(name: str) -> bytes:
    """Return 32 bytes that depend on ``name``."""
    return sha256(name.encode()).digest()


def realm(name: str = "lab", epochs: int = 1) -> RealmKeys:
    """Return the keys of a realm in some epochs."""
    secrets = [(epoch, secret(f"{name} {epoch}")) for epoch in range(epochs)]
    return RealmKeys(secret(name)[:16], secrets)


def node(name: str) -> NodeId:
    """Return a node id that depends on ``name``."""
    return NodeId(b32encode(secret(name)[:10]).decode().lower())


def number(name: object) -> int:
    """Return a 64-bit id that depends on ``name``."""
    return int.from_bytes(secret(str(name))[:8], "big")


def announcement(name: str = "one", **changes: Any) -> Announcement:
    """Return what a node with ten results announces."""
    made = Announcement(
        node_id=node(name),
        port=47800,
        generation=1,
        inventory_id=secret(name)[-8:],
        sequence=10,
        results=10,
        epoch=0,
        filter=advertise(map(number, range(10))),
    )
    return replace(made, **changes)
