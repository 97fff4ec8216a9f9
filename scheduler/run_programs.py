"""What is written down of the program of a run, so that it can be cited."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from store import SqliteStore

Parameter: TypeAlias = float | bool | str


@dataclass(frozen=True, slots=True)
class ProgramText:
    """Of what text a program was.

    Attributes:
        sources: name without folders, and SHA-256 in hexadecimal, of each file that it
            consisted of; the program itself first.
        parameters: what was given to its names.
        voxpeer: version that ran it.
    """

    sources: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    voxpeer: str = ""


def write_program(
    connection: sqlite3.Connection, run_id: str, text: ProgramText
) -> None:
    """Write down the program of a run."""
    row = (run_id, json.dumps(text.sources), json.dumps(dict(text.parameters)))
    connection.execute(
        "INSERT INTO run_programs VALUES (?, ?, ?, ?)", (*row, text.voxpeer)
    )


def program_of(store: SqliteStore, run_id: str) -> ProgramText | None:
    """Return of what text the program of a run was, None if that is not known."""
    with store.database.read() as connection:
        row = connection.execute(
            "SELECT sources, parameters, voxpeer FROM run_programs WHERE run_id = ?",
            (run_id,),
        ).fetchone()
    if row is None:
        return None
    sources = tuple((name, digest) for name, digest in json.loads(row[0]))
    return ProgramText(sources, json.loads(row[1]), row[2])


def erase_parameters(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Delete what runs were given if it mentions any of ``names``."""
    connection.executemany(
        "UPDATE run_programs SET parameters = '{}' WHERE instr(parameters, ?) > 0",
        [(json.dumps(name)[1:-1],) for name in names],
    )
