"""Adds the namespace ``naps`` to a voxpeer whose PYTHONPATH has this folder."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

CATALOG = "primitives.catalog"
NAPS = "primitives.namespaces.naps"


class Naps(MetaPathFinder):
    """Finds the namespace, and lists it when the catalogue is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is, for the two that matter here."""
        if name == NAPS:
            place = Path(__file__).with_name("naps.py")
            return importlib.util.spec_from_file_location(NAPS, place)
        if name != CATALOG:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_with_naps(module: ModuleType) -> None:
                load(module)
                module.NAMESPACES += ("naps",)  # type: ignore[attr-defined]

            spec.loader.exec_module = load_with_naps  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, Naps())
