"""A terminal with somebody at it."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LIMIT_S = 90.0
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()=>][0-9A-B]?|\x1b\].*?\x07|\r")


class Terminal:
    """Runs a command at a pseudo-terminal; use as a context manager.

    Attributes:
        seen: what was shown so far, without what moves the cursor and colours.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._master, slave = pty.openpty()
        size = struct.pack("HHHH", 40, 120, 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            # The terminal becomes that of the new session: Ctrl-C reaches it.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def process_id(self) -> int:
        """The command's."""
        return self._process.pid

    def type(self, text: str) -> None:
        """Press keys; ``\\r`` is Enter, ``\\x03`` Ctrl-C, ``\\t`` Tab."""
        os.write(self._master, text.encode())

    def expect(self, text: str) -> str:
        """Wait until a text is shown; return what came before it since the last."""
        deadline = time.monotonic() + LIMIT_S
        while text not in self.seen:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"{text!r} was not shown, but:\n{self.seen}")
        before, _, self.seen = self.seen.partition(text)
        return before

    def enter(self, text: str, shown: str) -> str:
        """Enter a line, and wait for what comes of it."""
        self.type(text + "\r")
        return self.expect(shown)

    def wait(self) -> int:
        """Wait for the end of the command; return its exit code."""
        deadline = time.monotonic() + LIMIT_S
        while self._read(deadline - time.monotonic()):
            pass
        return self._process.wait(LIMIT_S)

    def _read(self, seconds: float) -> bool:
        """Take what is shown; False if nothing comes any more."""
        ready, _, _ = select.select([self._master], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # everybody at the other end has gone
            return False
        if b"\x1b[6n" in data:  # where is the cursor?
            os.write(self._master, b"\x1b[1;1R")
        text = self._rest + self._decoder.decode(data)
        # An escape sequence may have been cut.
        at = text.rfind("\x1b")
        whole = at < 0 or _CONTROL.match(text, at) is not None
        text, self._rest = (text, "") if whole else (text[:at], text[at:])
        self.seen += _CONTROL.sub("", text)
        return bool(data)
