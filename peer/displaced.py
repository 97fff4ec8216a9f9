"""Warnings of input images that are taken to lie elsewhere than their files say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.plan import App, Const, Plan, Ref

from .places import diagnose

if TYPE_CHECKING:
    from language.errors import Diagnostic


def displaced_inputs(
    plan: Plan, directory: Path, texts: Mapping[str, str] | None = None
) -> list[Diagnostic]:
    """Return a warning for each image that is moved onto the grid of the first one.

    Args:
        plan: what is to be run.
        directory: what relative paths are relative to.
        texts: programs that are in no file, by name.
    """
    warnings = []
    for ref, node in enumerate(plan.nodes):
        if isinstance(node, App) and node.primitive == "vox1.aligned":
            path, base = (_loaded(plan, arg) for arg in node.args)
            if path and base:
                found = _displacement(directory, path, base)
                if found:
                    site = plan.node_sites[ref]
                    warnings.append(_warning(plan, site, found, texts))
    return warnings


def _loaded(plan: Plan, ref: Ref | None) -> str:
    """Return the path of the file that a node loads, or nothing."""
    node = None if ref is None else plan.nodes[ref]
    if not isinstance(node, App) or node.primitive not in ("vox1.load", "default.load"):
        return ""
    argument = node.args[0]
    path = None if argument is None else plan.nodes[argument]
    if isinstance(path, Const) and isinstance(path.value, str):
        return path.value
    return ""


def _displacement(directory: Path, path: str, base: str) -> str:
    """Return a message on where an image lies, or nothing if it is where it should."""
    from primitives.formats.placement import displacement

    found = displacement(directory / path, directory / base)
    if not found:
        return ""
    return (
        f"'{path}' does not lie where '{base}' does, the first image loaded ({found}); "
        "it is taken to lie there"
    )


def _warning(
    plan: Plan, site: int, message: str, texts: Mapping[str, str] | None
) -> Diagnostic:
    from language.errors import Severity

    warning = diagnose(plan, site, message, "displaced-input", texts)
    return replace(warning, severity=Severity.WARNING)
