"""Which results let one see an input."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from primitives.context import Context
from primitives.formats.write import write_value
from scheduler import MIGRATIONS, RunOptions
from store import Batch, NodeKey, Result, SqliteStore, open_store

from .sketch import Sketch, _Node, ramp, run, values

EVERYTHING = RunOptions(jobs=2, store_policy="all")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_value(ramp(Context(), 3.0), tmp_path / "case.nii")
    (tmp_path / "notes.txt").write_text("a name\nanother\n", encoding="utf-8")
    return tmp_path


def is_marked(draw: Sketch, goal: _Node, store: SqliteStore, folder: Path) -> bool:
    report = run(draw.plan(goal), store, directory=folder, options=EVERYTHING)
    values(report)
    key = report.goals[0].key
    assert key is not None
    return store.lookup([key])[key].result.reveals_input


def brain(draw: Sketch) -> _Node:
    return draw("load", "case.nii")


def region(draw: Sketch) -> _Node:
    return draw("vox1.geq_sv", 100.0, brain(draw))


REVEALING = {
    "an input": brain,
    "a brighter copy": lambda draw: draw("+", brain(draw), 1.0),
    "a copy of a copy": lambda draw: draw("*", draw("+", brain(draw), 1.0), 2.0),
    "a masked copy": lambda draw: draw("vox1.mask", brain(draw), region(draw)),
    "a smoothed copy": lambda draw: draw(
        "simpleitk.SmoothingRecursiveGaussian", brain(draw)
    ),
    "a flipped copy": lambda draw: draw("simpleitk.Flip", brain(draw)),
    "a cast": lambda draw: draw("simpleitk.Cast", brain(draw), "sitkUInt8"),
    "morphology that keeps the rest": lambda draw: draw(
        "simpleitk.BinaryDilate", draw("simpleitk.Cast", brain(draw), "sitkUInt8")
    ),
    "a sequence with it": lambda draw: draw("sequence", region(draw), brain(draw)),
    "an overlay of it": lambda draw: draw("overlay", brain(draw), region(draw)),
    "an item of a sequence": lambda draw: draw(
        "index", draw("sequence", region(draw), brain(draw)), 1.0
    ),
    "a loop that shows it": lambda draw: draw(
        "map",
        draw("sequence", 1.0, 2.0),
        draw.function(draw("+", brain(draw), draw.variable())),
    ),
    "a fold over it": lambda draw: draw.fold(
        "+", draw("sequence", brain(draw), brain(draw))
    ),
    "a text": lambda draw: draw("load", "notes.txt"),
    "a line of a text": lambda draw: draw("index", draw("load", "notes.txt"), 0.0),
    "a text with a line in it": lambda draw: draw(
        "strings.concat", "name: ", draw("index", draw("load", "notes.txt"), 0.0)
    ),
}

HARMLESS = {
    "a region": region,
    "a number": lambda draw: draw("vox1.volume", region(draw)),
    "a sum of numbers": lambda draw: draw("+", draw("vox1.volume", region(draw)), 1.0),
    "a distance": lambda draw: draw("vox1.dt", region(draw)),
    "a distance and more": lambda draw: draw("+", draw("vox1.dt", region(draw)), 1.0),
    "morphology of a region": lambda draw: draw("simpleitk.BinaryDilate", region(draw)),
    "a sequence of regions": lambda draw: draw("sequence", region(draw), region(draw)),
    "an overlay of regions": lambda draw: draw("overlay", region(draw), region(draw)),
    "regions from a loop": lambda draw: draw(
        "map",
        draw("sequence", 1.0, 2.0),
        draw.function(draw("vox1.geq_sv", draw.variable(), brain(draw))),
    ),
    "numbers from a loop": lambda draw: draw(
        "map",
        draw("sequence", brain(draw), brain(draw)),
        draw.function(draw("vox1.max", draw.variable())),
    ),
    "a measure": lambda draw: draw("arrays.array_stats", brain(draw)),
    "an image of nothing": lambda draw: draw("vox1.constant", brain(draw), 3.0),
    "a text about numbers": lambda draw: draw(
        "strings.concat", "volume ", draw("vox1.volume", region(draw))
    ),
    "an image that was made up": lambda draw: draw("+", draw("trial.ramp", 1.0), 1.0),
}


@pytest.mark.parametrize("case", REVEALING)
def test_it_reveals(case: str, store: SqliteStore, folder: Path) -> None:
    draw = Sketch()
    assert is_marked(draw, REVEALING[case](draw), store, folder)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("case", HARMLESS)
def test_it_does_not_reveal(case: str, store: SqliteStore, folder: Path) -> None:
    draw = Sketch()
    assert not is_marked(draw, HARMLESS[case](draw), store, folder)  # type: ignore[no-untyped-call]


def test_marks_of_earlier_versions_are_taken_for_the_worst(tmp_path: Path) -> None:
    path, kinds = tmp_path / "old", ("sequence", "image", "mask", "double")
    with open_store(path, migrations=[MIGRATIONS]) as old:
        digest = old.put([b"anything"])
        keys = {kind: NodeKey(kind.encode().ljust(32)) for kind in kinds}
        results = [Result(key, digest, kind, 8, 1, 1) for kind, key in keys.items()]
        old.commit(Batch(results=results)).result()
    with closing(sqlite3.connect(path / "store.db")) as connection, connection:
        connection.execute(
            "DELETE FROM schema_migrations WHERE room = 'scheduler' AND version = 5"
        )
    with open_store(path, migrations=[MIGRATIONS]) as new:
        found = new.lookup(list(keys.values()))
        marked = {kind for kind in kinds if found[keys[kind]].result.reveals_input}
    assert marked == {"sequence", "image"}
