"""Results that others have computed before, taken as values of this run.

They are those of the store, and those that neighbours bring while the run goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from primitives.encoding import children
from primitives.errors import PrimitivesError
from primitives.values import Value, kind_of
from store import Digest, Found, Result, StoreError

from .jobs import Kept, Stored, load_payload
from .options import RunOptions
from .plan import Ref
from .reliance import NOBODY, SOMEBODY, Relied
from .states import DONE, FAILED, RUNNING, UNSEEN

if TYPE_CHECKING:
    from .engine import Engine


class FoundResults:
    """What one run has found; to its questions it is the walk.

    Attributes:
        from_store: nodes whose values were in the store.
        foreign: nodes whose values other machines have computed, or this one did from
            what they have computed.
        passed_over: nodes whose results were held and not used, because the run trusts
            only what is its machine's own.
    """

    def __init__(self, engine: Engine, options: RunOptions) -> None:
        self.from_store: set[Ref] = set()
        self.foreign: set[Ref] = set()
        self.passed_over: dict[Ref, Digest] = {}
        self._trusts_only_itself = options.trusts_only_itself
        self._engine = engine

    def use(self, ref: Ref, found: Found) -> bool:
        """Take a result of the store as a node's.

        Returns:
            False if its bytes are no value, or it is not trusted.
        """
        if self._trusts_only_itself and not is_own(found.result):
            self.passed_over[ref] = found.result.digest
            return False
        if not self._finish(ref, found):
            return False
        self._engine.progress.from_store += 1
        self.from_store.add(ref)
        if found.result.origin == "peer" and not found.result.recipe:
            self._engine.keeper.note_recipe(ref, found.result)
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
        relied = _relied(result)
        if relied:
            if kind not in engine.graph.kinds_of(ref):
                return False
            self.foreign.add(ref)
        engine.reliances.note(ref, relied)
        engine.keeper.kept[ref] = Kept(
            ref, result.digest, kind, result.size_bytes, (), True
        )
        engine.finish(ref, value)
        return True

    # ---- what neighbours bring ---------------------------------------------

    def note_arrived(self, ref: Ref, found: Found, *, wants_audit: bool) -> None:
        """Write down how a result is made that came from a neighbour.

        Args:
            ref: its node, wanted still or not.
            found: the result.
            wants_audit: whether it was drawn to be computed here as well.
        """
        if found.result.origin == "peer" and self._is_of(ref, found):
            keeper = self._engine.keeper
            keeper.note_recipe(ref, found.result, wants_audit=wants_audit)

    def arrive(self, ref: Ref, found: Found) -> bool:
        """Take a result that came from a neighbour, whatever is under way for it here.

        Returns:
            False if its bytes are no value, or that of another key.
        """
        state = self._engine.states[ref]
        if not (self._is_of(ref, found) and self._finish(ref, found)):
            return False
        self._engine.demand.waits_no_longer(ref, state)
        return True

    def _is_of(self, ref: Ref, found: Found) -> bool:
        """Return whether a node has no other key by now, as its file has changed."""
        return self._engine.graph.keys[ref] == found.result.key

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


def is_own(result: Result) -> bool:
    """Return whether a result was computed here, and from nothing of others'."""
    return result.origin == "local" and not result.relies_on


def _relied(result: Result) -> Relied:
    """Return on whose word a result rests."""
    return result.relies_on or (SOMEBODY if result.origin == "peer" else NOBODY)
