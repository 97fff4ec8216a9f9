"""Without a terminal, lines are entries."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peer.conftest import Bench, ImageMaker

pytestmark = pytest.mark.slow


def piped(
    bench: Bench, *lines: str, words: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        bench.command("repl", *words),
        input="\n".join(lines) + "\n",
        cwd=bench.folder,
        env=bench.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_goals_are_printed_as_run_does_and_values_alone(bench: Bench) -> None:
    done = piped(bench, 'print "x" 1+1', "x = 3", "x * 2", '"text"', ":quit", "1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "x=2.0\n6.0\ntext\n", "")


def test_a_mistake_has_its_place_and_the_session_goes_on(bench: Bench) -> None:
    done = piped(bench, "x = 1", "y = x +", "  nope", 'load("nix.nii")', "1/0", "x")
    assert done.stdout == "1.0\n"
    assert (
        "entry 2:2:3: error: the name 'nope' is not defined\n      nope\n      ^^^^\n"
    ) in done.stderr
    assert "entry 3:1:1: error: there is no file" in done.stderr
    assert '    load("nix.nii")\n    ^^^^\n' in done.stderr
    assert "entry 4:1:" in done.stderr
    assert done.returncode == 3


def test_what_fails_while_it_runs_names_the_line_that_asked_for_it(
    bench: Bench,
) -> None:
    empty = 'empty = dir(".", "*.nothing")'
    done = piped(bench, "first(s) = s[0]", empty, "first(empty)", "2")
    assert done.stdout == "2.0\n"
    assert "entry 1:1:12: error: first(empty): " in done.stderr
    assert "    first(s) = s[0]\n" in done.stderr
    assert "entry 3:1:1: note: in the call of 'first'" in done.stderr
    assert done.returncode == 8


def test_only_the_page_of_a_sequence_is_computed(bench: Bench) -> None:
    (bench.folder / "words").mkdir()
    for number in range(30):
        (bench.folder / "words" / f"{number:02}.txt").write_text(f"line {number}")
    loop = 'for name in dir("words") do load(concat("words/", name))'
    done = piped(bench, loop, ":time", ":more", ":more", ":time", ":more")
    lines = done.stdout.splitlines()
    assert lines[0] == '[0]  ["line 0"]'
    assert lines[10].startswith("executed 11,")
    assert lines[11] == '[10]  ["line 10"]'
    assert lines[30] == '[29]  ["line 29"]'
    assert lines[31].startswith("executed 10,")
    assert done.stderr.splitlines()[-1] == "there is no more to show"


def test_images_have_statistics_and_a_picture_where_it_was_asked_for(
    bench: Bench, image: ImageMaker
) -> None:
    image()
    lines = (
        'import "vox1"',
        'i = intensity(load("image.nii.gz"))',
        "i",
        "i >. 50",
        "overlay(i, i >. 50)",
    )
    done = piped(bench, *lines, words=("--pictures", "shown"))
    first, path, second, _, base, over, picture = done.stdout.splitlines()
    assert (base, over) == (f"Base: {first}", f"Overlay 1: {second}")
    assert picture == "picture shown/entry-5.png"
    assert (bench.folder / "shown" / "entry-5.png").is_file()
    assert first.startswith("image 12x12x12 Float32, 1x1x1 mm, min 10, max 100, mean")
    assert second.startswith("mask 12x12x12, 1x1x1 mm, 251 voxels (14.5 %), 0.251 ml")
    assert path == "picture shown/entry-3.png"
    assert (bench.folder / "shown" / "entry-4.png").read_bytes()[:4] == b"\x89PNG"
    assert "picture" not in piped(bench, *lines).stdout


def test_what_was_computed_is_not_computed_again(
    bench: Bench, image: ImageMaker
) -> None:
    image(size=48)
    lines = (
        'import "vox1"',
        'near_it = near(intensity(load("image.nii.gz")) >. 50)',
        "volume(near_it)",
    )
    first = piped(bench, *lines, ":time", lines[-1], ":time")
    assert "executed 0, from store 1" in first.stdout.splitlines()[-1]
    again = piped(bench, *lines, ":time")
    assert "executed 0, from store 1" in again.stdout
    assert again.stdout.splitlines()[0] == first.stdout.splitlines()[0]


def test_why_and_plan_tell_of_names(bench: Bench, image: ImageMaker) -> None:
    image()
    done = piped(
        bench,
        'import "vox1"',
        'bright = intensity(load("image.nii.gz")) >. 50',
        ":plan bright",
        ":why bright",
        "volume(bright)",
        ":why volume(bright)",
        "bright",
        ":why bright",
        ":why nothing_at_all",
    )
    assert "compute, " in done.stdout
    assert "nothing is known of 'bright' yet" in done.stderr
    assert done.stdout.count("of repl, run ") == 2
    assert "image.nii.gz" in done.stdout
    assert "the name 'nothing_at_all' is not defined" in done.stderr


def test_help_shows_commands_primitives_and_definitions(bench: Bench) -> None:
    done = piped(
        bench, ":help", ":help percentiles", "half(x) =", " x / 2", ":help half", ":hlp"
    )
    page = bench.voxpeer("primitives", "percentiles").stdout
    assert ":load FILE" in done.stdout
    assert page in done.stdout
    assert "half(x)\n  half(x) =\n   x / 2\n" in done.stdout
    assert "there is no command ':hlp'; did you mean ':help'?" in done.stderr


def test_help_takes_operators_as_names(bench: Bench) -> None:
    done = piped(bench, ":help -", ":help --json")
    assert done.stdout.startswith("default.subtraction(")
    assert "there is no primitive '--json'" in done.stderr


def test_names_and_reset(bench: Bench) -> None:
    done = piped(bench, "a = 1", "f(x) = x", ":names", ":reset", ":names", "a")
    assert "a     a = 1     entry 1" in done.stdout
    assert "f(x)  f(x) = x  entry 2" in done.stdout
    assert "nothing is defined yet" in done.stderr
    assert "the name 'a' is not defined" in done.stderr


def test_a_program_can_be_loaded_and_the_session_saved(bench: Bench) -> None:
    (bench.folder / "tools").mkdir()
    bench.program("third(x) = x / 3", "tools/more.imgql")
    bench.program(
        'import "more.imgql"\nhalf(x) = x / 2\nprint "half" half($n)',
        "tools/half.imgql",
    )
    done = piped(
        bench,
        "a = third(half(10))",
        "a",
        'print "bad" dir(".", "*.nothing")[1]',
        'save "a.txt" 1',
        'save "a.txt" a',
        "for i in range(40) do i * a",
        ":save kept.imgql",
        ":save kept.imgql",
        words=("tools/half.imgql", "-p", "n=8"),
    )
    assert done.stdout.startswith("half=4.0\n1.6666666666666667\n")
    assert "warning" not in done.stderr
    kept = bench.voxpeer("run", "kept.imgql", "-p", "n=8")
    assert kept.returncode == 0, kept.stderr
    assert kept.stdout.startswith("half=4.0\na=1.6666666666666667\nfor i in")
    assert (bench.folder / "a.txt").read_text() == "1.6666666666666667\n"


def test_saving_replaces_no_other_file(bench: Bench) -> None:
    bench.program("a = 1", "mine.imgql")
    done = piped(bench, "b = 2", ":save mine.imgql", ":save no/folder.imgql")
    assert "'mine.imgql' is there already" in done.stderr
    assert "'no/folder.imgql' cannot be written" in done.stderr
    assert (bench.folder / "mine.imgql").read_text() == "a = 1"


def test_saving_does_not_replace_what_was_edited_since(bench: Bench) -> None:
    edit = 'save "kept.txt" "mine"'
    done = piped(bench, "a = 1", ":save kept.txt", edit, ":save kept.txt")
    assert "'kept.txt' has been changed since it was saved" in done.stderr
    assert (bench.folder / "kept.txt").read_text() == "mine\n"


def test_images_that_do_not_lie_together_are_told_once(
    bench: Bench, image: ImageMaker
) -> None:
    image("a.nii.gz")
    image("b.nii.gz", spacing=2.0)
    done = piped(
        bench,
        'import "vox1"',
        'load a = "a.nii.gz"',
        'load b = "b.nii.gz"',
        "volume(intensity(b) >. 50)",
        "max(intensity(b))",
    )
    assert done.stderr.count("entry 3:1:1: warning: 'b.nii.gz' does not lie") == 1


def test_saving_tells_where_the_program_differs_from_the_session(
    bench: Bench, image: ImageMaker
) -> None:
    image()
    done = piped(
        bench,
        "dilate(a, b) = a",
        'print "mine" dilate(1, 2)',
        'load i = "image.nii.gz"',
        'print "size" volume(dilate(intensity(i) >. 50, 1))',
        ":save kept.imgql",
    )
    assert done.returncode == 0, done.stderr
    assert "read from its beginning, 'size' is something else" in done.stderr
    assert "'mine'" not in done.stderr


WRONG_LINES = {
    ":load": "write :load FILE",
    ":load nix.imgql": "there is no file 'nix.imgql'",
    ":load .": "'.' is a folder",
    ":names x": ":names stands alone",
    ":more": "there is no more to show",
    ":time": "nothing was computed yet",
    ":time never": "write :time, :time on or :time off",
    ":why": "write :why NAME",
    ":plan 1 +": "error: expected a value",
    ":help nonesuch": "there is no primitive 'nonesuch'",
    ":": "there is no command ':'",
    "\x00\x01": "has no meaning here",
    "\udcff": "has no meaning here",
}


def test_wrong_lines_are_explained_one_by_one(bench: Bench) -> None:
    done = subprocess.run(
        bench.command("repl"),
        input="\n".join([*WRONG_LINES, "1 + 1"]).encode("utf-8", "surrogateescape"),
        cwd=bench.folder,
        env=bench.environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    told = done.stderr.decode()
    for message in WRONG_LINES.values():
        before, found, told = told.partition(message)
        assert found, message
        assert "Traceback" not in before
    assert done.stdout == b"2.0\n"
    assert done.returncode == 2


def test_files_are_saved_below_the_current_folder_only(
    bench: Bench, tmp_path: Path
) -> None:
    done = piped(bench, 'save "../x.txt" 1', 'save "y.txt" 2')
    assert "--allow-outside" in done.stderr
    assert (bench.folder / "y.txt").is_file()
    assert not os.path.lexists(bench.folder.parent / "x.txt")


def test_without_a_daemon_a_required_network_is_an_error(bench: Bench) -> None:
    done = piped(bench, "1 + 1", words=("--network", "required"))
    assert done.returncode == 7
    assert done.stdout == ""


def test_ctrl_c_ends_it_and_keeps_what_was_finished(bench: Bench) -> None:
    lines = (
        'print "first" 1\nfold + (for i in range(1000000000) do i * 2)\nprint "x" 2\n'
    )
    process = subprocess.Popen(
        bench.command("repl"),
        cwd=bench.folder,
        env=bench.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines)
    process.stdin.flush()
    assert process.stdout.readline() == "first=1.0\n"
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert stdout == ""
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    assert process.returncode == 130


def test_only_a_terminal_needs_the_library_for_typing(bench: Bench) -> None:
    script = (
        "import sys; from peer.cli import main; code = main(['repl']);"
        "print(code, 'prompt_toolkit' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input="1 + 1\n",
        cwd=bench.folder,
        env=bench.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "2.0\n0 False\n"
