"""A folder with a brain in it, in which programs are run as people run them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import voxpeer

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLE = PROJECT / "docs" / "examples" / "brain-tissue.imgql"
T1 = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
RUN_LIMIT_S = 300.0


@dataclass(frozen=True)
class Outcome:
    """What a finished ``voxpeer`` process left."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The object that ``--json`` printed."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    @property
    def executed(self) -> int:
        """How many kernels ran."""
        count: int = self.document["stats"]["executed"]
        return count

    @property
    def results(self) -> dict[str, tuple[str, Any, str, str]]:
        """Per goal its kind, value, node key and digest."""
        return {
            goal["label"]: (goal["kind"], goal["value"], goal["key"], goal["digest"])
            for goal in self.document["goals"]
        }


class Workplace:
    """A folder of its own with a store of its own."""

    def __init__(self, folder: Path, brain: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        shutil.copytree(brain, folder / "brain")

    @property
    def t1(self) -> Path:
        """The image that the example reads."""
        return self.folder / "brain" / T1

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``voxpeer`` here, in a process group of its own."""
        home = str(Path(voxpeer.__file__).parent)
        settings = {"PYTHONPATH": home, "VOXPEER_STORE": str(self.store)}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "voxpeer", *arguments],
            cwd=self.folder,
            env={**os.environ, **settings, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def voxpeer(self, *arguments: str, **environment: str) -> Outcome:
        """Run ``voxpeer`` here to its end."""
        return finish(self.start(*arguments, **environment))

    def run(
        self, program: Path = EXAMPLE, *options: str, **environment: str
    ) -> Outcome:
        """Run a program, which must succeed."""
        outcome = self.voxpeer("run", str(program), "--json", *options, **environment)
        assert outcome.exit_code == 0, outcome.stderr
        return outcome

    def saved(self) -> dict[str, str]:
        """Digest of each file that the program saved, by name."""
        return {
            path.name: sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.iterdir())
            if path.is_file()
        }


def finish(process: subprocess.Popen[str]) -> Outcome:
    """Wait for the end of a process."""
    stdout, stderr = process.communicate(timeout=RUN_LIMIT_S)
    return Outcome(process.returncode, stdout, stderr)


def kill_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """Let a process live for ``seconds``, then ``kill -9``; tell whether it was hit."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL
