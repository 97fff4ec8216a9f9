"""Names of a package that are imported at their first use."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module


def load(package: str, homes: Mapping[str, str], name: str) -> object:
    """Return what ``name`` means in ``package``, for its ``__getattr__`` (PEP 562).

    Args:
        package: import name of the package.
        homes: name → module of the package that has it.
        name: what was asked for.

    Raises:
        AttributeError: the package has no such name.
    """
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{package}.{homes[name]}"), name)
    setattr(sys.modules[package], name, value)  # found without us the next time
    return value
