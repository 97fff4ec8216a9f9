"""The image that is tested: the project's own Dockerfile on the harness's base."""

from __future__ import annotations

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from .base import PROJECT, base_image, wheels
from .engine import Engine

PARTS = (
    ".dockerignore",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "voxpeer.py",
    "language",
    "peer",
    "primitives",
    "scheduler",
    "store",
)
"""What the image is built from."""

LABEL = "voxpeer.harness"
BUILD_LIMIT_S = 300.0


def build_image(engine: Engine) -> str:
    """Build the image of this checkout, without a network, and return its name."""
    base = base_image(engine)
    with tempfile.TemporaryDirectory(prefix="voxpeer-context-") as folder:
        context = Path(folder)
        _fill(context, wheels(_python_version(engine, base)))
        # One name for each checkout, so that two of them can be tested at once.
        checkout = sha256(str(PROJECT).encode()).hexdigest()[:12]
        name = f"voxpeer-harness:{checkout}"
        arguments = {
            "BASE_IMAGE": base,
            "PIP_OPTIONS": "--no-index --find-links /build/wheels --quiet",
        }
        options = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        options += ["--network=none", f"--label={LABEL}=image", f"--tag={name}"]
        engine.docker("build", "--quiet", *options, folder, limit_s=BUILD_LIMIT_S)
    # Images that this one replaced.
    unused = ["--filter", "dangling=true", "--filter", f"label={LABEL}"]
    engine.docker("image", "prune", "--force", *unused)
    return name


def _python_version(engine: Engine, base: str) -> str:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    command = ["run", "--rm", "--network=none", "--entrypoint=python3", base]
    return engine.docker(*command, "-c", ask).stdout.strip()


def _fill(context: Path, wheels_folder: Path) -> None:
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, context / part, ignore=unwanted)
        else:
            shutil.copy2(source, context / part)
    shutil.copytree(wheels_folder, context / "wheels")
