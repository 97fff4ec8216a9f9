"""nnU-Net's model folders: what belongs to a model, and its value.

A model is what training leaves in a folder: ``plans.json``, ``dataset.json``, and for
each fold ``fold_<name>/checkpoint_final.pth``.  Everything else there (logs, progress
pictures, predictions on the cases of the training) has no influence on a prediction.
"""

from __future__ import annotations

from pathlib import Path

from primitives.errors import InputFileError
from primitives.files import InputFile, read_bytes, require_readable
from primitives.values import Value

from .suffixes import NNUNET_MODEL

PLANS, DATASET = "plans.json", "dataset.json"
CHECKPOINT = "checkpoint_final.pth"
_FOLD = "fold_"
KIND = "nnunet_model"
"""What the record of a model says it is."""


def model_files(folder: Path) -> list[Path]:
    """Return the files that make up the model in a folder, plans first.

    Raises:
        InputFileError: one of them is missing or cannot be read.
    """
    checkpoints = sorted(
        path / CHECKPOINT
        for path in folder.glob(f"{_FOLD}*")
        if (path / CHECKPOINT).is_file()
    )
    if not checkpoints:
        raise InputFileError(
            f"'{folder}' has no '{_FOLD}…/{CHECKPOINT}'; the training is not "
            "finished, or this is not the folder of a trained model"
        )
    files = [folder / PLANS, folder / DATASET, *checkpoints]
    for path in files:
        require_readable(path)
    return files


def read_model(file: InputFile) -> Value:
    """Return a model as a record of its files.

    Returns:
        ``kind``, the texts ``plans`` and ``dataset``, and ``folds``: the bytes of each
        fold's checkpoint by the fold's name.

    Raises:
        InputFileError: the file is no model, or is damaged.
        InputChangedError: a file of it changed since it was hashed.
    """
    if not isinstance(file, InputFile) or file.suffix != NNUNET_MODEL:
        raise InputFileError(
            "a model is the folder that nnU-Net trained it into, with plans.json, "
            "dataset.json and the folders of its folds; give its path as a string"
        )
    file.check_unchanged()
    plans, dataset, *checkpoints = model_files(file.path)
    model = {
        "kind": KIND,
        "plans": _text(plans),
        "dataset": _text(dataset),
        "folds": {
            path.parent.name.removeprefix(_FOLD): read_bytes(path)
            for path in checkpoints
        },
    }
    file.check_unchanged()
    return model


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise InputFileError(f"'{path}' is not UTF-8 text") from None
