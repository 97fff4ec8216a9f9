"""Why something was computed although there were neighbours, in words."""

from __future__ import annotations

from collections.abc import Mapping

BECAUSE = {
    "reveals_input": "shows an input, which nobody shares",
    "cheap": "quicker to compute than to fetch",
    "nobody": "nobody had it",
    "late": "did not come in time",
    "hedge": "took another machine too long",
    "held_too_long": "another machine was at it, and nothing came of it",
    "no_answer": "nobody said in time who computes it",
    "lost": "was damaged or gone here",
}
"""By ``scheduler.reasons.Reason``, in the order in which they are told."""


def told(counts: Mapping[str, int]) -> str:
    """Return the reasons of what a run computed, each with how often it was one."""
    return ", ".join(
        f"{counts[reason]}: {text}"
        for reason, text in BECAUSE.items()
        if counts.get(reason)
    )
