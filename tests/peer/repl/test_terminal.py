"""Somebody sits at a terminal and types."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.peer.conftest import Bench, ImageMaker

from .terminal import Terminal

pytestmark = pytest.mark.slow

ENDLESS = "fold + (for i in range(1000000000) do i * x)"


def at(bench: Bench, *words: str) -> Terminal:
    folder = str(bench.folder)
    state = {"XDG_STATE_HOME": f"{folder}/state", "TMPDIR": folder}
    command = bench.command("repl", *words)
    terminal = Terminal(command, bench.folder, {**bench.environment, **state})
    terminal.expect("Ctrl-D ends")
    terminal.expect("1>")
    return terminal


def test_values_are_shown_and_the_session_ends_with_ctrl_d(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.enter("x = 20", "2>")
        terminal.enter("x * 2.5", "50.0")
        terminal.enter("x + nope", "entry 3:1:5: error: the name 'nope'")
        terminal.enter("x + 1", "21.0")
        terminal.expect("5>")
        terminal.type("\x04")
        assert terminal.wait() == 0


def test_tab_completes_names_files_and_commands(
    bench: Bench, image: ImageMaker
) -> None:
    (bench.folder / "scans").mkdir()
    image("scans/head.nii.gz")
    with at(bench) as terminal:
        terminal.enter("unusual_name = 2", "2>")
        terminal.type("unus\t")
        terminal.expect("ual_name")
        terminal.enter(" + 40", "42.0")
        terminal.type('load("sca\t')
        terminal.expect("ns/")
        terminal.type("\t")
        terminal.expect("head.nii.gz")
        terminal.enter('")', "image 12x12x12")
        terminal.expect(".png")
        terminal.expect("4>")
        terminal.type(":na\t")
        terminal.expect("mes")
        terminal.enter("", "unusual_name = 2")


def test_signatures_are_shown(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.enter("between(low, high) = high - low", "2>")
        terminal.type("between(1, ")
        terminal.expect("between(low, high)")
        terminal.type("\x03")
        terminal.expect("2>")
        terminal.type("distl\t")
        terminal.expect("distance: number, region: mask")


def test_an_unfinished_expression_goes_on(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.enter("total = (1 +", "·")
        terminal.enter("2 +", "·")
        terminal.enter("3)", "2>")
        terminal.enter("total", "6.0")


def test_a_blank_line_ends_what_has_no_end(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.enter("total = (1 +", "·")
        terminal.enter("", "error: expected a value")
        terminal.expect("2>")


def test_several_lines_can_be_pasted(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.type("\x1b[200~a = 4\nf(x) =\n  x * a\nf(5)\x1b[201~\r")
        terminal.expect("20.0")


def test_lines_are_pasted_whose_last_could_begin_a_definition(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.type("\x1b[200~a = 4\nb = a * 10\nb\x1b[201~\r")
        terminal.expect("40.0")


def test_ctrl_c_at_the_prompt_abandons_the_line(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.type("x = 1 + ")
        terminal.expect("x = 1 +")
        terminal.type("\x03")
        terminal.expect("1>")
        terminal.enter("2 + 2", "4.0")


def test_ctrl_c_stops_a_computation_and_keeps_the_session(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.enter("x = 7", "2>")
        terminal.enter(ENDLESS, "executed")  # the progress view, after a moment
        terminal.type("\x03")
        terminal.expect("the session goes on")
        terminal.enter("x + 1", "8.0")


def test_history_is_there_in_the_next_session(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.enter("11 * 11", "121.0")
        terminal.type(":quit\r")
        assert terminal.wait() == 0
    with at(bench) as terminal:
        terminal.type("\x1b[A\x1b[A\r")
        terminal.expect("121.0")
    (file,) = (bench.folder / "state" / "voxpeer").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("how", ["option", "setting"])
def test_history_can_be_switched_off(bench: Bench, how: str) -> None:
    if how == "setting":
        bench.environment["VOXPEER_HISTORY"] = "false"
    words = ["--no-history"] if how == "option" else []
    with at(bench, *words) as terminal:
        terminal.enter("11 * 11", "121.0")
        terminal.expect("2>")
        terminal.type("\x04")
        assert terminal.wait() == 0
    assert not (bench.folder / "state").exists()


def test_pictures_are_removed_at_the_end(bench: Bench, image: ImageMaker) -> None:
    image()
    with at(bench) as terminal:
        terminal.enter('load("image.nii.gz")', "picture ")
        picture = Path(terminal.expect(".png") + ".png")
        assert picture.read_bytes()[:4] == b"\x89PNG"
        assert picture.parent.stat().st_mode & 0o777 == 0o700
        terminal.expect("2>")
        terminal.type("\x04")
        assert terminal.wait() == 0
    assert not picture.parent.exists()


@pytest.mark.parametrize("request_to_end", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_ends_the_session(
    bench: Bench, image: ImageMaker, request_to_end: signal.Signals
) -> None:
    image()
    with at(bench) as terminal:
        terminal.enter('load("image.nii.gz")', "picture ")
        picture = Path(terminal.expect(".png") + ".png")
        terminal.expect("2>")
        os.kill(terminal.process_id, request_to_end)
        assert terminal.wait() == 130
    assert not picture.parent.exists()


def test_a_request_to_end_stops_a_computation_too(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.enter("x = 7", "2>")
        terminal.enter(ENDLESS, "executed")
        os.kill(terminal.process_id, signal.SIGTERM)
        terminal.expect("what was finished is kept")
        assert terminal.wait() == 130


def test_what_is_typed_ahead_is_the_next_entry(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.enter("x = 7", "2>")
        terminal.type("fold + (for i in range(50000) do i * x)\rx * 3\r")
        terminal.expect("8749825000.0")
        terminal.expect("21.0")


def test_ctrl_d_typed_ahead_ends_the_session_after_the_entry(bench: Bench) -> None:
    with at(bench) as terminal:
        terminal.enter("x = 7", "2>")
        terminal.enter("fold + (for i in range(1000000) do i * x)", "executed")
        terminal.type("\x04")
        terminal.expect("3499996500000.0")
        assert terminal.wait() == 0
