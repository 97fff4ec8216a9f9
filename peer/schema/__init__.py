"""The tables of this room."""

from __future__ import annotations

from store import Migrations

MIGRATIONS = Migrations(room="peer", package="peer.schema")

__all__ = ["MIGRATIONS"]
