"""Measure voxpeer and what it is compared with, side by side; print Markdown tables.

Times differ between machines and days; ratios within one run hold.  Each figure is
the median of several whole processes taken in turn, and every pair of results that
should be equal is compared.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable

from . import (
    daemon,
    engine,
    exchange,
    frontend,
    images,
    kernels,
    once,
    startup,
    storage,
)

PARTS: dict[str, Callable[[int], None]] = {
    "engine": engine.shapes,
    "loop": engine.loop,
    "million": engine.million,
    "frontend": frontend.lines,
    "startup": startup.warm,
    "images": images.programs,
    "kernels": kernels.side_by_side,
    "storage": storage.throughput,
    "exchange": exchange.throughput,
    "daemon": daemon.daemons,
    "once": once.once,
}


def main() -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        epilog="parts:\n" + "\n".join(map(_described, PARTS)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", help="one of those below; default all")
    parser.add_argument("--rounds", type=int, default=3, help="runs per figure")
    chosen = parser.parse_args()
    unknown = set(chosen.part) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    for part in chosen.part or PARTS:
        PARTS[part](chosen.rounds)
    return 0


def _described(part: str) -> str:
    """Return the line of the help that says what a part measures."""
    words = (PARTS[part].__doc__ or "").partition("\n")[0]
    return f"  {part:<10} {words}"


if __name__ == "__main__":
    sys.exit(main())
