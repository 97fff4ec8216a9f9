"""The operators that ``fold`` knows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoldOperator:
    """How ``fold`` combines items with one operator.

    Attributes:
        primitive: qualified name of the primitive of two arguments.
        seed: where the fold starts when the program gives no seed.
        starts_from_first: whether it starts from the first item instead.
    """

    primitive: str
    seed: int | bool | None = None
    starts_from_first: bool = False


FOLD_OPERATORS: dict[str, FoldOperator] = {
    "+": FoldOperator("default.addition", seed=0),
    "-": FoldOperator("default.subtraction", seed=0),
    "*": FoldOperator("default.multiplication", seed=1),
    "/": FoldOperator("default.division"),
    "&&": FoldOperator("default.logical_and", seed=True),
    "||": FoldOperator("default.logical_or", seed=False),
    "min": FoldOperator("default.minimum", starts_from_first=True),
    "max": FoldOperator("default.maximum", starts_from_first=True),
}
"""By the operator as a program writes it; ``/`` alone needs a seed."""
