"""``voxpeer primitives``: what programs can call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from peer.cli.options import json_option
from peer.cli.output import write_json, write_line

if TYPE_CHECKING:
    from peer.cli.entries import Entry
    from primitives.registry import Registry

SEARCH = "voxpeer primitives --search WORD"

_LEAST_WORD = 2
"""Letters of a word worth searching for."""


@click.command()
@click.argument("name", required=False)
@click.option(
    "--search",
    metavar="WORDS",
    help="Show what has all of these words in its name or text.",
)
@json_option
def command(name: str | None, search: str | None, as_json: bool) -> None:
    """List what programs can call, or describe NAME.

    NAME may be qualified (vox1.near), short (near), an operator ('>.'), a function of
    a bundled library (touch), or a namespace (vox1).
    """
    from primitives.catalog import standard_registry

    registry = standard_registry()
    if search is not None:
        _show_list(_found(registry, search), as_json)
    elif name is None or name in registry.namespaces or _is_library(name):
        _show_list(_listed(registry, name), as_json)
    else:
        _show(_described(registry, name), as_json)


def _is_library(name: str) -> bool:
    from language.imports import BUNDLED

    return name in BUNDLED.values()


def _show_list(entries: list[Entry], as_json: bool) -> None:
    if as_json:
        write_json({"primitives": [entry.as_dict() for entry in entries]})
        return
    for entry in entries:
        write_line(f"{entry.name:<36} {entry.summary}")


def _show(entries: list[Entry], as_json: bool) -> None:
    from peer.cli.pages import terminal

    if as_json:
        write_json(entries[0].as_dict())
        return
    write_line("\n\n".join(map(terminal, entries)))


def _listed(registry: Registry, name: str | None) -> list[Entry]:
    """List all names, aliases too, or those of one namespace or library."""
    from dataclasses import replace

    from language.definitions import libraries
    from peer.cli.entries import entry_of_definition, entry_of_primitive

    found = []
    for namespace in registry.namespaces if name is None else (name,):
        table = registry.table(namespace) if namespace in registry.namespaces else {}
        for short in sorted(table):
            entry = entry_of_primitive(registry, table[short])
            found.append(replace(entry, name=f"{namespace}.{short}"))
    for library in libraries():
        if name in (None, library.name):
            found += [entry_of_definition(one) for _, one in library.definitions]
    return found


def _found(registry: Registry, search: str) -> list[Entry]:
    """Search names and texts; what has the words in its name comes first."""
    words = [word.lower() for word in search.split() if len(word) >= _LEAST_WORD]
    if not words:
        raise click.UsageError("give a word of at least two letters to --search")
    hits = [
        (not all(word in entry.name.lower() for word in words), entry.name, entry)
        for entry in _entries(registry)
        if all(word in entry.words() for word in words)
    ]
    if not hits:
        raise click.UsageError(f"nothing has '{search}' in its name or text")
    return [entry for _, _, entry in sorted(hits, key=lambda hit: hit[:2])]


def _entries(registry: Registry) -> Iterator[Entry]:
    """Yield each primitive and each definition of a library once."""
    from language.definitions import libraries
    from peer.cli.entries import entry_of_definition, entry_of_primitive

    for namespace in registry.namespaces:
        for primitive in dict.fromkeys(registry.table(namespace).values()):
            if primitive.namespace == namespace:
                yield entry_of_primitive(registry, primitive)
    for library in libraries():
        for _, definition in library.definitions:
            yield entry_of_definition(definition)


def _described(registry: Registry, name: str) -> list[Entry]:
    """Return what a name means: a primitive, a definition of a library, or both."""
    from language.definitions import libraries
    from peer.cli.entries import entry_of_definition, entry_of_primitive
    from primitives.errors import UnknownPrimitiveError

    definitions = {
        definition.name: definition
        for library in reversed(libraries())
        for _, definition in library.definitions
    }
    primitive = registry.find(name)
    found = [] if primitive is None else [entry_of_primitive(registry, primitive)]
    if name in definitions:
        found.append(entry_of_definition(definitions[name]))
    if not found:
        near = registry.suggest(name, definitions)
        hint = " or ".join(f"'{other}'" for other in near)
        raise UnknownPrimitiveError(
            f"there is no primitive '{name}'"
            + (f"; did you mean {hint}?" if hint else f"; try '{SEARCH}'")
        )
    return found
