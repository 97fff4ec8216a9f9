"""``voxpeer peers``: who is in the realm, ending a membership, and whom to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from peer.cli.options import configured, json_option, open_existing, store_option
from peer.cli.output import note, write_json

if TYPE_CHECKING:
    from peer.local.messages import PeerStatus


@click.group(invoke_without_command=True)
@click.pass_context
@store_option
@json_option
def command(context: click.Context, store: str | None, as_json: bool) -> None:
    """Members of the realm; without a further word, list them.

    Without a daemon the exit code is 7.
    """
    if context.invoked_subcommand is None:
        _list(store, as_json)


@command.command("list")
@store_option
@json_option
def list_peers(store: str | None, as_json: bool) -> None:
    """List members: who is there, what came from whom, and what is wrong with whom.

    Sponsors have a star after their name.  Below the table it is said who shares no
    floats and why, and whose results are not taken here any more.
    """
    _list(store, as_json)


@command.command()
@click.argument("node")
@click.option(
    "--keep-results",
    is_flag=True,
    help="Go on believing what it signed and this machine knows already.",
)
@store_option
def revoke(node: str, keep_results: bool, store: str | None) -> None:
    """End the membership of NODE; only a sponsor can.

    NODE is a name, an id, or the beginning of either.  Whatever it signed is not
    believed any more.  Only a new token brings the machine back, under another id.
    """
    from peer.cli.members import find_member, next_sequence
    from peer.local import revoke as daemon_revoke
    from peer.local import status

    with open_existing(configured(store=store)) as opened:
        member = find_member(node, status(opened.path).peers)
        first_refused = next_sequence(opened, member.node_id) if keep_results else 0
        note(daemon_revoke(opened.path, member.node_id, first_refused))


@command.command()
@click.argument("node")
@store_option
def trust(node: str, store: str | None) -> None:
    """Take the results of NODE again, after they were found wrong here.

    NODE is a name, an id, or the beginning of either.  What is known against it up to
    now does not count any more; what it signs from now on is audited like anybody's.
    """
    from peer.cli.members import find_member, quarantined_members
    from peer.local import NoDaemonError, status
    from peer.local import trust as daemon_trust

    with open_existing(configured(store=store)) as opened:
        try:
            member = find_member(node, status(opened.path).peers)
            note(daemon_trust(opened.path, member.node_id))
        except NoDaemonError:
            from peer.identity import NodeId
            from peer.trust.quarantine import Quarantine

            member = find_member(node, quarantined_members(opened))
            Quarantine(opened).lift(NodeId(member.node_id))
            note(f"results of {member.name} are taken here again")


def _list(store: str | None, as_json: bool) -> None:
    from peer.cli.network_views import show_peers
    from peer.local import status

    with open_existing(configured(store=store)) as opened:
        peers = status(opened.path).peers
    if as_json:
        write_json({"peers": [_as_json(peer) for peer in peers]})
    elif peers:
        show_peers(peers)
    else:
        note("nobody yet; 'voxpeer invite' prints a token for the next machine")


def _as_json(peer: PeerStatus) -> object:
    import msgspec

    return msgspec.to_builtins(peer)
