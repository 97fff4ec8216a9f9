"""Tiny nnU-Nets that were never trained: ``python -m tests.primitives.nnunet_models``.

Needs torch and nnunetv2; run in a process of its own, since both warn while they are
imported.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

UNET = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
IMPORTED = ("conv_op", "norm_op", "dropout_op", "nonlin")


def plans() -> dict[str, Any]:
    """Return the plans of a 2-D network with two stages and two channels."""
    resampling = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}
    functions = {
        f"resampling_fn_{what}": "resample_data_or_seg_to_shape"
        for what in ("data", "seg", "probabilities")
    }
    configuration = {
        **functions,
        **{f"{name}_kwargs": resampling for name in functions},
        "batch_size": 2,
        "data_identifier": "tiny",
        "patch_size": [16, 16],
        "preprocessor_name": "DefaultPreprocessor",
        "normalization_schemes": ["ZScoreNormalization"] * 2,
        "use_mask_for_norm": [False] * 2,
        "spacing": [1.0, 1.0],
        "architecture": {
            "network_class_name": UNET,
            "arch_kwargs": architecture(),
            "_kw_requires_import": list(IMPORTED),
        },
    }
    return {
        "configurations": {"2d": configuration},
        "dataset_name": "Dataset001_Tiny",
        "foreground_intensity_properties_per_channel": {"0": {}, "1": {}},
        "image_reader_writer": "SimpleITKIO",
        "label_manager": "LabelManager",
        "plans_name": "nnUNetPlans",
        "transpose_backward": [0, 1, 2],
        "transpose_forward": [0, 1, 2],
    }


def architecture() -> dict[str, Any]:
    """Return the layers of the network."""
    return {
        "n_stages": 2,
        "features_per_stage": [4, 8],
        "conv_op": "torch.nn.modules.conv.Conv2d",
        "kernel_sizes": [[3, 3], [3, 3]],
        "strides": [[1, 1], [2, 2]],
        "n_conv_per_stage": [1, 1],
        "n_conv_per_stage_decoder": [1],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def dataset() -> dict[str, Any]:
    """Return the description of the cases."""
    return {
        "channel_names": {"0": "T1", "1": "FLAIR"},
        "labels": {"background": 0, "edema": 1, "core": 2},
        "numTraining": 1,
        "file_ending": ".nii.gz",
    }


def write_texts(folder: Path) -> None:
    """Write the two texts of a model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plans.json").write_text(json.dumps(plans()), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(dataset()), encoding="utf-8")


def write_model(folder: Path) -> None:
    """Write a model of one fold, with weights that a fixed seed gives."""
    torch = importlib.import_module("torch")
    numpy = importlib.import_module("numpy")
    networks = importlib.import_module("nnunetv2.utilities.get_network_from_plans")
    write_texts(folder)
    torch.manual_seed(0)
    network = networks.get_network_from_plans(
        UNET, architecture(), IMPORTED, 2, 3, deep_supervision=True
    )
    checkpoint = {
        "network_weights": network.state_dict(),
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1),
        "logging": {"mean_fg_dice": [numpy.float64(0.5), numpy.float32(0.25)]},
        "init_args": {
            "configuration": "2d",
            "plans": plans(),
            "device": torch.device("cpu"),
        },
    }
    path = folder / "fold_0" / "checkpoint_final.pth"
    path.parent.mkdir(exist_ok=True)
    torch.save(checkpoint, path)


if __name__ == "__main__":
    write_model(Path(sys.argv[1]))
