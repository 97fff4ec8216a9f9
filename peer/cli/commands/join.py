"""``voxpeer join``: share results with other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from peer.cli.options import configured, open_configured, store_option
from peer.cli.output import note

if TYPE_CHECKING:
    from pathlib import Path

    from peer.config import Config
    from peer.identity import Token


@click.command()
@click.argument("token", required=False)
@click.option(
    "--new-realm",
    is_flag=True,
    help="Make a realm although another one is heard on this network.",
)
@click.option("--name", metavar="N", help="What people call this machine.")
@click.option(
    "--listen",
    metavar="ADDR",
    help="Where to listen, HOST:PORT or :PORT; by default port 47800 on all "
    "addresses of local networks.",
)
@click.option(
    "--seed",
    "seeds",
    metavar="HOST:PORT",
    multiple=True,
    help="A peer to dial besides those that are heard.  May be repeated.",
)
@store_option
@click.option(
    "--detach", is_flag=True, help="Run in the background; return once it is ready."
)
@click.option(
    "--in-background",
    "is_detached",
    is_flag=True,
    hidden=True,
    help="What --detach starts: print no token, for a log is no place for it.",
)
def command(
    token: str | None,
    new_realm: bool,
    name: str | None,
    listen: str | None,
    seeds: tuple[str, ...],
    store: str | None,
    detach: bool,
    is_detached: bool,
) -> int:
    """Start the daemon that shares results with other machines.

    With TOKEN, from 'voxpeer invite' on a machine that shares already, this machine
    first becomes a member of that one's realm.  Without, a machine that is a member
    goes on as it was; a fresh one listens for a realm and, if it hears none, makes
    one and prints its first token.

    The daemon runs until Ctrl-C, SIGTERM or the closing of its terminal, and then
    ends with exit code 0.
    """
    if token is not None and new_realm:
        raise click.UsageError("a token is for a realm that is there; not --new-realm")
    config = configured(name=name, listen=listen, seeds=seeds, store=store)
    parsed = _parse(token)
    if not detach:
        return _run_here(config, parsed, new_realm=new_realm, shows=not is_detached)
    from peer.stores import store_path

    words = ["join", "--in-background", "--store", str(store_path(config).absolute())]
    for option, value in (("--name", name), ("--listen", listen)):
        words += [option, value] if value is not None else []
    for seed in seeds:
        words += ["--seed", seed]
    _run_in_background(config, parsed, words, new_realm=new_realm)
    return 0


def _parse(token: str | None) -> Token | None:
    from peer.errors import ConfigError
    from peer.identity import Token, TokenError

    try:
        return None if token is None else Token.parse(token)
    except TokenError as error:
        raise ConfigError(str(error)) from error


def _run_here(
    config: Config, token: Token | None, *, new_realm: bool, shows: bool
) -> int:
    from peer.cli.foreground import run_here
    from peer.cli.invitations import needs_first_token
    from peer.cli.joining import identity_of

    with open_configured(config) as opened:
        _refuse_second(opened.path)
        identity = identity_of(opened, config, token, new_realm=new_realm)
        invites = shows and needs_first_token(opened, identity)
        return run_here(opened, identity, config, invites=invites)


def _run_in_background(
    config: Config, token: Token | None, words: list[str], *, new_realm: bool
) -> None:
    from peer.cli.background import LOG, start_in_background
    from peer.cli.invitations import first_token, needs_first_token, show_token
    from peer.cli.joining import identity_of

    with open_configured(config) as opened:
        _refuse_second(opened.path)
        identity = identity_of(opened, config, token, new_realm=new_realm)
        status = start_in_background(opened.path, words)
        note(
            f"runs in the background, pid {status.pid}, at "
            f"{', '.join(status.addresses)}; its log is {opened.path / LOG}"
        )
        if needs_first_token(opened, identity):
            show_token(first_token(opened, identity, config))


def _refuse_second(store_path: Path) -> None:
    """Refuse before anything is asked of anybody; the daemon would refuse anyway."""
    from peer.local import AlreadyRunningError
    from peer.local.place import holder_pid

    pid = holder_pid(store_path)
    if pid is not None:
        raise AlreadyRunningError(
            f"{store_path}: a daemon of this store is already running, pid {pid}; "
            f"'voxpeer status' shows it, and 'kill {pid}' ends it"
        )
