"""The answer to Locate says of each key what was meant, or is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.wire import WireError, located
from peer.wire.v1 import peer_pb2

ANSWERS = st.lists(
    st.none() | st.tuples(st.integers(0, 1 << 50), st.integers(0, (1 << 32) - 1)),
    max_size=1024,
)


@given(ANSWERS)
def test_answers_come_back_in_their_order(
    answers: list[located.Located | None],
) -> None:
    data = located.encode(answers).SerializeToString()
    message = peer_pb2.LocateReply.FromString(data)
    assert located.decode(message, len(answers)) == answers


def test_the_first_key_is_the_lowest_bit() -> None:
    answers = [(5, 6), None, None, None, None, None, None, None, None, (7, 8)]
    message = located.encode(answers)
    assert message.present == b"\x01\x02"
    assert (list(message.sizes), list(message.costs_ms)) == ([5, 7], [6, 8])


def test_a_cost_that_is_too_large_is_as_large_as_can_be() -> None:
    assert located.decode(located.encode([(1, 1 << 60)]), 1) == [(1, (1 << 32) - 1)]


@given(
    st.binary(max_size=20),
    st.lists(st.integers(0, 1 << 63), max_size=9),
    st.lists(st.integers(0, (1 << 32) - 1), max_size=9),
    st.integers(0, 160),
)
def test_any_answer_is_refused_or_one_for_each_key(
    present: bytes, sizes: list[int], costs: list[int], asked: int
) -> None:
    message = peer_pb2.LocateReply(present=present, sizes=sizes, costs_ms=costs)
    try:
        found = located.decode(message, asked)
    except WireError:
        return
    assert len(found) == asked
    assert [each for each in found if each] == list(zip(sizes, costs, strict=True))


@pytest.mark.parametrize(
    "message",
    [
        peer_pb2.LocateReply(),
        peer_pb2.LocateReply(present=b"\x00\x00"),
        peer_pb2.LocateReply(present=b"\x08"),
        peer_pb2.LocateReply(present=b"\x01"),
        peer_pb2.LocateReply(present=b"\x01", sizes=[1]),
        peer_pb2.LocateReply(present=b"\x00", sizes=[1], costs_ms=[1]),
        peer_pb2.LocateReply(present=b"\x01", sizes=[(1 << 64) - 1], costs_ms=[1]),
    ],
)
def test_an_answer_to_something_else_is_refused(message: peer_pb2.LocateReply) -> None:
    with pytest.raises(WireError):
        located.decode(message, 3)
