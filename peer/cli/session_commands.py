"""The commands of a session of ``voxpeer repl``: what begins with a colon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from peer.quantities import suggestion
from peer.repl.names import described

from .dialogue import Dialogue
from .exit_codes import ExitCode
from .output import note, write_line, write_table

if TYPE_CHECKING:
    from scheduler import ResultExplanation

SHOWN_WIDTH = 60
"""Characters of a definition that ``:names`` shows."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the session.

    Attributes:
        followed_by: what stands after it, for people; ``FILE`` and ``NAME`` are
            completed.
        help: what it does.
        call: does it; raises EOFError to end the session.
        is_optional: whether it may stand alone although something may follow.
    """

    followed_by: str
    help: str
    call: Callable[[Dialogue, str], None]
    is_optional: bool = False


def obey(dialogue: Dialogue, line: str) -> None:
    """Do what a line says that begins with a colon.

    Raises:
        EOFError: the session is to end.
    """
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    command = COMMANDS.get(word)
    if command is None:
        near = suggestion(word, tuple(COMMANDS))
        dialogue.fail(f"there is no command '{word}'{near}; :help lists them")
    elif rest and not command.followed_by:
        dialogue.fail(f"{word} stands alone")
    elif not rest and command.followed_by and not command.is_optional:
        dialogue.fail(f"write {word} {command.followed_by}")
    else:
        with dialogue.telling():
            command.call(dialogue, rest)


def _help(dialogue: Dialogue, name: str) -> None:
    if not name:
        write_table(
            ("Command", "Meaning"),
            [
                (f"{word} {command.followed_by}".strip(), command.help)
                for word, command in COMMANDS.items()
            ],
        )
        note(
            "Anything else is a command of the language (a definition, print, save, "
            "import, load) or an expression, whose value is shown."
        )
        return
    definition = dialogue.workspace.session.definitions.get(name)
    if definition is None:
        from .commands.primitives import command

        words = ["--", name]
        command.main(words, prog_name="voxpeer primitives", standalone_mode=False)
        return
    write_line(described(name, definition.formals))
    for line in dialogue.workspace.session.text_of(definition).splitlines():
        write_line(f"  {line}")


def _names(dialogue: Dialogue, _: str) -> None:
    rows = []
    session = dialogue.workspace.session
    for name, definition in sorted(session.definitions.items()):
        if not definition.source.bundled:
            text = " ".join(session.text_of(definition).split())
            cut = text if len(text) <= SHOWN_WIDTH else text[: SHOWN_WIDTH - 1] + "…"
            rows.append(
                (described(name, definition.formals), cut, definition.source.name)
            )
    if rows:
        write_table(("Name", "Meaning", "Defined by"), rows)
    else:
        note("nothing is defined yet")


def _why(dialogue: Dialogue, name: str) -> None:
    from scheduler.audits import last_audits

    from .origins import show_explanation

    store = dialogue.workspace.store
    found = _explanation(dialogue, name)
    if found is None:
        dialogue.fail(
            f"nothing is known of '{name}' yet: enter it to have it computed",
            ExitCode.NO_MATCH,
        )
    else:
        show_explanation(found, last_audits(store, [it.key for it in found.nodes]))


def _explanation(dialogue: Dialogue, name: str) -> ResultExplanation | None:
    """Return where the value of an expression came from, or else a goal or key."""
    from language import ProgramError
    from peer.repl.workspace import key_of
    from scheduler import explain_result

    store = dialogue.workspace.store
    try:
        programs = dialogue.workspace.look(name)
    except ProgramError:
        if name.isidentifier() and name in dialogue.workspace.session.definitions:
            raise
        found = explain_result(store, name)
        if found is None:
            raise
        return found
    for program in programs:
        key = key_of(program.plan, store)
        if key is not None and (found := explain_result(store, key.hex())):
            return found
    return None


def _plan(dialogue: Dialogue, expression: str) -> None:
    from .explanations import show_explanation

    workspace = dialogue.workspace
    program = workspace.look(expression)[0]
    options = workspace.terms.options
    show_explanation(
        program, workspace.store, options, "text", workspace.terms.allow_outside
    )


def _load(dialogue: Dialogue, file: str) -> None:
    dialogue.run(dialogue.workspace.load(Path(file).expanduser()))


def _save(dialogue: Dialogue, file: str) -> None:
    from peer.repl.saving import save

    path = Path(file).expanduser()
    for warning in save(dialogue.workspace, path):
        note(warning)
    note(f"saved {path}")


def _more(dialogue: Dialogue, _: str) -> None:
    dialogue.more()


def _time(dialogue: Dialogue, word: str) -> None:
    from .progress import summary

    if word in ("on", "off"):
        dialogue.always_timed = word == "on"
    elif word:
        dialogue.fail("write :time, :time on or :time off")
    elif dialogue.last is None:
        note("nothing was computed yet")
    else:
        write_line(summary(dialogue.last))


def _reset(dialogue: Dialogue, _: str) -> None:
    dialogue.workspace.reset()
    note("all definitions are forgotten; what was computed is kept in the store")


def _quit(_dialogue: Dialogue, _: str) -> None:
    raise EOFError


COMMANDS = {
    ":help": Command("NAME", "This list, or the page of a name.", _help, True),
    ":names": Command("", "What is defined, and by which entry.", _names),
    ":more": Command("", "The next page of what was shown last.", _more),
    ":why": Command("NAME", "Where its value came from.", _why),
    ":plan": Command("NAME", "What computing it would do.", _plan),
    ":time": Command("on|off", "What the last run took; or after each.", _time, True),
    ":load": Command("FILE", "Read a program as if it was typed here.", _load),
    ":save": Command("FILE", "Write the session as a program.", _save),
    ":reset": Command("", "Forget all definitions.", _reset),
    ":quit": Command("", "End the session, as Ctrl-D does.", _quit),
}
"""The commands, in the order in which they are listed."""
