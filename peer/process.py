"""Settings of a process that runs image programs; made before anything is loaded.

Numbers and reasons: docs/decisions/0004-allocator.md.
"""

from __future__ import annotations

import os
import sys

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
"""Parameters of glibc's ``mallopt``, from malloc.h."""

KEPT_BYTES = 2**31 - 1
"""Freed memory up to this size stays with the process."""

MAPPED_ABOVE_BYTES = 2**30
"""Larger pieces still come from, and go back to, the system one by one."""


def leave_threads_to_scheduler() -> None:
    """Have linear algebra use one thread; call it before numpy is imported.

    The scheduler runs kernels on all cores already; threads of the library's own
    spin against them and double the time of a picture.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def keep_freed_memory() -> None:
    """Have large blocks reused instead of returned to the system; glibc only.

    Call it before threads are started.
    """
    if sys.platform != "linux":
        return
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library
    mallopt(M_MMAP_THRESHOLD, MAPPED_ABOVE_BYTES)
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    # Only the main arena grows without bound, so threads have to share it.
    mallopt(M_ARENA_MAX, 1)
