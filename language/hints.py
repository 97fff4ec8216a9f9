"""What to do about a syntax error, by what stands around it.

Many hints answer habits from other languages, or from writing for people: a decimal
comma, a unit after a number, a comment that begins with ``#``.
"""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass

from .source import Source
from .syntax import Literal
from .tokens import COMMAND_WORDS, KEYWORDS, Terminal

_COMMANDS = {"LET", "DEFINED", "PRINT", "SAVE", "IMPORT", "LOAD"}
_OPENING = {"LPAR", "LSQB", "LARG"}
_NO_VALUE = Literal("", 0, 0)


@dataclass(frozen=True)
class _Place:
    """What stands at a mistake and around it.

    Attributes:
        tokens: of the program.
        at: index of the one that cannot stand there.
        accepted: types of those that could.
        source: the program.
        text: of the token.
        before: text of the token before it, or empty.
    """

    tokens: list[Terminal]
    at: int
    accepted: frozenset[str]
    source: Source
    text: str
    before: str

    @property
    def token(self) -> Terminal:
        """The token that cannot stand there."""
        return self.tokens[self.at]

    @property
    def previous(self) -> Terminal:
        """The token before it, or a text that stands for none."""
        return self.tokens[self.at - 1] if self.at else _NO_VALUE

    def word(self, index: int) -> str:
        """Return the text of a token."""
        token = self.tokens[index]
        return self.source.text[token.start : token.end]

    def line_start(self) -> int:
        """Return the index of the first token in the line of the mistake."""
        lines = self.source.text.rfind("\n", 0, self.token.start)
        first = self.at
        while first and self.tokens[first - 1].start > lines:
            first -= 1
        return first


def hint_of_token(
    tokens: list[Terminal], at: int, accepted: frozenset[str], source: Source
) -> str:
    """Return what to do about a token that cannot stand where it does, or nothing.

    Args:
        tokens: of the program.
        at: index of the token.
        accepted: types of the tokens that could stand there.
        source: the program.
    """
    text = source.text[tokens[at].start : tokens[at].end]
    before = source.text[tokens[at - 1].start : tokens[at - 1].end] if at else ""
    place = _Place(tokens, at, accepted, source, text, before)
    for hint in (
        _hint_of_keyword,
        _hint_of_open_bracket,
        _hint_of_foreign_word,
        _hint_of_mark,
        _hint_of_bracket,
        _hint_of_command,
        _hint_of_form,
        _hint_of_two_values,
    ):
        found = hint(place)
        if found:
            return found
    return ""


def _hint_of_keyword(place: _Place) -> str:
    awaits_name = place.accepted & {"DEFINED", "NAME"}
    if place.text not in KEYWORDS or not awaits_name:
        return ""
    if place.accepted & {"LITERAL", "PRINT"}:
        return ""
    return f"'{place.text}' is a word of the language and cannot be a name"


def _hint_of_open_bracket(place: _Place) -> str:
    opened = _unclosed(place.tokens, place.at)
    if opened is None or not place.accepted & {"RPAR", "RSQB"}:
        return ""
    line, column, _ = place.source.place(opened.start, opened.end)
    mark = place.source.text[opened.start]
    return f"the '{mark}' of line {line}, column {column} is not closed"


def _hint_of_foreign_word(place: _Place) -> str:
    """Return what stands here for a word of another language."""
    for index in range(max(place.at - 2, 0), place.at + 1):
        if place.word(index) in _FOREIGN_WORDS:
            return _FOREIGN_WORDS[place.word(index)]
    return ""


_FOREIGN_WORDS = {
    "and": "and is written &&",
    "def": "a function is written f(x) = …",
    "else": "there is no 'else'; ifB(condition, a, b) chooses between two regions",
    "from": 'names of a namespace are brought by import "vox1"',
    "function": "a function is written f(x) = …",
    "if": "there is no 'if'; ifB(condition, a, b) chooses between two regions",
    "lambda": "a function is written f(x) = …",
    "not": "not is written !",
    "or": "or is written ||",
    "return": "a function has no 'return'; write f(x) = value",
    "then": "there is no 'then'; ifB(condition, a, b) chooses between two regions",
    "var": "a value gets a name by name = value",
    "while": "there is no 'while'; write for name in sequence do …",
}
"""What is written in other languages, and how it is written here."""


def _hint_of_mark(place: _Place) -> str:
    """Return what to do about a mark that means something else elsewhere."""
    token, text, before = place.token, place.text, place.before
    after = place.source.text[token.end : token.end + 1]
    if token.type == "_COMMA" and _is_number(place.previous) and after.isdigit():
        digits = _digits(place.source, token.end)
        return f"numbers have a decimal point: {before}.{digits}"
    if before.endswith(";"):
        return "commands need no ';' between them"
    if before.endswith(".") and place.at > 1 and _is_number(place.tokens[place.at - 2]):
        return "a number does not end in a point: write 3.0 or 3"
    if {before, text} & {"#", "/*", "--"}:
        return "a comment begins with //"
    if place.word(place.line_start()) in ("#", "%", "/*", "--"):
        return "a comment begins with //"
    if before == "%":
        return "50 % is written 0.5"
    is_quoted = before.endswith("'") and place.previous.type in ("INFIX", "PREFIX")
    if text.startswith("'") or is_quoted:
        return 'a text stands between double quotes: "…"'
    if token.type == "_EQUALS" or (before == "=" and text.startswith("=")):
        return "'=' gives a name at the start of a command; '==' compares"
    if place.previous.type == "DEFINED" and text == "-":
        return "a name is made of letters, digits and _"
    if place.previous.type == "DEFINED" and text in ("+=", "-=", "*=", "/="):
        return f"write {before} = {before} {text[0]} …"
    return ""


def _hint_of_bracket(place: _Place) -> str:
    """Return what to do about a bracket or a comma."""
    is_closing = place.token.type in ("RPAR", "RSQB")
    if is_closing and place.previous.type == "LPAR" and _is_called(place):
        owner, dot, name = place.word(place.at - 2).partition(".")
        if dot and "LITERAL" in place.accepted:
            return f"write {name}({owner})"
        return "a function takes at least one argument; write a value without brackets"
    if is_closing and place.previous.type == "_COMMA":
        return "there is a ',' too many before it"
    if is_closing and "PRINT" in place.accepted:
        return "no bracket is open that it could close"
    if place.token.type == "_COMMA" and "_COLON" in place.accepted:
        return (
            "square brackets after a value take one of its items; where they make a "
            "sequence, write ([a, b])"
        )
    if place.token.type == "_COMMA" and "RPAR" in place.accepted:
        return "a sequence is written [a, b]"
    return ""


def _hint_of_command(place: _Place) -> str:
    """Return what to do about the beginning of a command."""
    token, accepted = place.token, place.accepted
    if token.type == "_IN" and "PRINT" in accepted:
        return "'let … in …' is a value: write it after print, save or ="
    if "LABEL" in accepted and place.at:
        return _LABEL_HINTS.get(place.previous.type, "")
    for word in (place.text, place.word(place.line_start())):
        small = word.lower()
        if "PRINT" in accepted and small in COMMAND_WORDS and small != word:
            return f"did you mean '{small}'?"
    if "_EQUALS" in accepted and place.previous.type == "DEFINED":
        return _hint_of_definition(place)
    if {"_COMMA", "RPAR"} == accepted & {"_COMMA", "RPAR", "INFIX"}:
        return f"a parameter is a name, as in f(x) = …; {_SHOWN}"
    return ""


_SHOWN = 'a value is shown by print "label" value'


def _hint_of_definition(place: _Place) -> str:
    """Return what to do about a name at the start of a command without its ``=``."""
    if place.before == "load":
        return 'write load name = "file.nii", the name with a small first letter'
    near = difflib.get_close_matches(place.before.lower(), COMMAND_WORDS, 1, 0.75)
    if near:
        return f"did you mean '{near[0]}'?"
    if place.token.type in ("NAME", "DEFINED") and place.line_start() < place.at:
        return "a name is one word, such as my_name; a function is written f(x) = …"
    if place.token.type in _COMMANDS | {"$END"}:
        return f"a command is name = value; {_SHOWN}"
    return ""


_LABEL_HINTS = {
    "PRINT": 'a label comes first: print "label" value',
    "SAVE": 'the name of the file comes first: save "file.nii" value',
    "IMPORT": 'write the name between double quotes: import "vox1"',
    "_EQUALS": 'write the name of the file between double quotes: "file.nii"',
}


def _hint_of_form(place: _Place) -> str:
    """Return what to do about a form of the language in a wrong place."""
    token, accepted = place.token, place.accepted
    if token.type == "FOR" and "INFIX" in accepted:
        if "PRINT" in accepted and place.line_start() == place.at:
            return 'a loop is a value: print "label" for item in sequence do …'
        return "a loop is written for item in sequence do …"
    if token.type in ("FOR", "FILTER", "FOLD", "LETIN"):
        return (
            f"put brackets around '{place.text} …' when it is a part of an expression"
        )
    if accepted == {"FOLDOP"}:
        return "the operator comes first: (fold + sequence)"
    return ""


def _hint_of_two_values(place: _Place) -> str:
    """Return what to do about a value right after another one."""
    token, previous, accepted = place.token, place.previous, place.accepted
    if token.type not in ("LITERAL", "NAME", "LPAR"):
        return ""
    if "INFIX" not in accepted or not place.at or previous.type == "LABEL":
        return ""
    unit = _UNITS.get(place.text.strip('"').lower())
    if unit:
        return unit
    if _begins_name(place):
        return "a name begins with a letter or _"
    if place.before == "load" and "." in place.text:
        return 'the name of a file stands in double quotes: load("file.nii")'
    if "_DO" in accepted:
        return "what is computed for each item stands after 'do'"
    if "RSQB" in accepted and "_COMMA" in accepted:
        return "items are parted by ','"
    return "two values need an operator between them"


def _begins_name(place: _Place) -> bool:
    """Return whether a number is written together with the name after it."""
    follows = place.at + 1 < len(place.tokens)
    if not follows or not _is_number(place.token):
        return False
    after = place.tokens[place.at + 1]
    is_name = after.type in ("NAME", "DEFINED")
    return is_name and after.start == place.token.end


_LENGTHS = "lengths are in mm: write the number alone"
_VOLUMES = "a volume in ml is volumeml(region): write it without the unit"
_UNITS = {
    **dict.fromkeys(["mm", "cm", "voxel", "voxels"], _LENGTHS),
    **dict.fromkeys(["ml", "cc", "mm3", "cm3"], _VOLUMES),
}


def _is_number(token: Terminal) -> bool:
    return isinstance(token, Literal) and type(token.value) is float


def _digits(source: Source, start: int) -> str:
    end = start
    while source.text[end : end + 1].isdigit():
        end += 1
    return source.text[start:end]


def _is_called(place: _Place) -> bool:
    """Return whether the bracket before opens the arguments of a function."""
    if place.at < 2:
        return False
    owner = place.tokens[place.at - 2]
    return owner.type in ("NAME", "DEFINED", "PREFIX", "PREFIXR")


def _unclosed(tokens: list[Terminal], at: int) -> Terminal | None:
    """Return the innermost bracket that is open where a command or the end came."""
    if tokens[at].type not in _COMMANDS | {"$END"}:
        return None
    closed = 0
    for index in range(at - 1, -1, -1):
        kind = tokens[index].type
        if kind in ("RPAR", "RSQB"):
            closed += 1
        elif kind in _OPENING:
            if not closed:
                return tokens[index]
            closed -= 1
        elif kind in _COMMANDS - {"DEFINED"}:
            return None
    return None


def hint_of_character(character: str) -> str:
    """Return what to write instead of a character that has no meaning."""
    if character in _INSTEAD:
        return f"write {_INSTEAD[character]}"
    if not character.isprintable() or unicodedata.category(character) == "Cf":
        return "it cannot be seen; delete it and write what stands around it anew"
    if character.isalpha():
        return "names are made of the letters a to z and A to Z, digits and _"
    return ""


_INSTEAD = {
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", 'straight double quotes: "'),
    **dict.fromkeys("\u2212\u2013\u2014\u2010\u2011", "the - of the keyboard"),
    **dict.fromkeys("{}", "a sequence as [a, b]"),
    **dict.fromkeys("\u00d7\u00b7", "*"),
    "\u00f7": "/",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\u00ac": "!",
    "\u2227": "&&",
    "\u2228": "||",
    "\u00a0": "an ordinary blank, which looks the same",
}
"""Characters that look like, or stand for, what the language has: dashes, signs of
multiplication and division, comparison and logic, the blank that breaks no line."""
