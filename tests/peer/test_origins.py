"""How ``why`` tells where parts of a result came from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peer.cli.origins import Tree
from scheduler import ExplainedNode, ResultExplanation
from store import NodeKey

KEY = NodeKey(bytes(32))
NODE = ExplainedNode(KEY, "application", "trial.linger", 0, seconds=0.5)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (
            replace(NODE, how="peer", source="ada", waited_for="ada", waited_s=1.2),
            "fetched from ada, 500 ms, waited for ada, 1.20 s",
        ),
        (
            replace(NODE, how="store", waited_for="this machine", waited_s=2.0),
            "here, waited for another run, 2.00 s",
        ),
        (
            replace(
                NODE,
                how="computed",
                because="held_too_long",
                waited_for="eve",
                waited_s=1.0,
            ),
            "computed, 500 ms, another machine was at it, and nothing came of it,"
            " waited for eve, 1.00 s",
        ),
    ],
)
def test_it_is_told_who_was_waited_for(node: ExplainedNode, words: str) -> None:
    found = ResultExplanation(KEY, "", "", "", 0, (node,))
    (line,) = Tree(found, {}).lines()
    assert line.split("  ")[-1].strip() == words
