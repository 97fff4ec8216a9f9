"""Results that others have computed before, taken as values of this run.

They are those of the store, and those that neighbours bring while the run goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from primitives.encoding import children
from primitives.errors import PrimitivesError
from primitives.values import Value, kind_of
from store import Found, StoreError

from .jobs import Kept, Stored, load_payload
from .plan import Ref
from .states import DONE, FAILED, RUNNING, UNSEEN

if TYPE_CHECKING:
    from .engine import Engine


class FoundResults:
    """What one run has found; to its questions it is the walk.

    Attributes:
        from_store: nodes whose values were in the store.
        foreign: nodes whose values other machines have computed.
    """

    def __init__(self, engine: Engine) -> None:
        self.from_store: set[Ref] = set()
        self.foreign: set[Ref] = set()
        self._engine = engine

    def use(self, ref: Ref, found: Found) -> bool:
        """Take a result of the store as a node's; False if its bytes are no value."""
        if not self._finish(ref, found):
            return False
        self._engine.progress.from_store += 1
        self.from_store.add(ref)
        return True

    def _finish(self, ref: Ref, found: Found) -> bool:
        engine = self._engine
        result = found.result
        value: Value = Stored(result.digest, result.kind, result.size_bytes)
        kind = result.kind
        # An image may not be needed at all, when it is a file that is saved already.
        is_scalar = kind not in ("image", "mask")
        if found.payload is not None and is_scalar:
            try:
                if not children(found.payload):
                    value = load_payload(found.payload, engine.store)
                    kind = kind_of(value)
            except (PrimitivesError, StoreError):
                return False
        if result.origin == "peer":
            if kind not in engine.graph.kinds_of(ref):
                return False
            self.foreign.add(ref)
        engine.keeper.kept[ref] = Kept(
            ref, result.digest, kind, result.size_bytes, (), True
        )
        engine.finish(ref, value)
        return True

    # ---- what neighbours bring ---------------------------------------------

    def arrive(self, ref: Ref, found: Found) -> bool:
        """Take a result that came from a neighbour, whatever is under way for it here.

        Returns:
            False if its bytes are no value.
        """
        state = self._engine.states[ref]
        if not self._finish(ref, found):
            return False
        self._engine.demand.waits_no_longer(ref, state)
        return True

    def is_settled(self, ref: Ref) -> bool:
        """Return whether a node needs no result any more: done, failed, let go of."""
        return self._engine.states[ref] in (UNSEEN, DONE, FAILED)

    def is_here(self, ref: Ref, or_running: bool) -> bool:
        """Return whether a node has its value, or, if wanted, a worker is at it."""
        state = self._engine.states[ref]
        return state is DONE or (or_running and state is RUNNING)

    def is_goal(self, ref: Ref) -> bool:
        """Return whether a node's value is a goal of the run."""
        return ref in self._engine.keeper.goals

    def is_lost(self, ref: Ref) -> bool:
        """Return whether a node's value was here and had to be let go of."""
        return ref in self._engine.recovery.lost

    def expand(self, ref: Ref) -> None:
        """Compute a node here."""
        self._engine.demand.expand(ref)

    def note_inputs(self, refs: Sequence[Ref]) -> None:
        """Write down from which files the results are that neighbours will bring."""
        engine = self._engine
        provenance = engine.keeper.provenance
        if provenance is not None:
            for ref in refs:
                if (key := engine.graph.keys[ref]) is not None:
                    provenance.note(key, (ref,))
            provenance.write()
