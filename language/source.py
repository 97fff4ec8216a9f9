"""A text with a name, and the lines and columns of its characters."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

_NEWLINE = re.compile(r"\r\n?|\n")


class Source:
    """The text of one file.

    Attributes:
        name: path for people, as given.
        text: the characters, without a byte-order mark.
        directory: where its imports are looked for first, or empty.
        bundled: whether it belongs to voxpeer itself.
    """

    def __init__(
        self, name: str, text: str, directory: str = "", bundled: bool = False
    ) -> None:
        self.name = name
        self.text = text.removeprefix("\ufeff")
        self.directory = directory
        self.bundled = bundled
        self._line: tuple[int, str] | None = None

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset of the first character of each line."""
        return [0, *(match.end() for match in _NEWLINE.finditer(self.text))]

    def line(self, offset: int) -> int:
        """Return the line of a character, counted from 1."""
        return bisect_right(self.line_starts, offset)

    def line_text(self, line: int) -> str:
        """Return the text of a line, without its end."""
        # Many mistakes may be in one long line: they share its text.
        if self._line is None or self._line[0] != line:
            self._line = line, self._text_of_line(line)
        return self._line[1]

    def _text_of_line(self, line: int) -> str:
        start = self.line_starts[line - 1]
        last = line == len(self.line_starts)
        end = len(self.text) if last else self.line_starts[line]
        return self.text[start:end].rstrip("\r\n")

    def spot(self, start: int, end: int) -> tuple[int, int, int]:
        """Return line, column and end column of a stretch within one line."""
        starts = self.line_starts
        line = bisect_right(starts, start)
        before = starts[line - 1] - 1
        return line, start - before, end - before

    def place(self, start: int, end: int) -> tuple[int, int, int]:
        """Return line, column and end column of a stretch of the text.

        A stretch that goes on over several lines is cut at the end of its first.
        """
        line = self.line(start)
        first = self.line_starts[line - 1]
        limit = first + len(self.line_text(line))
        # One past the end of the line is where something may be missing.
        stop = max(min(end, limit), start + 1)
        return line, start - first + 1, stop - first + 1
