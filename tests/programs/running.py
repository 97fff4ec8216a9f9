"""Published programs as people run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.peer.conftest import Bench

FOLDER = Path(__file__).parent / "published"


def run_published(folder: Path, name: str, **parameters: str) -> dict[str, Any]:
    """Run a published program in a folder; return what it prints, by label.

    It must end without an error, and without a warning.
    """
    bench = Bench(folder)
    text = (FOLDER / name).read_text(encoding="utf-8")
    words = [
        word for item in parameters.items() for word in ("-p", f"{item[0]}={item[1]}")
    ]
    done = bench.run(text, "--json", *words, name=name)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr, done.stderr
    goals = json.loads(done.stdout)["goals"]
    return {goal["label"]: goal["value"] for goal in goals if goal["kind"] == "print"}
