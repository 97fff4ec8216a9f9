"""Whatever was computed from a file is found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import voxpeer
from peer.forgetting import drop, drop_forgotten, find_traces
from scheduler import RunOptions
from scheduler.provenance import known_inputs
from store import NodeKey, SqliteStore

from .conftest import ImageMaker

pytestmark = pytest.mark.slow

PROGRAM = """
load image = "image.nii.gz"
let grey = intensity(image)
let bright = near(grey >=. 50)
let levels = for i in range(1, 6) do volume(grey >=. (i * 20))
let named = (1 + 2) * 4
print "volume" volume(bright)
print "twice" (2 * volume(bright)) + named
print "levels" levels
print "sum" (fold + (for v in levels do v / 2))
print "many" filter i in range(0, 4) do volume(grey >. (i * 30)) > 10
print "scaled" for i in range(0, 3) do i * volume(bright)
print "named" named
print "squares" for i in range(0, 5) do i * i
print "both" volume(bright & (intensity(load("other.nii.gz")) >. 1))
save "mask.nii.gz" bright
"""


@pytest.fixture
def program(tmp_path: Path, image: ImageMaker, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a program in the current directory, beside its two images."""
    monkeypatch.chdir(tmp_path)
    image("image.nii.gz", size=12)
    image("other.nii.gz", size=12, spacing=1.0, noise=True)
    (tmp_path / "program.imgql").write_text(PROGRAM)
    return "program.imgql"


def run(program: str, store: SqliteStore) -> None:
    options = RunOptions(store_policy="all")
    report = voxpeer.run(program, store=store, options=options)
    failures = [goal.failure for goal in report.goals if goal.failure]
    assert not failures, failures


def held(store: SqliteStore) -> set[NodeKey]:
    """Return the keys of all results, small ones too."""
    return {result.key for result in store.results()}


def test_the_traces_of_a_file_are_all_that_is_not_there_without_it(
    program: str, image: ImageMaker
) -> None:
    with voxpeer.open_store("one") as one, voxpeer.open_store("two") as two:
        run(program, one)
        before = find_traces(one, Path("image.nii.gz"))
        Path("image.nii.gz").rename("old.nii.gz")
        image("image.nii.gz", size=12, spacing=2.0)
        image("other.nii.gz", size=12, spacing=2.0, noise=True)
        run(program, two)
        others = find_traces(one, Path("old.nii.gz"))
        assert others.keys == before.keys
        of_no_file = held(one) & held(two)
        of_other = held(one) - of_no_file - set(before.keys)
        assert len(of_no_file) > 3
        assert set(before.keys) & held(one) == held(one) - of_no_file - of_other
        # What is left is what came of the other image alone: loading it and so on.
        assert len(of_other) == 3
        labels = {naming.label for _, naming in before.results if naming}
        assert {"volume", "twice", "levels", "sum", "scaled", "both"} <= labels
        assert labels.isdisjoint({"named", "squares"})
        assert [path.name for path in before.saved] == ["mask.nii.gz"]


def test_what_is_dropped_leaves_the_rest_and_no_name_of_the_file(
    program: str,
) -> None:
    with voxpeer.open_store("store") as store:
        run(program, store)
        traces = find_traces(store, Path("image.nii.gz"))
        rest = held(store) - set(traces.keys)
        assert drop(store, traces) == len(traces.results)
        assert held(store) == rest
        assert find_traces(store, Path("image.nii.gz")).keys == ()
        with store.database.read() as connection:
            # The log of what came and went has to name what went.
            lines = [it for it in connection.iterdump() if '"result_log"' not in it]
            told = "\n".join(lines)
    assert "image.nii.gz" not in told
    assert not [key for key in traces.keys if key.hex().upper() in told]


def test_who_hears_of_a_file_to_forget_finds_what_it_computed_itself(
    program: str,
) -> None:
    with voxpeer.open_store("store") as store:
        run(program, store)
        traces = find_traces(store, Path("image.nii.gz"))
        rest = held(store) - set(traces.keys)
        told = set(traces.files)  # and none of the results

        def forgotten_among(keys: list[NodeKey]) -> list[NodeKey]:
            return [key for key in keys if key in told]

        drop_forgotten(store, forgotten_among, store.remove)  # type: ignore[arg-type]
        assert held(store) == rest
        assert not told.intersection(known_inputs(store))
