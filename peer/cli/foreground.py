"""Running the daemon of a store in the foreground."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from peer.addresses import is_loopback

from .daemons import daemon_options
from .exit_codes import ExitCode
from .invitations import first_token, show_token
from .narration import Narrator, say
from .output import note

if TYPE_CHECKING:
    from peer.config import Config
    from peer.daemon import Daemon
    from peer.identity import Identity
    from store import SqliteStore


def run_here(
    store: SqliteStore, identity: Identity, config: Config, *, invites: bool
) -> int:
    """Run the daemon until it is asked to stop; return the exit code.

    Args:
        store: whose daemon it is.
        identity: of the store.
        config: choices of the daemon.
        invites: whether to print a first token once it is ready.
    """
    from peer.daemon import run_daemon

    def ready(daemon: Daemon) -> None:
        status = daemon.status()
        narrator.begin(status.peers)
        say(f"{status.name} listens {_reach(status.addresses)}")
        if invites:
            show_token(first_token(store, identity, config))
        elif identity.is_founder and not status.peers:
            note("nobody has joined yet; 'voxpeer invite' prints a token for that")

    with Narrator(store.path) as narrator:
        run_daemon(store, identity, daemon_options(config), ready)
    return ExitCode.DONE


def _reach(addresses: Sequence[str]) -> str:
    """Return where a daemon is reached, and by whom if not by everybody."""
    if not addresses:
        return "on this machine only, which has no address on a network just now"
    where = f"at {', '.join(addresses)}"
    hosts = [address.rpartition(":")[0] for address in addresses]
    return f"{where}, for this machine only" if all(map(is_loopback, hosts)) else where
