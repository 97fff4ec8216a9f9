"""Interfaces that come and go while discovery runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
NAMESPACE = ["unshare", "--net", "--map-root-user"]
PROBE = "ip link set lo up && ip link add here type veth peer name there"


@pytest.mark.slow
def test_discovery_follows_the_machines_interfaces() -> None:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("needs the commands unshare and ip")
    probe = [*NAMESPACE, "sh", "-c", PROBE]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no network namespace with interfaces can be made here")
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-m", "tests.peer.discovery.moving"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
