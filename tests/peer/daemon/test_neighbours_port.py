"""A run's neighbours through a real daemon keep the scheduler's contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from peer.local import DaemonNeighbours
from scheduler.neighbours import Neighbours
from store import NodeKey
from tests.contracts.neighbours import NeighboursContract
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import eventually, key_of

OFFERED = [key_of(1), key_of(2)]


@pytest.mark.slow
class TestDaemonNeighbours(NeighboursContract):
    @pytest.fixture
    def offered(self) -> Sequence[NodeKey]:
        return OFFERED

    @pytest.fixture
    def neighbours(self, realm: Realm) -> Iterator[Neighbours]:
        anna, bert = realm("anna", "bert")
        for key in OFFERED:
            anna.keep(key, b"value of " + key)
        anna.start()
        bert.start(anna)
        eventually(lambda: bert.neighbours and anna.neighbours)
        neighbours = DaemonNeighbours(bert.store.path)
        assert not neighbours.is_alone
        yield neighbours
        neighbours.close()


class TestNobody(NeighboursContract):
    @pytest.fixture
    def neighbours(self, tmp_path_factory: pytest.TempPathFactory) -> Neighbours:
        return DaemonNeighbours(tmp_path_factory.mktemp("store"))
