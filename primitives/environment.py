"""Environment classes: what the bits of a result depend on besides its arguments.

The class of an exact primitive is empty.  Of others it is the ``;``-joined list of

``machine``
    operating system and machine, ``linux-x86_64``;
``cpu``
    feature level for which numpy and libm choose their code, ``x86-64-v3``;
``libc``
    C library and version, ``glibc-2.36``;
``libraries``
    exact version of each distribution that the primitive declares, ``numpy-2.4.0``.

Libraries of an extra (:attr:`Primitive.extra`) choose their code by more than a feature
level, such as the size of caches: ``processor``, the name of the model, stands before
them.  One that is not installed is ``nnunetv2-absent``, so that programs which mention
it can be checked and planned.

A primitive drops a part (:attr:`Primitive.drops`) only with a test that changes this
part and compares bits.  Versions come from the names of the installed packages'
metadata folders, so that no library is imported for a key.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from functools import cache
from pathlib import Path

from .errors import PrimitivesError
from .registry import Determinism, Primitive

PARTS = ("machine", "cpu", "libc", "libraries")

_LEVELS = (
    ("x86-64-v4", ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]),
    ("x86-64-v3", ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"]),
    ("x86-64-v2", ["cx16", "popcnt", "sse4_1", "sse4_2", "ssse3"]),
)
_MODEL_FIELDS = (
    *("model name", "cpu family", "model", "cache size"),
    *("CPU implementer", "CPU part", "CPU variant"),
)
_SWITCHES = ("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "GLIBC_TUNABLES")


def environment_class(primitive: Primitive) -> str:
    """Return the environment class of a primitive on this machine.

    Raises:
        PrimitivesError: a library that the primitive declares, and that no extra
            brings, is not installed.
    """
    if primitive.determinism is Determinism.EXACT:
        return ""
    if primitive.extra:
        common = _joined((), primitive.drops)
        return ";".join([common, processor_model(), *_of_extra(primitive.libraries)])
    return _joined(primitive.libraries, primitive.drops)


@cache
def _of_extra(libraries: tuple[str, ...]) -> tuple[str, ...]:
    known = _metadata_folders()
    versions = ((name, known.get(_normalized(name))) for name in sorted(libraries))
    return tuple([f"{name}-{version or 'absent'}" for name, version in versions])


@cache
def _joined(libraries: tuple[str, ...], drops: frozenset[str]) -> str:
    unknown = drops.difference(PARTS)
    if unknown:
        raise ValueError(f"no parts of an environment class: {sorted(unknown)}")
    values = {"machine": _machine, "cpu": _cpu, "libc": _libc}
    parts = [make() for name, make in values.items() if name not in drops]
    if "libraries" not in drops:
        parts += [f"{name}-{library_version(name)}" for name in sorted(libraries)]
    return ";".join(parts)


@cache
def library_version(distribution: str) -> str:
    """Return the installed version of a distribution without importing it.

    Raises:
        PrimitivesError: it is not installed.
    """
    found = _metadata_folders().get(_normalized(distribution))
    if found is not None:
        return found
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        raise PrimitivesError(
            f"{distribution} is not installed; install voxpeer again"
        ) from None


@cache
def _metadata_folders() -> dict[str, str]:
    """Return the versions of installed distributions by normalised name.

    Looking at the folders' names takes a fraction of a millisecond; importing
    ``importlib.metadata`` alone takes ten.
    """
    versions: dict[str, str] = {}
    for folder in sys.path:
        try:
            entries = list(os.scandir(folder or "."))
        except OSError:
            continue
        for entry in entries:
            stem, dot, _ = entry.name.partition(".dist-info")
            if dot:
                distribution, _, version = stem.rpartition("-")
                versions.setdefault(_normalized(distribution), version)
    return versions


def _normalized(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def _machine() -> str:
    return f"{sys.platform}-{platform.machine()}"


@cache
def _cpu() -> str:
    level = _level(platform.machine().lower(), _cpu_features())
    # These variables make libraries choose other code than the level says.
    forced = [f"{name}={os.environ[name]}" for name in _SWITCHES if name in os.environ]
    return "+".join([level, *forced])


@cache
def processor_model() -> str:
    """Return the model of the processor, as the operating system describes it.

    Virtual machines may hide the name; family, model and cache still tell.
    """
    if sys.platform == "darwin":
        found = [_sysctl("machdep.cpu.brand_string")]
    else:
        found = [_cpuinfo(field) for field in _MODEL_FIELDS]
    return re.sub(r"[\s;]+", "-", " ".join(found).strip()) or platform.machine()


def _level(machine: str, features: frozenset[str]) -> str:
    if machine in ("arm64", "aarch64"):
        return "arm64-sve" if "sve" in features else "arm64"
    if machine not in ("x86_64", "amd64"):
        return machine
    # A level includes those below it.
    reached = "x86-64-v1"
    for name, needed in reversed(_LEVELS):
        if not features.issuperset(needed):
            break
        reached = name
    return reached


def _cpu_features() -> frozenset[str]:
    """Return the names of the CPU's features as Linux spells them."""
    if sys.platform == "darwin":
        found = _sysctl("machdep.cpu.features", "machdep.cpu.leaf7_features")
        names = found.lower().replace("sse4.", "sse4_").replace("avx1.0", "avx")
    else:
        names = _cpuinfo("flags|Features")
    return frozenset(names.split())


def _cpuinfo(field: str) -> str:
    """Return the first processor's field of this name in ``/proc/cpuinfo``."""
    try:
        # The first processor's lines; the whole file is long on large machines.
        with Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as file:
            head = file.read(16384)
    except OSError:
        return ""
    found = re.search(rf"^(?:{field})\s*:(.*)$", head, re.MULTILINE)
    return found.group(1) if found else ""


def _sysctl(*names: str) -> str:
    import subprocess

    command = ["/usr/sbin/sysctl", "-n", *names]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout


@cache
def _libc() -> str:
    if sys.platform == "darwin":
        return f"macos-{platform.mac_ver()[0]}"
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        text = None
    if text:
        return text.replace(" ", "-")
    return "-".join(filter(None, platform.libc_ver())) or "libc"
