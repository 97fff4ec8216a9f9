"""What a check of ``voxpeer doctor`` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of one check.

    Attributes:
        name: what was looked at.
        is_ok: whether it is as it should be.
        text: what was found.
        advice: what to do; empty when nothing is to be done.
    """

    name: str
    is_ok: bool
    text: str
    advice: str = ""
