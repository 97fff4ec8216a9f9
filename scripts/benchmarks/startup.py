"""What a stored answer costs: from the start of the process to the printed value."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .measure import BRAIN, PYTHON, VOXPEER, median, run, table

PROGRAM = """import "vox1"
let t1 = intensity(load("brain/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"))
print "bright_ml" volumeml(t1 >. 200)
"""


def warm(rounds: int) -> None:
    """A warm run of a small image program against Python that does nothing."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copytree(BRAIN, folder / "brain")
        (folder / "program.imgql").write_text(PROGRAM)
        command = [VOXPEER, "run", "program.imgql", "--store", "store"]
        first = run(command, folder)
        bare, again = [], []
        for _ in range(max(rounds, 7)):
            bare.append(run([PYTHON, "-c", "pass"], folder))
            again.append(run(command, folder))
        assert again[0].stdout == first.stdout
    python, voxpeer = median(bare), median(again)
    above = voxpeer.wall_s - python.wall_s
    table(
        "A warm run of a small image program",
        ["bare Python s", "voxpeer s", "above s", "above, CPU s", "peak MiB"],
        [
            [
                python.wall_s,
                voxpeer.wall_s,
                above,
                voxpeer.cpu_s - python.cpu_s,
                voxpeer.peak_mib,
            ]
        ],
    )
