"""What commands need of the realm that a store belongs to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from peer.errors import RealmError

if TYPE_CHECKING:
    from peer.identity import Identity
    from store import SqliteStore


def require_identity(store: SqliteStore) -> Identity:
    """Return the identity of a store.

    Raises:
        RealmError: it belongs to no realm, or its keys are unusable.
    """
    from peer.identity import open_identity

    identity = open_identity(store)
    if identity is None:
        raise RealmError(
            f"{store.path} belongs to no realm; 'voxpeer join' makes one, and "
            "'voxpeer join TOKEN' enters one"
        )
    return identity


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be undone.

    Raises:
        click.Abort: the answer was no.
        click.UsageError: nobody can be asked, and ``--yes`` was not given.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; say --yes")
    click.confirm(question, abort=True, err=True)
