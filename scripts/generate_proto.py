#!/usr/bin/env python3
"""Write the Python classes of the wire messages from ``proto/``.

    scripts/generate_proto.py            write peer/wire/v1/
    scripts/generate_proto.py --check    fail if it is not current

The files start with the version of the compiler that wrote them, which
``pyproject.toml`` therefore names exactly.  Services are left out: the exchange
registers its handlers by name and deals in bytes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "proto"
TARGET = ROOT / "peer" / "wire" / "v1"
PACKAGE = "voxpeer.v1"
PLACE = "peer.wire.v1"
"""Where the package lies in Python: ``voxpeer`` is a module there."""

FRONT_DOOR = '"""Messages of protocol version 1, made from ``proto/voxpeer/v1``."""\n'


def main() -> int:
    """Write or check the generated modules."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    modules = generate()
    return check(modules) if options.check else write(modules)


def generate() -> dict[str, str]:
    """Compile all definitions; return file name → content."""
    definitions = sorted(SOURCES.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={SOURCES}"),
                *(f"--python_out={folder}", f"--pyi_out={folder}"),
                *map(str, definitions),
            ],
            check=True,
        )
        made = sorted(Path(folder).rglob("*_pb2.py*"))
        texts = {path.name: path.read_text(encoding="utf-8") for path in made}
    modules = {name: relocate(text) for name, text in texts.items()}
    return {"__init__.py": FRONT_DOOR, **modules}


def relocate(text: str) -> str:
    """Have a module import its neighbours from where they are."""
    return text.replace(f"from {PACKAGE} import", f"from {PLACE} import")


def write(modules: dict[str, str]) -> int:
    """Write the modules, and remove those of definitions that are gone."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in present() - set(modules):
        (TARGET / name).unlink()
    for name, text in modules.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    print(f"{len(modules)} files written to {TARGET.relative_to(ROOT)}")
    return 0


def check(modules: dict[str, str]) -> int:
    """Say which modules are not what the definitions make."""
    stale = present() ^ set(modules)
    for name in present() & set(modules):
        if (TARGET / name).read_text(encoding="utf-8") != modules[name]:
            stale.add(name)
    for name in sorted(stale):
        print(f"{TARGET.relative_to(ROOT) / name} is not current", file=sys.stderr)
    if stale:
        print("run scripts/generate_proto.py", file=sys.stderr)
    return 1 if stale else 0


def present() -> set[str]:
    """Names of the files that are in the package now."""
    return {path.name for path in TARGET.glob("*.py*") if path.is_file()}


if __name__ == "__main__":
    sys.exit(main())
