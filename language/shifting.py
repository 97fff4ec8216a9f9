"""Loop variables in nodes that are used further in than they were made."""

from __future__ import annotations

from scheduler.plan import App, Fn, Param, PlanBuilder, Ref, children


class Shifter:
    """Raises the de Bruijn indices of nodes that refer to variables of outer loops."""

    def __init__(self, builder: PlanBuilder) -> None:
        self._builder = builder
        self._shifted: dict[tuple[Ref, int], Ref] = {}
        self.origins: dict[Ref, list[Ref]] = {}
        """What each shifted node was made of."""

    def shift(self, ref: Ref, by: int) -> Ref:
        """Return a node as it is ``by`` loops further in."""
        known = self._shifted.get((ref, by))
        if known is not None:
            return known
        done: dict[tuple[Ref, int], Ref] = {}
        for part, inner in self._open_parts(ref):
            made = done[part, inner] = self._rebuild(part, inner, by, done)
            self.origins.setdefault(made, []).append(part)
        self._shifted[ref, by] = done[ref, 0]
        return done[ref, 0]

    def _rebuild(
        self, part: Ref, inner: int, by: int, done: dict[tuple[Ref, int], Ref]
    ) -> Ref:
        builder = self._builder
        node = builder.nodes[part]
        site = builder.node_sites[part]
        if isinstance(node, App):
            args = [
                arg if arg is None else done.get((arg, inner), arg) for arg in node.args
            ]
            return builder.app(node.primitive, args, site)
        if isinstance(node, Fn):
            return builder.function(done[node.body, inner + 1], site)
        assert isinstance(node, Param)
        return builder.param(node.index + by)

    def _open_parts(self, ref: Ref) -> list[tuple[Ref, int]]:
        """List the nodes below ``ref`` that refer out of it, children first.

        Each comes with the number of functions below ``ref`` that it is in.
        """
        builder = self._builder
        seen = {(ref, 0)}
        todo = [(ref, 0)]
        while todo:
            part, depth = todo.pop()
            node = builder.nodes[part]
            inner = depth + 1 if isinstance(node, Fn) else depth
            for child in children(node):
                if builder.free[child] > inner and (child, inner) not in seen:
                    seen.add((child, inner))
                    todo.append((child, inner))
        return sorted(seen)
