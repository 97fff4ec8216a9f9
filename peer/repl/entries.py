"""Lines put together to entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from language import Form, Session

COMMAND_MARK = ":"
"""What a line begins with that is a command of the session, not of the language."""

_RIGHT = frozenset({Form.COMMANDS, Form.EXPRESSION})


class Entries:
    """Collects lines until they make an entry.

    An entry ends with the first line at which it can end: a command or an expression
    that is whole, or one that is wrong whatever follows.

    Args:
        session: knows what is whole.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines: list[str] = []

    @property
    def is_open(self) -> bool:
        """Whether an entry has begun that is not whole."""
        return bool(self._lines)

    def add(self, line: str) -> Iterator[str]:
        """Take a line; yield the entries that end with it, or before it."""
        if not self._lines and line.lstrip().startswith(COMMAND_MARK):
            yield line.strip()
            return
        text = "\n".join([*self._lines, line])
        form = self._session.form(text)
        if form is Form.UNFINISHED:
            self._lines.append(line)
        elif self._lines and form is Form.WRONG and self._session.begins_command(line):
            # What was open has no end: the new command shall not go down with it.
            yield from self.end()
            yield from self.add(line)
        else:
            self._lines = []
            if form is not Form.EMPTY:
                yield text

    def end(self) -> Iterator[str]:
        """Yield the entry that is open, if there is one: no more lines come."""
        if self._lines:
            text = "\n".join(self._lines)
            self._lines = []
            yield text


def split(session: Session, text: str) -> list[str]:
    """Return the entries in a text of several lines, such as one that was pasted.

    It is one entry if it is right as it stands, or if no cut makes it right.
    """
    if text.lstrip().startswith(COMMAND_MARK) or session.form(text) in _RIGHT:
        return [text]
    entries = list(_all_of(Entries(session), text.splitlines()))
    return entries if all(session.form(one) in _RIGHT for one in entries) else [text]


def _all_of(entries: Entries, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from entries.add(line)
    yield from entries.end()
