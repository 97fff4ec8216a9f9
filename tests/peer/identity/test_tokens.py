"""Join tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.identity import Token, TokenError

ADDRESSES = st.sampled_from(["10.0.0.7:47801", "[fd00::7]:1", "lab-7.example:65535"])
TOKENS = st.builds(
    Token,
    pin=st.binary(min_size=20, max_size=20),
    token_id=st.binary(min_size=5, max_size=5),
    secret=st.binary(min_size=16, max_size=16),
    addresses=st.lists(ADDRESSES, max_size=8).map(tuple),
)
TOKEN = Token(b"p" * 20, b"i" * 5, b"s" * 16, ("10.0.0.7:47801",))
DIGITS = "abcdefghijklmnopqrstuvwxyz234567"


@given(TOKENS)
def test_what_was_encoded_is_read_again(token: Token) -> None:
    assert Token.parse(token.encode()) == token


@given(TOKENS)
def test_a_token_can_be_read_aloud_in_capitals_and_pieces(token: Token) -> None:
    body, at, where = token.encode().partition("@")
    body = body.upper().replace("VXP1.", "vxp1. ")
    text = f" {body[:30]} {body[30:50]}\n{body[50:]}{at}{where} "
    assert Token.parse(text) == token


@given(st.text() | st.text(alphabet=DIGITS + "@.:,", max_size=120).map("vxp1.".__add__))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        token = Token.parse(text)
    except TokenError:
        return
    assert token.encode() == "".join(text.split()).lower()


@given(TOKENS, st.integers(0, 68), st.sampled_from(DIGITS))
def test_a_mistyped_character_is_found(token: Token, place: int, char: str) -> None:
    text = token.encode()
    at = len("vxp1.") + place
    if text[at] != char:
        with pytest.raises(TokenError, match="mistyped"):
            Token.parse(text[:at] + char + text[at + 1 :])


@given(TOKENS, st.integers(0, 67))
def test_two_characters_in_the_wrong_order_are_found(token: Token, place: int) -> None:
    text = token.encode()
    at = len("vxp1.") + place
    if text[at] != text[at + 1]:
        with pytest.raises(TokenError, match="mistyped"):
            Token.parse(text[:at] + text[at + 1] + text[at] + text[at + 2 :])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no join token"),
        ("hello", "no join token"),
        ("abc." + "a" * 69, "no join token"),
        ("vxp2." + "a" * 69, "vxp2"),
        ("vxp1." + "a" * 68, "copy it whole"),
        ("vxp1." + "a" * 70, "copy it whole"),
        ("vxp1." + "1" * 69, "digits 2 to 7"),
        ("vxp1." + "ß" * 69, "digits 2 to 7"),
        ("vxp1." + "a" * 5000, "too long"),
    ],
)
def test_the_message_says_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(TokenError, match=problem):
        Token.parse(text)


@pytest.mark.parametrize(
    "where", ["", "host", "host:0", "host:99999", ":1", "[::1:5", "a b:1x", "h:1,"]
)
def test_what_is_no_address_is_refused(where: str) -> None:
    bare = TOKEN.encode().partition("@")[0]
    with pytest.raises(TokenError, match="after @"):
        Token.parse(f"{bare}@{where}")


def test_a_token_names_at_most_eight_addresses() -> None:
    with pytest.raises(TokenError, match="at most 8"):
        Token.parse(TOKEN.encode() + ",10.0.0.8:1" * 8)


def test_a_token_does_not_show_its_secret_in_a_log() -> None:
    token = Token(b"p" * 20, b"i" * 5, bytes(range(65, 81)))
    assert "ABCDEFGH" not in repr(token)
    assert len(token.encode()) == 74
