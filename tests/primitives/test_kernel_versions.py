"""The check that no kernel changes without its version."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the primitives with their script."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "primitives", tmp_path / "primitives", ignore=ignore)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "kernel_versions.py", tmp_path / "scripts")
    run(tmp_path, "--same-results", "*")
    assert run(tmp_path, "--check").returncode == 0
    return tmp_path


def run(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a copy."""
    return subprocess.run(
        [sys.executable, str(root / "scripts" / "kernel_versions.py"), *options],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def edit(path: Path, old: str, new: str) -> None:
    """Replace text in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_a_changed_helper_convicts_every_kernel_that_reaches_it(copy: Path) -> None:
    helper = copy / "primitives" / "kernels" / "bits.py"
    edit(helper, "in range(bits.rows.ndim - 1)", "in (0, 1)")
    checked = run(copy, "--check")
    assert checked.returncode == 1
    assert "vox1.near" in checked.stderr
    # The boundary of a region is found by an erosion.
    assert "vox1.dt" in checked.stderr
    assert "vox1.maxvol" not in checked.stderr


@pytest.mark.slow
def test_docstrings_comments_and_layout_do_not_count(copy: Path) -> None:
    helper = copy / "primitives" / "kernels" / "bits.py"
    old = "    result = bits.widened()\n"
    edit(helper, old, "    # Along x.\n\n    result = (bits.widened())\n")
    edit(helper, "Return the dilation by", "Return what one makes by")
    assert run(copy, "--check").returncode == 0


@pytest.mark.slow
def test_a_raised_version_is_recorded(copy: Path) -> None:
    edit(
        copy / "primitives" / "kernels" / "ranks.py", "np.float32(-1)", "np.float32(-2)"
    )
    assert run(copy, "--update").returncode == 1
    table = copy / "primitives" / "namespaces" / "vox1.py"
    edit(
        table,
        '        f"vox1.{name}",\n        1,',
        '        f"vox1.{name}",\n        2,',
    )
    assert run(copy, "--update").returncode == 0
    assert run(copy, "--check").returncode == 0


@pytest.mark.slow
def test_an_edit_that_keeps_the_bits_is_recorded_by_name(copy: Path) -> None:
    edit(
        copy / "primitives" / "kernels" / "ranks.py", "float(correction)", "correction"
    )
    assert run(copy, "--same-results", "vox1.percentiles").returncode == 0
    assert run(copy, "--check").returncode == 0
    assert run(copy, "--same-results", "vox1.nothing").returncode == 2
