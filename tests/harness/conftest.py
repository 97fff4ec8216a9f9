from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest

from tests.end_to_end.conftest import brain as brain

from .engine import Engine, EngineUnavailableError, any_engine
from .image import build_image
from .lab import Lab

HERE = Path(__file__).parent
REQUIRED = "HARNESS_REQUIRED"
"""Variable with which a missing engine is a failure."""

FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("harness")
    group.addoption("--peers", type=int, default=4, help="machines of 'once'")
    group.addoption("--minutes", type=float, default=0.0, help="length of 'chaos'")
    group.addoption("--seed", type=int, default=1, help="of the troubles of 'chaos'")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.harness)
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine; without one the tests are skipped."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(any_engine())
        except EngineUnavailableError as missing:
            _unavailable(missing)
        yield found


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """The image of this checkout."""
    try:
        return build_image(engine)
    except EngineUnavailableError as missing:
        _unavailable(missing)


@pytest.fixture
def lab(engine: Engine, image: str, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab without machines."""
    with Lab(engine, image) as lab:
        yield lab
        if request.node.stash.get(FAILED, False):
            print(lab.report())


def _unavailable(missing: EngineUnavailableError) -> NoReturn:
    if os.environ.get(REQUIRED):
        pytest.fail(str(missing))
    pytest.skip(str(missing))
