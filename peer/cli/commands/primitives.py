"""``voxpeer primitives``: what programs can call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from peer.cli.options import json_option
from peer.cli.output import write_json, write_line

if TYPE_CHECKING:
    from primitives.registry import Primitive, Registry

_DETERMINISM = {
    "exact": "exact: the same bits on every machine",
    "float": "float: the same bits within one environment class, for any number of "
    "threads",
    "threads": "threads: as float, and always run with one thread",
    "volatile": "volatile: evaluated in every run, never stored",
}


@click.command()
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List what programs can call, or describe the primitive NAME.

    NAME may be qualified (vox1.near), short (near), or a namespace (vox1).
    """
    from primitives.catalog import standard_registry

    registry = standard_registry()
    if name is None or name in registry.namespaces:
        namespaces = registry.namespaces if name is None else (name,)
        _list(registry, namespaces, as_json)
        return
    primitive = registry.get(name)
    names = _names(registry, primitive)
    if as_json:
        write_json(_as_json(primitive, names))
    else:
        _describe(primitive, names)


def _list(registry: Registry, namespaces: tuple[str, ...], as_json: bool) -> None:
    found = [
        (f"{namespace}.{short}", registry.table(namespace)[short])
        for namespace in namespaces
        for short in sorted(registry.table(namespace))
    ]
    if as_json:
        write_json({"primitives": [_as_json(item, [name]) for name, item in found]})
        return
    for name, primitive in found:
        write_line(f"{name:<36} {primitive.summary}")


def _names(registry: Registry, primitive: Primitive) -> list[str]:
    """Return all names of a primitive, its own first."""
    table = registry.table(primitive.namespace)
    return [
        f"{primitive.namespace}.{short}"
        for short in sorted(
            table, key=lambda short: (short != primitive.short_name, short)
        )
        if table[short] == primitive
    ]


def _describe(primitive: Primitive, names: list[str]) -> None:
    write_line(f"{names[0]}({_formals(primitive)}) -> {_result(primitive)}")
    write_line(f"  {primitive.summary}")
    for paragraph in filter(None, primitive.details.split("\n")):
        write_line(f"  {paragraph}")
    if primitive.parameters:
        write_line("Parameters")
    for formal in primitive.parameters:
        kind = "any number of: " if formal.variadic else ""
        default = f", default {formal.default}" if formal.default else ""
        optional = ", optional" if formal.optional and not formal.default else ""
        write_line(f"  {formal.name}: {kind}{formal.text}{default}{optional}")
    if len(names) > 1:
        write_line(f"Also called  {', '.join(names[1:])}")
    write_line(f"Determinism  {_DETERMINISM[primitive.determinism.value]}")
    write_line(f"Version      {primitive.version}")


def _formals(primitive: Primitive) -> str:
    return primitive.signature.rpartition("->")[0].strip()


def _result(primitive: Primitive) -> str:
    return primitive.signature.rpartition("->")[2].strip()


def _as_json(primitive: Primitive, names: list[str]) -> dict[str, object]:
    return {
        "name": names[0],
        "other_names": names[1:],
        "signature": primitive.signature,
        "summary": primitive.summary,
        "details": primitive.details,
        "parameters": [
            {
                "name": formal.name,
                "type": formal.text,
                "optional": formal.optional,
                "variadic": formal.variadic,
                "default": formal.default or None,
            }
            for formal in primitive.parameters
        ],
        "result": _result(primitive),
        "determinism": primitive.determinism.value,
        "version": primitive.version,
    }
