"""The system that the tested image is built from, and the wheels that go into it.

Images cannot be pulled everywhere, so the system is made by ``debootstrap``: the
Debian (or Ubuntu) release of this machine with its Python and the tools that trouble
a network.  Both the system and the wheels are kept in a cache folder between runs,
each under a name that is derived from its recipe.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from .command import execute
from .engine import Engine, EngineUnavailableError

PROJECT = Path(__file__).resolve().parents[2]
OVERRIDE = "HARNESS_BASE_IMAGE"
"""Variable that names an image to use as the system, with the same tools in it."""

PACKAGES = (
    "python3",
    "python3-venv",
    "ca-certificates",
    "iproute2",  # tc: a slow network
    "libfaketime",  # a clock that is wrong
    "nftables",  # a network that loses packets
    "procps",
    "tcpdump",
)
LEFT_OUT = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt")
RECIPE = "1"
"""Raised when this module makes something else of the same packages."""

MAKE_LIMIT_S = 900.0
DOWNLOAD_LIMIT_S = 900.0
IMPORT_LIMIT_S = 120.0


def cache_folder() -> Path:
    """Return the folder for what is kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "voxpeer-harness"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def base_image(engine: Engine) -> str:
    """Return the name of an image of the system, made if need be.

    Raises:
        EngineUnavailableError: it is not there and cannot be made here.
    """
    if override := os.environ.get(OVERRIDE):
        return override
    release = _release()
    key = _key(RECIPE, release, *PACKAGES)
    name = f"voxpeer-harness-base:{key}"
    if engine.docker("image", "inspect", name, check=False).exit_code == 0:
        return name
    archive = cache_folder() / f"base-{key}.tar"
    if not archive.exists():
        _make_system(release, archive)
    engine.docker("import", str(archive), name, limit_s=IMPORT_LIMIT_S)
    return name


def wheels(python_version: str) -> Path:
    """Return a folder with the wheels of all that voxpeer needs.

    Args:
        python_version: of the Python that will install them, "3.11".
    """
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    folder = cache_folder() / f"wheels-{_key(RECIPE, python_version, *needed)}"
    if not folder.exists():
        with _made_beside(folder) as partial:
            pip = [sys.executable, "-m", "pip", "download", "--quiet"]
            choice = ["--only-binary", ":all:", "--python-version", python_version]
            command = [*pip, *choice, "--dest", str(partial), *needed]
            execute(command, limit_s=DOWNLOAD_LIMIT_S)
    return folder


def _release() -> str:
    lines = Path("/etc/os-release").read_text("utf-8").splitlines()
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    name = facts.get("VERSION_CODENAME", "").strip('"')
    if not name or not shutil.which("apt-get"):
        raise EngineUnavailableError(
            "the base image is made from Debian or Ubuntu, and this is neither; "
            f"name an image in {OVERRIDE}"
        )
    return name


def _make_system(release: str, archive: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise EngineUnavailableError(
            "the base image is not there yet; making it takes root and debootstrap, or "
            f"name an image in {OVERRIDE} that has {', '.join(PACKAGES)}"
        )
    with (
        tempfile.TemporaryDirectory(prefix="voxpeer-base-") as temporary,
        _made_beside(archive) as partial,
    ):
        root = Path(temporary) / "root"
        packages = ",".join(PACKAGES)
        options = ["--variant=minbase", f"--include={packages}"]
        command = ["debootstrap", *options, release, str(root), *_mirror(release)]
        execute(command, limit_s=MAKE_LIMIT_S)
        for name in LEFT_OUT:
            shutil.rmtree(root / name, ignore_errors=True)
        pack = ["tar", "-C", str(root), "--one-file-system", "-cf", str(partial), "."]
        execute(pack, limit_s=IMPORT_LIMIT_S)


def _mirror(release: str) -> list[str]:
    """Return where this machine gets ``release`` from; nothing if it is unknown."""
    listed = execute(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(SITE)"],
        limit_s=30,
        check=False,
    ).stdout
    for line in listed.splitlines():
        name, component, site = (*line.split(), "", "", "")[:3]
        if name == release and component == "main" and "security" not in site:
            return [site]
    return []


@contextmanager
def _made_beside(target: Path) -> Iterator[Path]:
    """Give a path that becomes ``target`` when all went well."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield partial
        if not target.exists():
            partial.rename(target)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)


def _key(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:16]
