"""Keeping up with what neighbours have."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from peer.discovery import Filter, FilterError
from peer.exchange import BrokenPeerError, Link
from peer.identity import NodeId
from peer.wire import limits
from peer.wire.v1 import peer_pb2

from .inventory import State
from .messages import inventory_state, short_keys, state_of
from .neighbourhood import Neighbourhood

WATCH_MS = 30_000
MAX_BLOCKS = 128
"""Filter blocks of one inventory: six million results, and 64 MiB held of them."""

MAX_PARTS = 2 * limits.FILTER_ITEMS // limits.INVENTORY_IDS
"""Messages with what was added and removed: twice what a journal comes in."""


class Following:
    """Takes inventories and their changes over into the neighbours' hints."""

    def __init__(
        self,
        neighbourhood: Neighbourhood,
        lock: AbstractContextManager[object],
        on_news: Callable[[NodeId], None] = lambda node_id: None,
    ) -> None:
        """Share a state machine.

        Args:
            neighbourhood: whose hints they are.
            lock: is held whenever it is used.
            on_news: called, without the lock, with whose inventory has changed.
        """
        self._on_news = on_news
        self._neighbourhood = neighbourhood
        self._lock = lock

    def watch(self, link: Link) -> None:
        """Wait at a neighbour until something is new there, and take it over."""
        with self._lock:
            known = self._neighbourhood.get(link.node_id)
            if known is None:
                return
            have = known.hints.state
            said = known.said
        if have.id != said.inventory.id:
            have = said.inventory  # nothing is known that a difference could go on
        reply = link.watch(
            peer_pb2.WatchRequest(
                have=inventory_state(have),
                statements_digest=said.statements_digest,
                epoch=said.epoch,
                timeout_ms=WATCH_MS,
            )
        )
        state = state_of(reply.inventory.state)
        with self._lock:
            now = time.monotonic()
            self._apply(now, link.node_id, have, reply.inventory)
            self._neighbourhood.told(
                now, link.node_id, state, reply.statements_digest, reply.epoch
            )
        if reply.inventory.added:
            self._on_news(link.node_id)

    def pull(self, link: Link) -> None:
        """Get what a neighbour has: what changed, or filters of everything."""
        with self._lock:
            known = self._neighbourhood.get(link.node_id)
            if known is None:
                return
            have = State() if known.hints.is_overgrown else known.hints.state
        filters: list[Filter] = []
        blocks = 0
        state = State()
        changes: list[peer_pb2.InventoryPart] = []
        for part in link.inventory(inventory_state(have)):
            state = state_of(part.state)
            if part.HasField("block"):
                if part.block.index != len(filters) or part.block.blocks > MAX_BLOCKS:
                    raise BrokenPeerError(link.node_id, "filter blocks out of order")
                blocks = part.block.blocks
                filters.append(_filter(link.node_id, part.block))
            elif len(changes) < MAX_PARTS:
                changes.append(part)
            else:
                raise BrokenPeerError(link.node_id, "changes without an end")
        if len(filters) != blocks:
            raise BrokenPeerError(link.node_id, "filter blocks are missing")
        with self._lock:
            now = time.monotonic()
            known = self._neighbourhood.get(link.node_id)
            if known is None:
                return
            if blocks:
                known.hints.replace(now, state, filters)
            for part in changes:
                self._apply(now, link.node_id, known.hints.state, part)
            self._neighbourhood.told(
                now,
                link.node_id,
                state,
                known.said.statements_digest,
                known.said.epoch,
            )
        self._on_news(link.node_id)

    def _apply(
        self,
        now: float,
        node_id: NodeId,
        have: State,
        part: peer_pb2.InventoryPart,
    ) -> None:
        """Take a difference over if it goes on from where we are."""
        known = self._neighbourhood.get(node_id)
        state = state_of(part.state)
        if known is None or known.hints.state != have or state.id != have.id:
            return
        added, removed = short_keys(part.added), short_keys(part.removed)
        if added or removed:
            known.hints.change(now, state, added, removed)


def _filter(node_id: NodeId, block: peer_pb2.FilterBlock) -> Filter:
    try:
        return Filter.decode(block.set, block.items, block.p, limits.FILTER_ITEMS)
    except FilterError as error:
        raise BrokenPeerError(node_id, str(error)) from error
