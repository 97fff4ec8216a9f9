"""Text to tokens.

:mod:`language.lexis` cuts the text by characters alone.  Here a second pass walks
over the words with one bit of state, whether an operand is awaited, and the brackets
around, and decides what each piece is: a sign or an operator, a definition or an
expression.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from .lexis import (
    CAPITAL,
    NAME,
    NUMBER,
    NUMBER_WORDS,
    OPERATOR,
    PUNCTUATION,
    STRING,
    VARIABLE,
    Mistake,
    Words,
    words_of,
)
from .source import Source
from .syntax import Literal, Name

COMMAND_WORDS = frozenset({"let", "print", "save", "import"})
VOX1_KEYWORDS = COMMAND_WORDS | {"true", "false"}
KEYWORDS = VOX1_KEYWORDS | {"in", "for", "do", "filter", "fold"}


class Token(msgspec.Struct, frozen=True):
    """A terminal of the grammar; names and literals stand for themselves.

    Attributes:
        type: the terminal, as in ``grammar.lark``.
        text: its characters.
        start: offset of the first of them.
        end: offset after the last of them.
    """

    type: str
    text: str
    start: int
    end: int


Terminal: TypeAlias = Token | Name | Literal


def tokenize(
    source: Source,
    vox1: bool = False,
    *,
    expression: bool = False,
    operators: Iterable[str] = (),
) -> tuple[list[Terminal], list[Mistake]]:
    """Return the tokens of a text and what in it is no token.

    Args:
        source: the text.
        vox1: whether to read it as VoxLogicA 1 does: operators take all that follows
            them, and words that are keywords only today are names.
        expression: whether the text is a mere expression, as of a ``print``.
        operators: those with capital letters that are defined elsewhere.
    """
    words, mistakes = words_of(source.text, vox1, operators)
    classifier = _Classifier(source.text, words, vox1)
    if expression:
        classifier.begin_expression()
    return classifier.run(), mistakes


class _Classifier:
    """Decides what each piece of a text is."""

    def __init__(self, text: str, words: Words, vox1: bool) -> None:
        self.text = text
        self.kinds, self.texts, self.starts = words
        self.infix = "INFIXR" if vox1 else "INFIX"
        self.prefix = "PREFIXR" if vox1 else "PREFIX"
        self.vox1 = vox1
        self.keywords = VOX1_KEYWORDS if vox1 else KEYWORDS
        self.out: list[Terminal] = []
        self.at = 0
        self.operand = False
        """Whether an operand is awaited; else an operator or a new command."""
        self.levels: list[tuple[str, int]] = []
        """Brackets around: what they are for, and the folds that await outside."""
        self.level = ""
        self.folds = 0
        """Folds of this level that may still be given a second operand."""
        self._closing: dict[int, int] | None = None

    def begin_expression(self) -> None:
        """Read the text as if ``print ""`` stood before it, at the same place."""
        start = self.starts[0]
        line = self.text[start:].splitlines() or [""]
        end = start + len(line[0].rstrip())
        self.out += [Token("PRINT", "print", start, end)]
        self.out += [Token("LABEL", '""', start, end)]
        self.operand = True

    def run(self) -> list[Terminal]:
        """Return all tokens, the last of type ``$END``."""
        handlers: dict[int, Callable[[], None]] = {
            NAME: self._name,
            VARIABLE: self._value,
            NUMBER: self._value,
            PUNCTUATION: self._punctuation,
            OPERATOR: self._operator,
            STRING: self._value,
            CAPITAL: self._capital,
        }
        kinds = self.kinds
        while kinds[self.at]:
            handlers[kinds[self.at]]()
        self._emit("$END")
        return self.out

    # Names and values

    def _name(self) -> None:
        word = self.texts[self.at]
        if word in self.keywords:
            self._keyword(word)
        elif self.operand:
            self._operand_name()
        elif word == "load" and self._is_load():
            self._leave_brackets()
            self._emit("LOAD")
            self._append_name()
            self._equals()
            self._label(operand=False)
        elif self._begins_definition():
            self._define()
        elif self._takes_seed():
            self._seed()
        elif self.level or self._same_line(self.at):
            self._append_name()
        else:
            self._define()

    def _operand_name(self) -> None:
        if self.level == "call" and self._names_formal():
            self._emit("ACTUAL")
            self._equals()
            return
        self._append_name()
        self.operand = False

    def _value(self) -> None:
        if not self.operand:
            if self._takes_seed():
                self._seed()
                return
            if self.kinds[self.at] == VARIABLE and not self.level:
                self._define()
                return
        self._append_value()
        self.operand = False

    def _append_value(self, sign: str = "") -> None:
        word, start, end = self._piece()
        kind = self.kinds[self.at]
        self.at += 1
        if kind == NUMBER:
            first = start - len(sign)
            self.out.append(Literal(_number(sign, word), first, end))
        elif kind == STRING:
            self.out.append(Literal(word[1:-1], start, end))
        else:
            self.out.append(Name(word, start, end))

    def _capital(self) -> None:
        if self.operand:
            if self._applies_to_next():
                self._emit(self.prefix)
                return
            self._operand_name()
        elif not self.level and self._begins_definition():
            self._define()
        elif self._takes_seed():
            self._seed()
        elif self._precedes_operand():
            self._emit(self.infix)
            self.operand = True
        elif self.level or self._same_line(self.at):
            self._append_name()
        else:
            self._define()

    def _precedes_operand(self) -> bool:
        """Return whether an operand, or an operator before one, follows."""
        after = self.at + 1
        return (
            self._starts_operand(after)
            or self.kinds[after] == OPERATOR
            or self.texts[after] in ("(", "[")
        )

    def _applies_to_next(self) -> bool:
        """Return whether a capital name is an operator before an operand."""
        after = self.at + 1
        if self.folds:
            return False
        if self.kinds[after] == OPERATOR:
            return self.texts[after] in ("!", "!.")
        if self.vox1 and self.texts[after] == "(":
            return True
        if not self._starts_operand(after):
            return False
        return bool(self.level) or not self._begins_definition(after)

    # Keywords

    def _keyword(self, word: str) -> None:
        if word in ("true", "false"):
            self._truth_value(word)
        elif word in ("in", "do"):
            self._emit("_" + word.upper())
            self.operand = True
            self.folds = 0
        elif word in ("for", "filter", "fold"):
            self._form(word)
        elif word == "let":
            self._let()
        else:
            self._leave_brackets()
            self._emit(word.upper())
            self._label(operand=word != "import")

    def _truth_value(self, word: str) -> None:
        if not self.operand and self._takes_seed():
            self._emit_seed()
        _, start, end = self._piece()
        self.out.append(Literal(word == "true", start, end))
        self.at += 1
        self.operand = False

    def _form(self, word: str) -> None:
        if not self.operand and self._takes_seed():
            self._emit_seed()
        self._emit(word.upper())
        self.operand = True
        if word == "fold":
            self._fold_operator()
        elif self.kinds[self.at] == NAME and self.texts[self.at] not in self.keywords:
            self._append_name()
            self.operand = False

    def _fold_operator(self) -> None:
        if self.kinds[self.at] in (OPERATOR, CAPITAL) or (
            self.kinds[self.at] == NAME and self.texts[self.at] not in self.keywords
        ):
            self._emit("FOLDOP")
            self.folds += 1

    def _let(self) -> None:
        if self.operand or (self._takes_seed() and self._let_has_in()):
            if not self.operand:
                self._emit_seed()
            self._emit("LETIN")
            if self.kinds[self.at] == NAME and self.texts[self.at] not in self.keywords:
                self._append_name()
            self._equals()
            return
        self._leave_brackets()
        self._emit("LET")
        kind, word = self.kinds[self.at], self.texts[self.at]
        if (
            (kind == NAME and word not in self.keywords)
            or kind in (CAPITAL, VARIABLE)
            or (kind == OPERATOR and not (word == "=" and self._next() != "("))
        ):
            self._define()

    def _let_has_in(self) -> bool:
        """Return whether the ``let`` here is followed by its ``in``."""
        if self.level:
            return True
        awaited = 0
        for at in range(self.at, len(self.kinds)):
            if self.kinds[at] != NAME:
                continue
            word = self.texts[at]
            if word in ("let", "for", "filter"):
                awaited += 1
            elif word == "in":
                awaited -= 1
                if not awaited:
                    return True
            elif word in COMMAND_WORDS:
                return False
        return False

    def _label(self, operand: bool) -> None:
        if self.kinds[self.at] == VARIABLE and self.out[-1].type == "_EQUALS":
            word, start, end = self._piece()
            self.out.append(Token("LABEL", f'"{word}"', start, end))
            self.at += 1
            self.operand = operand
        elif self.kinds[self.at] == STRING:
            self._emit("LABEL")
            self.operand = operand
        else:
            self.operand = True

    def _is_load(self) -> bool:
        return (
            self.kinds[self.at + 1] == NAME
            and self.texts[self.at + 1] not in self.keywords
            and self.texts[self.at + 2 : self.at + 3] != []
            and self.texts[self.at + 2].startswith("=")
        )

    # Definitions

    def _begins_definition(self, at: int | None = None) -> bool:
        """Return whether ``name =`` or ``name(formals) =`` stands at a piece."""
        at = self.at if at is None else at
        after = at + 1
        if self.level:
            return False
        if self.texts[after] == "(":
            after = self._after_formals(after)
        word = self.texts[after] if self.kinds[after] == OPERATOR else ""
        if word == "=":
            return True
        if not word.startswith("=") or word.startswith(("==", "=.")):
            return False
        return self.kinds[at] != OPERATOR and not self._same_line(at)

    def _after_formals(self, at: int) -> int:
        """Return the piece after the ``(name, …)`` at ``at``, or ``at`` itself."""
        kinds, texts = self.kinds, self.texts
        after = at + 1
        while kinds[after] == NAME and texts[after + 1] == ",":
            after += 2
        if kinds[after] == NAME and texts[after + 1] == ")":
            return after + 2
        return at

    def _define(self) -> None:
        self._leave_brackets()
        self._emit("DEFINED")
        if self.texts[self.at] == "(":
            end = self._after_formals(self.at)
            if end > self.at:
                while self.at < end:
                    self._formal()
        self.operand = False
        self._equals()

    def _formal(self) -> None:
        word = self.texts[self.at]
        if word in "(),":
            self._emit({"(": "LPAR", ")": "RPAR", ",": "_COMMA"}[word])
        elif word in self.keywords:
            self._emit(word.upper())
        else:
            self._append_name()

    def _equals(self) -> None:
        """Take the ``=`` that stands here, leaving what is glued to it."""
        if self.kinds[self.at] == OPERATOR and self.texts[self.at].startswith("="):
            self._split("_EQUALS")

    def _names_formal(self) -> bool:
        """Return whether ``name =`` stands here, right after ``(`` or ``,``."""
        word = self.texts[self.at + 1]
        if self.kinds[self.at + 1] != OPERATOR or not word.startswith("="):
            return False
        if self.out[-1].type not in ("LPAR", "_COMMA"):
            return False
        return not word.startswith(("==", "=."))

    # Operators and brackets

    def _operator(self) -> None:
        word = self.texts[self.at]
        if word[0] == ":" and self.level == "index":
            self._split("_COLON")
        elif self.operand:
            if word in ("+", "-") and self._touches(NUMBER):
                self.at += 1
                self._append_value(word)
                self.operand = False
            elif word in ("+", "-") and self._touches_number_word():
                self._append_signed()
                self.operand = False
            elif word == "=":
                self._emit("_EQUALS")
            else:
                self._emit(self.prefix)
        elif not self.level and self._begins_definition():
            self._define()
        else:
            self._emit("_EQUALS" if word == "=" else self.infix)
            self.operand = True

    def _punctuation(self) -> None:
        word = self.texts[self.at]
        if word == ",":
            self._emit("_COMMA")
            self.operand = True
            self.folds = 0
        elif word in ")]":
            self._emit("RPAR" if word == ")" else "RSQB")
            self.operand = False
            if self.levels:
                self.level, self.folds = self.levels.pop()
        else:
            self._open(word)

    def _open(self, word: str) -> None:
        previous = self.out[-1] if self.out else None
        if not self.operand and self.folds and self._cannot_continue(previous, word):
            self._emit_seed()
        if word == "(":
            opened, purpose = "LPAR", "group"
            if previous is not None and previous.type in ("NAME", self.prefix):
                purpose = "call"
        elif not self.operand:
            opened, purpose = "LSQB", "index"
        elif previous is not None and previous.type == self.infix and self._is_larg():
            opened, purpose = "LARG", "call"
        else:
            opened, purpose = "LSQB", "array"
        self._emit(opened)
        self.levels.append((self.level, self.folds))
        self.level, self.folds = purpose, 0
        self.operand = True

    def _cannot_continue(self, previous: Terminal | None, bracket: str) -> bool:
        """Return whether a bracket after an operand begins another one.

        It does after a number; after a closing bracket, ``[`` is an index.
        """
        if isinstance(previous, Literal):
            return True
        is_closed = previous is not None and previous.type in ("RPAR", "RSQB")
        return is_closed and bracket == "("

    def _is_larg(self) -> bool:
        """Return whether the bracket here holds arguments of the operator before it.

        It does when an operand follows it; else it is an array.
        """
        closing = self._closing_pieces().get(self.at)
        if closing is None or self.folds:
            return False
        after = closing + 1
        if self.texts[after] == "(" and self.kinds[after] == PUNCTUATION:
            return True
        if not self._starts_operand(after):
            return False
        return bool(self.level) or not self._begins_definition(after)

    def _closing_pieces(self) -> dict[int, int]:
        """Map each opening bracket to the one that closes it."""
        if self._closing is None:
            self._closing = {}
            opened: list[int] = []
            for at, kind in enumerate(self.kinds):
                if kind == PUNCTUATION and self.texts[at] in "([":
                    opened.append(at)
                elif kind == PUNCTUATION and self.texts[at] in ")]" and opened:
                    self._closing[opened.pop()] = at
        return self._closing

    # Folds

    def _takes_seed(self) -> bool:
        """Return whether the operand here is the second one of a fold."""
        return self.folds > 0 and (bool(self.level) or self._same_line(self.at))

    def _seed(self) -> None:
        self._emit_seed()
        if self.kinds[self.at] in (NAME, CAPITAL):
            self._operand_name()
        else:
            self._append_value()
            self.operand = False

    def _emit_seed(self) -> None:
        start = self.starts[self.at]
        self.out.append(Token("_SEED", "", start, start))
        self.folds -= 1
        self.operand = True

    # Pieces

    def _piece(self) -> tuple[str, int, int]:
        word = self.texts[self.at]
        start = self.starts[self.at]
        return word, start, start + len(word)

    def _next(self) -> str:
        return self.texts[self.at + 1]

    def _emit(self, terminal: str) -> None:
        word, start, end = self._piece()
        self.out.append(Token(terminal, word, start, end))
        self.at += 1

    def _append_name(self) -> None:
        word, start, end = self._piece()
        self.out.append(Name(word, start, end))
        self.at += 1

    def _split(self, terminal: str) -> None:
        """Take the first character of the piece here as a token of its own."""
        word, start, _ = self._piece()
        self.out.append(Token(terminal, word[0], start, start + 1))
        self.operand = True
        if len(word) == 1:
            self.at += 1
        else:
            self.texts[self.at] = word[1:]
            self.starts[self.at] = start + 1

    def _touches(self, kind: int) -> bool:
        """Return whether a piece of a kind follows without a blank."""
        _, _, end = self._piece()
        return self.kinds[self.at + 1] == kind and self.starts[self.at + 1] == end

    def _touches_number_word(self) -> bool:
        """Return whether ``inf`` or its like follows without a blank."""
        is_word = self._touches(NAME) or self._touches(CAPITAL)
        return is_word and self._next().lower() in NUMBER_WORDS

    def _append_signed(self) -> None:
        """Take a sign and the word after it as one name, such as ``-inf``."""
        sign, start, _ = self._piece()
        self.at += 1
        word, _, end = self._piece()
        self.at += 1
        self.out.append(Name(sign + word, start, end))

    def _starts_operand(self, at: int) -> bool:
        kind = self.kinds[at]
        if kind == NAME:
            word = self.texts[at]
            return word not in self.keywords or word in ("true", "false")
        return kind in (VARIABLE, NUMBER, STRING, CAPITAL)

    def _same_line(self, at: int) -> bool:
        """Return whether a piece stands on the line of the one before it."""
        if at == 0:
            return False
        return "\n" not in self.text[self.starts[at - 1] : self.starts[at]]

    def _leave_brackets(self) -> None:
        """Start a command: nothing around it is open any more."""
        self.levels.clear()
        self.level = ""
        self.folds = 0
        self.operand = False


def _number(sign: str, word: str) -> float:
    if not word.startswith(("0x", "0X")):
        return float(sign + word)
    try:
        return float.fromhex(sign + word)
    except OverflowError:
        return float(sign + "inf")


def following(tokens: list[Terminal], offset: int) -> int:
    """Return the index of the first token that starts at an offset or later."""
    return bisect_left(tokens, offset, key=lambda token: token.start)
