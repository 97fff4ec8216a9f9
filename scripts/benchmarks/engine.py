"""What a node costs: graphs of additions, cold (empty store) and warm (same store)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .measure import PYTHON, VOXPEER, Measured, bytes_in, median, run, table
from .rivals import ENGINES, Step, steps

SHAPES = ("chain", "fan", "ladder")
SIZES = (10_000, 100_000)
KEEP_ALL = ("--store-policy", "all")
"""The others keep every result or none, so voxpeer is made to keep every one too."""


def shapes(rounds: int) -> None:
    """Whole processes on three shapes and two sizes, with microseconds a node."""
    head = ["shape", "nodes", "engine", "cold s", "us a node", "warm s", "peak MiB"]
    for shape in SHAPES:
        rows: list[list[object]] = []
        for nodes in SIZES:
            rows += _shape(shape, nodes, rounds if nodes == SIZES[0] else 1)
        title = f"Engine and front end, {shape}: whole processes, every result kept"
        table(title, [*head, "stored MB"], rows)


def _shape(shape: str, nodes: int, rounds: int) -> list[list[object]]:
    rows = []
    expected = ""
    for name in ENGINES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            rival = [PYTHON, "-m", "benchmarks.rivals", name, shape, str(nodes), folder]
            cold = run(rival, folder)
            warm = run(rival, folder)
            expected = cold.stdout.split()[0]
            stored = bytes_in(folder) / 1e6
        keeps = name == "joblib.Memory"
        rows.append(_row(shape, nodes, name, cold, warm if keeps else None, stored))
    with tempfile.TemporaryDirectory() as temporary:
        cold, warm, stored = _voxpeer(
            write_program(steps(shape, nodes)), Path(temporary), rounds
        )
    assert float(json.loads(cold.stdout)["goals"][0]["value"]) == float(expected)
    rows.append(_row(shape, nodes, "**voxpeer**", cold, warm, stored))
    with tempfile.TemporaryDirectory() as temporary:
        alone = run_alone(shape, nodes, "all", Path(temporary))
    row = ["voxpeer, engine alone", alone["cold_s"], alone["cold_s"] / nodes * 1e6]
    rows.append([shape, nodes, *row, alone["warm_s"], alone["peak_mib"], ""])
    return rows


def _row(
    shape: str,
    nodes: int,
    name: str,
    cold: Measured,
    warm: Measured | None,
    stored: float,
) -> list[object]:
    a_node = cold.wall_s / nodes * 1e6
    again = warm.wall_s if warm else ""
    return [shape, nodes, name, cold.wall_s, a_node, again, cold.peak_mib, stored]


def write_program(graph: Sequence[Step]) -> str:
    """Write a graph as a program, one binding per step."""
    lines = []
    for at, (left, right, is_difference) in enumerate(graph):
        a = f"x{left}" if left >= 0 else str(-left)
        b = f"x{right}" if right >= 0 else str(-right)
        lines.append(f"let x{at} = {a} {'-' if is_difference else '+'} {b}")
    return "\n".join([*lines, f'print "last" x{len(graph) - 1}', ""])


def _voxpeer(text: str, folder: Path, rounds: int) -> tuple[Measured, Measured, float]:
    program = folder / "program.imgql"
    program.write_text(text)
    cold, warm = [], []
    for number in range(rounds):
        store = folder / f"store-{number}"
        command = [VOXPEER, "run", program, "--json", "--store", store, *KEEP_ALL]
        cold.append(run(command, folder))
        warm.append(run(command, folder))
        again = json.loads(warm[-1].stdout)
        assert again["stats"]["executed"] == 0
        assert again["goals"] == json.loads(cold[-1].stdout)["goals"]
    return median(cold), median(warm), bytes_in(folder / "store-0") / 1e6


def run_alone(shape: str, nodes: int, policy: str, folder: Path) -> dict[str, float]:
    """Run the engine on a plan that is built in memory, in a process of its own."""
    command = [PYTHON, "-m", "benchmarks.engine_alone", shape, str(nodes), policy]
    done: dict[str, float] = json.loads(run([*command, folder], folder).stdout)
    return done


def loop(rounds: int) -> None:
    """One ``for`` over a million elements, against one over a thousand."""
    rows: list[list[object]] = []
    base = 0.0
    for count in (1_000, 100_000, 1_000_000):
        text = f'print "sum" fold + (for i in range(0, {count}) do i + 1)\n'
        with tempfile.TemporaryDirectory() as temporary:
            cold, warm, stored = _voxpeer(text, Path(temporary), 1)
        assert json.loads(cold.stdout)["goals"][0]["value"] == count * (count + 1) / 2
        base = base or cold.peak_mib
        growth = cold.peak_mib - base
        rows.append([count, cold.wall_s, warm.wall_s, cold.peak_mib, growth, stored])
    head = ["elements", "cold s", "warm s", "peak MiB", "growth MiB", "stored MB"]
    table("A loop, every element kept", head, rows)


def million(rounds: int) -> None:
    """The engine alone on a chain of a million nodes."""
    rows: list[list[object]] = []
    for policy in ("worth", "all"):
        with tempfile.TemporaryDirectory() as temporary:
            alone = run_alone("chain", 1_000_000, policy, Path(temporary))
        cold, warm = alone["cold_s"], alone["warm_s"]
        rows.append([policy, cold, cold, warm, alone["peak_mib"]])
    head = ["store policy", "cold s", "us a node", "warm s", "peak MiB"]
    table("Engine alone, chain of 1 000 000 nodes", head, rows)
