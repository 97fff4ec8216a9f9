"""Everybody who may stand for a run's neighbours, against the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from scheduler import MIGRATIONS, Alone, Neighbours
from store import NodeKey, SqliteStore, open_store
from tests.contracts.neighbours import NeighboursContract

from .lab import Lab, Member
from .neighbourhood import NEVER_S, Manner, StoreNeighbours
from .sketch import Sketch, run


class TestAlone(NeighboursContract):
    @pytest.fixture
    def neighbours(self) -> Neighbours:
        return Alone()


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "theirs", migrations=[MIGRATIONS])
    draw = Sketch()
    run(draw.plan(draw("trial.ramp", 3.0), draw("+", 1.0, 2.0)), opened)
    yield opened
    opened.close()


class TestStoreNeighbours(NeighboursContract):
    @pytest.fixture
    def neighbours(
        self, theirs: SqliteStore, store: SqliteStore
    ) -> Iterator[StoreNeighbours]:
        made = StoreNeighbours(theirs, store)
        yield made
        made.join()

    @pytest.fixture
    def offered(self, theirs: SqliteStore) -> Sequence[NodeKey]:
        return [result.key for result in theirs.results()]


class TestMemberOfALab(NeighboursContract):
    @pytest.fixture
    def neighbours(self, theirs: SqliteStore, store: SqliteStore) -> Iterator[Member]:
        lab = Lab()
        ada = lab.member("ada", theirs)
        ada.publish([result.key for result in theirs.results()])
        yield lab.member("bob", store)
        lab.join()

    @pytest.fixture
    def offered(self, theirs: SqliteStore) -> Sequence[NodeKey]:
        return [result.key for result in theirs.results()]


class TestSilentNeighboursThatAreClosed(NeighboursContract):
    """Silence until the end; then everything is answered."""

    @pytest.fixture
    def neighbours(
        self, theirs: SqliteStore, store: SqliteStore
    ) -> Iterator[StoreNeighbours]:
        made = StoreNeighbours(theirs, store, Manner(NEVER_S, NEVER_S))
        made.close()
        yield made
        made.join()
