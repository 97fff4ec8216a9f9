"""Typing at a terminal: line editing, completion, history, several lines."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import (
    CompleteEvent,
    Completer,
    Completion,
    PathCompleter,
)
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import completion_is_selected, has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from language import Form

from .entries import COMMAND_MARK, split
from .history import History
from .names import Names, open_string
from .workspace import Workspace

TOOLBAR_STYLE = "noreverse"


class Prompt:
    """Asks for entries.

    Args:
        workspace: knows what can be typed, and what is whole.
        history: what was typed before.
        commands: the session's own commands, and what each is followed by: ``FILE``,
            ``NAME``, or something else.
    """

    def __init__(
        self, workspace: Workspace, history: History, commands: Mapping[str, str]
    ) -> None:
        self._workspace = workspace
        self._history = history
        self._session: PromptSession[str] = PromptSession(
            history=InMemoryHistory(history.entries),
            completer=_Completer(workspace, commands),
            complete_while_typing=False,
            multiline=True,
            prompt_continuation=_continuation,
            bottom_toolbar=self._toolbar,
            key_bindings=_keys(self._is_done),
            enable_history_search=True,
            enable_suspend=True,
            search_ignore_case=True,
        )

    def read(self) -> str:
        """Return the next entry.

        Raises:
            KeyboardInterrupt: the entry was abandoned with Ctrl-C.
            EOFError: the session ends, with Ctrl-D.
        """
        number = self._workspace.next_name.rpartition(" ")[2]
        text = self._session.prompt(f"{number}> ")
        self._history.add(text)
        return text

    def _is_done(self, text: str) -> bool:
        """Return whether Enter ends an entry: it is whole, or its end is blank."""
        if text.lstrip().startswith(COMMAND_MARK) or not text.strip():
            return True
        last = text.rpartition("\n")[2]
        if "\n" in text and not last.strip():
            return True
        session = self._workspace.session
        if session.form(text) is not Form.UNFINISHED:
            return True
        # Of lines that were pasted, the last may look like a definition without "=".
        return "\n" in text and len(split(session, text)) > 1

    def _toolbar(self) -> StyleAndTextTuples | None:
        """Return the signature of the function in whose brackets the cursor is."""
        before = self._session.default_buffer.document.text_before_cursor
        found = Names(self._workspace.session).called_at(before)
        if found is None:
            return None
        columns = self._session.app.output.get_size().columns
        signature = _lines(found.text, columns)
        summary = "\n" + _lines(found.summary, columns) if found.summary else ""
        return [(f"{TOOLBAR_STYLE} bold", signature), (TOOLBAR_STYLE, summary)]


class _Completer(Completer):
    """Names of the program, primitives, paths inside strings, commands."""

    def __init__(self, workspace: Workspace, commands: Mapping[str, str]) -> None:
        self._workspace = workspace
        self._commands = commands
        self._paths = PathCompleter(expanduser=True)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Return what can stand at the cursor."""
        before = document.text_before_cursor
        command, blank, rest = before.lstrip().partition(" ")
        path = open_string(before)
        if command.startswith(COMMAND_MARK) and not blank:
            return self._of_commands(command)
        if self._commands.get(command) == "FILE":
            path = rest.lstrip()
        if path is not None:
            return self._of_paths(path, complete_event)
        return self._of_names(rest if command in self._commands else before)

    def _of_paths(self, path: str, event: CompleteEvent) -> Iterator[Completion]:
        for found in self._paths.get_completions(Document(path), event):
            # Folders are shown with a slash; with it, the next Tab goes on inside.
            slash = "/" if found.display_text.endswith("/") else ""
            yield Completion(found.text + slash, found.start_position, found.display)

    def _of_commands(self, word: str) -> Iterator[Completion]:
        for name, followed_by in self._commands.items():
            if name.startswith(word):
                yield Completion(name, -len(word), display_meta=followed_by)

    def _of_names(self, before: str) -> Iterator[Completion]:
        for found in Names(self._workspace.session).candidates(before):
            meta = found.signature
            yield Completion(found.text, found.start, display_meta=meta)


def _keys(is_done: Callable[[str], bool]) -> KeyBindings:
    keys = KeyBindings()
    here = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=here & completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    @keys.add("enter", filter=here & ~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_done(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.newline()

    @keys.add("escape", "enter", filter=here)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline()

    return keys


def _lines(text: str, columns: int) -> str:
    """Return a text in lines that a terminal does not cut off."""
    return textwrap.fill(text, columns, subsequent_indent="    ")


def _continuation(width: int, _line: int, _wrapped: int) -> str:
    return "· ".rjust(width)
