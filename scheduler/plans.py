"""Compiled plans, kept by the digest of everything that decided them."""

from __future__ import annotations

import time

import msgspec

from store import SqliteStore

from .plan import Plan

KEPT_PLANS = 200
"""Older plans are forgotten."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Plan)


def cached_plan(store: SqliteStore, source: bytes) -> Plan | None:
    """Return the plan kept under ``source``, if there is one.

    Args:
        store: where plans are kept.
        source: 32-byte digest of everything that decides the plan.
    """
    with store.database.read() as connection:
        row = connection.execute(
            "SELECT plan FROM plans WHERE source = ?", (source,)
        ).fetchone()
    if row is None:
        return None
    try:
        return _decoder.decode(row[0])
    except msgspec.DecodeError:
        return None


def keep_plan(store: SqliteStore, source: bytes, plan: Plan) -> None:
    """Keep a plan under ``source``."""
    row = (source, _encoder.encode(plan), int(time.time() * 1000))

    store.database.write(
        lambda connection: (
            connection.execute("INSERT OR REPLACE INTO plans VALUES (?, ?, ?)", row),
            connection.execute(
                "DELETE FROM plans WHERE used_ms < (SELECT min(used_ms) FROM (SELECT"
                " used_ms FROM plans ORDER BY used_ms DESC LIMIT ?))",
                (KEPT_PLANS,),
            ),
        )
    )
