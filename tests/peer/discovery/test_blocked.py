"""The hint that multicast is blocked."""

from __future__ import annotations

from peer.discovery import BlockedMulticast


def test_the_hint_comes_once_when_only_seeds_answer() -> None:
    blocked = BlockedMulticast()
    assert blocked.hint(100.0, reached=1) is None
    assert blocked.hint(109.9, reached=2) is None
    hint = blocked.hint(110.0, reached=2)
    assert hint is not None
    assert "multicast" in hint
    assert blocked.is_suspected
    assert blocked.hint(200.0, reached=2) is None


def test_there_is_no_hint_while_nobody_is_reached() -> None:
    blocked = BlockedMulticast()
    assert blocked.hint(60.0, reached=0) is None
    assert blocked.hint(61.0, reached=1) is None, "it may be heard any moment"
    assert blocked.hint(71.0, reached=1) is not None


def test_there_is_no_hint_once_somebody_was_heard() -> None:
    blocked = BlockedMulticast()
    assert blocked.hint(0.0, reached=3) is None
    blocked.heard()
    assert blocked.hint(60.0, reached=3) is None


def test_it_is_withdrawn_when_somebody_is_heard_after_all() -> None:
    blocked = BlockedMulticast()
    assert blocked.hint(0.0, reached=1) is None
    assert blocked.hint(10.0, reached=1)
    blocked.heard()
    assert not blocked.is_suspected
