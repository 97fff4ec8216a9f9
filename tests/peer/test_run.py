"""``voxpeer run``: what it prints, and where."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import Bench, ImageMaker

pytestmark = pytest.mark.slow

SEGMENT = """
load image = "image.nii.gz"
let bright = intensity(image) >=. 50
print "volume" volume(bright)
save "out/mask.nii.gz" bright
"""


def test_prints_each_goal_on_a_line_in_the_order_of_the_program(bench: Bench) -> None:
    done = bench.run(
        'print "b" 1 + 2\nprint "a" "text"\nprint "c" true\n'
        'print "d" [1, 2]\nprint "e" range(0, 3)'
    )
    assert done.stdout == "b=3.0\na=text\nc=true\nd=[1.0, 2.0]\ne=[0, 1, 2]\n"
    assert done.returncode == 0


def test_non_finite_numbers_have_names(bench: Bench) -> None:
    done = bench.run('print "x" 1e308 * 10\nprint "y" -1e308 * 10')
    assert done.stdout == "x=Infinity\ny=-Infinity\n"


def test_an_image_is_printed_as_a_summary(bench: Bench, image: ImageMaker) -> None:
    image()
    done = bench.run('load i = "image.nii.gz"\nprint "i" i')
    assert done.stdout.startswith("i=image 12x12x12")


def test_the_second_run_executes_nothing(bench: Bench, image: ImageMaker) -> None:
    image()
    first = bench.run(SEGMENT)
    second = bench.run(SEGMENT)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert second.stdout == first.stdout != ""
    assert "executed 0," in second.stderr
    assert (bench.folder / "out" / "mask.nii.gz").is_file()


def test_an_argument_that_is_given_by_name_may_lie_in_the_store(
    bench: Bench, image: ImageMaker
) -> None:
    image()
    head = 'head = load("image.nii.gz")\n'
    bench.run(head + 'save "mask.nii.gz" head > 50')
    done = bench.run(head + 'print "x" OtsuThreshold(head, maskImage = head > 50)')
    assert done.returncode == 0, done.stderr


def test_no_cache_computes_again(bench: Bench, image: ImageMaker) -> None:
    image()
    bench.run(SEGMENT)
    assert "executed 0," not in bench.run(SEGMENT, "--no-cache").stderr


def test_json_is_one_object_with_the_documented_fields(
    bench: Bench, image: ImageMaker
) -> None:
    image()
    done = bench.run(SEGMENT, "--json")
    report = json.loads(done.stdout)
    assert set(report) == {"run_id", "goals", "saved", "stats"}
    assert [goal["label"] for goal in report["goals"]] == ["volume", "out/mask.nii.gz"]
    for goal in report["goals"]:
        assert set(goal) == {"label", "kind", "value", "key", "digest", "error"}
        assert len(bytes.fromhex(goal["key"])) == 32
    assert [Path(path).name for path in report["saved"]] == ["mask.nii.gz"]
    assert set(report["stats"]) == {
        "nodes",
        "executed",
        "executed_because",
        "from_memory",
        "from_store",
        "from_peers",
        "waited_s",
        "failed",
        "seconds",
    }


def test_json_writes_non_finite_numbers_as_strings(bench: Bench) -> None:
    done = bench.run('print "x" 1e308 * 10', "--json")
    assert json.loads(done.stdout)["goals"][0]["value"] == "Infinity"


def test_parameters_give_variables_their_values(bench: Bench) -> None:
    words = ("-p", "cut=0.5", "-p", 'name="7"', "-p", "on=true")
    done = bench.run('print "a" $cut + 1\nprint "b" $name\nprint "c" $on', *words)
    assert done.stdout == "a=1.5\nb=7\nc=true\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--execution-engine", "sequential"),
        ("--execution-engine", "dynamic", "--jobs", "2"),
        ("--storage-backend", "sqlite", "--store-policy", "all"),
        ("--store-policy", "none", "--no-progress"),
        ("--store", "elsewhere"),
    ],
)
def test_options_do_not_change_the_results(
    bench: Bench, image: ImageMaker, words: tuple[str, ...]
) -> None:
    image()
    assert bench.run(SEGMENT, *words).stdout == bench.run(SEGMENT).stdout


def test_a_failed_goal_has_its_place_and_leaves_the_others_alone(bench: Bench) -> None:
    done = bench.run(
        'let f(x) = [1, 2][x]\nprint "bad" f(length([1, 2]))\nprint "good" 1'
    )
    assert done.returncode == 8
    assert done.stdout == "good=1.0\n"
    assert "program.imgql:1:" in done.stderr
    assert "error: bad: " in done.stderr
    assert "^" in done.stderr
    assert "program.imgql:2:" in done.stderr  # the call of f


def test_on_failure_stop_leaves_out_what_follows(bench: Bench) -> None:
    text = 'print "bad" [1, 2][length([1, 2])]\nprint "good" 1'
    words = ("--on-failure", "stop", "--execution-engine", "sequential")
    assert bench.run(text, *words).returncode == 8


def test_warnings_are_shown_in_every_run(bench: Bench) -> None:
    for _ in range(2):
        done = bench.run('print "x" 1', "-p", "unused=1")
        assert "warning" in done.stderr
        assert done.stdout == "x=1.0\n"


def test_a_dry_run_shows_what_would_run_and_runs_nothing(
    bench: Bench, image: ImageMaker
) -> None:
    image()
    done = bench.run(SEGMENT, "--dry-run")
    assert done.returncode == 0
    assert "save out/mask.nii.gz" in done.stdout
    assert "compute" in done.stdout
    assert not (bench.folder / "out").exists()


def test_a_changed_import_is_noticed(bench: Bench) -> None:
    text = 'import "lib.imgql"\nprint "x" f(1)'
    bench.program("let f(a) = a + 1", "lib.imgql")
    assert bench.run(text).stdout == "x=2.0\n"
    assert bench.run(text).stdout == "x=2.0\n"
    bench.program("let f(a) = a + 2", "lib.imgql")
    assert bench.run(text).stdout == "x=3.0\n"


def test_an_import_that_appears_nearer_is_noticed(bench: Bench) -> None:
    (bench.folder / "sub").mkdir()
    bench.program("let f(a) = a + 1", "lib.imgql")
    text = 'import "lib.imgql"\nprint "x" f(1)'
    assert bench.run(text, name="sub/p.imgql").stdout == "x=2.0\n"
    bench.program("let f(a) = a + 5", "sub/lib.imgql")
    assert bench.run(text, name="sub/p.imgql").stdout == "x=6.0\n"


def test_a_reader_that_goes_away_is_no_error(bench: Bench) -> None:
    lines = "\n".join(f'print "x{n}" {n}' for n in range(3000))
    path = bench.program(lines)
    with subprocess.Popen(
        bench.command("run", path),
        cwd=bench.folder,
        env=bench.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "x0=0.0\n"
        process.stdout.close()
        messages = process.stderr.read()
    assert process.returncode == 0
    assert "rror" not in messages
    assert "roken" not in messages


def test_a_full_standard_output_is_reported(bench: Bench) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            bench.command("run", bench.program('print "x" 1')),
            cwd=bench.folder,
            env=bench.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 4
    assert "standard output cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_what_is_kept_and_goes_on_later(
    bench: Bench, image: ImageMaker, signum: signal.Signals
) -> None:
    image(size=64)
    text = 'load i = "image.nii.gz"\nprint "first" volume(intensity(i) >=. 50)\n'
    text += "\n".join(
        f'print "m{n}" max(simpleitk.SmoothingRecursiveGaussian(i, {n}.5))'
        for n in range(1, 400)
    )
    with subprocess.Popen(
        bench.command("run", bench.program(text), "--no-progress"),
        cwd=bench.folder,
        env=bench.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signum)
        started = time.monotonic()
        _, messages = process.communicate(timeout=60)
    assert first.startswith("first=")
    assert process.returncode == 130, messages
    assert time.monotonic() - started < 15
    assert "kept" in messages
    assert "Traceback" not in messages


def test_a_timeout_interrupts(bench: Bench, image: ImageMaker) -> None:
    image(size=64)
    goals = "\n".join(
        f'print "m{n}" max(simpleitk.SmoothingRecursiveGaussian(i, {n}.5))'
        for n in range(1, 400)
    )
    done = bench.run(f'load i = "image.nii.gz"\n{goals}', "--timeout", "500ms")
    assert done.returncode == 130
    assert "kept" in done.stderr
