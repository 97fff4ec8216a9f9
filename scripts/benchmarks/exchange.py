"""Fetching from a neighbour, against a raw TLS socket and nginx with curl."""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path

from .measure import PYTHON, run, table

ROWS = {
    "tls": "raw TLS socket, Python ssl, both ends verified",
    "stream": "Fetch, stream alone",
    "stored": "Fetch, verified and stored",
    "nginx": "nginx to curl, both ends verified",
}
"""What is measured, in the order in which each round takes it."""


def measure(rounds: int) -> dict[str, float]:
    """Return the medians of all that is measured, by name."""
    with tempfile.TemporaryDirectory() as folder:
        command = [PYTHON, "-m", "benchmarks.exchange_peers", "client", folder]
        said = run([*command, str(rounds)], Path.cwd()).stdout
    return {name: statistics.median(each) for name, each in json.loads(said).items()}


def throughput(rounds: int) -> None:
    """256 MiB between two processes on 127.0.0.1, and questions for 1000 keys."""
    measured = measure(rounds)
    table(
        "Exchange: 256 MiB over mutual TLS, two processes",
        ["", "MB/s", "of raw TLS"],
        [
            [words, measured[name], measured[name] / measured["tls"]]
            for name, words in ROWS.items()
            if name in measured
        ],
    )
    table(
        "Exchange: questions",
        ["", "a second"],
        [
            ["Locate, keys in calls of 1000", measured["keys"]],
            ["artifacts of 64 KiB, fetched and stored one by one", measured["small"]],
        ],
    )
