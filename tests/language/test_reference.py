"""The examples of the reference page are programs without a warning."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .plans import compiled

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "language.md"
EXAMPLES = re.findall(
    r"```imgql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_reference_compiles(example: str) -> None:
    if "$input" in example:
        done = compiled(example, input="head.nii", threshold=3)
    else:
        done = compiled(example)
    assert done.plan.goals
    assert not done.warnings
