"""Realms of machines that can be audited."""

from __future__ import annotations

import pytest

from tests.peer.daemon.conftest import realm

__all__ = ["realm"]


@pytest.fixture(autouse=True)
def no_goal_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing audited but what a test asks for."""
    monkeypatch.setattr("scheduler.audits.GOAL_SHARE", 0.0)
