"""Programs by chance: right ones run, wrong ones are found out, nothing breaks.

``python -m tests.language.fuzz --seconds 3600`` looks further.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import corpus
from .fuzz.checking import Checker, checker


@pytest.fixture(scope="module")
def checks() -> Iterator[Checker]:
    with checker([case.text for case in corpus.cases()]) as made:
        yield made


@pytest.mark.slow
def test_right_programs_compile_and_print_what_the_guide_says(checks: Checker) -> None:
    for seed in range(150):
        checks.check("right", seed)


@pytest.mark.slow
def test_a_mistake_in_a_right_program_is_an_error_at_its_place(checks: Checker) -> None:
    for seed in range(250):
        checks.check("wrong", seed)


@pytest.mark.slow
def test_any_bytes_are_a_program_or_have_errors_that_can_be_shown(
    checks: Checker,
) -> None:
    for seed in range(700):
        checks.check("noise", seed)
