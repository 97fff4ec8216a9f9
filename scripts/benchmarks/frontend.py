"""Lines a second from text to plan."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .engine import write_program
from .measure import PYTHON, median, run, table
from .rivals import steps

RICH = "let y{0} = smoothen(near(a{0} >. {0}) & !b, 2.5) | grow(b, a{0} <. (3 * {0}))"
_COMPILE = """
import sys, time
from pathlib import Path
from language import compile_program
from primitives.catalog import standard_registry
registry = standard_registry()
started = time.perf_counter()
compile_program(Path(sys.argv[1]), registry=registry)
print(time.perf_counter() - started)
"""


def lines(rounds: int) -> None:
    """Compile simple and rich programs of growing length."""
    rows: list[list[object]] = []
    texts = {"simple": _simple, "rich": _rich}
    for name, make in texts.items():
        for count in (1_000, 10_000, 100_000) if name == "simple" else (1_000, 10_000):
            with tempfile.TemporaryDirectory() as temporary:
                program = Path(temporary) / "program.imgql"
                program.write_text(make(count))
                command = [PYTHON, "-c", _COMPILE, program]
                done = median([run(command, Path(temporary)) for _ in range(rounds)])
                seconds = float(done.stdout)
            rows.append([name, count, seconds, count / seconds, done.peak_mib])
    table(
        "Front end: text to plan",
        ["kind of line", "lines", "s", "lines a second", "peak MiB"],
        rows,
    )


def _simple(count: int) -> str:
    return write_program(steps("chain", count))


def _rich(count: int) -> str:
    head = ['import "vox1"', 'let image = intensity(load("t1.nii.gz"))', "let b = tt"]
    body = []
    for at in range(count // 2):
        body += [f"let a{at} = image +. {at}", RICH.format(at)]
    return "\n".join([*head, *body, f'print "last" volume(y{count // 2 - 1})', ""])
