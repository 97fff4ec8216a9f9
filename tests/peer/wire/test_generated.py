"""The generated modules are what the definitions make, and are loaded when used."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(not (ROOT / "proto").is_dir(), reason="only in a checkout")
def test_they_are_current() -> None:
    pytest.importorskip("grpc_tools")
    command = [sys.executable, "scripts/generate_proto.py", "--check"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_oldest_protobuf_that_is_allowed_can_load_them() -> None:
    from peer.wire.v1 import enrol_pb2, peer_pb2, records_pb2

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [line] = [it for it in project["dependencies"] if it.startswith("protobuf")]
    lower = re.match(r"protobuf>=([0-9.]+),", line)
    assert lower is not None
    for module in (enrol_pb2, peer_pb2, records_pb2):
        source = Path(str(module.__file__)).read_text()
        made = re.search(r"# Protobuf Python Version: ([0-9.]+)", source)
        assert made is not None
        assert version(made[1]) <= version(lower[1])


def version(text: str) -> list[int]:
    """Return what can be compared."""
    return [int(part) for part in text.split(".")]


def test_limits_are_known_without_loading_protobuf() -> None:
    program = (
        "import sys; from peer.wire import WireError, limits;"
        "assert not {'google.protobuf', 'grpc'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
