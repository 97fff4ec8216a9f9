"""Messages that cross, come late, come twice, or come for nobody."""

from __future__ import annotations

from random import Random

from peer.claims import Claims
from peer.claims.messages import (
    Action,
    Answer,
    Answered,
    Ask,
    Begun,
    Better,
    Fetch,
    Fetched,
    Finished,
    GivenUp,
    Grant,
    HeldBy,
    Item,
    Lease,
    Members,
    NotFetched,
    Offered,
    Release,
    Released,
    RunEnded,
    TellArrived,
    TellGranted,
    Tick,
    Unanswered,
    Unclaimed,
    Wanted,
)

from .realm import boot, key_ranked

KEY = key_ranked("A", "B", "C")
GRANT = Grant(7, 10_000)
HELD = HeldBy("C", 0, 5000, 2500)


def _asking() -> tuple[Claims, Ask]:
    """B waits for the answer of A."""
    claims = Claims("B", boot("B"), Random(1))
    claims.step(Members(frozenset({"A", "C"})), 0.0)
    return claims, _ask(claims.step(Wanted(1, ((KEY, 1.0),)), 0.0))


def _ask(actions: list[Action]) -> Ask:
    (ask,) = (each for each in actions if isinstance(each, Ask))
    return ask


def _granted(actions: list[Action]) -> list[TellGranted]:
    return [each for each in actions if isinstance(each, TellGranted)]


def _released(actions: list[Action]) -> list[tuple[str, Released]]:
    return [
        (each.to, released)
        for each in actions
        if isinstance(each, Release)
        for released in each.released
    ]


def test_an_answer_that_comes_twice_is_taken_once() -> None:
    claims, ask = _asking()
    answered = Answered(ask.number, boot("A"), (GRANT,))
    assert len(_granted(claims.step(answered, 0.1))) == 1
    assert claims.step(answered, 0.1) == []
    assert claims.step(Unanswered(ask.number), 0.2) == []


def test_an_answer_after_the_deadline_is_nobodys() -> None:
    claims, ask = _asking()
    claims.step(Unanswered(ask.number), 0.25)
    assert claims.step(Answered(ask.number, boot("A"), (HELD,)), 0.3) == []


def test_a_grant_for_a_run_that_gave_up_is_given_back() -> None:
    claims, ask = _asking()
    claims.step(GivenUp(1, (KEY,)), 0.1)
    actions = claims.step(Answered(ask.number, boot("A"), (GRANT,)), 0.2)
    assert _released(actions) == [("A", Released(KEY, boot("A"), 7, False))]


def test_a_grant_for_a_run_that_died_is_given_back() -> None:
    claims, ask = _asking()
    claims.step(RunEnded(1), 0.1)
    actions = claims.step(Answered(ask.number, boot("A"), (GRANT,)), 0.2)
    assert _released(actions) == [("A", Released(KEY, boot("A"), 7, False))]


def test_a_grant_for_what_was_finished_meanwhile_is_given_back_as_done() -> None:
    claims, ask = _asking()
    claims.step(Begun(1, (KEY,)), 0.1)
    claims.step(Finished((KEY,), 1), 0.15)
    actions = claims.step(Answered(ask.number, boot("A"), (GRANT,)), 0.2)
    assert _released(actions) == [("A", Released(KEY, boot("A"), 7, True))]


def test_a_late_grant_serves_a_run_that_asked_again_meanwhile() -> None:
    claims, first = _asking()
    claims.step(RunEnded(1), 0.1)
    second = _ask(claims.step(Wanted(2, ((KEY, 1.0),)), 0.11))
    actions = claims.step(Answered(first.number, boot("A"), (GRANT,)), 0.2)
    assert [each.run for each in _granted(actions)] == [2]
    # A grants what it granted already.
    actions = claims.step(Answered(second.number, boot("A"), (GRANT,)), 0.21)
    assert _granted(actions) == []
    assert _released(actions) == []


def test_of_two_grants_of_two_arbiters_one_is_given_back() -> None:
    claims, first = _asking()
    claims.step(RunEnded(1), 0.1)
    claims.step(Wanted(2, ((KEY, 1.0),)), 0.11)
    late = Answered(first.number, boot("A"), (GRANT,))
    claims.step(late, 0.2)
    number = first.number + 1
    other = Answered(number, boot("A"), (Grant(9, 10_000),))
    actions = claims.step(other, 0.21)
    assert _released(actions) == [("A", Released(KEY, boot("A"), 9, False))]


def test_who_goes_on_without_an_answer_takes_back_its_claim() -> None:
    claims, ask = _asking()
    retry = _ask(claims.step(Unanswered(ask.number), 0.25))
    actions = claims.step(Unanswered(retry.number), 0.5)
    assert ("A", Released(KEY, b"", 0, False)) in _released(actions)
    assert len(_granted(actions)) == 1


def test_a_view_that_changes_in_mid_walk_is_followed() -> None:
    claims = Claims("C", boot("C"), Random(1))
    claims.step(Members(frozenset({"A", "B"})), 0.0)
    ask = _ask(claims.step(Wanted(1, ((KEY, 1.0),)), 0.0))
    claims.step(Members(frozenset({"A"})), 0.1)
    retry = _ask(claims.step(Unanswered(ask.number), 0.25))
    actions = claims.step(Unanswered(retry.number), 0.5)
    assert [each.key for each in _granted(actions)] == [KEY]


def test_an_offer_while_the_claim_is_asked_is_fetched_at_once() -> None:
    claims, ask = _asking()
    actions = claims.step(Offered("C", (KEY,)), 0.1)
    assert Fetch(KEY, "C") in actions
    actions = claims.step(Fetched(KEY, "C", 0.1), 0.2)
    (arrived,) = (each for each in actions if isinstance(each, TellArrived))
    assert arrived.run == 1
    actions = claims.step(Answered(ask.number, boot("A"), (GRANT,)), 0.3)
    assert _released(actions) == [("A", Released(KEY, boot("A"), 7, True))]


def test_a_result_that_nobody_waits_for_any_more_is_no_trouble() -> None:
    claims, _ = _asking()
    claims.step(Offered("C", (KEY,)), 0.1)
    claims.step(RunEnded(1), 0.15)
    assert claims.step(Fetched(KEY, "C", 0.1), 0.2) == []
    assert claims.step(NotFetched(KEY, "C"), 0.2) == []


def test_a_begin_that_crosses_the_arrival_changes_nothing() -> None:
    claims, _ = _asking()
    claims.step(Offered("C", (KEY,)), 0.1)
    claims.step(Fetched(KEY, "C", 0.1), 0.2)
    assert claims.step(Begun(1, (KEY,)), 0.3) == []
    assert claims.states()["begun"] == 0


def test_a_begin_that_crosses_the_grant_changes_nothing() -> None:
    claims, ask = _asking()
    claims.step(Answered(ask.number, boot("A"), (GRANT,)), 0.1)
    assert claims.step(Begun(1, (KEY,)), 0.2) == []
    assert claims.states()["granted"] == 1


def test_events_of_runs_and_nodes_that_are_unknown_change_nothing() -> None:
    claims, _ = _asking()
    claims.step(GivenUp(5, (KEY, bytes(32))), 0.1)
    claims.step(RunEnded(5), 0.1)
    claims.step(Begun(5, (KEY,)), 0.1)
    claims.step(Finished((bytes(32),), 5), 0.1)
    assert claims.states()["asking"] == 1


def _arbiter() -> Claims:
    claims = Claims("A", boot("A"), Random(1))
    claims.step(Members(frozenset({"B", "C"})), 0.0)
    return claims


def _say(claims: Claims, now: float, caller: str) -> Answer:
    (answer,) = claims.claim(now, caller, boot(caller), [Item(KEY, 1000)])
    return answer


def test_a_claim_that_comes_twice_is_granted_once() -> None:
    claims = _arbiter()
    first = _say(claims, 0.0, "B")
    assert isinstance(first, Grant)
    assert _say(claims, 0.1, "B") == first


def test_a_release_of_an_earlier_grant_does_not_end_a_later_one() -> None:
    claims = _arbiter()
    first = _say(claims, 0.0, "B")
    assert isinstance(first, Grant)
    old = Released(KEY, boot("A"), first.token, False)
    claims.release(0.1, "B", boot("B"), [old])
    second = _say(claims, 0.2, "B")
    assert isinstance(second, Grant)
    assert second.token > first.token
    claims.release(0.3, "B", boot("B"), [old])
    assert isinstance(_say(claims, 0.4, "C"), HeldBy)


def test_a_renewal_that_comes_after_its_release_is_known_as_such() -> None:
    claims = _arbiter()
    grant = _say(claims, 0.0, "B")
    assert isinstance(grant, Grant)
    claims.release(0.1, "B", boot("B"), [Released(KEY, boot("A"), grant.token, False)])
    lease = Lease(KEY, "A", boot("A"), grant.token, 100, 1000)
    assert claims.renew(0.2, "B", boot("B"), [lease]) == []
    assert isinstance(_say(claims, 0.3, "C"), Grant)


def test_a_renewal_that_comes_after_the_result_holds_nothing() -> None:
    claims = _arbiter()
    grant = _say(claims, 0.0, "B")
    assert isinstance(grant, Grant)
    claims.release(0.1, "B", boot("B"), [Released(KEY, boot("A"), grant.token, True)])
    lease = Lease(KEY, "A", boot("A"), grant.token, 100, 1000)
    claims.renew(0.2, "B", boot("B"), [lease])
    assert claims.states()["table"] == 0


def test_a_message_of_an_earlier_life_says_nothing_about_the_present_one() -> None:
    claims = _arbiter()
    _say(claims, 0.0, "B")
    item = Item(KEY, 1000)
    (again,) = claims.claim(0.1, "B", boot("B", 1), [item])
    assert isinstance(again, Grant)
    assert claims.claim(0.2, "B", boot("B"), [item]) == [Unclaimed()]
    released = Released(KEY, boot("A"), again.token, False)
    claims.release(0.2, "B", boot("B"), [released])
    assert isinstance(_say(claims, 0.3, "C"), HeldBy)


def test_what_a_member_took_back_before_its_claim_was_heard_of_is_released() -> None:
    claims = _arbiter()
    _say(claims, 0.0, "B")
    claims.release(0.5, "B", boot("B"), [Released(KEY, b"", 0, False)])
    assert isinstance(_say(claims, 0.6, "C"), Grant)


def test_what_is_renewed_is_not_taken_back_by_an_earlier_word() -> None:
    claims = _arbiter()
    grant = _say(claims, 0.0, "B")
    assert isinstance(grant, Grant)
    lease = Lease(KEY, "A", boot("A"), grant.token, 100, 1000)
    claims.renew(0.2, "B", boot("B"), [lease])
    claims.release(0.5, "B", boot("B"), [Released(KEY, b"", 0, False)])
    assert isinstance(_say(claims, 0.6, "C"), HeldBy)


def test_time_alone_changes_nothing() -> None:
    claims, _ = _asking()
    assert claims.step(Tick(), 0.1) == []


def test_what_was_offered_just_before_it_is_wanted_is_fetched_and_not_claimed() -> None:
    """Arbiters remember for a minute only that a node is done."""
    claims = Claims("A", boot("A"), Random(1))
    claims.step(Members(frozenset({"B", "C"})), 0.0)
    claims.step(Offered("B", (KEY,)), 1.0)
    actions = claims.step(Wanted(1, ((KEY, 1.0),)), 1.0)
    assert Fetch(KEY, "B") in actions
    assert not _granted(actions)
    assert _granted(claims.step(NotFetched(KEY, "B"), 1.1))


def test_what_was_offered_long_before_it_is_wanted_is_claimed() -> None:
    claims = Claims("A", boot("A"), Random(1))
    claims.step(Members(frozenset({"B", "C"})), 0.0)
    claims.step(Offered("B", (KEY,)), 1.0)
    assert _granted(claims.step(Wanted(1, ((KEY, 1.0),)), 60.0))


def test_who_computes_a_node_says_so_whatever_others_say_of_its_result() -> None:
    claims = Claims("A", boot("A"), Random(1))
    claims.step(Members(frozenset({"B", "C"})), 0.0)
    done = Released(KEY, b"?" * 16, 1, True)
    claims.release(0.0, "B", boot("B"), [done])
    claims.step(Wanted(1, ((KEY, 1.0),)), 0.0)
    claims.step(NotFetched(KEY, "B"), 0.1)
    claims.step(Begun(1, (KEY,)), 0.1)
    item = Item(KEY, 1000, is_missing=True)
    claims.claim(0.2, "C", boot("C"), [item])
    (answer,) = claims.claim(0.2, "C", boot("C"), [item])
    assert isinstance(answer, HeldBy)
    assert answer.holder == "A"


def _checking(claims: Claims) -> Ask:
    """The believed time of C is over, and it is asked itself."""
    for step in range(1, 200):
        for action in claims.step(Tick(), step * 0.05):
            if isinstance(action, Ask) and action.to == "C":
                return action
            if isinstance(action, Ask):
                answer = Answered(action.number, boot("A"), (HeldBy("C", 0, 0, 200),))
                claims.step(answer, step * 0.05)
    raise AssertionError("the holder is not asked")


def test_an_arbiter_that_has_not_heard_of_a_release_yet_is_asked_once_more() -> None:
    claims, ask = _asking()
    claims.step(Answered(ask.number, boot("A"), (HeldBy("C", 0, 500, 200),)), 0.0)
    check = _checking(claims)
    again = _ask(claims.step(Answered(check.number, boot("C"), (Better("A"),)), 9.0))
    assert again.to == "A"
    assert not again.items[0].is_insisting
    assert _granted(claims.step(Answered(again.number, boot("A"), (GRANT,)), 9.0))


def test_an_arbiter_that_names_a_holder_again_that_is_none_is_passed_over() -> None:
    claims, ask = _asking()
    claims.step(Answered(ask.number, boot("A"), (HeldBy("C", 0, 500, 200),)), 0.0)
    check = _checking(claims)
    again = _ask(claims.step(Answered(check.number, boot("C"), (Better("A"),)), 9.0))
    actions = claims.step(Answered(again.number, boot("A"), (HELD,)), 9.0)
    assert _granted(actions)
