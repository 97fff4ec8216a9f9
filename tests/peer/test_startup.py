"""A run that is answered from the store imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import Bench, ImageMaker

HEAVY = ("SimpleITK", "lark", "numpy", "psutil", "rich", "scipy")
NETWORK = (
    *("cryptography", "google.protobuf", "grpc", "socket", "zeroconf"),
    *("peer.daemon", "peer.discovery", "peer.exchange", "peer.identity"),
    *("peer.local", "peer.local.neighbours", "peer.wire"),
)

WARM_RUN = """
import sys
from peer.cli import main
code = main(["run", "program.imgql"])
print(code, *sorted(set(sys.modules) & set(sys.argv[1:])), file=sys.stderr)
"""


@pytest.mark.slow
def test_a_warm_run_imports_nothing_heavy_and_nothing_of_the_network(
    bench: Bench, image: ImageMaker
) -> None:
    image(size=64)
    text = (
        'load image = "image.nii.gz"\n'
        "let bright = near(intensity(image) >=. 50)\n"
        'print "volume" volume(bright)\nsave "mask.nii.gz" bright'
    )
    first = bench.run(text)
    assert first.returncode == 0, first.stderr
    # As if the store belonged to a realm, whose daemon does not answer.
    (bench.folder / "store" / "realm").mkdir()
    warm = subprocess.run(
        [sys.executable, "-c", WARM_RUN, *HEAVY, *NETWORK],
        cwd=bench.folder,
        env=bench.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert warm.stdout == first.stdout
    assert "executed 0," in warm.stderr
    assert warm.stderr.splitlines()[-1].split() == ["0"]


def test_importing_the_public_module_imports_no_room(bench: Bench) -> None:
    rooms = ("language", "peer", "primitives", "scheduler", "store", "click", *HEAVY)
    script = "import sys, voxpeer; print(*sorted(set(sys.modules) & set(sys.argv[1:])))"
    done = subprocess.run(
        [sys.executable, "-c", script, *rooms],
        env=bench.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""
