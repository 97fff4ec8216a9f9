"""``voxpeer status``: the daemon of a store and its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from peer.cli.exit_codes import ExitCode
from peer.cli.options import configured, json_option, open_existing, store_option
from peer.cli.output import note, write_json, write_line

if TYPE_CHECKING:
    from peer.local.messages import Status
    from store import SqliteStore


@click.command()
@store_option
@json_option
@click.option(
    "--metrics",
    "as_metrics",
    is_flag=True,
    help="Print every number in the text format of Prometheus.",
)
def command(store: str | None, as_json: bool, as_metrics: bool) -> int:
    """Show the daemon of the store, its neighbours, and what is not well.

    Without a daemon the exit code is 7.
    """
    from peer.local import NoDaemonError
    from peer.local import status as daemon_status

    if as_json and as_metrics:
        raise click.UsageError("--json and --metrics exclude each other.")
    config = configured(store=store)
    with open_existing(config) as opened:
        path = opened.path
        try:
            found = daemon_status(path)
        except NoDaemonError as error:
            if as_metrics:
                _show_metrics(None)
            else:
                _show_absence(opened, as_json)
            note(f"error: {error}")
            return ExitCode.NETWORK_ABSENT
        if as_metrics:
            _show_metrics(found)
        else:
            _show(found, opened, as_json)
    return ExitCode.DONE


def _show(found: Status, store: SqliteStore, as_json: bool) -> None:
    from peer.cli.corrections import corrected_json, show_corrected_files
    from peer.cli.network_views import show_status, status_json

    path = str(store.path)
    if as_json:
        corrected = corrected_json(store)
        write_json({**status_json(found), "corrected_files": corrected, "store": path})
    else:
        show_status(found, path)
        show_corrected_files(store)


def _show_metrics(found: Status | None) -> None:
    from peer.cli.metrics import exposition

    write_line(exposition(found).removesuffix("\n"))


def _show_absence(store: SqliteStore, as_json: bool) -> None:
    """Show what is known without an answer of the daemon."""
    from peer.cli.audit_views import audit_facts, audit_numbers
    from peer.identity import open_identity
    from peer.local.place import holder_pid

    identity = open_identity(store)
    pid = holder_pid(store.path)
    fields: dict[str, object] = {
        "running": pid is not None,
        "answers": False,
        "store": str(store.path),
    }
    if pid is not None:
        fields["pid"] = pid
    if identity is not None:
        fields |= {
            "name": identity.name,
            "node_id": identity.node_id,
            "realm_id": identity.realm_id.hex(),
            "is_sponsor": identity.is_sponsor,
            "certificate_ends": identity.certificate_ends.isoformat(),
        }
    if as_json:
        write_json({**fields, **audit_numbers(store)})
        return
    write_line(f"store        {store.path}")
    if identity is None:
        write_line("realm        none; 'voxpeer join' makes or enters one")
    else:
        write_line(f"peer         {identity.name} ({identity.node_id})")
        write_line(f"realm        {identity.realm_id.hex()[:16]}")
    state = "does not run" if pid is None else f"runs, pid {pid}, but does not answer"
    write_line(f"daemon       {state}")
    for label, text in audit_facts(store):
        write_line(f"{label:<12} {text}")
