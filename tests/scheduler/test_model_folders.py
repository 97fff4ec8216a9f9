"""Folders of trained networks are named by what their files hold."""

from __future__ import annotations

import shutil
from pathlib import Path

from scheduler.files import InputFiles
from store import NodeKey, SqliteStore


def write_model(folder: Path) -> None:
    """Write a folder with the files of a model, and others."""
    for name, text in (
        ("plans.json", "{}"),
        ("dataset.json", "{}"),
        ("fold_0/checkpoint_final.pth", "weights 0"),
        ("fold_0/progress.png", "a curve"),
        ("fold_1/checkpoint_final.pth", "weights 1"),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def key_of(store: SqliteStore, folder: Path) -> NodeKey:
    """Return the key of a model's content."""
    return InputFiles(store, folder.parent).resolve(folder.name)[1]


def test_a_model_has_one_key_wherever_it_lies(
    store: SqliteStore, tmp_path: Path
) -> None:
    write_model(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "elsewhere" / "other")
    key = key_of(store, tmp_path / "one")
    assert key_of(store, tmp_path / "elsewhere" / "other") == key
    (tmp_path / "one" / "fold_0" / "progress.png").write_bytes(b"another curve")
    assert key_of(store, tmp_path / "one") == key


def test_other_weights_or_plans_are_another_model(
    store: SqliteStore, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    write_model(folder)
    keys = {key_of(store, folder)}
    for name in ("plans.json", "dataset.json", "fold_1/checkpoint_final.pth"):
        (folder / name).write_text("[]", encoding="utf-8")
        keys.add(key_of(store, folder))
    (folder / "fold_1").rename(folder / "fold_2")
    keys.add(key_of(store, folder))
    shutil.rmtree(folder / "fold_2")
    keys.add(key_of(store, folder))
    assert len(keys) == 6
