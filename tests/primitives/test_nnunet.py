"""Namespace ``nnunet``: models as folders, predictions where the extra is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from primitives import standard_registry
from primitives.environment import environment_class, processor_model
from primitives.errors import InputFileError, KernelError, KernelTypeError
from primitives.files import InputFile
from primitives.values import Image, Value

from .nnunet_models import write_texts
from .samples import call, grid_of, image

ROOT = Path(__file__).parents[2]
IS_INSTALLED = all(importlib.util.find_spec(name) for name in ("torch", "nnunetv2"))


def picture(seed: int = 0) -> Image:
    """Return a noisy plane."""
    noise = np.random.default_rng(seed).random((20, 24))
    return Image.of_array((100 * noise).astype(np.float32), grid_of((20, 24), 1.5))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a model whose checkpoints nobody can read."""
    write_texts(tmp_path)
    for fold in ("0", "1", "all"):
        path = tmp_path / f"fold_{fold}" / "checkpoint_final.pth"
        path.parent.mkdir()
        path.write_bytes(f"weights {fold}".encode())
    return tmp_path


def model_at(folder: Path) -> Value:
    """Return the model in a folder."""
    return call("nnunet.model", InputFile.at(folder))


def test_a_model_is_its_texts_and_the_weights_of_its_folds(folder: Path) -> None:
    (folder / "progress.png").write_bytes(b"not of the model")
    model = model_at(folder)
    assert model["kind"] == "nnunet_model"
    assert json.loads(model["dataset"])["labels"]["core"] == 2
    assert json.loads(model["plans"])["transpose_forward"] == [0, 1, 2]
    assert model["folds"] == {
        "0": b"weights 0",
        "1": b"weights 1",
        "all": b"weights all",
    }


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    write_texts(tmp_path)
    with pytest.raises(InputFileError, match="the training is not finished"):
        model_at(tmp_path)
    with pytest.raises(InputFileError, match="a model is the folder"):
        call("nnunet.model", InputFile.at(tmp_path / "plans.json"))


def test_all_folds_vote_unless_some_are_chosen(folder: Path) -> None:
    model = model_at(folder)
    usual = call("nnunet.make_predictor", model)
    assert usual["folds"] == ("0", "1")
    assert (usual["mirroring"], usual["step"]) == (True, 0.5)
    for folds, names in (((1.0,), ("1",)), ("all", ("all",)), (0, ("0",))):
        chosen = call("nnunet.make_predictor", model, "cpu", folds, False, 1.0)
        assert chosen["folds"] == names
    with pytest.raises(KernelError, match="no fold '7'; it has 0, 1, all"):
        call("nnunet.make_predictor", model, "cpu", (7,))
    with pytest.raises(KernelError, match="differ from card to card"):
        call("nnunet.make_predictor", model, "cuda")
    with pytest.raises(KernelTypeError, match="a model is needed"):
        call("nnunet.make_predictor", {"kind": "something"})


def test_images_must_be_the_channels_of_the_model(folder: Path) -> None:
    model = model_at(folder)
    for images, message in (
        ((picture(),), r"takes 2 channels \(0: T1, 1: FLAIR\), 1 were given"),
        ((picture(), image([[1]])), "not lie on the same grid"),
        ((picture(), 3), "takes images"),
        ((), "at least one image"),
    ):
        with pytest.raises(KernelError, match=message):
            call("nnunet.predict", model, *images)
    with pytest.raises(KernelTypeError, match="a model or predictor"):
        call("nnunet.predict", {}, picture())


def test_what_reads_images_in_an_unknown_way_is_refused(folder: Path) -> None:
    model = model_at(folder)
    plans = json.loads(model["plans"])
    plans["image_reader_writer"] = "OurOwnIO"
    other = {**model, "plans": json.dumps(plans)}
    with pytest.raises(KernelError, match="'OurOwnIO', whose axes are not known"):
        call("nnunet.predict", other, picture(), picture())


def test_the_environment_is_described() -> None:
    found = call("nnunet.env_check")
    assert found["available"] == IS_INSTALLED
    assert found["install"] == "pip install 'voxpeer[nnunet]'"
    named = environment_class(standard_registry().get("nnunet.predict"))
    assert processor_model() in named.split(";")
    if IS_INSTALLED:
        assert found["versions"].keys() == {"nnunetv2", "torch"}
        assert f"torch-{found['versions']['torch']}" in named
    else:
        assert set(found["missing"]) <= {"nnunetv2", "torch"}
        assert "-absent" in named


def refused_without_the_extra(model: Value, *images: Value) -> bool:
    """Return whether nnU-Net is absent, and check that a prediction says so."""
    if IS_INSTALLED:
        return False
    with pytest.raises(KernelError, match=r"not installed.*pip install 'voxpeer\["):
        call("nnunet.predict", model, *images)
    return True


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny network; a dummy where it cannot be made."""
    folder = tmp_path_factory.mktemp("tiny")
    if IS_INSTALLED:
        subprocess.run(
            [sys.executable, "-m", "tests.primitives.nnunet_models", str(folder)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=True,
            capture_output=True,
        )
    else:
        write_texts(folder)
        path = folder / "fold_0" / "checkpoint_final.pth"
        path.parent.mkdir()
        path.write_bytes(b"weights")
    return folder


@pytest.mark.slow
def test_a_network_labels_an_image_on_its_grid(tiny: Path) -> None:
    model = model_at(tiny)
    if refused_without_the_extra(model, picture(), picture(1)):
        return
    fast = call("nnunet.make_predictor", model, "cpu", None, False, 1.0)
    found = call("nnunet.predict", fast, picture(), picture(1))
    assert found.grid == picture().grid
    assert found.pixel_type == np.uint8
    assert set(np.unique(found.array)) <= {0, 1, 2}
    assert len(np.unique(found.array)) > 1
    pair = np.stack([picture().array, picture(1).array], axis=-1)
    together = Image.of_array(pair, picture().grid, 2)
    kernel = standard_registry().get("nnunet.predict").load()
    from primitives import Context

    again = kernel(Context(threads=2), fast, together)
    assert (again.array == found.array).all()


@pytest.mark.slow
def test_a_model_that_would_run_code_is_not_read(tiny: Path, tmp_path: Path) -> None:
    model = model_at(tiny)
    if refused_without_the_extra(model, picture(), picture()):
        return
    trap = tmp_path / "trap"
    poisoned = pickle.dumps(_Trap(str(trap)))
    for folds, message in (
        ({"0": poisoned}, "holds more than numbers"),
        ({"0": model["folds"]["0"][:-200]}, "damaged or holds more"),
    ):
        with pytest.raises(KernelError, match=message):
            call("nnunet.predict", {**model, "folds": folds}, picture(), picture())
    assert not trap.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        (("architecture", "network_class_name"), "os.system", "no layer"),
        (("architecture", "arch_kwargs", "conv_op"), "subprocess.run", "no layer"),
        (("resampling_fn_data",), "system", "as its resampling"),
        (("preprocessor_name",), "os", "as its preprocessor"),
    ],
)
def test_a_model_that_names_foreign_code_is_refused(
    tiny: Path, path: tuple[str, ...], name: str, message: str
) -> None:
    model = model_at(tiny)
    if refused_without_the_extra(model, picture(), picture()):
        return
    plans = json.loads(model["plans"])
    place: Any = plans["configurations"]["2d"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = name
    other = {**model, "plans": json.dumps(plans)}
    with pytest.raises(KernelError, match=message):
        call("nnunet.predict", other, picture(), picture())


class _Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self._path),)
