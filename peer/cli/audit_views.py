"""Audits and what came of them, as people and programs read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.quantities import format_duration
from peer.results import SHORT_KEY, namings

from .corrections import corrected_files, corrected_json
from .output import format_time, note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from peer.auditing import Repair, Summary
    from scheduler.auditing import Outcome
    from scheduler.audits import Audit, EndedAudit
    from scheduler.saved import SavedFile
    from store import SqliteStore

FOUND = {
    "confirmed": "the same here",
    "differs": "WRONG: something else was computed here, twice",
    "unstable": "not deterministic here",
    "impossible": "cannot be computed here",
}
"""Verdicts, as people read them."""

COUNTED = {
    "confirmed": "confirmed",
    "differs": "wrong",
    "unstable": "not deterministic",
    "impossible": "not possible here",
}
"""Verdicts behind their numbers."""

REPAIRED = {
    "replaced": "it rested on a wrong result, and was written anew",
    "right": "it rested on somebody who was found wrong, but is right",
    "left": "it may be wrong: it rests on somebody who was found wrong",
}
"""What became of saved files, as people read it."""


def outcome_line(store: SqliteStore, audit: Audit, outcome: Outcome) -> str:
    """Return what came of an audit, in one line."""
    what = audit.key.hex()[:SHORT_KEY]
    naming = namings(store, [audit.key]).get(audit.key)
    if naming is not None:
        what += f" ({naming.label} of {naming.program})"
    found = _found(outcome)
    if outcome.verdict == "differs" and (signers := _signers(store, audit)):
        found = (
            f"WRONG: {signers} signed something else than what was computed here, twice"
        )
    return f"{what}: {found}, {format_duration(outcome.cpu_s)}"


def _signers(store: SqliteStore, audit: Audit) -> str:
    """Return who has signed what was audited, as far as that is still known."""
    from peer.identity import Members
    from peer.trust.attestations import find

    names = {node_id: name for node_id, (name, _) in Members(store).seen().items()}
    signers = sorted(
        names.get(it.signer) or it.signer
        for it in find(store, [audit.key]).get(audit.key, ())
        if it.digest == audit.digest
    )
    return " and ".join(signers)


def _found(outcome: Outcome) -> str:
    text = FOUND[outcome.verdict]
    if outcome.verdict == "unstable":
        text += f": {outcome.operation}"
    return f"{text}: {outcome.reason}" if outcome.reason else text


def repaired_text(repair: Repair) -> str:
    """Return what became of a saved file."""
    text = REPAIRED[repair.end]
    return f"{text}; {repair.reason}" if repair.reason else text


def summary_line(summary: Summary, left: int) -> str:
    """Return the last line of a session."""
    verdicts = [outcome.verdict for _, outcome in summary.outcomes]
    counts = ", ".join(
        f"{verdicts.count(verdict)} {text}"
        for verdict, text in COUNTED.items()
        if verdict in verdicts
    )
    seconds = sum(outcome.cpu_s for _, outcome in summary.outcomes)
    done = f"{counts}, {format_duration(seconds)} of CPU" if verdicts else "none done"
    if summary.is_stopped:
        return (
            f"audits: interrupted; {done}; {left} left to do; 'voxpeer audit' goes on"
            " from there"
        )
    return f"audits: {done}; {left} left to do"


def show_conclusions(summary: Summary, left: int, *, is_everything: bool) -> None:
    """Say what there is to do after a session."""
    if not (summary.outcomes or summary.repairs or left):
        note(
            "nothing is held that came from others and was not computed here as well"
            if is_everything
            else "nothing was drawn to be audited; 'voxpeer audit --all' audits"
            " whatever came from others"
        )
    if any(outcome.verdict == "impossible" for _, outcome in summary.outcomes):
        note("what is not possible to compute here is believed as before")
    if summary.has_found_lies:
        note(
            "somebody signed what is wrong, and is not believed here any more:"
            " 'voxpeer peers' says who, and what to do"
        )
    if any(repair.end == "replaced" for repair in summary.repairs):
        note("look again at what was made of the files that were written anew")


def summary_json(summary: Summary, left: int) -> dict[str, object]:
    """Return the JSON object that ``audit --json`` prints."""
    return {
        "audits": [_outcome_json(*each) for each in summary.outcomes],
        "files": [
            {"path": str(it.path), "end": it.end, "reason": it.reason or None}
            for it in summary.repairs
        ],
        "left": left,
        "stopped": summary.is_stopped,
        "cpu_s": round(sum(outcome.cpu_s for _, outcome in summary.outcomes), 3),
    }


def _outcome_json(audit: Audit, outcome: Outcome) -> dict[str, object]:
    return {
        "key": audit.key.hex(),
        "verdict": outcome.verdict,
        "said": audit.digest.hex(),
        "computed": outcome.digest.hex() if outcome.digest is not None else None,
        "operation": outcome.operation or None,
        "environment": outcome.environment or None,
        "reason": outcome.reason or None,
        "cpu_s": round(outcome.cpu_s, 3),
    }


def audited_text(ended: EndedAudit, *, is_own: bool = False) -> str:
    """Return what came of the audit of a result, to be said of the result.

    Args:
        ended: the audit.
        is_own: whether the result had been computed here, from what came from others.
    """
    when = format_time(ended.ended_ms)
    if ended.verdict == "impossible":
        return f"could not be computed here on {when}: {ended.problem}"
    said = {
        "confirmed": "the same",
        "differs": "what another machine said was wrong",
        "unstable": f"not deterministic, because of {ended.operation}",
    }
    if is_own:
        return f"and again, from nothing of others', on {when}: {said[ended.verdict]}"
    return f"computed here too on {when}: {said[ended.verdict]}"


def audited_json(ended: EndedAudit) -> dict[str, object]:
    """Return the JSON object of an audit that has ended."""
    return {
        "key": ended.audit.key.hex(),
        "verdict": ended.verdict,
        "ended_ms": ended.ended_ms,
        "reason": ended.problem or None,
    }


def audits_text(open_audits: int, verdicts: Mapping[str, int], cpu_s: float) -> str:
    """Return what there is to say of audits; empty if there were none.

    Args:
        open_audits: that are to be done.
        verdicts: that are done, by what came of them.
        cpu_s: CPU-seconds that these took.
    """
    counts = [
        f"{verdicts[it]} {text}" for it, text in COUNTED.items() if verdicts.get(it)
    ]
    if not (open_audits or counts):
        return ""
    took = f" in {format_duration(cpu_s)} of CPU" if counts else ""
    return f"{open_audits} to do, done: {', '.join(counts) or 'none'}{took}"


def audit_facts(store: SqliteStore) -> Iterator[tuple[str, str]]:
    """Yield what a store tells of audits: a label and a text for each line."""
    from peer.auditing import doubtful_files
    from scheduler.audits import audit_counts

    counts = audit_counts(store)
    if text := audits_text(counts.open, counts.verdicts, counts.cpu_s):
        yield "audits", text
    for saved in doubtful_files(store):
        yield "make right", str(saved.path)
    for saved in corrected_files(store):
        yield "written anew", f"{saved.path}, on {format_time(saved.corrected_ms)}"


def audit_numbers(store: SqliteStore) -> dict[str, object]:
    """Return what a store tells of audits, as a part of ``status --json``."""
    from peer.auditing import doubtful_files
    from scheduler.audits import audit_counts

    counts = audit_counts(store)
    return {
        "open_audits": counts.open,
        "audits": dict(counts.verdicts),
        "audit_cpu_s": counts.cpu_s,
        "wrong_files": [str(saved.path) for saved in doubtful_files(store)],
        "corrected_files": corrected_json(store),
    }


def warn_of_doubtful_files(store: SqliteStore) -> None:
    """Warn of saved files that rest on somebody who was found wrong."""
    from peer.auditing import doubtful_files

    for saved in doubtful_files(store):
        note(f"warning: {saved.path} rests on somebody who was found wrong{_so(saved)}")


def _so(saved: SavedFile) -> str:
    """Say what to do about a file."""
    if saved.is_untouched:
        return "; 'voxpeer audit' makes it right"
    return ", and was changed since, so it is left as it is; look at it, or remove it"
