"""Every program that a document shows runs, and prints what stands below it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from .examples import problem_with, shown_in
from .workplace import PROJECT

LINK = re.compile(r"\]\(([^)#:]+)\)")
DOCS = PROJECT / "docs"
SMALL = DOCS / "examples" / "small"
ON_SMALL_IMAGES = [
    *sorted((DOCS / "reference" / "primitives").glob("[!R]*.md")),
    DOCS / "reference" / "language.md",
    DOCS / "how-to" / "datasets.md",
    DOCS / "how-to" / "errors.md",
]
GUIDE = sorted((DOCS / "guide").glob("[0-9]*.md"))


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a fresh store and no settings of the user."""
    monkeypatch.setenv("VOXPEER_STORE", str(tmp_path / "store"))
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def small(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a copy of the folder of the small images."""
    folder = fresh / "small"
    shutil.copytree(SMALL, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def demo(fresh: Path, brain: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder that holds ``brain``, as the guide supposes."""
    folder = fresh / "demo"
    folder.mkdir()
    (folder / "brain").symlink_to(brain.absolute(), target_is_directory=True)
    monkeypatch.chdir(folder)
    return folder


def parameters(program: str) -> list[str]:
    """Return options that give a program's variables their values."""
    values = {"input": "head.nii.gz", "threshold": "120"}
    return [
        word
        for name, value in values.items()
        if f"${name}" in program
        for word in ("-p", f"{name}={value}")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("document", ON_SMALL_IMAGES, ids=lambda path: path.stem)
def test_the_programs_of_a_page_print_what_it_says(
    document: Path, small: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = [
        problem
        for shown in shown_in(document)
        if shown.is_runnable
        if (problem := problem_with(shown, small, capfd, *parameters(shown.program)))
    ]
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_the_guide_prints_what_it_says_and_makes_its_pictures(
    demo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = [
        problem
        for page in GUIDE
        for shown in shown_in(page)
        if (problem := problem_with(shown, demo, capfd))
    ]
    assert not found, "\n".join(found)
    named = {
        name
        for page in GUIDE
        for name in re.findall(r"images/guide-([\w-]+\.png)", page.read_text("utf-8"))
    }
    assert {path.name for path in demo.glob("*.png")} >= named
    for name in named:
        assert (DOCS / "images" / f"guide-{name}").is_file()


def test_every_document_is_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [DOCS / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in LINK.findall(page.read_text("utf-8")):
            path = (page.parent / target).resolve()
            waiting += path.glob("*.md") if path.is_dir() else []
            if path.suffix == ".md":
                waiting.append(path)
    assert set(DOCS.rglob("*.md")) <= reached
