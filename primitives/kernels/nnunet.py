"""Segmentation by trained nnU-Nets.

Source: Isensee et al., "nnU-Net: a self-configuring method for deep learning-based
biomedical image segmentation", Nature Methods 18, 2021.  The package nnunetv2 does the
work, in a process of its own (``nnunet_worker``); nothing here imports it or torch.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from primitives.context import Context
from primitives.environment import processor_model
from primitives.errors import InputFileError, KernelError, KernelTypeError
from primitives.files import InputFile
from primitives.formats.nnunet_model import KIND, read_model
from primitives.values import Grid, Image, Mask, Value, require_same_grid

from .nnunet_worker import read_message, write_message
from .operands import Array, number_array
from .operators import a_kind, truth

INSTALL = "pip install 'voxpeer[nnunet]'"
PREDICTOR = "nnunet_predictor"
"""What the record of a predictor says it is."""

_WORKER = "nnunet_worker"
_MODULES = ("nnunetv2", "torch")
_AS_IT_IS = ("SimpleITKIO", "NibabelIO", "Tiff3DIO")
_TO_RAS = ("NibabelIOWithReorient",)
_PICTURES = ("NaturalImage2DIO",)
_FAR_MM = 999.0
"""nnU-Net's spacing across a 2-D image, in its largest spacing or in pixels."""


def model(_context: Context, file: InputFile) -> Value:
    """Return the model in a folder; see :func:`read_model`."""
    return read_model(file)


def make_predictor(
    _context: Context,
    source: Value,
    device: str = "cpu",
    folds: Value = None,
    mirroring: Value = True,
    step: float = 0.5,
) -> Value:
    """Return a predictor: a model and how it is to be used.

    Args:
        _context: of the run.
        source: a model.
        device: ``cpu``.
        folds: names or numbers of the folds whose networks vote, by default all but
            the one that was trained on all cases, or that if it is the only one.
        mirroring: whether to average over mirrored images, as nnU-Net does.
        step: of the sliding window, as a share of its size.

    Raises:
        KernelTypeError: the first argument is no model.
        KernelError: the model has no such fold, or the device is another one.
    """
    record = _model_of(source)
    if device != "cpu":
        raise KernelError(
            f"device '{device}' is not offered: the last bits of what a graphics card "
            "computes differ from card to card, so nobody could check or share the "
            "result; use 'cpu', or predict with nnUNetv2_predict and load its files"
        )
    if not 0 < step <= 1:
        raise KernelError(f"step must be above 0 and at most 1, not {step:g}")
    return {
        "kind": PREDICTOR,
        "model": record,
        "folds": _chosen_folds(record["folds"], folds),
        "mirroring": truth(mirroring, "mirroring"),
        "step": float(step),
    }


def predict(context: Context, predictor: Value, *images: Value) -> Image:
    """Return the labels that a network finds, on the grid of the first image.

    Args:
        context: of the run.
        predictor: a predictor or a model.
        images: one for each channel that the network was trained on, in that order;
            an image of several components stands for as many channels.

    Raises:
        KernelTypeError: an argument is no predictor or no image.
        GridMismatchError: the images do not lie on one grid.
        KernelError: nnU-Net is not installed, the number of channels is wrong, or the
            model cannot be used.
    """
    is_model = isinstance(predictor, dict) and predictor.get("kind") == KIND
    chosen = make_predictor(context, predictor) if is_model else predictor
    if not isinstance(chosen, dict) or chosen.get("kind") != PREDICTOR:
        raise KernelTypeError(
            "the first argument is a model or predictor, such as "
            f"nnunet.model('folder'), not {a_kind(predictor)}"
        )
    record = chosen["model"]
    inputs = _inputs(images)
    reader = _reader(record)
    channels, spacing = _channels(inputs, reader)
    _check_channels(record["dataset"], len(channels))
    require_installed()
    request = {
        "plans": record["plans"],
        "dataset": record["dataset"],
        "threads": context.threads,
        "mirroring": chosen["mirroring"],
        "step": chosen["step"],
        "shape": channels.shape,
        "spacing": spacing,
    }
    checkpoints = [record["folds"][name] for name in chosen["folds"]]
    voxels = channels.tobytes()
    labels = _answer(context, request, [voxels, *checkpoints])
    return _on_grid(labels, inputs[0], reader)


def env_check(_context: Context) -> Value:
    """Return what is installed: whether predictions can be made, and with what."""
    missing = _missing()
    return {
        "available": not missing,
        "missing": tuple(missing),
        "install": INSTALL,
        "device": "cpu",
        "processor": processor_model(),
        "versions": {name: _version(name) for name in _MODULES if name not in missing},
    }


def require_installed() -> None:
    """Check that nnU-Net is there, without importing it.

    Raises:
        KernelError: it is not; the message says how to install it.
    """
    missing = _missing()
    if missing:
        raise KernelError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not "
            f"installed; install nnU-Net for voxpeer with {INSTALL}"
        )


@cache
def _missing() -> list[str]:
    return [name for name in _MODULES if importlib.util.find_spec(name) is None]


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


def _model_of(value: Value) -> dict[str, Value]:
    if not isinstance(value, dict) or value.get("kind") != KIND:
        raise KernelTypeError(
            f"a model is needed, such as nnunet.model('folder'), not {a_kind(value)}"
        )
    return value


def _chosen_folds(known: dict[str, Value], folds: Value) -> tuple[str, ...]:
    if folds is None:
        return tuple(sorted(known.keys() - {"all"})) or ("all",)
    wanted = folds if isinstance(folds, tuple) else (folds,)
    names = tuple([_fold_name(fold) for fold in wanted])
    missing = [name for name in names if name not in known]
    if missing or not names:
        there = ", ".join(sorted(known))
        asked = f"no fold '{missing[0]}'" if missing else "to be given a fold"
        raise KernelError(f"the model has {asked}; it has {there}")
    return names


def _fold_name(fold: Value) -> str:
    if isinstance(fold, float) and fold.is_integer():
        return str(int(fold))
    return str(fold)


def _inputs(images: Sequence[Value]) -> list[Image | Mask]:
    given = [
        item
        for each in images
        for item in (each if isinstance(each, tuple) else (each,))
    ]
    for item in given:
        if not isinstance(item, Image | Mask):
            raise KernelTypeError(f"predict takes images, not {a_kind(item)}")
        require_same_grid(given[0], item)
    if not given:
        raise KernelTypeError("predict takes at least one image")
    return given


def _setting(text: str, key: str, default: Any) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputFileError("plans.json or dataset.json of the model is damaged")
    return found.get(key, default)


def _reader(record: dict[str, Value]) -> str:
    """Return what nnU-Net read the training images with, which orders their axes."""
    known = (*_AS_IT_IS, *_TO_RAS, *_PICTURES)
    name = _setting(record["plans"], "image_reader_writer", "SimpleITKIO")
    if name not in known:
        raise KernelError(
            f"the model was trained on images read by '{name}', whose axes are not "
            f"known; known are {', '.join(known)}"
        )
    return str(name)


def _channels(
    images: list[Image | Mask], reader: str
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], list[float]]:
    """Return the voxels as nnU-Net has them, channels and slices first, and spacing."""
    if reader in _TO_RAS:
        images = [Image.of_itk(sitk.DICOMOrient(each.itk, "RAS")) for each in images]
    grid = images[0].grid
    if grid.dimension not in (2, 3):
        raise KernelTypeError(f"an image of {grid.dimension} axes cannot be segmented")
    planes = [plane for each in images for plane in _components(each)]
    stacked = np.stack(planes).astype("<f4", copy=False)
    spacing = [abs(step) for step in reversed(grid.spacing)]
    if grid.dimension == 2:
        stacked = stacked[:, np.newaxis]
        spacing = [_FAR_MM * max(spacing), *spacing]
    if reader in _PICTURES:
        spacing = [_FAR_MM, 1.0, 1.0]
    return np.ascontiguousarray(stacked), spacing


def _components(image: Image | Mask) -> list[Array]:
    array = number_array(image)
    if image.components == 1:
        return [array]
    return [array[..., index] for index in range(image.components)]


def _check_channels(dataset: str, count: int) -> None:
    names = _setting(dataset, "channel_names", None)
    names = _setting(dataset, "modality", {}) if names is None else names
    if len(names) != count:
        listed = ", ".join(f"{key}: {name}" for key, name in sorted(names.items()))
        raise KernelError(
            f"the model takes {len(names)} channels ({listed}), {count} were given"
        )


def _answer(
    context: Context, request: dict[str, Any], blocks: list[Any]
) -> np.ndarray[Any, Any]:
    """Return what the other process answers.

    Raises:
        KernelError: it fails, or ends without an answer.
    """
    worker = Path(__file__).with_name(f"{_WORKER}.py")
    with (
        tempfile.TemporaryFile() as messages,
        subprocess.Popen(
            # Without -P the folder of the script would hide modules of Python.
            [sys.executable, "-P", str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            env=_environment(context.threads),
        ) as process,
        context.aborting(process.kill),
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            write_message(process.stdin, request, blocks)  # type: ignore[arg-type]
            header, answer = read_message(process.stdout)  # type: ignore[arg-type]
        except (BrokenPipeError, EOFError):
            code = process.wait()
            context.check()
            raise KernelError(_ending(code, messages)) from None
        finally:
            process.kill()
    if "error" in header:
        raise KernelError(header["error"])
    return np.frombuffer(answer[0], header["type"]).reshape(header["shape"])


def _environment(threads: int) -> dict[str, str]:
    """Return the environment of the other process: no settings but ours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("nnUNet_", "TORCH", "OMP_", "MKL_", "ONEDNN_"))
    }
    count = str(threads)
    return {
        **kept,
        "nnUNet_def_n_proc": count,
        "OMP_NUM_THREADS": count,
        # Threads that wait for each other by turning around slow a busy machine down.
        "OMP_WAIT_POLICY": "PASSIVE",
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "CUDA_VISIBLE_DEVICES": "",
    }


def _ending(code: int, messages: Any) -> str:
    messages.seek(0)
    lines = messages.read().decode("utf-8", "replace").strip().splitlines()
    said = f": {lines[-1][:300]}" if lines else ""
    if code < 0:
        return (
            f"the process that predicts was stopped by signal {-code}, perhaps for "
            f"want of memory{said}"
        )
    return f"the process that predicts ended without an answer{said}"


def _on_grid(labels: Array, first: Image | Mask, reader: str) -> Image:
    grid = first.grid
    if reader not in _TO_RAS or grid.dimension == 2:
        return Image.of_array(labels.reshape(grid.shape).copy(), grid)
    turned = sitk.DICOMOrient(first.itk, "RAS")
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(turned)
    axes = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(
        grid.direction
    )
    back = Image.of_itk(sitk.DICOMOrient(image, axes))
    return Image.of_array(back.array.copy(), _same_grid(grid, back.grid))


def _same_grid(wanted: Grid, found: Grid) -> Grid:
    if not wanted.matches(found):
        raise KernelError("the labels could not be turned back to the image's axes")
    return wanted
