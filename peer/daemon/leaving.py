"""Leaving a realm."""

from __future__ import annotations

from peer.errors import PeerError
from peer.identity import leave_realm
from peer.local.place import holder_pid
from store import SqliteStore


class DaemonRunsError(PeerError):
    """The store's daemon has to be stopped first."""


def leave(store: SqliteStore) -> int:
    """Forget the realm, and drop every result that came from its members.

    Returns:
        how many results were dropped.

    Raises:
        DaemonRunsError: the daemon of the store is still running.
        StoreError: the store cannot be written.
    """
    pid = holder_pid(store.path)
    if pid is not None:
        raise DaemonRunsError(
            f"{store.path}: the daemon of this store is running (pid {pid}); stop it"
            " first, with Ctrl-C where it runs or 'kill' and that number"
        )
    dropped = store.remove_origin("peer")
    leave_realm(store)
    return dropped
