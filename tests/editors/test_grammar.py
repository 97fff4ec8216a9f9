"""The grammar for editors cuts programs as the language does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from language.lexis import (
    CAPITAL,
    END,
    NAME,
    NUMBER,
    NUMBER_WORDS,
    OPERATOR,
    PUNCTUATION,
    STRING,
    VARIABLE,
    words_of,
)
from language.tokens import KEYWORDS

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
EXTENSION = PROJECT / "editors" / "vscode"
GRAMMAR = EXTENSION / "syntaxes" / "imgql.tmLanguage.json"
SCOPES = {
    VARIABLE: ("variable.parameter",),
    NUMBER: ("constant.numeric",),
    PUNCTUATION: ("punctuation",),
    OPERATOR: ("keyword.operator",),
    STRING: ("string.quoted",),
    CAPITAL: ("variable.other", "entity.name.function"),
}
NAMES = ("variable.other", "entity.name.function")
KEYWORD = ("keyword.control", "storage.type", "constant.language")

Tokens = list[tuple[int, int, list[str]]]


def programs() -> dict[str, str]:
    """Return programs by where they come from."""
    found = {}
    for pattern in (
        "language/library/*.imgql",
        "docs/**/*.imgql",
        "tests/programs/**/*.imgql",
    ):
        for file in sorted(PROJECT.glob(pattern)):
            found[str(file.relative_to(PROJECT))] = file.read_text("utf-8")
    for page in sorted((PROJECT / "docs").rglob("*.md")):
        blocks = re.findall(
            r"^```imgql(?! wrong).*\n((?:.*\n)*?)^```$", page.read_text(), re.M
        )
        if blocks:
            found[str(page.relative_to(PROJECT))] = "\n".join(blocks)
    return found


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the engine of editors for such grammars, got through npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("packages")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        if os.environ.get("CI"):
            pytest.fail(f"the engine could not be had:\n{done.stderr}")
        pytest.skip(f"no engine: {done.stderr}")
    return folder


def tokenise(texts: list[str], packages: Path) -> list[Tokens]:
    done = subprocess.run(
        ["node", HERE / "tokenise.cjs", GRAMMAR, packages],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[Tokens] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_each_word_of_many_programs_is_what_the_language_takes_it_for(
    packages: Path,
) -> None:
    texts = programs()
    wrong = []
    for (name, text), tokens in zip(
        texts.items(), tokenise(list(texts.values()), packages), strict=True
    ):
        scopes = {(start, end): found for start, end, found in tokens}
        (kinds, words, starts), _ = words_of(text)
        for kind, word, start in zip(kinds, words, starts, strict=True):
            # Operators with capital letters are known by their definitions alone.
            if kind == END or (kind == OPERATOR and re.search("[A-Z]", word)):
                continue
            expected = SCOPES.get(kind, NAMES)
            if kind == NAME and word in KEYWORDS:
                expected = KEYWORD
            elif kind == NAME and (word == "load" or word in NUMBER_WORDS):
                expected = (*NAMES, "keyword.control", "constant.numeric")
            got = scopes.get((start, start + len(word)), [])
            if not any(scope.startswith(expected) for scope in got):
                line = text.count("\n", 0, start) + 1
                wrong.append(f"{name}:{line}: {word!r} is {got}, not {expected}")
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.slow
def test_comments_and_strings_are_told_apart(packages: Path) -> None:
    text = 'a = "b // c" // d "e"\nf = "g\nh = 2'
    (tokens,) = tokenise([text], packages)
    said = {text[start:end]: scopes for start, end, scopes in tokens}
    assert said['"b // c"'] == ["string.quoted.double.imgql"]
    assert said['// d "e"'] == ["comment.line.double-slash.imgql"]
    assert "invalid.illegal.unterminated.imgql" in said['"g']
    assert said["h"] == ["variable.other.imgql"]


def test_the_keywords_of_the_grammar_are_those_of_the_language() -> None:
    grammar = json.loads(GRAMMAR.read_text("utf-8"))["repository"]
    rules = grammar["keyword"]["patterns"] + grammar["constant"]["patterns"]
    groups = [re.search(r"\)(?:\(\?:)?([a-z|]+)", rule["match"]) for rule in rules]
    words = {word for group in groups if group for word in group[1].split("|")}
    assert words == KEYWORDS | NUMBER_WORDS


def test_the_extension_names_files_that_are_there() -> None:
    contributes = json.loads((EXTENSION / "package.json").read_text())["contributes"]
    named = [
        contributes["languages"][0]["configuration"],
        contributes["grammars"][0]["path"],
        contributes["snippets"][0]["path"],
    ]
    for path in named:
        json.loads((EXTENSION / path).read_text("utf-8"))
