#!/usr/bin/env python3
"""Hold each primitive's version against the code that computes it.

``primitives/VERSIONS.lock`` has one line for each primitive: its name, its version, and
a digest of its kernel's code.  Code means the syntax tree of the kernel and of every
function, class and constant of the primitives that it reaches by name; comments,
docstrings, type hints and layout do not count.

    scripts/kernel_versions.py --check              fail if code changed, not version
    scripts/kernel_versions.py --update             record primitives whose version rose
    scripts/kernel_versions.py --same-results NAME  record a change that keeps the bits

NAME may be a pattern such as "vox1.dist*".
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "primitives" / "VERSIONS.lock"
ROOM = "primitives"
SHOWN = 20
"""Names that a message lists."""

sys.path.insert(0, str(ROOT))

from primitives.catalog import standard_registry  # noqa: E402
from primitives.registry import Primitive  # noqa: E402

Entry = tuple[int, str]
"""Version, and digest of the code."""

Place = tuple[str, str]
"""Module, and a name defined at its top level, or :data:`EVERYTHING`."""

EVERYTHING = "*"


def main() -> int:
    """Check or update the lock file."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true")
    action.add_argument("--update", action="store_true")
    action.add_argument("--same-results", metavar="NAME", action="append")
    options = parser.parse_args()
    locked, current = read_lock(), current_entries()
    if options.check:
        return check(locked, current)
    names = set()
    for pattern in options.same_results or ():
        matching = fnmatch.filter(current, pattern)
        if not matching:
            print(f"there is no primitive '{pattern}'", file=sys.stderr)
            return 2
        names.update(matching)
    kept = {
        name: locked[name]
        for name in current
        if name in locked and name not in names and locked[name][0] == current[name][0]
    }
    write_lock({**current, **kept})
    return check(read_lock(), current) if options.update else 0


def check(locked: dict[str, Entry], current: dict[str, Entry]) -> int:
    """Report every primitive that the lock file does not describe."""
    changed = [
        name
        for name, (version, digest) in current.items()
        if name in locked and locked[name] == (version, locked[name][1])
        if locked[name][1] != digest
    ]
    stale = [
        name
        for name in sorted({*locked, *current})
        if name not in changed and locked.get(name) != current.get(name)
    ]
    if changed:
        print(
            "the code of kernels changed, their versions did not: "
            f"{shortened(changed)}.\nIf results may differ, raise the version in the "
            "namespace's table and run --update; if every bit stays the same, run "
            "--same-results NAME.",
            file=sys.stderr,
        )
    if stale:
        print(
            f"VERSIONS.lock is not current for {shortened(stale)}; run --update",
            file=sys.stderr,
        )
    return 1 if changed or stale else 0


def shortened(names: list[str]) -> str:
    """Return a list of names that fits on a screen."""
    rest = len(names) - SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(names[:SHOWN]) + more


def current_entries() -> dict[str, Entry]:
    """Return version and code digest of every primitive that has a kernel."""
    registry = standard_registry()
    found = (
        registry.table(namespace)[short]
        for namespace in registry.namespaces
        for short in registry.table(namespace)
    )
    return {
        primitive.name: (primitive.version, code_digest(primitive))
        for primitive in found
        if primitive.kernel
    }


def code_digest(primitive: Primitive) -> str:
    """Return the digest of all code that a primitive's kernel reaches."""
    module, _, function = primitive.kernel.partition(":")
    digest = sha256(repr((primitive.bound, primitive.libraries)).encode())
    for place in sorted(reached((module, function))):
        code, _ = definitions(place[0])[place[1]]
        digest.update(repr((place, code)).encode())
    digest.update(table_row(primitive).encode())
    return digest.hexdigest()[:32]


def table_row(primitive: Primitive) -> str:
    """Return what the table of SimpleITK's filters says of a primitive."""
    from primitives.simpleitk_table import load_table

    entry = load_table().filters.get(primitive.short_name)
    if entry is None or primitive.namespace != "simpleitk":
        return ""
    return repr((entry.class_name, entry.formals, entry.result))


@cache
def reached(start: Place) -> frozenset[Place]:
    """Return the definitions that are reachable by name from one of them."""
    seen: set[Place] = set()
    waiting = [start]
    while waiting:
        module, name = waiting.pop()
        found = definitions(module)
        if name == EVERYTHING:
            waiting += [(module, each) for each in found]
        elif name in found and (module, name) not in seen:
            seen.add((module, name))
            waiting += found[name][1]
    return frozenset(seen)


@cache
def definitions(module: str) -> dict[str, tuple[str, list[Place]]]:
    """Return, for each top-level name of a module, its code and what it mentions."""
    path = ROOT / Path(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    package = module if path.is_dir() else module.rpartition(".")[0]
    imported = imports(tree, package)
    bodies: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for name in defined_names(statement):
            bodies.setdefault(name, []).append(statement)
    found = {}
    for name, statements in bodies.items():
        for statement in statements:
            strip(statement)
        code = ";".join(dumped(statement) for statement in statements)
        local = {name: (module, name) for name in bodies}
        inner = imports(ast.Module(list(statements), []), package)
        known = {**local, **imported, **inner}
        mentioned = [
            place for statement in statements for place in mentions(statement, known)
        ]
        found[name] = (code, mentioned)
    return found


def mentions(statement: ast.stmt, known: dict[str, Place]) -> list[Place]:
    """Return the definitions that a statement names, also through a module."""
    places = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and node.id in known:
            module, name = known[node.id]
            if name == EVERYTHING:
                places += attributes_of(statement, node.id, module)
            else:
                places.append((module, name))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # Modules that a kernel imports by name.
            module = f"{ROOM}.kernels.{node.value}"
            if node.value.isidentifier() and is_module(module):
                places.append((module, EVERYTHING))
    return places


def attributes_of(statement: ast.stmt, alias: str, module: str) -> list[Place]:
    """Return what a statement takes from an imported module."""
    return [
        (module, node.attr)
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == alias
    ]


def imports(tree: ast.Module, package: str) -> dict[str, Place]:
    """Return what names imported from the primitives stand for."""
    found: dict[str, Place] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = package.rsplit(".", node.level - 1)[0] if node.level else ""
        module = ".".join(filter(None, [base, node.module]))
        if module.partition(".")[0] != ROOM:
            continue
        for alias in node.names:
            inner = f"{module}.{alias.name}"
            found[alias.asname or alias.name] = (
                (inner, EVERYTHING) if is_module(inner) else (module, alias.name)
            )
    return found


def is_module(name: str) -> bool:
    """Return whether a dotted name is a module of this project."""
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def defined_names(statement: ast.stmt) -> list[str]:
    """Return the names that a top-level statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return []
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        names = [node for node in names if isinstance(node.ctx, ast.Store)]
    # Other statements, such as a loop that fills a table, may change all they name.
    return sorted({node.id for node in names})


def dumped(node: object) -> str:
    """Return a syntax tree as text, the same from every version of Python."""
    if isinstance(node, ast.AST):
        fields = [
            f"{name}={dumped(value)}"
            for name, value in ast.iter_fields(node)
            if value is not None and value != []
        ]
        return f"{type(node).__name__}({', '.join(fields)})"
    if isinstance(node, list):
        return "[" + ", ".join(map(dumped, node)) + "]"
    return repr(node)


def strip(statement: ast.stmt) -> None:
    """Take docstrings and the type hints of functions out of a syntax tree."""
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            arguments = node.args
            for argument in (
                *arguments.posonlyargs,
                *arguments.args,
                *arguments.kwonlyargs,
                *filter(None, [arguments.vararg, arguments.kwarg]),
            ):
                argument.annotation = None
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            body = node.body
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = body[1:] or [ast.Pass()]


def read_lock() -> dict[str, Entry]:
    """Return the entries of the lock file."""
    if not LOCK.exists():
        return {}
    entries = {}
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, version, digest = line.split()
            entries[name] = (int(version), digest)
    return entries


def write_lock(entries: dict[str, Entry]) -> None:
    """Write the lock file, sorted by name."""
    lines = ["# Written by scripts/kernel_versions.py: name, version, digest of code."]
    lines += [
        f"{name} {version} {digest}"
        for name, (version, digest) in sorted(entries.items())
    ]
    LOCK.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
