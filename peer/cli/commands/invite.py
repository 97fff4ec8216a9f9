"""``voxpeer invite``: a token for the next machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from peer.cli.options import configured, json_option, open_existing, store_option
from peer.cli.output import note, write_json

if TYPE_CHECKING:
    from peer.identity.invitations import Role


@click.command()
@click.option(
    "--uses",
    type=click.IntRange(1, 1000),
    default=1,
    metavar="N",
    help="How many machines may use it; by default one.",
)
@click.option(
    "--expires", metavar="T", help="How long it is good: 2h, 7d; by default a day."
)
@click.option(
    "--sponsor",
    is_flag=True,
    help="Let the new member enrol others; only the machine that made the realm can.",
)
@store_option
@json_option
def command(
    uses: int, expires: str | None, sponsor: bool, store: str | None, as_json: bool
) -> None:
    """Print a token with which another machine joins this one's realm.

    The token holds the realm's fingerprint and a secret: hand it over in a way that
    you trust.  The daemon has to run while it is used.
    """
    from peer.cli.invitations import (
        DAY_S,
        enrolling_at,
        show_token,
        will_enrol_at,
        with_addresses,
    )
    from peer.cli.realms import require_identity
    from peer.identity import invite
    from peer.quantities import parse_duration_s

    lifetime_s = DAY_S if expires is None else parse_duration_s(expires)
    config = configured(store=store)
    with open_existing(config) as opened:
        identity = require_identity(opened)
        role: Role = "sponsor" if sponsor else "peer"
        token = invite(opened, identity, role=role, uses=uses, lifetime_s=lifetime_s)
        addresses = enrolling_at(opened.path)
        is_open = bool(addresses)
        token = with_addresses(token, addresses or will_enrol_at(config))
    if as_json:
        write_json(
            {
                "token": token.encode(),
                "addresses": list(token.addresses),
                "role": role,
                "uses": uses,
                "expires_s": lifetime_s,
                "is_enrolling": is_open,
            }
        )
    else:
        show_token(token, uses, lifetime_s)
    if not is_open:
        note(
            "warning: no daemon of this store enrols just now; start it with "
            "'voxpeer join' before the token is used"
        )
