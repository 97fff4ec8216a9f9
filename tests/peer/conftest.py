"""A command line to try things on, and small images."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import voxpeer

SOURCES = str(Path(voxpeer.__file__).parent)


@dataclass
class Bench:
    """A folder to work in, with its own store and settings.

    Attributes:
        folder: current directory of each command.
        environment: variables of each command.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("VOXPEER_")
        }
        self.environment = {
            **kept,
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "home" / "config"),
            "XDG_DATA_HOME": str(self.folder / "home" / "data"),
            "PYTHONPATH": SOURCES,
            "VOXPEER_STORE": str(self.folder / "store"),
        }

    def command(self, *words: str) -> list[str]:
        """Return the command line of ``voxpeer words``."""
        return [sys.executable, "-m", "voxpeer", *words]

    def voxpeer(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end in a process of its own."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def program(self, text: str, name: str = "program.imgql") -> str:
        """Write a program and return its name."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def run(
        self, text: str, *words: str, name: str = "program.imgql"
    ) -> subprocess.CompletedProcess[str]:
        """Write a program and run it."""
        return self.voxpeer("run", self.program(text, name), *words)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a fresh folder to work in."""
    return Bench(tmp_path)


ImageMaker = Callable[..., str]


@pytest.fixture
def image(bench: Bench) -> ImageMaker:
    """Return a maker of small images: a bright ball in a dark box, or noise."""
    import numpy as np
    import SimpleITK as sitk

    def make(
        name: str = "image.nii.gz",
        size: int = 12,
        spacing: float = 1.0,
        components: int = 1,
        frames: int = 0,
        noise: bool = False,
    ) -> str:
        z, y, x = np.ogrid[:size, :size, :size]
        centre = size / 2
        distance = (z - centre) ** 2 + (y - centre) ** 2 + (x - centre) ** 2
        array = np.where(distance < (size / 3) ** 2, 100, 10).astype(np.uint8)
        if noise:
            array = np.random.default_rng(0).integers(0, 256, array.shape, np.uint8)
        if components > 1:
            array = np.stack([array] * components, axis=-1)
        if frames:
            array = np.stack([array] * frames)
        made = sitk.GetImageFromArray(array, isVector=components > 1)
        made.SetSpacing([spacing] * made.GetDimension())
        sitk.WriteImage(made, str(bench.folder / name))
        return name

    return make
