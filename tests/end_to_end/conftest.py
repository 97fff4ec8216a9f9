from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .workplace import PROJECT, T1, Workplace


@pytest.fixture(scope="session")
def brain() -> Path:
    """The folder of the MNI152 template: ``BRAIN_FOLDER``, or got through pip."""
    folder = Path(os.environ.get("BRAIN_FOLDER", PROJECT / "demo" / "brain"))
    script = PROJECT / "scripts" / "fetch_brain.py"
    done = subprocess.run(
        [sys.executable, script, folder], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return folder
    if os.environ.get("CI"):
        pytest.fail(f"the brain is needed and could not be had:\n{done.stderr}")
    pytest.skip(f"no brain: {done.stderr}")


@pytest.fixture(scope="session")
def small_brain(brain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template at 2 mm, for tests that run a program many times."""
    import SimpleITK as sitk

    folder = tmp_path_factory.mktemp("small")
    for path in brain.glob("mni_icbm152_*.nii.gz"):
        sitk.WriteImage(sitk.Shrink(sitk.ReadImage(path), [2] * 3), folder / path.name)
    assert (folder / T1).is_file()
    return folder


@pytest.fixture
def workplace(brain: Path, tmp_path: Path) -> Workplace:
    return Workplace(tmp_path / "work", brain)


@pytest.fixture
def small_workplace(small_brain: Path, tmp_path: Path) -> Workplace:
    return Workplace(tmp_path / "work", small_brain)
