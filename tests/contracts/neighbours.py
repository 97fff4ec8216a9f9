"""What everybody who stands for the neighbours of a run has to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest

from scheduler import Arrived, Located, Neighbours
from scheduler.neighbours import Claim, ClaimAnswer, Free, Granted, Held
from store import NodeKey

PATIENCE_S = 15.0
"""How long an answer is waited for; an implementation may be asked to be quicker."""

PROMPT_S = 2.0
"""A call that takes longer blocks whoever makes it."""


def stranger(name: object) -> NodeKey:
    """Return the key of a node that nobody has."""
    return NodeKey(sha256(f"stranger {name!r}".encode()).digest())


class Answers:
    """Collects answers from any thread, and waits for them."""

    def __init__(self) -> None:
        self.located: list[dict[NodeKey, Located]] = []
        self.arrived: list[Arrived] = []
        self.claimed: list[ClaimAnswer] = []
        self._changed = threading.Condition()

    def on_located(self, offers: dict[NodeKey, Located]) -> None:
        with self._changed:
            self.located.append(offers)
            self._changed.notify_all()

    def on_arrived(self, arrived: Arrived) -> None:
        with self._changed:
            self.arrived.append(arrived)
            self._changed.notify_all()

    def on_claimed(self, answer: ClaimAnswer) -> None:
        with self._changed:
            self.claimed.append(answer)
            self._changed.notify_all()

    def wait_for_claims(self, keys: Sequence[NodeKey]) -> None:
        """Wait until there is an answer to each of these claims."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: set(keys) <= {answer.key for answer in self.claimed},
                PATIENCE_S,
            ), f"{self.claimed}"

    def wait(self, *, located: int = 0, arrived: int = 0) -> None:
        """Wait for so many answers; more of them, or none in time, is an error."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: len(self.located) >= located and len(self.arrived) >= arrived,
                PATIENCE_S,
            ), f"{len(self.located)} located, {len(self.arrived)} arrived"
            # A second answer would come at once, if at all.
            self._changed.wait(0.05)
            assert (len(self.located), len(self.arrived)) == (located, arrived)


def claims_on(keys: Sequence[NodeKey], estimate_s: float = 0.5) -> list[Claim]:
    """Return claims on nodes that take a while."""
    return [Claim(key, estimate_s, 1000) for key in keys]


def promptly(call: Callable[[], object]) -> None:
    """Call something that must not block."""
    started = time.monotonic()
    call()
    assert time.monotonic() - started < PROMPT_S


class NeighboursContract:
    """Conformance suite; a test class names its ``neighbours``.

    ``offered`` are keys that the neighbours are known to have, none by default.
    """

    @pytest.fixture
    def neighbours(self) -> Neighbours:
        raise NotImplementedError("each implementation names its own neighbours")

    @pytest.fixture
    def offered(self) -> Sequence[NodeKey]:
        return ()

    @pytest.fixture
    def answers(self) -> Answers:
        return Answers()

    # ---- locate

    def test_a_question_is_answered_once_with_what_was_asked(
        self, neighbours: Neighbours, offered: Sequence[NodeKey], answers: Answers
    ) -> None:
        keys = [stranger(1), *offered, stranger(2)]
        promptly(lambda: neighbours.locate(keys, answers.on_located))
        answers.wait(located=1)
        (offers,) = answers.located
        assert set(offers) == set(offered)
        for key, offer in offers.items():
            assert offer.key == key
            assert offer.size_bytes >= 0
            assert offer.fetch_s >= 0
            assert offer.cost_s >= 0

    def test_a_question_about_nothing_is_answered_too(
        self, neighbours: Neighbours, answers: Answers
    ) -> None:
        promptly(lambda: neighbours.locate([], answers.on_located))
        answers.wait(located=1)
        assert answers.located == [{}]

    def test_many_questions_at_once_are_each_answered(
        self, neighbours: Neighbours, answers: Answers
    ) -> None:
        def ask(first: int) -> None:
            for number in range(first, first + 10):
                neighbours.locate([stranger(number)], answers.on_located)

        threads = [threading.Thread(target=ask, args=(at * 10,)) for at in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers.wait(located=40)

    def test_thousands_of_keys_fit_in_a_question(
        self, neighbours: Neighbours, answers: Answers
    ) -> None:
        keys = [stranger(number) for number in range(10_000)]
        promptly(lambda: neighbours.locate(keys, answers.on_located))
        answers.wait(located=1)

    # ---- fetch

    def test_every_key_of_a_fetch_is_answered_once(
        self, neighbours: Neighbours, offered: Sequence[NodeKey], answers: Answers
    ) -> None:
        keys = [stranger(1), *offered, stranger(2)]
        promptly(lambda: neighbours.locate(keys, answers.on_located))
        answers.wait(located=1)
        promptly(lambda: neighbours.fetch(keys, answers.on_arrived))
        answers.wait(located=1, arrived=len(keys))
        assert {arrived.key for arrived in answers.arrived} == set(keys)
        for arrived in answers.arrived:
            assert bool(arrived.source) == (arrived.key in offered)
            assert arrived.seconds >= 0

    def test_a_fetch_of_what_was_never_located_is_answered(
        self, neighbours: Neighbours, answers: Answers
    ) -> None:
        promptly(lambda: neighbours.fetch([stranger(1)], answers.on_arrived))
        answers.wait(arrived=1)
        assert answers.arrived[0].source == ""

    def test_a_fetch_of_nothing_is_no_error(
        self, neighbours: Neighbours, answers: Answers
    ) -> None:
        promptly(lambda: neighbours.fetch([], answers.on_arrived))
        answers.wait()

    # ---- claim, begin, release

    def test_every_claim_is_answered(
        self, neighbours: Neighbours, offered: Sequence[NodeKey], answers: Answers
    ) -> None:
        keys = [stranger(1), *offered, stranger(2)]
        promptly(lambda: neighbours.claim(claims_on(keys), answers.on_claimed))
        answers.wait_for_claims(keys)
        for answer in answers.claimed:
            assert answer.key in keys
            if isinstance(answer, Arrived):
                assert answer.source
                assert answer.key in offered
            elif isinstance(answer, Held):
                assert answer.holder
                assert answer.left_s >= 0
            else:
                assert isinstance(answer, Free | Granted)
        promptly(lambda: neighbours.release(keys))

    def test_a_claim_on_nothing_is_no_error(
        self, neighbours: Neighbours, answers: Answers
    ) -> None:
        promptly(lambda: neighbours.claim([], answers.on_claimed))
        assert answers.claimed == []

    def test_many_claims_at_once_are_each_answered(
        self, neighbours: Neighbours, answers: Answers
    ) -> None:
        keys = [stranger(number) for number in range(600)]

        def claim(first: int) -> None:
            part = keys[first : first + 150]
            neighbours.claim(claims_on(part), answers.on_claimed)

        threads = [threading.Thread(target=claim, args=(at * 150,)) for at in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers.wait_for_claims(keys)
        promptly(lambda: neighbours.release(keys))

    def test_what_was_released_may_be_claimed_again(
        self, neighbours: Neighbours
    ) -> None:
        keys = [stranger(1), stranger(2)]
        for has_failed in (False, True, False):
            again = Answers()
            neighbours.claim(claims_on(keys), again.on_claimed)
            again.wait_for_claims(keys)
            neighbours.release(keys, has_failed=has_failed)

    def test_beginning_releasing_and_publishing_are_prompt(
        self, neighbours: Neighbours, answers: Answers
    ) -> None:
        keys = [stranger(number) for number in range(10)]
        neighbours.claim(claims_on(keys), answers.on_claimed)
        promptly(lambda: neighbours.begin(keys))
        answers.wait_for_claims(keys)
        promptly(lambda: neighbours.release(keys[:5]))
        promptly(lambda: neighbours.publish(keys[5:]))

    def test_what_nobody_claimed_may_begin_and_end(
        self, neighbours: Neighbours
    ) -> None:
        keys = [stranger(number) for number in range(5000)]
        for part in ([], keys):
            promptly(lambda part=part: neighbours.begin(part))  # type: ignore[misc]
            promptly(lambda part=part: neighbours.release(part))  # type: ignore[misc]

    def test_every_node_has_a_rank_that_stays(self, neighbours: Neighbours) -> None:
        keys = [stranger(number) for number in range(100)]
        ranks = neighbours.ranks(keys)
        assert len(ranks) == len(keys)
        assert all(rank >= 0 for rank in ranks)
        assert neighbours.ranks(keys) == ranks
        assert neighbours.ranks([]) == []

    # ---- publish and close

    def test_publishing_is_prompt(self, neighbours: Neighbours) -> None:
        keys = [stranger(number) for number in range(5000)]
        promptly(lambda: neighbours.publish([]))
        promptly(lambda: neighbours.publish(keys))

    def test_whether_there_is_anybody_is_told_promptly(
        self, neighbours: Neighbours
    ) -> None:
        promptly(lambda: neighbours.is_alone)

    def test_closing_answers_what_is_pending(
        self, neighbours: Neighbours, answers: Answers
    ) -> None:
        neighbours.locate([stranger(1)], answers.on_located)
        neighbours.fetch([stranger(2), stranger(3)], answers.on_arrived)
        neighbours.claim(claims_on([stranger(4)]), answers.on_claimed)
        promptly(neighbours.close)
        answers.wait(located=1, arrived=2)
        answers.wait_for_claims([stranger(4)])

    def test_after_closing_nobody_is_there_and_all_is_answered(
        self, neighbours: Neighbours, offered: Sequence[NodeKey], answers: Answers
    ) -> None:
        neighbours.close()
        keys = [*offered, stranger(1)]
        promptly(lambda: neighbours.locate(keys, answers.on_located))
        promptly(lambda: neighbours.fetch(keys, answers.on_arrived))
        promptly(lambda: neighbours.publish(keys))
        promptly(lambda: neighbours.claim(claims_on(keys), answers.on_claimed))
        promptly(lambda: neighbours.begin(keys))
        promptly(lambda: neighbours.release(keys))
        answers.wait(located=1, arrived=len(keys))
        answers.wait_for_claims(keys)
        assert all(isinstance(answer, Free) for answer in answers.claimed)
        assert neighbours.ranks(keys) == [0] * len(keys)
        assert answers.located == [{}]
        assert not any(arrived.source for arrived in answers.arrived)
        assert neighbours.is_alone

    def test_closing_twice_is_no_error(self, neighbours: Neighbours) -> None:
        neighbours.close()
        promptly(neighbours.close)
