"""What follows from disputes, without any machine."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from peer.identity import NodeId
from peer.trust.disputes import (
    DAY_S,
    MOST_AUDITS,
    SUSPECT_AUDITS,
    Accusation,
    Compute,
    Condemn,
    Differ,
    Disputes,
    Suspect,
)
from store import Digest, NodeKey
from tests.peer.daemon.harness import key_of

ANNA, BERT, CORA, DINA, ERIK = map(NodeId, ("anna", "bert", "cora", "dina", "erik"))
TRUTH, LIE, OTHER = (Digest(bytes([number]) * 32) for number in range(3))


@dataclass
class Known:
    """What a machine knows."""

    results: dict[NodeKey, Digest] = field(default_factory=dict)
    recipes: set[NodeKey] = field(default_factory=set)
    signed: dict[tuple[NodeKey, Digest], set[NodeId]] = field(default_factory=dict)
    wrong: set[NodeId] = field(default_factory=set)
    implicated: set[NodeId] = field(default_factory=set)

    def is_believed(self, member: NodeId) -> bool:
        return member not in self.wrong

    def computed(self, key: NodeKey) -> Digest | None:
        return self.results.get(key)

    def is_computable(self, key: NodeKey) -> bool:
        return key in self.recipes

    def agreeing(self, key: NodeKey, digest: Digest) -> set[NodeId]:
        return self.signed.get((key, digest), set())

    def is_implicated(self, it: Accusation) -> bool:
        return it.accused in self.implicated


def accuse(
    issuer: NodeId = ANNA,
    accused: NodeId = BERT,
    number: int = 1,
    said: Digest = LIE,
    found: Digest = TRUTH,
) -> Accusation:
    name = f"{issuer} {accused} {number}".encode()
    identifier = hashlib.sha256(name).digest()
    return Accusation(identifier, issuer, accused, key_of(number), 1, said, found)


def test_a_node_that_can_be_computed_is_computed_before_anybody_is_believed() -> None:
    it, known = accuse(), Known(recipes={key_of(1)})
    disputes = Disputes()
    assert disputes.step([it], known, 0.0) == [Compute(it.key)]
    assert disputes.step([it], known, 1.0) == []
    known.results[it.key] = TRUTH
    assert disputes.step([it], known, 2.0) == [Condemn(BERT, it, is_issuer=False)]
    assert disputes.step([it], known, 3.0) == []


def test_who_accuses_somebody_of_the_truth_is_wrong_itself() -> None:
    it = accuse(said=TRUTH, found=LIE)
    known = Known(results={it.key: TRUTH})
    assert Disputes().step([it], known, 0.0) == [Condemn(ANNA, it, is_issuer=True)]


def test_three_results_of_one_node_are_nobodys_lie() -> None:
    it, known = accuse(), Known(results={key_of(1): OTHER})
    disputes = Disputes()
    assert disputes.step([it], known, 0.0) == [Differ(it)]
    assert disputes.step([it], known, 1.0) == []


def test_several_members_on_either_side_are_nobodys_lie() -> None:
    it = accuse()
    signed = {(it.key, TRUTH): {ANNA, CORA}, (it.key, LIE): {BERT, DINA}}
    known = Known(results={it.key: TRUTH}, signed=signed)
    assert Disputes().step([it], known, 0.0) == [Differ(it)]


def test_without_a_recipe_the_accused_is_looked_at_harder() -> None:
    it, disputes = accuse(), Disputes()
    assert disputes.step([it], Known(), 0.0) == [Suspect(BERT, SUSPECT_AUDITS)]
    assert disputes.step([it, accuse(number=2)], Known(), 1.0) == []
    assert disputes.suspects([it], Known()) == {BERT}


def test_two_more_members_are_believed_where_nothing_can_be_computed() -> None:
    it = accuse()
    known = Known(signed={(it.key, TRUTH): {ANNA, CORA}})
    disputes = Disputes()
    assert disputes.step([it], known, 0.0) == [Suspect(BERT, SUSPECT_AUDITS)]
    known.signed[it.key, TRUTH].add(DINA)
    assert disputes.step([it], known, 1.0) == [Condemn(BERT, it, is_issuer=False)]
    assert disputes.suspects([it], known) == set()


def test_who_is_accused_and_has_made_others_err_is_believed_no_more() -> None:
    it = accuse()
    known = Known(implicated={BERT})
    assert Disputes().step([it], known, 0.0) == [Condemn(BERT, it, is_issuer=False)]


def test_neither_the_accused_nor_the_issuer_nor_a_liar_counts_as_one_more() -> None:
    it = accuse()
    agreeing = {ANNA, BERT, CORA, ERIK}
    known = Known(signed={(it.key, TRUTH): agreeing}, wrong={ERIK})
    assert Disputes().step([it], known, 0.0) == [Suspect(BERT, SUSPECT_AUDITS)]


def test_who_was_found_wrong_accuses_nobody_any_more() -> None:
    it, known = accuse(), Known(recipes={key_of(1)}, wrong={ANNA})
    disputes = Disputes()
    assert disputes.step([it], known, 0.0) == []
    assert disputes.suspects([it], known) == set()


def test_one_member_causes_so_much_computing_in_a_day_and_no_more() -> None:
    accusations = [accuse(number=number) for number in range(3 * MOST_AUDITS)]
    known = Known(recipes={it.key for it in accusations})
    disputes = Disputes()
    first = disputes.step(accusations, known, 0.0)
    assert first == [Compute(it.key) for it in accusations[:MOST_AUDITS]]
    assert disputes.step(accusations, known, DAY_S - 1) == []
    later = disputes.step(accusations, known, DAY_S)
    assert later == [Compute(it.key) for it in accusations[MOST_AUDITS:][:MOST_AUDITS]]
    other = accuse(issuer=CORA, number=9999)
    known.recipes.add(other.key)
    assert disputes.step([other], known, DAY_S) == [Compute(other.key)]


MEMBERS = st.sampled_from([ANNA, BERT, CORA, DINA, ERIK])
DIGESTS = st.sampled_from([TRUTH, LIE, OTHER])
ACCUSATIONS = st.builds(
    accuse,
    issuer=MEMBERS,
    accused=MEMBERS,
    number=st.integers(0, 9),
    said=DIGESTS,
    found=DIGESTS,
).filter(lambda it: it.issuer != it.accused and it.said != it.found)


@given(
    st.lists(ACCUSATIONS, max_size=60, unique_by=lambda it: (it.issuer, it.key)),
    st.frozensets(st.integers(0, 9)),
    st.lists(st.floats(0, 3600), max_size=4),
)
def test_whatever_is_said_nobody_honest_is_condemned_by_own_computation(
    accusations: list[Accusation], computable: frozenset[int], pauses: list[float]
) -> None:
    """What is computed here is the truth; who signed it is never found wrong."""
    known = Known(recipes={key_of(number) for number in computable})
    disputes, now = Disputes(), 0.0
    asked: Counter[NodeId] = Counter()
    for pause in (0.0, *pauses):
        now += pause
        for ruling in disputes.step(accusations, known, now):
            match ruling:
                case Compute(key):
                    known.results[key] = TRUTH
                    asked[next(a.issuer for a in accusations if a.key == key)] += 1
                case Condemn(member, it, is_issuer):
                    signed = it.found if is_issuer else it.said
                    assert signed != TRUTH
                    assert member == (it.issuer if is_issuer else it.accused)
                    known.wrong.add(member)
    assert all(count <= MOST_AUDITS for count in asked.values())
