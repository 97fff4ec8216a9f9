"""One prediction of an nnU-Net, in a process of its own.

Run as a script by :mod:`primitives.kernels.nnunet`; torch keeps settings, threads and
memory for a whole process, writes to standard output, and cannot be interrupted.  The
request comes in on standard input and the answer goes out on standard output, each a
line of JSON and then blocks of bytes whose lengths it lists.

A model is data from elsewhere, and is treated as such: checkpoints are read with
torch's reader of weights, which makes numbers and nothing else, and the classes that
the plans name must be ones of torch, of nnU-Net or of its library of architectures, and
of the right kind.
"""

from __future__ import annotations

import importlib
import inspect
import io
import json
import os
import pydoc
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

CLASS_PREFIXES = ("torch.nn.", "dynamic_network_architectures.", "nnunetv2.")
"""Where classes may come from that a model names."""

_RESAMPLED = ("data", "probabilities", "seg")
_NAMES = {
    "preprocessor": re.compile(r"\w*Preprocessor\w*"),
    "resampling": re.compile(r"(no_resampling|resample)_\w+"),
    "normalization": re.compile(r"\w+Normalization"),
    "label manager": re.compile(r"\w*LabelManager\w*"),
    "trainer": re.compile(r"nnUNet\w+"),
}
"""What names in nnU-Net's modules a model may give, by their role."""

_HEADER_LIMIT = 1 << 28

Array = Any
"""A numpy array; numpy is imported late here."""


class ModelError(Exception):
    """The model cannot be used; the text is for people."""


def write_message(
    out: BinaryIO, header: dict[str, Any], blocks: Sequence[bytes | memoryview] = ()
) -> None:
    """Write a header and blocks of bytes."""
    lengths = [memoryview(block).nbytes for block in blocks]
    out.write(json.dumps({**header, "blocks": lengths}).encode() + b"\n")
    for block in blocks:
        out.write(block)
    out.flush()


def read_message(source: BinaryIO) -> tuple[dict[str, Any], list[bytes]]:
    """Read a header and blocks of bytes.

    Raises:
        EOFError: the message is not complete.
    """
    line = source.readline(_HEADER_LIMIT)
    if not line.endswith(b"\n"):
        raise EOFError
    header: dict[str, Any] = json.loads(line)
    blocks = [source.read(length) for length in header.pop("blocks")]
    return header, blocks


def main() -> None:
    """Answer the request on standard input."""
    with own_output() as out:
        request, blocks = read_message(sys.stdin.buffer)
        try:
            labels = predict(request, blocks)
        except ModelError as error:
            write_message(out, {"error": str(error)})
        except MemoryError:
            write_message(out, {"error": "there is not enough memory for it"})
        except Exception as error:
            text = " ".join(str(error).split()) or "no reason given"
            said = f"{type(error).__name__}: {text}"
            write_message(out, {"error": f"nnU-Net fails with this model: {said}"})
        else:
            header = {"shape": labels.shape, "type": labels.dtype.str}
            write_message(out, header, [labels.tobytes()])


@contextmanager
def own_output() -> Iterator[BinaryIO]:
    """Keep standard output for the answer; what libraries print is thrown away."""
    with os.fdopen(os.dup(1), "wb") as out:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 1)
        yield out


def predict(request: dict[str, Any], blocks: list[bytes]) -> Array:
    """Return the labels that a model finds, shaped as the channels of its input.

    Args:
        request: ``plans`` and ``dataset`` as JSON texts; ``threads``; ``mirroring``;
            ``step``; ``shape`` and ``spacing`` of the image, channels first.
        blocks: the voxels as Float32, then one checkpoint for each fold.

    Raises:
        ModelError: the model is damaged, or asks for what it must not.
    """
    numpy, torch = importlib.import_module("numpy"), importlib.import_module("torch")
    torch.set_num_threads(request["threads"])
    torch.use_deterministic_algorithms(True)
    voxels, *files = blocks
    array = numpy.frombuffer(voxels, "<f4").reshape(request["shape"]).copy()
    blocks.clear()
    checkpoints = [checkpoint_of(file) for file in files]
    predictor = predictor_of(request, checkpoints)
    labels = predictor.predict_single_npy_array(array, {"spacing": request["spacing"]})
    return numpy.ascontiguousarray(labels)


def checkpoint_of(file: bytes) -> dict[str, Any]:
    """Return what a checkpoint holds, made of numbers, texts and tensors alone.

    Raises:
        ModelError: it holds anything else, or is damaged.
    """
    numpy, torch = importlib.import_module("numpy"), importlib.import_module("torch")
    scalars = importlib.import_module("numpy._core.multiarray").scalar
    # The losses that are logged while training are numpy's numbers.
    harmless = [
        scalars,
        (scalars, "numpy.core.multiarray.scalar"),
        numpy.dtype,
        *(type(numpy.dtype(name)) for name in ("f4", "f8", "i4", "i8", "b1")),
    ]
    try:
        with torch.serialization.safe_globals(harmless):
            found = torch.load(io.BytesIO(file), map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(
            "a checkpoint is damaged or holds more than numbers, which would have to "
            f"be run to be read; it is refused ({type(error).__name__}: {reason[:99]})"
        ) from None
    needed = ("network_weights", "trainer_name", "init_args")
    if not isinstance(found, dict) or not all(name in found for name in needed):
        raise ModelError("a checkpoint is not one of nnU-Net v2")
    return found


def predictor_of(request: dict[str, Any], checkpoints: list[dict[str, Any]]) -> Any:
    """Return nnU-Net's predictor for a model.

    Raises:
        ModelError: plans and checkpoints do not describe a network that may be made.
    """
    torch = importlib.import_module("torch")
    plans_handler = importlib.import_module(
        "nnunetv2.utilities.plans_handling.plans_handler"
    )
    inference = importlib.import_module("nnunetv2.inference.predict_from_raw_data")
    first = checkpoints[0]
    plans, dataset = json.loads(request["plans"]), json.loads(request["dataset"])
    manager = plans_handler.PlansManager(plans)
    configuration = manager.get_configuration(first["init_args"]["configuration"])
    check_names(plans, configuration, first["trainer_name"])
    mirroring_axes = first.get("inference_allowed_mirroring_axes")
    predictor = inference.nnUNetPredictor(
        tile_step_size=request["step"],
        use_mirroring=request["mirroring"],
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    predictor.manual_initialization(
        network_of(manager, configuration, dataset, first),
        manager,
        configuration,
        [checkpoint["network_weights"] for checkpoint in checkpoints],
        dataset,
        first["trainer_name"],
        mirroring_axes,
    )
    return predictor


def check_names(plans: dict[str, Any], configuration: Any, trainer: str) -> None:
    """Check that a model names only such parts of nnU-Net as it may.

    Raises:
        ModelError: it names something else, or is a stage of a cascade.
    """
    if configuration.previous_stage_name:
        raise ModelError(
            "the model is the second stage of a cascade, which needs the prediction of "
            "the first; use a model of one stage"
        )
    settings = configuration.configuration
    named = [
        ("preprocessor", settings["preprocessor_name"]),
        *(("resampling", settings[f"resampling_fn_{what}"]) for what in _RESAMPLED),
        *(("normalization", name) for name in settings["normalization_schemes"]),
        ("label manager", plans.get("label_manager", "LabelManager")),
        ("trainer", trainer),
    ]
    for role, name in named:
        if not isinstance(name, str) or not _NAMES[role].fullmatch(name):
            raise ModelError(f"the model names '{name}' as its {role}")


def network_of(
    manager: Any, configuration: Any, dataset: Any, checkpoint: dict[str, Any]
) -> Any:
    """Return the network that the plans describe, without weights.

    Raises:
        ModelError: a part of it is no network layer of torch or nnU-Net.
    """
    labels = importlib.import_module("nnunetv2.utilities.label_handling.label_handling")
    architecture = configuration.network_arch_init_kwargs
    require_layer(configuration.network_arch_class_name)
    for key in configuration.network_arch_init_kwargs_req_import:
        if architecture[key] is not None:
            require_layer(architecture[key])
    build = trainer_named(checkpoint["trainer_name"]).build_network_architecture
    described: tuple[Any, ...] = (manager, configuration)
    if "plans_manager" not in inspect.signature(build).parameters:
        # Trainers written for nnU-Net before 2.8.
        described = (
            configuration.network_arch_class_name,
            architecture,
            configuration.network_arch_init_kwargs_req_import,
        )
    return build(
        *described,
        labels.determine_num_input_channels(manager, configuration, dataset),
        manager.get_label_manager(dataset).num_segmentation_heads,
        enable_deep_supervision=False,
    )


def trainer_named(name: str) -> Any:
    """Return a trainer of nnU-Net's own; it knows how its network is made.

    Raises:
        ModelError: there is none of this name.
    """
    package = importlib.import_module("nnunetv2")
    search = importlib.import_module("nnunetv2.utilities.find_class_by_name")
    module = "nnunetv2.training.nnUNetTrainer"
    folder = os.path.join(package.__path__[0], "training", "nnUNetTrainer")  # noqa: PTH118
    base = importlib.import_module(f"{module}.nnUNetTrainer").nnUNetTrainer
    found = search.recursive_find_python_class(folder, name, module)
    if not isinstance(found, type) or not issubclass(found, base):
        raise ModelError(
            f"the model was trained by '{name}', which the installed nnU-Net lacks"
        )
    return found


def require_layer(name: object) -> None:
    """Check that a dotted name is a layer or network of torch or nnU-Net.

    Raises:
        ModelError: it is not.
    """
    torch = importlib.import_module("torch")
    found = None
    if isinstance(name, str) and name.startswith(CLASS_PREFIXES):
        found = pydoc.locate(name)
    if not isinstance(found, type) or not issubclass(found, torch.nn.Module):
        raise ModelError(f"the plans name '{name}', which is no layer of a network")


if __name__ == "__main__":
    main()
