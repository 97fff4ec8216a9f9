"""``voxpeer store``: state, integrity and size of the store."""

from __future__ import annotations

import click

from peer.cli.exit_codes import ExitCode
from peer.cli.options import configured, json_option, open_existing, store_option
from peer.cli.output import note, write_json, write_line
from peer.quantities import format_size


@click.group()
def command() -> None:
    """The store of this machine."""


@command.command()
@store_option
@json_option
def status(store: str | None, as_json: bool) -> None:
    """Show where the store is, what it holds and how full it is."""
    from peer.stores import store_path

    config = configured(store=store)
    path = store_path(config)
    with open_existing(config) as opened:
        stats = opened.stats()
    if as_json:
        write_json({"path": str(path), **_fields(stats)})
        return
    write_line(f"store      {path}")
    write_line(f"results    {stats.results}, and {stats.small_results} small ones")
    write_line(f"artifacts  {stats.artifacts}")
    write_line(
        f"bytes      {format_size(stats.bytes_stored)} on disk for "
        f"{format_size(stats.bytes_logical)} of values"
    )
    write_line(f"cap        {format_size(stats.cap_bytes)}")
    write_line(f"pins       {stats.pins}")
    write_line(f"conflicts  {stats.conflicts}")
    write_line(f"checked    {stats.last_check or 'never'}")


@command.command()
@store_option
@json_option
def check(store: str | None, as_json: bool) -> int:
    """Read and verify every artifact.

    A damaged one is named and dropped; a run that needs it computes it again.
    """
    with open_existing(configured(store=store)) as opened:
        damages = list(opened.check())
        stats = opened.stats()
    if as_json:
        write_json(
            {
                "artifacts": stats.artifacts,
                "damaged": [
                    {
                        "digest": damage.digest.hex(),
                        "keys": [key.hex() for key in damage.keys],
                        "problem": damage.problem,
                        "consequence": damage.consequence,
                    }
                    for damage in damages
                ],
            }
        )
    for damage in [] if as_json else damages:
        keys = ", ".join(key.hex()[:12] for key in damage.keys) or "no result"
        write_line(f"damaged artifact {damage.digest.hex()} (of {keys})")
        write_line(f"  {damage.problem}; {damage.consequence}")
    if damages:
        note(f"{len(damages)} damaged, {stats.artifacts} in order")
        return ExitCode.DAMAGE
    note(f"{stats.artifacts} artifacts, all in order")
    return ExitCode.DONE


@command.command()
@click.option("--cap", metavar="SIZE", help="Shrink to this size, e.g. 20GB.")
@click.option("--dry-run", is_flag=True, help="Say what would go; drop nothing.")
@store_option
@json_option
def gc(cap: str | None, dry_run: bool, store: str | None, as_json: bool) -> None:
    """Drop unpinned results until the store is below its cap.

    Those that are cheapest to compute again go first; files that belong to nothing go
    always.
    """
    from peer.quantities import parse_size

    cap_bytes = None if cap is None else parse_size(cap)
    with open_existing(configured(store=store)) as opened:
        report = opened.gc(cap_bytes=cap_bytes, dry_run=dry_run)
    if as_json:
        write_json(_fields(report))
        return
    verb = "would drop" if dry_run else "dropped"
    write_line(
        f"{verb} {report.results} results, {report.artifacts} artifacts and "
        f"{report.orphans} stray files: {format_size(report.bytes_freed)}"
    )


def _fields(record: object) -> dict[str, object]:
    from dataclasses import asdict, is_dataclass

    assert is_dataclass(record)
    assert not isinstance(record, type)
    return asdict(record)
