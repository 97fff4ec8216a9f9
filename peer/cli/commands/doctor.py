"""``voxpeer doctor``: whether this machine and installation are fit."""

from __future__ import annotations

from dataclasses import asdict

import click

from peer.cli.options import configured, json_option, store_option
from peer.cli.output import write_json, write_line
from peer.errors import ProblemsFoundError


@click.command()
@store_option
@json_option
def command(store: str | None, as_json: bool) -> None:
    """Check Python, the libraries, the disk, the store and the network.

    Each problem comes with what to do about it.
    """
    from peer.doctor import examine

    findings = list(examine(configured(store=store)))
    if as_json:
        write_json({"checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark = "ok     " if finding.is_ok else "PROBLEM"
            write_line(f"{mark} {finding.name}: {finding.text}")
            if finding.advice:
                write_line(f"        {finding.advice}")
    problems = [finding.name for finding in findings if not finding.is_ok]
    if problems:
        raise ProblemsFoundError(f"not in order: {', '.join(problems)}")
