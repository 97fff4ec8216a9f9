"""``voxpeer forget``: remove whatever was computed from an input file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from peer.cli.options import configured, json_option, open_existing, store_option
from peer.cli.output import note, write_json, write_line
from peer.errors import NoMatchError
from peer.quantities import format_size

if TYPE_CHECKING:
    from peer.forgetting import Traces

SHOWN_RESULTS = 50


@click.command()
@click.argument("file", type=click.Path())
@click.option("--dry-run", is_flag=True, help="Say what would go; remove nothing.")
@store_option
@json_option
def command(file: str, dry_run: bool, store: str | None, as_json: bool) -> None:
    """Remove whatever was computed from FILE, here and, once joined, in the realm.

    What is meant is the content of FILE, whatever it was called; a folder stands for
    the DICOM series in it, and a slice for its series too.  The realm is told
    keyed ids by which every member knows what to drop and never to take again.  FILE
    itself, what programs saved, exports and backups are left alone; saved files that
    are known are named.
    """
    from peer.forgetting import drop, find_traces, tell_realm
    from peer.identity import open_identity
    from primitives.formats.dicom_series import names_series

    path = Path(file)
    if not (path.exists() or names_series(path)):
        raise click.BadParameter(f"there is no file '{file}'", param_hint="FILE")
    with open_existing(configured(store=store)) as opened:
        traces = find_traces(opened, path)
        identity = open_identity(opened)
        if not traces.keys and (identity is None or dry_run):
            raise NoMatchError(f"nothing here was computed from the content of {file}")
        told = ""
        if not dry_run:
            if identity is not None:
                is_told = tell_realm(opened, identity, traces)
                told = "the realm is told"
                if not is_told:
                    told += " when the daemon is started ('voxpeer join')"
            drop(opened, traces)
    if as_json:
        write_json(_as_json(traces, told, dry_run))
    else:
        _show(traces, dry_run)
        note(told or ("nothing was removed" if dry_run else "removed here"))


def _show(traces: Traces, dry_run: bool) -> None:
    verb = "would remove" if dry_run else "removed"
    for result, naming in traces.results[:SHOWN_RESULTS]:
        label = f"  {naming.label} of {naming.program}" if naming else ""
        kind = result.kind or "small"
        size = format_size(result.size_bytes)
        write_line(f"{verb} {result.key.hex()[:12]}  {kind}, {size}{label}")
    if len(traces.results) > SHOWN_RESULTS:
        write_line(f"{verb} {len(traces.results) - SHOWN_RESULTS} more results")
    if not traces.results:
        write_line("no result of it is held here")
    for path in traces.saved:
        note(f"left alone: {path}, which a program saved")


def _as_json(traces: Traces, told: str, dry_run: bool) -> dict[str, object]:
    return {
        "removed": [] if dry_run else [r.key.hex() for r, _ in traces.results],
        "found": [result.key.hex() for result, _ in traces.results],
        "known_keys": len(traces.keys),
        "saved": [str(path) for path in traces.saved],
        "realm": told or None,
    }
