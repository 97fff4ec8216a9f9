"""Every command but ``run``: what it shows and how it ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .conftest import Bench, ImageMaker

pytestmark = pytest.mark.slow

PROGRAM = """
load image = "image.nii.gz"
let bright = intensity(image) >=. 50
print "volume" volume(bright)
print "bright" bright
save "mask.nii.gz" bright
"""


@pytest.fixture
def ran(bench: Bench, image: ImageMaker) -> Bench:
    """Return a bench whose store holds the results of a program."""
    image()
    done = bench.run(PROGRAM)
    assert done.returncode == 0, done.stderr
    return bench


def listed(bench: Bench) -> list[dict[str, object]]:
    """Return what ``results list`` shows."""
    done = bench.voxpeer("results", "list", "--json")
    found: list[dict[str, object]] = json.loads(done.stdout)["results"]
    return found


def test_check_finds_every_mistake(bench: Bench) -> None:
    path = bench.program('print "x" nope1\nprint "y" nope2')
    done = bench.voxpeer("check", path)
    assert done.returncode == 3
    assert "program.imgql:1:" in done.stderr
    assert "program.imgql:2:" in done.stderr
    assert "2 errors" in done.stderr
    assert not (bench.folder / "store").exists()


def test_check_speaks_json(bench: Bench) -> None:
    done = bench.voxpeer("check", bench.program('print "x" nope'), "--json")
    (diagnostic,) = json.loads(done.stdout)["diagnostics"]
    assert diagnostic["severity"] == "error"
    assert (diagnostic["file"], diagnostic["line"]) == ("program.imgql", 1)


def test_check_of_a_right_program_is_quiet_on_stdout(bench: Bench) -> None:
    done = bench.voxpeer("check", bench.program('print "x" 1'))
    assert (done.returncode, done.stdout) == (0, "")


def test_plan_tells_what_is_held(ran: Bench) -> None:
    before = json.loads(
        ran.voxpeer(
            "plan", "program.imgql", "--store", "empty", "--format", "json"
        ).stdout
    )
    after = json.loads(ran.voxpeer("plan", "program.imgql", "--format", "json").stdout)
    assert before["to_compute"] > 0
    assert after["to_compute"] == 0
    assert [goal["label"] for goal in after["goals"]] == [
        "volume",
        "bright",
        "mask.nii.gz",
    ]


def test_plan_draws_for_graphviz(ran: Bench) -> None:
    words = ("--store", "empty", "--format", "dot")
    drawing = ran.voxpeer("plan", "program.imgql", *words).stdout
    assert drawing.startswith("digraph plan {")
    assert drawing.rstrip().endswith("}")
    assert "->" in drawing


def test_plan_in_text_names_the_goals(ran: Bench) -> None:
    assert "print volume" in ran.voxpeer("plan", "program.imgql").stdout


def test_results_are_listed_with_their_labels(ran: Bench) -> None:
    labels = {result["label"] for result in listed(ran)}
    assert "volume" in labels
    table = ran.voxpeer("results", "list").stdout
    assert table.splitlines()[0].split()[:2] == ["key", "kind"]


def test_a_result_is_shown_by_label_and_by_prefix(ran: Bench) -> None:
    by_label = json.loads(ran.voxpeer("results", "show", "volume", "--json").stdout)
    prefix = str(by_label["key"])[:16]
    by_prefix = json.loads(ran.voxpeer("results", "show", prefix, "--json").stdout)
    assert by_label == by_prefix
    assert by_label["kind"] == "double"
    text = ran.voxpeer("results", "show", "bright").stdout
    assert '"spacing"' in text


def test_a_result_is_printed_or_written_to_a_file(ran: Bench) -> None:
    printed = ran.voxpeer("results", "get", "volume").stdout
    assert float(printed) > 0
    done = ran.voxpeer("results", "get", "bright", "-o", "sub/copy.nii.gz")
    assert done.returncode == 0, done.stderr
    assert (ran.folder / "sub" / "copy.nii.gz").stat().st_size > 0


def test_a_result_is_not_written_in_an_unknown_format(ran: Bench) -> None:
    done = ran.voxpeer("results", "get", "bright", "-o", "copy.xyz")
    assert done.returncode == 4
    assert "copy.xyz" in done.stderr


@pytest.mark.parametrize("verb", ["show", "get", "pin", "unpin", "rm"])
def test_a_name_that_nothing_has_is_answered_with_5(ran: Bench, verb: str) -> None:
    done = ran.voxpeer("results", verb, "volum")
    assert done.returncode == 5
    assert "did you mean 'volume'" in done.stderr
    assert ran.voxpeer("results", verb, "0" * 40).returncode == 5


def test_removed_results_are_computed_again(ran: Bench) -> None:
    done = ran.voxpeer("results", "rm", "volume", "--yes")
    assert done.returncode == 0, done.stderr
    assert ran.voxpeer("results", "get", "volume").returncode == 5
    assert "executed 0," not in ran.voxpeer("run", "program.imgql").stderr


def test_removing_asks_first(ran: Bench) -> None:
    done = ran.voxpeer("results", "rm", "volume")
    assert done.returncode == 130
    assert ran.voxpeer("results", "get", "volume").returncode == 0


def test_a_pinned_result_survives_a_collection(ran: Bench) -> None:
    assert ran.voxpeer("results", "pin", "bright").returncode == 0
    assert ran.voxpeer("store", "gc", "--cap", "1").returncode == 0
    assert ran.voxpeer("results", "get", "bright").returncode == 0
    assert ran.voxpeer("results", "unpin", "bright").returncode == 0
    assert ran.voxpeer("store", "gc", "--cap", "1").returncode == 0
    assert ran.voxpeer("results", "get", "bright").returncode == 5


def test_results_are_exported_with_an_index(ran: Bench) -> None:
    done = ran.voxpeer("results", "export", "volume", "bright", "-o", "out")
    assert done.returncode == 0, done.stderr
    index = json.loads((ran.folder / "out" / "index.json").read_text())
    assert [entry["label"] for entry in index] == ["volume", "bright"]
    for entry in index:
        assert (ran.folder / "out" / entry["file"]).is_file()


def test_looking_at_a_store_that_is_not_there_makes_none(bench: Bench) -> None:
    for words in (("results", "list"), ("store", "status"), ("store", "check")):
        done = bench.voxpeer(*words)
        assert done.returncode == 5
        assert "there is no store" in done.stderr
    assert not (bench.folder / "store").exists()


def test_the_state_of_the_store_is_shown(ran: Bench) -> None:
    status = json.loads(ran.voxpeer("store", "status", "--json").stdout)
    assert status["path"] == str(ran.folder / "store")
    assert status["artifacts"] > 0
    assert "results" in ran.voxpeer("store", "status").stdout


def test_a_whole_store_checks_clean(ran: Bench) -> None:
    done = ran.voxpeer("store", "check")
    assert done.returncode == 0, done.stderr
    assert "all in order" in done.stderr


def test_a_damaged_artifact_is_named_and_computed_again(
    bench: Bench, image: ImageMaker
) -> None:
    # Large enough to lie in a file of its own.
    image("noise.nii.gz", size=64, noise=True)
    bench.run(
        'load n = "noise.nii.gz"\n'
        'print "smooth" simpleitk.SmoothingRecursiveGaussian(n, 2.0)'
    )
    damaged = _damage_one_file(bench.folder / "store")
    done = bench.voxpeer("store", "check")
    assert done.returncode == 6, (damaged, done.stdout, done.stderr)
    assert "damaged artifact" in done.stdout
    assert bench.voxpeer("store", "check").returncode == 0
    again = bench.voxpeer("run", "program.imgql")
    assert again.returncode == 0
    assert "executed 0," not in again.stderr


def _damage_one_file(store: Path) -> Path:
    files = [
        path
        for path in store.rglob("*")
        if path.is_file()
        and not path.name.startswith("store.db")
        and path.stat().st_size > 32768
    ]
    path = max(files, key=lambda path: path.stat().st_size)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        old = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([old[0] ^ 1]))
    return path


def test_primitives_are_listed_and_described(bench: Bench) -> None:
    assert "vox1.near" in bench.voxpeer("primitives").stdout
    assert "vox1.near" in bench.voxpeer("primitives", "vox1").stdout
    described = bench.voxpeer("primitives", "near").stdout
    assert described.startswith("vox1.near(")
    assert "Determinism" in described
    as_json = json.loads(bench.voxpeer("primitives", "near", "--json").stdout)
    assert as_json["name"] == "vox1.near"


def test_an_unknown_primitive_is_answered_with_the_nearest(bench: Bench) -> None:
    done = bench.voxpeer("primitives", "neer")
    assert done.returncode == 5
    assert "did you mean" in done.stderr


def test_settings_are_shown_with_their_origin(bench: Bench) -> None:
    (bench.folder / "voxpeer.toml").write_text("jobs = 3")
    shown = bench.voxpeer("config", "show", "--origin").stdout
    jobs = next(line for line in shown.splitlines() if line.startswith("jobs"))
    assert jobs.split()[1] == "3"
    assert jobs.endswith("voxpeer.toml")
    as_json = json.loads(bench.voxpeer("config", "show", "--json").stdout)
    assert as_json["store"] == {
        "value": str(bench.folder / "store"),
        "origin": "VOXPEER_STORE",
    }


def test_the_doctor_finds_this_machine_fit(ran: Bench) -> None:
    done = ran.voxpeer("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PROBLEM" not in done.stdout


def test_the_doctor_says_what_to_do_about_an_unusable_store(bench: Bench) -> None:
    (bench.folder / "store").write_text("a file")
    done = bench.voxpeer("doctor")
    assert done.returncode == 4
    assert "PROBLEM store" in done.stdout
    assert "--store" in done.stdout


def test_the_version_is_shown(bench: Bench) -> None:
    assert bench.voxpeer("version").stdout.startswith("voxpeer ")
    assert "numpy" in json.loads(bench.voxpeer("version", "--json").stdout)


def test_without_a_command_the_help_is_shown(bench: Bench) -> None:
    done = bench.voxpeer("--help")
    assert done.returncode == 0
    for command in ("run", "check", "plan", "results", "store", "doctor"):
        assert f"\n  {command} " in done.stdout
