"""Between the daemon's own values and the messages that travel."""

from __future__ import annotations

from peer.wire import limits
from peer.wire.v1 import peer_pb2

from .inventory import Block, State


def state_of(message: peer_pb2.InventoryState) -> State:
    """Return the state in a message."""
    return State(message.id, message.sequence, message.count)


def inventory_state(state: State) -> peer_pb2.InventoryState:
    """Return a state as a message."""
    return peer_pb2.InventoryState(
        id=state.id, sequence=state.sequence, count=state.count
    )


def filter_block(block: Block) -> peer_pb2.FilterBlock:
    """Return a filter block as a message."""
    return peer_pb2.FilterBlock(
        index=block.index,
        blocks=block.blocks,
        items=block.items,
        p=block.p,
        set=block.set,
    )


def short_keys(data: bytes) -> list[int]:
    """Return the short keys in a message's field."""
    step = limits.SHORT_KEY_BYTES
    return [
        int.from_bytes(data[at : at + step], "big") for at in range(0, len(data), step)
    ]
