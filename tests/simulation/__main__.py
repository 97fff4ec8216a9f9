"""``python -m tests.simulation``: play worlds, or one of them line by line."""

from __future__ import annotations

import argparse
import sys
import time

from .playing import Failure, play_many, replay, seeds, try_out
from .scenarios import SCENARIOS
from .summary import Summary

SHOWN_FAILURES = 3


def main() -> int:
    """Play what is asked for; return 1 if something happened that must not."""
    options = _parser().parse_args()
    if options.seed is not None:
        return _play_one(options.scenario or "everything", options.seed, options)
    names = [options.scenario] if options.scenario else None
    began = time.perf_counter()
    summary = Summary(play_many(seeds(options.seeds, names), options.jobs))
    print(summary)
    print(f"{options.seeds} seeds in {time.perf_counter() - began:.1f} s")
    for failure in summary.failures[:SHOWN_FAILURES]:
        print(f"\n{failure}")
    for failure in summary.failures[SHOWN_FAILURES : 10 * SHOWN_FAILURES]:
        print(f"{failure.what}\n  {failure.command}")
    return 1 if summary.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="Plays peers that run one program at once, under all faults.",
    )
    parser.add_argument("--seeds", type=int, default=1000, help="how many worlds")
    parser.add_argument("--jobs", type=int, default=1, help="on how many cores")
    parser.add_argument("--scenario", choices=list(SCENARIOS), help="which kind only")
    parser.add_argument("--seed", type=int, help="one world only")
    parser.add_argument(
        "--transcript", action="store_true", help="with --seed: what happens in it"
    )
    return parser


def _play_one(scenario: str, seed: int, options: argparse.Namespace) -> int:
    if options.transcript:
        print("\n".join(replay(scenario, seed).lines))
    result = try_out(scenario, seed).result
    print(result.what if isinstance(result, Failure) else result)
    return 1 if isinstance(result, Failure) else 0


if __name__ == "__main__":
    sys.exit(main())
