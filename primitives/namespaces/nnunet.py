"""Namespace ``nnunet``: segmentation by trained networks; needs an extra."""

from __future__ import annotations

from primitives.registry import Cost, Determinism, Primitive, Table

from ._tables import by_short_name

_KERNELS = "primitives.kernels.nnunet"
_LIBRARIES = (
    "acvl-utils",
    "batchgenerators",
    "dynamic-network-architectures",
    "nnunetv2",
    "numpy",
    "scikit-image",
    "scipy",
    "torch",
)
"""Distributions whose code decides the bits of a prediction."""


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    return by_short_name((*_models(), *_predictions()))


def _models() -> tuple[Primitive, ...]:
    return (
        Primitive(
            name="nnunet.model",
            version=1,
            signature="folder: string -> record",
            kernel=f"{_KERNELS}:model",
            determinism=Determinism.EXACT,
            cost=Cost.LINEAR,
            summary="The model that nnU-Net trained into a folder.",
            reads=True,
            reveals_input=True,
            details="The folder holds plans.json, dataset.json and, for each fold, "
            "fold_…/checkpoint_final.pth. The model is named by the content of these "
            "files: in another folder it is the same model.",
        ),
        Primitive(
            name="nnunet.make_predictor",
            version=1,
            signature=(
                "model: record, device: string = cpu, "
                "folds: sequence|string|number? = all, "
                "mirroring: bool|number = true, step: number = 0.5 -> record"
            ),
            kernel=f"{_KERNELS}:make_predictor",
            determinism=Determinism.EXACT,
            cost=Cost.TRIVIAL,
            summary="A model together with how it is to be used.",
            reveals_input=True,
            details="Without folds, the networks of all folds vote. Mirroring averages "
            "over mirrored images, and takes 4 times (2-D) or 8 times (3-D) as long; "
            "step is how far the window moves, as a share of its size.",
        ),
    )


def _predictions() -> tuple[Primitive, ...]:
    return (
        Primitive(
            name="nnunet.predict",
            version=1,
            signature="predictor: record, *images: image|sequence -> image",
            kernel=f"{_KERNELS}:predict",
            determinism=Determinism.FLOAT,
            cost=Cost.HEAVY,
            summary="The labels that a trained network finds, on the images' grid.",
            libraries=_LIBRARIES,
            extra="nnunet",
            max_threads=64,
            details="The images are the channels that the network was trained on, in "
            "their order; a model serves as a predictor with the usual settings. "
            "Needs the extra voxpeer[nnunet]. Predictions run on the processor, in a "
            "process of their own.",
        ),
        Primitive(
            name="nnunet.env_check",
            version=1,
            signature="-> record",
            kernel=f"{_KERNELS}:env_check",
            determinism=Determinism.VOLATILE,
            cost=Cost.TRIVIAL,
            summary="Whether nnU-Net is installed, and in which versions.",
            details="available, missing, install (the command), device, processor, "
            "versions.",
        ),
    )
