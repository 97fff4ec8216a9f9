"""What follows from audits: by the daemon of the store, or without one here."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .doubtful import has_doubtful_results

if TYPE_CHECKING:
    from store import NodeKey, SqliteStore

DAEMON_S = 5.0
"""How long the daemon's consequences are waited for; it draws them all the same."""

LOOK_EVERY_S = 0.05


def act(store: SqliteStore, wrong: NodeKey | None = None) -> None:
    """Have the consequences drawn of whatever audits have found.

    Args:
        store: whose results were audited.
        wrong: a node of which somebody signed something wrong, if one was found: that
            is waited for, so that saved files that rest on it can be made right.

    Raises:
        StoreError: the store cannot be used.
    """
    from peer.local import LocalError, nudge

    try:
        has_daemon = nudge(store.path)
    except LocalError:  # it runs, and cannot just now
        has_daemon = True
    if not has_daemon:
        _judge(store)
    elif wrong is not None:
        _wait_until(lambda: _has_consequences(store, wrong))


def clean(store: SqliteStore) -> None:
    """Have removed what rests on who was found wrong, before it is used once more.

    Raises:
        StoreError: the store cannot be used.
    """
    if has_doubtful_results(store):
        act(store)
        _wait_until(lambda: not has_doubtful_results(store))


def _wait_until(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DAEMON_S
    while not is_done() and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)


def _judge(store: SqliteStore) -> None:
    from peer.trust.judging import Judge

    judge = Judge.of(store)
    if judge is not None:
        judge.review()


def _has_consequences(store: SqliteStore, wrong: NodeKey) -> bool:
    # A record that says otherwise goes as soon as its signer is quarantined.
    query = """SELECT 1 FROM attestations a JOIN results r ON r.key = a.key
      WHERE a.key = ? AND a.digest <> r.digest"""
    with store.database.read() as connection:
        return connection.execute(query, (wrong,)).fetchone() is None
