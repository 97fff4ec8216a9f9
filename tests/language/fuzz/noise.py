"""Texts that may be anything: pieces of programs, shaken and cut."""

from __future__ import annotations

import random

PIECES = (
    *["let ", "in ", "for ", "do ", "filter ", "fold ", "import ", "save ", "print "],
    *["load ", "true", "false", "1", "2.5", "-3", ".5", "1e", "1e999", "0x1F", "inf"],
    *['"s"', '"vox1"', '"', '"a.nii"', "$dir", "$x", "$", "a", "b", "f", "N", "B+"],
    *["T", "a.b", "vox1.near", "range", "map", "near", "volume", "border", "tt"],
    *["max", "min", "+", "-", "*", "/", "==", "=", ":", "!", "&", "&&", "<.", ".>"],
    *["~", "(", ")", "[", "]", ",", "//", "\n", "\r\n", "\r", "\t", "§", "x=", "=-1"],
    *["[:", "\ufeff", "\x00", "\u2028", "\u200b", "é", "😀", "{", "}", ";", "#", "'"],
    *["(" * 200, "[" * 200, ")" * 200, "- " * 100, "! " * 100, "a." * 50],
    *["let a = ", 'print "v" ', "\nlet f(x) = ", "fold + ", "for i in ", " do "],
)
RAW = (b"\xff", b"\xfe", b"\xc3", b"\xed\xa0\x80", b"\x00", b"\x1b", b"\r", b"\n", b'"')


def shaken(texts: list[str], chance: random.Random) -> bytes:
    """Return bytes that are made of some texts, or of pieces of programs."""
    if not texts or chance.random() < 0.3:
        count = chance.randrange(1, 60)
        text = " ".join(chance.choice(PIECES) for _ in range(count))
    else:
        text = chance.choice(texts)
        if chance.random() < 0.3:
            text += "\n" + chance.choice(texts)
    for _ in range(chance.randrange(0, 6)):
        text = _changed(text, chance)
    data = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.15:
        at = chance.randrange(len(data) + 1)
        data = data[:at] + chance.choice(RAW) + data[at:]
    return data


def _changed(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    end = min(len(text), start + chance.randrange(1, 12))
    match chance.randrange(5):
        case 0:
            return text[:start] + text[end:]
        case 1:
            return text[:start] + chance.choice(PIECES) + text[start:]
        case 2:
            return text[:start] + chance.choice(PIECES) + text[end:]
        case 3:
            return (
                text[:start] + text[start:end] * chance.choice((2, 3, 40)) + text[end:]
            )
        case _:
            other = chance.randrange(len(text) + 1)
            return text[:other] + text[start:end] + text[other:]
