"""What reading an image does not depend on: the features of the processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from primitives import Grid, Image, standard_registry
from primitives.formats.suffixes import PICTURE_SUFFIXES
from primitives.formats.write import write_value
from tests.primitives.dicom_files import noise as stored
from tests.primitives.dicom_files import write_series
from tests.primitives.samples import image

PLAIN = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-FMA,-AVX512F,-SSE4_2,-ERMS",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
}
CODE = """
import sys
from hashlib import sha256
from pathlib import Path
from primitives import InputFile
from primitives.encoding import encode
from primitives.formats.read_image import read_image
for path in sorted(Path(sys.argv[1]).iterdir()):
    if path.suffix != ".zraw":
        found = b"".join(encode(read_image(InputFile.at(path)), lambda value: b""))
        print(path.name, sha256(found).hexdigest())
"""


def digests(folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE, str(folder)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.slow
def test_images_are_read_alike_with_and_without_vector_instructions(
    tmp_path: Path,
) -> None:
    """This is why readers drop the CPU from their environment class."""
    readers = ("load", "loadvolume", "volumecount", "ReadImage")
    for name in readers:
        primitive = standard_registry().find(name)
        assert primitive is not None
        assert "cpu" in primitive.drops
    noise = np.random.default_rng(3).normal(90, 30, (6, 31, 33)).astype(np.float32)
    tilt, lean = 0.8660254, 0.5
    grid = Grid(
        (33, 31, 6),
        (0.7, 0.9, 3.3),
        (11.1, -12.2, 13.3),
        (tilt, -lean, 0.0, lean, tilt, 0.0, 0.0, 0.0, 1.0),
    )
    volume = Image.of_array(noise, grid)
    for suffix in (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"):
        write_value(volume, tmp_path / f"volume{suffix}")
    flat = image(np.clip(noise[0], 0, 255), "uint8")
    for suffix in PICTURE_SUFFIXES:
        write_value(flat, tmp_path / f"picture{suffix}")
    scaled = bytearray((tmp_path / "volume.nii").read_bytes())
    scaled[112:120] = np.array([1.7, -3.3], np.float32).tobytes()
    (tmp_path / "scaled.nii").write_bytes(scaled)
    write_series(tmp_path / "series", stored(6, 31, 33), slope=0.37, lean=0.01)
    found = digests(tmp_path, {})
    assert len(found.splitlines()) == 13
    assert digests(tmp_path, PLAIN) == found
