"""Which boot of the machine this is.

Bytes that were written since the machine started lie at least in its memory, and a
killed process does not lose them; a power cut may.  So a file that was checked in the
boot in which it was written has to be checked again after the next one.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path


@functools.cache
def boot_id() -> str:
    """Return an identifier that changes when the machine starts again."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        pass
    import subprocess

    # The time of the start would change with every correction of the clock.
    command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip() or _unknown()
    except (OSError, subprocess.SubprocessError):
        return _unknown()


def _unknown() -> str:
    return os.urandom(16).hex()  # every process checks for itself
