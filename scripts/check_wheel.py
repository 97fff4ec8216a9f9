"""Check what a wheel would put into site-packages: ``check_wheel.py WHEEL``.

The folders of the project are top-level packages, so a stray folder would become one
too; and a data file that is missing from the wheel is missed only after installing.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

ROOMS = ("language", "peer", "primitives", "scheduler", "store")
ROOT = Path(__file__).resolve().parent.parent


def problems_of(wheel: Path) -> list[str]:
    """Return what is wrong with the content of ``wheel``, one sentence each."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    found = []
    for top in sorted({PurePosixPath(name).parts[0] for name in names}):
        if top not in (*ROOMS, "voxpeer.py") and not top.endswith(".dist-info"):
            found.append(f"{top} is in the wheel and is not a room")
    in_rooms = {name for name in names if ".dist-info/" not in name}
    files = _files_of_rooms()
    found += [f"{name} is missing from the wheel" for name in sorted(files - in_rooms)]
    found += [f"{name} is not in the project" for name in sorted(in_rooms - files)]
    return found


def _files_of_rooms() -> set[str]:
    """List the files of the rooms, those that git ignores left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOMS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = listed.stdout.splitlines()
    return {name for name in names if (ROOT / name).is_file()} | {"voxpeer.py"}


def main() -> int:
    """Run the command line and return its exit code."""
    if len(sys.argv) != 2:
        print(f"usage: {Path(sys.argv[0]).name} WHEEL", file=sys.stderr)
        return 2
    found = problems_of(Path(sys.argv[1]))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
