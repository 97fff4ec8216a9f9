"""The primitives that voxpeer ships, by namespace."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, partial

from .registry import Registry, Table

NAMESPACES = (
    "arrays",
    "default",
    "geom",
    "nnunet",
    "simpleitk",
    "strings",
    "test",
    "vox1",
    "voxpeer",
)


@cache
def standard_registry() -> Registry:
    """Return the registry of all namespaces; a table is made at its first use."""
    loaders: dict[str, Callable[[], Table]] = {
        namespace: partial(_load, namespace) for namespace in NAMESPACES
    }
    return Registry(loaders)


def _load(namespace: str) -> Table:
    module = importlib.import_module(f".namespaces.{namespace}", __package__)
    table: Table = module.table()
    return table
