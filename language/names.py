"""What names mean: lookup order, and what to say when they mean nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from primitives.registry import Primitive, Registry

from .code import Definition


class Names:
    """The meanings of names at one point of a program.

    A name is looked for among the definitions, then among the primitives: namespace
    ``default``, those imported, all others.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.definitions: dict[str, Definition] = {}
        self.imported: list[str] = []
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
    name: str, own: Sequence[str], names: Names, library: Mapping[str, str]
) -> tuple[str, str, str]:
    """Return code, message and hint for a name that means nothing.

    Args:
        name: the name or operator.
        own: names that the program defines.
        names: what names mean.
        library: names that an import would bring, and what to import for each.
    """
    if name in library:
        hint = f'write import "{library[name]}" before it'
        word = "name" if _is_word(name) else "operator"
        return "unbound-name", f"the {word} '{name}' is not defined", hint
    if not _is_word(name):
        parts = _split_operator(name, own, names)
        hint = f"did you mean '{parts}'? Separate operators by a blank" if parts else ""
        return "unbound-name", f"the operator '{name}' is not defined", hint
    message = f"the name '{name}' is not defined"
    namespace, dot, short = name.partition(".")
    registry = names.registry
    if dot and namespace in registry.namespaces:
        near = difflib.get_close_matches(short, registry.table(namespace), n=1)
        hint = f"did you mean '{namespace}.{near[0]}'?" if near else ""
        return "unbound-name", message, hint
    if dot:
        hint = "there are " + ", ".join(registry.namespaces)
        return "unknown-namespace", f"there is no namespace '{namespace}'", hint
    return "unbound-name", message, _suggestion(name, own, names, library)


def _is_word(name: str) -> bool:
    return name[0].isalpha() or name[0] == "_"


def _suggestion(
    name: str, own: Sequence[str], names: Names, library: Mapping[str, str]
) -> str:
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
