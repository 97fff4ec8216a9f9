"""Taking over the statements that a neighbour has and we do not."""

from __future__ import annotations

from peer.exchange import Link
from peer.wire import limits

from .realm import Realm

MAX_ROUNDS = 1000
"""Replies to one synchronisation; more statements than that come the next time."""

MAX_REFUSED = 1024
"""Refused statements after which a neighbour is not asked for more."""


def synchronise(realm: Realm, link: Link) -> None:
    """Ask until there is nothing more that can be taken over.

    What is refused here is told to be had while this goes on: it would come again and
    again, and nothing behind it.  It is not remembered for longer, for the neighbour
    may have spoilt somebody else's statement.

    Raises:
        ExchangeError: the neighbour does not answer, or not well.
        StoreError: the store cannot be written.
    """
    refused: dict[bytes, None] = {}
    for _ in range(MAX_ROUNDS):
        have = [*refused, *realm.standing.have()]
        statements = link.sync(have[: limits.SYNC_HAVE])
        if not statements:
            return
        is_new = realm.take_statements(statements)
        before = len(refused)
        refused |= dict.fromkeys(realm.standing.missing(statements))
        if len(refused) > MAX_REFUSED or not (is_new or len(refused) > before):
            return
