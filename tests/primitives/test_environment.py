"""Environment classes: what they hold, and what they cost."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from primitives import PrimitivesError, environment_class, standard_registry
from primitives.environment import PARTS, library_version
from primitives.registry import Determinism

FLOAT = replace(
    standard_registry().get("default.load"),
    determinism=Determinism.FLOAT,
    libraries=("numpy", "SimpleITK"),
    drops=frozenset(),
)


def test_an_exact_primitive_has_no_environment() -> None:
    assert environment_class(standard_registry().get("default.addition")) == ""


def test_a_float_primitive_names_machine_cpu_libc_and_libraries() -> None:
    parts = environment_class(FLOAT).split(";")
    assert parts[0].startswith(sys.platform)
    assert parts[3:] == [
        f"{name}-{importlib.metadata.version(name)}" for name in ("SimpleITK", "numpy")
    ]


@pytest.mark.parametrize("part", PARTS)
def test_a_dropped_part_is_left_out(part: str) -> None:
    whole = environment_class(FLOAT).split(";")
    left = environment_class(replace(FLOAT, drops=frozenset({part}))).split(";")
    where = PARTS.index(part)
    removed = whole[3:] if part == "libraries" else [whole[where]]
    assert left == [each for each in whole if each not in removed]


def test_the_order_in_which_libraries_are_declared_does_not_matter() -> None:
    turned = replace(FLOAT, libraries=FLOAT.libraries[::-1])
    assert environment_class(turned) == environment_class(FLOAT)


def test_dropping_an_unknown_part_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="moon"):
        environment_class(replace(FLOAT, drops=frozenset({"moon"})))


def test_versions_are_those_of_the_installed_metadata() -> None:
    for name in ("numpy", "SimpleITK", "click", "msgspec", "zstandard"):
        assert library_version(name) == importlib.metadata.version(name)


def test_a_missing_library_is_named() -> None:
    with pytest.raises(PrimitivesError, match="no-such-thing is not installed"):
        library_version("no-such-thing")


@pytest.mark.slow
def test_switches_that_change_the_code_of_libraries_change_the_class() -> None:
    code = (
        "from tests.primitives.test_environment import FLOAT;"
        "from primitives import environment_class;"
        "print(environment_class(FLOAT))"
    )

    def shown(**environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(Path.cwd()), **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert shown() == shown()
    assert shown(GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX2") != shown()


def test_neither_catalogue_nor_environment_imports_a_heavy_library() -> None:
    code = (
        "import sys\n"
        "from primitives import environment_class, standard_registry\n"
        "for name in ('default', 'strings', 'arrays'):\n"
        "    for primitive in standard_registry().table(name).values():\n"
        "        primitive.parameters, primitive.result_kinds\n"
        "        environment_class(primitive)\n"
        "heavy = {'numpy', 'SimpleITK', 'importlib.metadata', 'lark', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
