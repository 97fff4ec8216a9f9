"""Looks for texts that break the language; see ``--help``."""

from __future__ import annotations

import argparse
import itertools
import sys
import time

from tests.language import corpus

from .checking import FoundError, checker

KINDS = ("right", "wrong", "noise")


def main() -> int:
    """Run until the time is over; return 1 if something was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.language.fuzz", description=__doc__
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--kind", choices=KINDS, action="append", help="default all")
    parser.add_argument("--once", action="store_true", help="only the first seed")
    chosen = parser.parse_args()
    texts = [case.text for case in corpus.cases()]
    end = time.monotonic() + chosen.seconds
    counts = dict.fromkeys(chosen.kind or KINDS, 0)
    found = 0
    with checker(texts) as checks:
        for seed in itertools.count(chosen.seed):
            for kind in counts:
                counts[kind] += 1
                try:
                    checks.check(kind, seed)
                except FoundError as error:
                    found += 1
                    print(f"==== --kind {kind} --seed {seed} --once\n{error}")
            if chosen.once or time.monotonic() > end or found >= 20:
                break
    done = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    print(f"{done}; {found} found", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
