"""Parts of one computation in several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from primitives.context import Context

Part = TypeVar("Part")


def in_threads(
    context: Context, compute: Callable[[Part], None], parts: Iterable[Part]
) -> None:
    """Call ``compute`` for all parts, in as many threads as the context gives.

    What it computes must not depend on the order of the parts.

    Raises:
        CancelledError: the run wants the value no more.
        Exception: the first one that a part raises; the parts not begun are left out.
    """
    waiting = list(parts)
    if context.threads == 1 or len(waiting) < 2:
        for part in waiting:
            context.check()
            compute(part)
        return

    def guarded(part: Part) -> None:
        context.check()
        compute(part)

    with ThreadPoolExecutor(min(context.threads, len(waiting))) as pool:
        try:
            for _ in pool.map(guarded, waiting):
                pass
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
