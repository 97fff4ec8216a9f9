"""Text to tokens.

A first pass cuts the text by characters alone.  A second one walks over the pieces
with one bit of state, whether an operand is awaited, and the brackets around, and
decides what each piece is: a sign or an operator, a definition or an expression.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from .source import Source
from .syntax import Literal, Name

COMMAND_WORDS = frozenset({"let", "print", "save", "import"})
KEYWORDS = COMMAND_WORDS | {"in", "for", "do", "filter", "fold", "true", "false"}
LIBRARY_CAPITAL_OPERATORS = frozenset({"B+"})
"""Operators of the bundled libraries that begin with a capital letter."""

_OPERATOR = r"#;:_'.|!$%&/^=*\-+<>?@~\\"
_WORD = r"[A-Za-z0-9_]"
_PIECE = re.compile(
    rf"""(?:[ \t\r\n\f\v]+|//[^\r\n]*)*(?:
      ([a-z_]{_WORD}*(?:\.[A-Za-z_]{_WORD}*)?)      # 1 name
    | (\$[A-Za-z_]{_WORD}*)                         # 2 variable
    | (\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)              # 3 number
    | ([(),\[\]])                                   # 4 punctuation
    | ([=:](?=//)|[{_OPERATOR}]+)                   # 5 operator
    | ("(?:[^"\\\r\n]|\\[^\r\n])*")                 # 6 string
    | ([A-Z]{_WORD}*(?:\.[A-Za-z_]{_WORD}*)?)       # 7 capital name
    | ("[^\r\n]*)                                   # 8 string without an end
    | (.)                                           # 9 stray character
    | $)""",
    re.VERBOSE | re.ASCII,
)
NAME, VARIABLE, NUMBER, PUNCTUATION, OPERATOR, STRING, CAPITAL, OPEN_STRING, STRAY = (
    range(1, 10)
)
END = 0

_CAPITAL_OPERATOR = re.compile(rf"[A-Z]{_WORD}*[{_OPERATOR}](?:[{_OPERATOR}]|{_WORD})*")
_CAPITAL_DEFINITION = re.compile(
    rf"(?:\blet[ \t]+|^[ \t]*)({_CAPITAL_OPERATOR.pattern})[ \t]*(?=\(|=)",
    re.MULTILINE,
)

Pieces: TypeAlias = tuple[list[int], list[str], list[int]]
"""Kind, text and offset of each piece; the last is of kind END."""


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
Mistake: TypeAlias = tuple[str, str, int, int]
"""Code, message, start and end of something that is no token."""


def tokenize(
    source: Source, right: bool = False
) -> tuple[list[Terminal], list[Mistake]]:
    """Return the tokens of a text and what in it is no token.

    Args:
        source: the text.
        right: whether operators take all that follows them, as in VoxLogicA 1.
    """
    mistakes: list[Mistake] = []
    classifier = _Classifier(source.text, _cut(source.text, mistakes), right)
    return classifier.run(), mistakes


def _cut(text: str, mistakes: list[Mistake]) -> Pieces:
    """Cut the text into pieces."""
    kinds: list[int] = []
    texts: list[str] = []
    starts: list[int] = []
    special = _capital_operators(text)
    skip_to = 0
    for match in _PIECE.finditer(text):
        kind = match.lastindex or END
        start = match.start(kind) if kind else len(text)
        if start < skip_to:
            continue
        word = match[kind] if kind else ""
        if kind == CAPITAL and start in special:
            word = special[start]
            skip_to = start + len(word)
            kind = OPERATOR
        elif kind == OPEN_STRING:
            mistakes.append(
                (
                    "unterminated-string",
                    'the string has no end on its line; it needs a closing "',
                    start,
                    start + len(word),
                )
            )
            kind = STRING
            word += '"'
        elif kind == STRAY:
            mistakes.append(
                (
                    "stray-character",
                    f"the character {word!r} has no meaning here",
                    start,
                    start + 1,
                )
            )
            continue
        kinds.append(kind)
        texts.append(word)
        starts.append(start)
        if not kind:
            break
    return kinds, texts, starts


def _capital_operators(text: str) -> dict[int, str]:
    """Find the operators that begin with a capital letter, by offset.

    ``B+ b`` is the operator ``B+`` where that is defined, else ``B`` plus ``b``.
    """
    names = {match[1] for match in _CAPITAL_DEFINITION.finditer(text)}
    names |= LIBRARY_CAPITAL_OPERATORS
    longest_first = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    pattern = re.compile(rf"(?<![A-Za-z0-9_.])(?:{longest_first})(?![{_OPERATOR}])")
    return {match.start(): match[0] for match in pattern.finditer(text)}


class _Classifier:
    """Decides what each piece of a text is."""

    def __init__(self, text: str, pieces: Pieces, right: bool) -> None:
        self.text = text
        self.kinds, self.texts, self.starts = pieces
        self.infix = "INFIXR" if right else "INFIX"
        self.prefix = "PREFIXR" if right else "PREFIX"
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
        if word in KEYWORDS:
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
            self.out.append(Literal(float(sign + word), first, end))
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
        elif self.kinds[self.at] == NAME and self.texts[self.at] not in KEYWORDS:
            self._append_name()
            self.operand = False

    def _fold_operator(self) -> None:
        if self.kinds[self.at] in (OPERATOR, CAPITAL) or (
            self.kinds[self.at] == NAME and self.texts[self.at] not in KEYWORDS
        ):
            self._emit("FOLDOP")
            self.folds += 1

    def _let(self) -> None:
        if self.operand or (self._takes_seed() and self._let_has_in()):
            if not self.operand:
                self._emit_seed()
            self._emit("LETIN")
            if self.kinds[self.at] == NAME and self.texts[self.at] not in KEYWORDS:
                self._append_name()
            self._equals()
            return
        self._leave_brackets()
        self._emit("LET")
        kind, word = self.kinds[self.at], self.texts[self.at]
        if (
            (kind == NAME and word not in KEYWORDS)
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
        if self.kinds[self.at] == STRING:
            self._emit("LABEL")
            self.operand = operand
        else:
            self.operand = True

    def _is_load(self) -> bool:
        return (
            self.kinds[self.at + 1] == NAME
            and self.texts[self.at + 1] not in KEYWORDS
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
        elif word in KEYWORDS:
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
        if not self.operand and self.folds and isinstance(previous, Literal):
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

    def _starts_operand(self, at: int) -> bool:
        kind = self.kinds[at]
        if kind == NAME:
            word = self.texts[at]
            return word not in KEYWORDS or word in ("true", "false")
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


def following(tokens: list[Terminal], offset: int) -> int:
    """Return the index of the first token that starts at an offset or later."""
    return bisect_left(tokens, offset, key=lambda token: token.start)
