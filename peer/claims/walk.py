"""The way of a claim from arbiter to arbiter.

A claim goes to the first arbiter of its node's order that is not known to be silent or
false, and on to the next only if that does not answer.  This machine is in the order
itself, and answers at once, so every walk ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .claim import NOBODY, Claim
from .desk import Desk
from .messages import (
    Answer,
    Answered,
    Better,
    DoneAt,
    Grant,
    HeldBy,
    Item,
    NodeId,
    Released,
    Unanswered,
)

MAX_REDIRECTS = 2
"""How often one walk is sent elsewhere; each time strictly towards the first."""

MAX_SILENCES = 2
"""How often in a row a holder may not answer before it counts as silent."""

Take = Callable[[float, Claim, NodeId, bytes, Answer], None]
"""Takes an answer: when, to which claim, whose, of which process, and what."""

Spare = Callable[[float, NodeId, bytes, Item, Grant], None]
"""Takes a grant that no claim asks for any more."""

Deny = Callable[[float, Claim, bool], None]
"""Takes that a holder is none, or (True) does not answer."""


class Walk:
    """Asks arbiters, and sees to it that every question comes to an end."""

    def __init__(self, desk: Desk, take: Take, spare: Spare, deny: Deny) -> None:
        """Begin with no question asked."""
        self._desk = desk
        self._take = take
        self._spare = spare
        self._deny = deny

    def begin(self, now: float, claim: Claim) -> None:
        """Ask the first arbiter, whoever was asked before."""
        claim.tried = NOBODY
        claim.is_retried = False
        claim.redirects = 0
        claim.insists_at = ""
        self.go_on(now, claim)

    def go_on(self, now: float, claim: Claim) -> None:
        """Ask the first arbiter that has not been tried."""
        self._ask(now, claim, *self._next(now, claim))

    def ask_holder(self, now: float, claim: Claim) -> None:
        """Ask the holder itself whether it computes the node."""
        holder = claim.holder
        if holder is None or holder not in self._desk.view.live:
            self._deny(now, claim, True)
            return
        claim.check_at = float("inf")
        claim.is_check = True
        item = replace(self._item(now, claim, False), is_hedge=False)
        claim.call = self._desk.out.ask(holder, item)

    def redirect(self, now: float, claim: Claim, node: NodeId, answer: Better) -> None:
        """Go where an arbiter says that a better one is, or insist."""
        self._desk.out.count("claims_redirected")
        order = self._desk.order(claim)
        better = answer.node_id
        is_better = (
            better in self._desk.view.live
            and better in order
            and node in order
            and order.index(better) < order.index(node)
        )
        is_refused = (
            better in claim.tried
            or better in claim.avoided
            or self._desk.strikes.is_struck(now, better)
        )
        if is_better and not is_refused and claim.redirects < MAX_REDIRECTS:
            claim.redirects += 1
            self._ask(now, claim, better, False)
        elif claim.insists_at != node:
            claim.insists_at = node
            self._ask(now, claim, node, True)
        else:
            claim.tried |= {node}
            self.go_on(now, claim)

    # ---- what comes back ---------------------------------------------------------

    def answered(self, now: float, event: Answered) -> None:
        """Take the answers to a call; to one that is not under way, nothing."""
        call = self._desk.out.calls.get(event.number)
        if call is None:
            return
        if len(event.answers) != len(call.items):
            self.unanswered(now, Unanswered(event.number))
            return
        del self._desk.out.calls[event.number]
        self._desk.suspicion.answered(call.to)
        claims = self._desk.claims
        for item, answer in zip(call.items, event.answers, strict=True):
            claim = claims.get(item.key)
            is_asked = claim is not None and claim.call == event.number
            if claim is None or not (is_asked or isinstance(answer, Grant)):
                if isinstance(answer, Grant):
                    self._spare(now, call.to, event.boot_id, item, answer)
                continue
            if is_asked:
                claim.call = 0
            if is_asked and claim.is_check:
                self._checked(now, claim, call.to, event.boot_id, answer)
            else:
                self._take(now, claim, call.to, event.boot_id, answer)

    def unanswered(self, now: float, event: Unanswered) -> None:
        """Go on without an arbiter that did not answer; the first gets a second try."""
        call = self._desk.out.calls.pop(event.number, None)
        if call is None:
            return
        self._desk.out.count("claims_unanswered", len(call.items))
        claims = self._desk.claims
        asked = [claims.get(item.key) for item in call.items]
        still = [each for each in asked if each and each.call == event.number]
        suspicion = self._desk.suspicion
        if suspicion.is_suspect(now, call.to) or any(
            each.is_retried or each.tried or each.silences for each in still
        ):
            suspicion.unanswered(now, call.to)
        is_suspect = suspicion.is_suspect(now, call.to)
        for claim in still:
            claim.call = 0
            if claim.is_check:
                self._silent_holder(now, claim)
            elif is_suspect or claim.is_retried or claim.tried:
                self._leave(now, claim, call.to)
            else:
                claim.is_retried = True
                self._ask(now, claim, call.to, claim.insists_at == call.to)

    def _checked(
        self, now: float, claim: Claim, node: NodeId, boot_id: bytes, answer: Answer
    ) -> None:
        """Take what an alleged holder said to a claim of what it is said to hold."""
        claim.is_check = False
        claim.silences = 0
        if isinstance(answer, HeldBy) and answer.holder == node:
            least_s = self._desk.settings.ask_s * 8
            claim.check_at = now + max(claim.estimate_s, least_s)
            self.begin(now, claim)
        elif isinstance(answer, Grant | DoneAt):
            self._take(now, claim, node, boot_id, answer)
        else:
            self._deny(now, claim, False)

    def _silent_holder(self, now: float, claim: Claim) -> None:
        claim.is_check = False
        claim.silences += 1
        if claim.silences < MAX_SILENCES:
            self.ask_holder(now, claim)
        else:
            self._deny(now, claim, True)

    def _leave(self, now: float, claim: Claim, node: NodeId) -> None:
        """Go on without an arbiter, whose grant, if there was one, shall not stay."""
        claim.tried |= {node}
        self._desk.out.release(node, Released(claim.key, b"", 0, False))
        self.go_on(now, claim)

    # ---- whom to ask -------------------------------------------------------------

    def _next(self, now: float, claim: Claim) -> tuple[NodeId, bool]:
        """Return whom to ask, and whether to insist.

        Who was silent a while ago is passed over without insisting: if it is back, the
        next arbiter knows, and sends us there.
        """
        desk = self._desk
        is_insisting = False
        for node in desk.order(claim):
            if node == desk.me:
                break
            if (
                node in claim.tried
                or node in claim.avoided
                or desk.strikes.is_struck(now, node)
            ):
                is_insisting = True
            elif desk.suspicion.is_suspect(now, node):
                is_insisting = is_insisting or desk.suspicion.is_fresh(now, node)
            else:
                return node, is_insisting or claim.insists_at == node
        return desk.me, True

    def _ask(self, now: float, claim: Claim, node: NodeId, is_insisting: bool) -> None:
        desk = self._desk
        item = self._item(now, claim, is_insisting)
        claim.is_check = False
        if node != desk.me:
            claim.call = desk.out.ask(node, item)
            return
        claim.call = 0
        answer = desk.arbiter.claim(now, desk.me, desk.boot_id, (item,))[0]
        self._take(now, claim, desk.me, desk.boot_id, answer)

    def _item(self, now: float, claim: Claim, is_insisting: bool) -> Item:
        is_late = claim.holder is not None and not claim.is_believed(now)
        return Item(
            claim.key,
            round(claim.whole_s * 1000),
            is_late and not claim.computing,
            bool(claim.missing),
            is_insisting,
        )
