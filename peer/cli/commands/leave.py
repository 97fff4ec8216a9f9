"""``voxpeer leave``: end this store's membership."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from peer.cli.options import configured, open_existing, store_option
from peer.cli.output import note
from peer.errors import RealmError

if TYPE_CHECKING:
    from store import SqliteStore

STOP_S = 30.0
"""How long a daemon that answers may take to end."""

HUNG_S = 3.0
"""How long one may that did not answer for two seconds."""

LOOK_AGAIN_S = 0.05


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
def command(yes: bool, store: str | None) -> None:
    """Leave the realm: stop the daemon, drop its keys and what came from others.

    What was computed here stays.  Others keep what they have; a sponsor ends the
    membership for them with 'voxpeer peers revoke'.
    """
    from peer.cli.realms import confirm
    from peer.daemon import leave

    with open_existing(configured(store=store)) as opened:
        question = _question(opened)
        confirm(question, yes=yes)
        _stop_daemon(opened.path)
        dropped = leave(opened)
    note(f"left; {dropped} results that came from others were dropped")


def _question(store: SqliteStore) -> str:
    """Return what to ask, also when the keys cannot be used."""
    from peer.cli.realms import require_identity
    from peer.identity import IdentityError

    try:
        identity = require_identity(store)
    except IdentityError as error:
        note(f"warning: {error}")
        return "Leave the realm that these keys belonged to?"
    if identity.is_founder:
        note(
            "warning: this machine made the realm; without its keys nobody can make "
            "sponsors any more, and without a sponsor nobody can join"
        )
    return f"Leave the realm {identity.realm_id.hex()[:16]} as {identity.name}?"


def _stop_daemon(store_path: Path) -> None:
    from peer.local import stop
    from peer.local.place import holder_pid

    if holder_pid(store_path) is None:
        return
    note("stopping the daemon")
    answers = stop(store_path)
    deadline = time.monotonic() + (STOP_S if answers else HUNG_S)
    while (pid := holder_pid(store_path)) is not None:
        if time.monotonic() > deadline:
            raise RealmError(
                f"the daemon does not stop; end it with 'kill -9 {pid}', then run "
                "'voxpeer leave' again"
            )
        time.sleep(LOOK_AGAIN_S)
