"""What names mean: lookup order, and what to say when they mean nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from primitives.refused import refusal
from primitives.registry import Primitive, Registry

from .code import Definition

MOST_LISTED = 8
"""Names of a namespace that are told when none is near."""

_OTHER_WORDS = {
    "average": "the mean inside a region is avg(image, region)",
    "false": "write false in small letters",
    "count": "the number of voxels is volume(region), of items length(sequence)",
    "len": "the number of items is length(sequence)",
    "mean": "the mean inside a region is avg(image, region)",
    "size": "the number of voxels is volume(region), of items length(sequence)",
    "sum": "the sum of a sequence is (fold + sequence)",
    "true": "write true in small letters",
}
"""Words that people look for, and what there is instead."""

_OTHER_OPERATORS = {
    **dict.fromkeys(
        ["^", "**"], "the square of x is x * x, of each voxel Pow(image, 2)"
    ),
    **dict.fromkeys(["->", "=>"], "a function is written f(x) = …"),
    **dict.fromkeys(["#", "%", "/*"], "a comment begins with //"),
    ";": "write ',' between items, and nothing between commands",
}
_FILE_ENDINGS = frozenset({"csv", "dcm", "gz", "jpg", "json", "mha", "nii", "png"})


class Names:
    """The meanings of names at one point of a program.

    A name is looked for among the definitions, then among the primitives: namespace
    ``default``, those imported, all others.

    Attributes:
        registry: the primitives.
        definitions: what names mean here.
        imported: namespaces, in order.
        written: names that the program defines anywhere.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.definitions: dict[str, Definition] = {}
        self.imported: list[str] = []
        self.written: set[str] = set()
        self._primitives: dict[str, Primitive | None] = {}

    def import_namespace(self, namespace: str) -> None:
        """Look for primitives in a namespace before those not imported."""
        if namespace not in self.imported:
            self.imported.append(namespace)
            self._primitives.clear()

    def library_primitive(self, name: str) -> Primitive | None:
        """Return the primitive that a name means in a bundled library, or None."""
        return self.registry.find(name, ("vox1",))

    def primitive(self, name: str) -> Primitive | None:
        """Return the primitive that a name means, or None."""
        try:
            return self._primitives[name]
        except KeyError:
            found = self.registry.find(name, self.imported)
            self._primitives[name] = found
            return found


def explain_unbound(
    name: str,
    own: Sequence[str],
    names: Names,
    library: Mapping[str, str],
    suggests: bool = True,
) -> tuple[str, str, str]:
    """Return code, message and hint for a name that means nothing.

    Args:
        name: the name or operator.
        own: names that the program defines.
        names: what names mean.
        library: names that an import would bring, and what to import for each.
        suggests: whether to look for near names.
    """
    if name in library:
        hint = f'write import "{library[name]}" before it'
        word = "name" if _is_word(name) else "operator"
        return "unbound-name", f"the {word} '{name}' is not defined", hint
    if not _is_word(name):
        parts = _split_operator(name, own, names)
        hint = f"did you mean '{parts}'? Separate operators by a blank" if parts else ""
        hint = _OTHER_OPERATORS.get(name, hint)
        return "unbound-name", f"the operator '{name}' is not defined", hint
    message = f"the name '{name}' is not defined"
    if name in names.written:
        hint = "a definition holds for what follows it: move it up"
        return "unbound-name", message, f"{hint}; a function cannot call itself"
    if not suggests:
        return "unbound-name", message, ""
    reason = refusal(name)
    if reason:
        return "not-offered", f"'{name}' is not offered", reason
    namespace, dot, short = name.partition(".")
    registry = names.registry
    if dot and namespace in registry.namespaces:
        table = registry.table(namespace)
        near = difflib.get_close_matches(short, table, n=1)
        hint = f"did you mean '{namespace}.{near[0]}'?" if near else ""
        if not near and len(table) <= MOST_LISTED:
            hint = f"{namespace} has {', '.join(table)}"
        return "unbound-name", message, hint
    if dot:
        hint = "there are " + ", ".join(registry.namespaces)
        if short in _FILE_ENDINGS:
            hint = "the name of a file stands in double quotes"
        return "unknown-namespace", f"there is no namespace '{namespace}'", hint
    return "unbound-name", message, _suggestion(name, own, names, library)


def explain_variable(name: str, known: Sequence[str]) -> str:
    """Return what to do about a ``$name`` without a value.

    Args:
        name: without ``$``.
        known: those that have a value, without ``$``.
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    hint = f"pass it with -p {name}=VALUE"
    return f"did you mean '${near[0]}'? If not, {hint}" if near else hint


def explain_import(path: str, namespaces: Sequence[str]) -> str:
    """Return what to do about an import that finds nothing.

    Args:
        path: as written.
        namespaces: names of all namespaces.
    """
    first = path.partition(".")[0]
    if first in namespaces and "/" not in path:
        return f'write import "{first}"'
    if "." in path or "/" in path:
        return "it is looked for beside this file and in the current directory"
    near = difflib.get_close_matches(path.lower(), namespaces, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"namespaces are {', '.join(namespaces)}"


def _is_word(name: str) -> bool:
    return name[0].isalpha() or name[0] == "_"


def _suggestion(
    name: str, own: Sequence[str], names: Names, library: Mapping[str, str]
) -> str:
    if name.lower() in _OTHER_WORDS:
        return _OTHER_WORDS[name.lower()]
    near = _nearest(name, {*own, *library}, names.registry)
    if not near:
        return ""
    hint = "did you mean " + " or ".join(f"'{other}'" for other in near) + "?"
    best = near[0]
    if best in library and best not in own and names.primitive(best) is None:
        hint += f' (after import "{library[best]}")'
    return hint


def _nearest(name: str, known: Iterable[str], registry: Registry) -> list[str]:
    """Return up to two known names that look like ``name``, nearest first."""
    if len(name) < 2:
        return []
    lowered = {other.lower(): other for other in sorted(known, reverse=True)}
    near = difflib.get_close_matches(name.lower(), lowered, n=2, cutoff=0.7)
    found = {lowered[other]: None for other in near}
    found.update(dict.fromkeys(registry.suggest(name)))
    matcher = difflib.SequenceMatcher(b=name.lower())

    def likeness(other: str) -> float:
        matcher.set_seq1(other.lower())
        return matcher.ratio()

    return sorted(found, key=likeness, reverse=True)[:2]


def _split_operator(name: str, own: Sequence[str], names: Names) -> str:
    """Return how to part glued operators, such as ``& !`` for ``&!``, or nothing."""

    def known(part: str) -> bool:
        return part in own or names.primitive(part) is not None

    for cut in range(len(name) - 1, 0, -1):
        if known(name[:cut]) and known(name[cut:]):
            return f"{name[:cut]} {name[cut:]}"
    return ""
