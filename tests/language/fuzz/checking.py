"""What must hold of the texts that chance makes."""

from __future__ import annotations

import random
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from language import Compiled, ProgramError, compile_program, compile_text
from primitives.catalog import standard_registry
from scheduler import MIGRATIONS, RunOptions, run_plan
from store import SqliteStore, open_store

from .grammar import EMPTY, Maker, NoValueError, Value
from .mistakes import WRONG_VALUES, spoilt
from .noise import shaken
from .writing import written

LIMIT_S = 20.0
"""Processor time after which a text counts as one that hangs."""


class FoundError(Exception):
    """Something that must not be: what, and for which text."""


class Checker:
    """Makes texts by seeds, and looks at what becomes of each.

    Args:
        store: of the runs.
        folder: where programs are written.
        corpus: programs to begin from.
    """

    def __init__(self, store: SqliteStore, folder: Path, corpus: list[str]) -> None:
        self._store = store
        self._folder = folder
        self._corpus = corpus

    def check(self, kind: str, seed: int) -> None:
        """Make one text and look at it.

        Raises:
            FoundError: something is not as it must be.
        """
        checks: dict[str, Callable[[random.Random], None]] = {
            "right": self._right,
            "wrong": self._wrong,
            "noise": self._noise,
        }
        with _limited():
            checks[kind](random.Random(f"{kind} {seed}"))

    def _right(self, chance: random.Random) -> None:
        """A right program compiles, and prints what it must."""
        made = Maker(chance).program()
        text = written(made, chance)
        EMPTY.clear()
        expected = made.values()
        is_vacuous = bool(EMPTY)
        try:
            compiled = self._compiled(text)
        except ProgramError as error:
            fails = any(isinstance(value, NoValueError) for value in expected)
            if fails or is_vacuous:
                return
            raise FoundError(f"refused:\n{error}\n----\n{text}") from None
        options = RunOptions(jobs=1, store_policy="none")
        report = run_plan(
            compiled.plan,
            store=self._store,
            registry=standard_registry(),
            options=options,
        )
        for goal, value in zip(report.goals, expected, strict=True):
            if isinstance(value, NoValueError):
                continue
            if goal.failure is not None:
                message = f"{goal.label} failed: {goal.failure.text}"
                raise FoundError(f"{message}\n----\n{text}")
            if not _same(goal.value, value):
                message = f"{goal.label} is {goal.value!r}, not {value!r}"
                raise FoundError(f"{message}\n----\n{text}")

    def _wrong(self, chance: random.Random) -> None:
        """A mistake is an error at its place."""
        wrong = spoilt(Maker(chance).program(), chance)
        try:
            self._compiled(wrong.text)
        except ProgramError as error:
            places = [
                (found.line, found.column)
                for found in error.diagnostics
                if (found.code, found.severity.value) == (wrong.code, "error")
            ]
            # Equal mistakes, such as 1 / 0 twice, are one node, and told of once.
            is_value = wrong.code in WRONG_VALUES
            if (wrong.line, wrong.column) in places or (places and is_value):
                return
            said = str(error)
        else:
            said = "a plan was made"
        raise FoundError(
            f"no {wrong.code} at {wrong.line}:{wrong.column}, but {said}\n----\n"
            f"{wrong.text}"
        )

    def _noise(self, chance: random.Random) -> None:
        """Any text is a program, or has errors that can be shown."""
        data = shaken(self._corpus, chance)
        path = self._folder / "noise.imgql"
        path.write_bytes(data)
        dialect = chance.choice(("imgql", "imgql", "vox1"))
        try:
            compile_program(
                path,
                registry=standard_registry(),
                dialect="vox1" if dialect == "vox1" else "imgql",
                directory=self._folder,
            )
        except ProgramError as error:
            if not any(one.severity.value == "error" for one in error.diagnostics):
                raise FoundError(f"an error without errors\n----\n{data!r}") from None
            for found in error.diagnostics:
                _showable(found.render(), found.as_dict(), data)
        except FoundError:
            raise
        except Exception:
            raise FoundError(f"{traceback.format_exc()}\n----\n{data!r}") from None

    def _compiled(self, text: str) -> Compiled:
        try:
            return compile_text(
                text, registry=standard_registry(), directory=self._folder
            )
        except (ProgramError, FoundError):
            raise
        except Exception:
            raise FoundError(f"{traceback.format_exc()}\n----\n{text}") from None


@contextmanager
def checker(corpus: list[str]) -> Iterator[Checker]:
    """Within the block, there is a checker with a store of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        store = open_store(folder / "store", migrations=[MIGRATIONS])
        try:
            yield Checker(store, folder, corpus)
        finally:
            store.close()


@contextmanager
def _limited() -> Iterator[None]:
    """Within the block, too much processor time raises :class:`FoundError`."""

    def stop(_signal: int, frame: FrameType | None) -> None:
        where = "".join(traceback.format_stack(frame)[-5:])
        raise FoundError(f"takes more than {LIMIT_S} s:\n{where}")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _same(found: Value, value: Value) -> bool:
    """Return whether two values are equal, kinds and signs of zero included."""
    if isinstance(value, tuple):
        return (
            isinstance(found, tuple)
            and len(found) == len(value)
            and all(map(_same, found, value))
        )
    return type(found) is type(value) and repr(found) == repr(value)


def _showable(text: str, data: dict[str, object], source: bytes) -> None:
    if not text or not data["message"]:
        raise FoundError(f"an empty text: {data}\n----\n{source!r}")
