"""``voxpeer results``: what is held, and getting it out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from peer.cli.options import configured, json_option, open_existing, store_option
from peer.cli.output import note, write_json, write_line, write_table
from peer.quantities import format_duration, format_size

if TYPE_CHECKING:
    from peer.results import Naming
    from store import Result

NAMES = click.argument("names", nargs=-1, required=True, metavar="KEY|LABEL...")
NAME = click.argument("name", metavar="KEY|LABEL")


@click.group()
def command() -> None:
    """Results that are held in the store.

    A result is named by the label of a goal (the newest of that label), or by the
    first digits of its key.
    """


@command.command("list")
@click.argument("prefix", required=False, default="")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    metavar="N",
    help="Show at most so many; by default 50.",
)
@click.option("--goals", is_flag=True, help="Only results that were goals of a run.")
@store_option
@json_option
def list_results(
    prefix: str, limit: int, goals: bool, store: str | None, as_json: bool
) -> None:
    """List held results, those whose key begins with PREFIX if one is given."""
    from peer.results import SHORT_KEY, listed

    with open_existing(configured(store=store)) as opened:
        found, total = listed(opened, prefix, limit, only_goals=goals)
    if as_json:
        write_json({"results": [_as_json(*pair) for pair in found], "total": total})
        return
    rows = [
        (
            result.key.hex()[:SHORT_KEY],
            result.kind,
            format_size(result.size_bytes),
            format_duration(result.cost_s),
            naming.label if naming else "",
            naming.program if naming else "",
        )
        for result, naming in found
    ]
    write_table(("key", "kind", "size", "cost", "label", "program"), rows)
    if total > len(found):
        note(f"{total - len(found)} more; --limit {total} shows all")


@command.command()
@NAME
@store_option
@json_option
def show(name: str, store: str | None, as_json: bool) -> None:
    """Show what is known of one result: value or geometry, size, cost, origin."""
    from peer.results import find_result, namings, read_value
    from primitives.text import json_value

    with open_existing(configured(store=store)) as opened:
        result = find_result(opened, name)
        naming = namings(opened, [result.key]).get(result.key)
        value = json_value(read_value(opened, result))
    described = {**_as_json(result, naming), "value": value}
    if as_json:
        write_json(described)
        return
    width = max(map(len, described))
    for word, content in described.items():
        write_line(f"{word:<{width}}  {_shown(word, content)}")


@command.command()
@NAME
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="File to write, its format by its suffix; without it the value is printed.",
)
@store_option
def get(name: str, output: str | None, store: str | None) -> None:
    """Print the value of one result, or write it to a file."""
    from peer.results import find_result, read_value
    from primitives.formats.write import write_value
    from primitives.text import format_value

    with open_existing(configured(store=store)) as opened:
        result = find_result(opened, name)
        value = read_value(opened, result)
        if output is None:
            write_line(format_value(value, result.digest))
        else:
            write_value(value, Path(output))


@command.command()
@NAMES
@store_option
def pin(names: tuple[str, ...], store: str | None) -> None:
    """Protect results from being dropped when the store is full."""
    from peer.results import find_result, pin_name

    with open_existing(configured(store=store)) as opened:
        for result in [find_result(opened, name) for name in names]:
            opened.pin(pin_name(result.key), [result.digest])


@command.command()
@NAMES
@store_option
def unpin(names: tuple[str, ...], store: str | None) -> None:
    """Withdraw the protection of results."""
    from peer.results import find_result, pin_name

    with open_existing(configured(store=store)) as opened:
        for result in [find_result(opened, name) for name in names]:
            opened.unpin(pin_name(result.key))


@command.command()
@NAMES
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
def rm(names: tuple[str, ...], yes: bool, store: str | None) -> None:
    """Drop results; a run that needs one computes it again."""
    from peer.results import SHORT_KEY, find_result, pin_name

    with open_existing(configured(store=store)) as opened:
        found = [find_result(opened, name) for name in names]
        for result in found:
            size = format_size(result.size_bytes)
            note(f"{result.key.hex()[:SHORT_KEY]}  {result.kind}, {size}")
        if not yes:
            click.confirm("Drop these results?", abort=True, err=True)
        for result in found:
            opened.unpin(pin_name(result.key))
        opened.remove([result.key for result in found])


@command.command()
@NAMES
@click.option(
    "-o", "--output", required=True, metavar="FOLDER", help="Folder to write into."
)
@click.option(
    "--provenance",
    is_flag=True,
    help="Also write provenance.json, and methods.txt for a methods section.",
)
@click.option(
    "--no-names",
    is_flag=True,
    help="Leave names of input files, parameters and texts out of these.",
)
@store_option
def export(
    names: tuple[str, ...],
    output: str,
    provenance: bool,
    no_names: bool,
    store: str | None,
) -> None:
    """Write results as files into a folder, with an index.

    Images and masks become NIfTI files, all else JSON; index.json says which key,
    digest, label and program each file belongs to.  provenance.json says what each was
    computed from, by which steps, versions and machines.
    """
    from peer.results import export_results, find_result

    with open_existing(configured(store=store)) as opened:
        found = [find_result(opened, name) for name in names]
        written = export_results(
            opened,
            found,
            Path(output),
            provenance=provenance,
            with_names=not no_names,
        )
        for path in written:
            write_line(str(path))


def _as_json(result: Result, naming: Naming | None) -> dict[str, object]:
    return {
        "key": result.key.hex(),
        "digest": result.digest.hex(),
        "kind": result.kind,
        "size_bytes": result.size_bytes,
        "cost_s": result.cost_s,
        "origin": result.origin,
        "environment": result.environment,
        "label": naming.label if naming else None,
        "program": naming.program if naming else None,
        "when": _when(naming.started_ms) if naming else None,
    }


def _when(milliseconds: int) -> str:
    local = time.localtime(milliseconds / 1000)
    return time.strftime("%Y-%m-%d %H:%M:%S", local)


def _shown(word: str, content: object) -> str:
    import json

    if content is None or content == "":
        return "-"
    if word == "size_bytes" and isinstance(content, int):
        return f"{content} ({format_size(content)})"
    if isinstance(content, dict | list):
        return json.dumps(content, ensure_ascii=False)
    return str(content)
