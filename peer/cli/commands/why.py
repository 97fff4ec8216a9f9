"""``voxpeer why``: where a result came from."""

from __future__ import annotations

import click

from peer.cli.options import configured, json_option, open_existing, store_option
from peer.cli.output import write_json
from peer.errors import NoMatchError


@click.command()
@click.argument("name", metavar="LABEL|KEY")
@store_option
@json_option
def command(name: str, store: str | None, as_json: bool) -> None:
    """Show where a result came from, and what is new since the run before.

    LABEL means the newest goal of that label, KEY the first digits of a key.  For
    each part: computed, fetched from whom, or held here already, with times; what
    lies below something that was held or fetched was not needed.  Of what came from
    others it is said whether it was computed here too, and what came of that.
    """
    from peer.cli.origins import explanation_json, show_explanation
    from scheduler import explain_result
    from scheduler.audits import last_audits

    with open_existing(configured(store=store)) as opened:
        found = explain_result(opened, name)
        if found is None:
            raise NoMatchError(_nothing(opened, name))
        audits = last_audits(opened, [node.key for node in found.nodes])
    if as_json:
        write_json(explanation_json(found, audits))
    else:
        show_explanation(found, audits)


def _nothing(store: object, name: str) -> str:
    from peer.quantities import suggestion
    from scheduler import list_goals
    from store import SqliteStore

    assert isinstance(store, SqliteStore)
    labels = sorted({row.label for row in list_goals(store)})
    return (
        f"no run is known with a result called '{name}'{suggestion(name, labels)}; "
        "'voxpeer results list' shows what is held"
    )
