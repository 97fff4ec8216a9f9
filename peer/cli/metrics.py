"""The daemon's numbers as Prometheus reads them.

Text exposition format 0.0.4, see
https://prometheus.io/docs/instrumenting/exposition_formats/.  It is printed, and
nothing listens for it: node_exporter's textfile collector takes it from a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from peer.local.messages import PeerStatus, Status

PREFIX = "voxpeer_"


class Sample(NamedTuple):
    """One number: what comes after the metric's name, labels, value."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


@dataclass(slots=True)
class Metric:
    """One metric with all its samples.

    Attributes:
        name: without the prefix that all have.
        kind: of Prometheus.
        text: what it is, for people.
        samples: in the order in which they are printed.
    """

    name: str
    kind: Literal["counter", "gauge", "summary"]
    text: str
    samples: list[Sample] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the lines that stand for it; none without samples."""
        if not self.samples:
            return
        name = PREFIX + self.name
        yield f"# HELP {name} {_escape(self.text)}"
        yield f"# TYPE {name} {self.kind}"
        for sample in self.samples:
            labels = ",".join(
                f'{label}="{_escape(value, quotes=True)}"'
                for label, value in sample.labels.items()
            )
            shown = f"{{{labels}}}" if labels else ""
            yield f"{name}{sample.suffix}{shown} {_number(sample.value)}"


FAMILIES = (
    (
        "duplicate_executions_",
        "duplicate_executions_total",
        "cause",
        "Nodes that were computed here although somebody else computed them too.",
    ),
    ("served_", "served_calls_total", "call", "Calls of members that were answered."),
    (
        "refused_records_",
        "refused_records_total",
        "reason",
        "Signed records of members that were not accepted.",
    ),
    (
        "refused_enrolments_",
        "refused_enrolments_total",
        "reason",
        "Attempts to join that were refused.",
    ),
    ("refused_", "refused_calls_total", "status", "Calls that were refused."),
    (
        "asking_",
        "failed_questions_total",
        "problem",
        "Questions to members that had no good answer.",
    ),
    ("claims_", "claims_total", "what", "What became of claims of nodes."),
    ("announcements_", "announcements_total", "what", "Announcements by multicast."),
)
"""Counters that are one metric: prefix, metric, label for the rest of the name, text.

Of several prefixes that fit the first counts."""

WHOLE = {
    "served_bytes": ("served_bytes_total", "Bytes of artifacts that were sent."),
}
"""Counters that are a metric of their own, whatever they begin with."""

OTHER = (
    "events_total",
    "event",
    "Everything else that was counted since the daemon started.",
)

PEER_COUNTERS = {
    "located": ("peer_located_total", "Results found at a member."),
    "fetched": ("peer_fetched_total", "Results that came from a member."),
    "fetched_bytes": ("peer_fetched_bytes_total", "Bytes that came from a member."),
    "saved_s": (
        "peer_saved_seconds_total",
        "Computing that a member's results spared.",
    ),
    "rejected": ("peer_rejected_total", "Results and chunks of a member refused."),
    "served_bytes": ("peer_served_bytes_total", "Bytes that a member got from here."),
}
"""Fields of a peer's status that only grow."""


def exposition(status: Status | None) -> str:
    """Return all metrics of a daemon; without one, that it is not up."""
    up = Metric("up", "gauge", "Whether the daemon of the store answers.")
    up.samples.append(Sample({}, 0 if status is None else 1))
    metrics = [up]
    if status is not None:
        metrics += [
            *_daemon(status),
            *_claims(status),
            *_trust(status),
            *_counters(status.counters),
            *_peers(status.peers),
        ]
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _daemon(status: Status) -> Iterator[Metric]:
    labels = {
        "name": status.name,
        "node_id": status.node_id,
        "realm_id": status.realm_id,
        "version": status.version,
    }
    yield _gauge("info", "Who the daemon is.", 1, labels)
    yield _gauge("up_seconds", "Since the daemon started.", status.up_s)
    shared = status.shared_results
    yield _gauge("shared_results", "Results that others may have.", shared)
    advertised = status.advertised
    yield _gauge("advertised_results", "Those in the mDNS announcement.", advertised)
    yield _gauge("realm_epoch", "Epoch of the realm's keys.", status.epoch)
    days = status.certificate_days
    yield _gauge("certificate_seconds", "Until the certificate ends.", 86_400 * days)


def _trust(status: Status) -> Iterator[Metric]:
    yield _gauge("disputes", "Accusations among members.", status.disputes)
    yield _gauge("conflicts", "Results in doubt.", status.conflicts)
    yield from _audits(status)
    unshareable = len(status.unshareable)
    yield _gauge("unshareable_operations", "Not the same everywhere.", unshareable)
    wrong = len(status.wrong_files)
    yield _gauge("wrong_files", "Saved files that are to be made right.", wrong)


def _audits(status: Status) -> Iterator[Metric]:
    """Yield gauges: audits of long ago are not remembered, so no number only grows."""
    yield _gauge("open_audits", "Results to be computed here too.", status.open_audits)
    text = "Results computed here too, by verdict, as far as that is remembered."
    audits = Metric("audits", "gauge", text)
    audits.samples += (
        Sample({"verdict": verdict}, number)
        for verdict, number in sorted(status.audits.items())
    )
    yield audits
    yield _gauge("audit_cpu_seconds", "CPU time that these took.", status.audit_cpu_s)


def _claims(status: Status) -> Iterator[Metric]:
    states = Metric("claims", "gauge", "Claims by state, and sizes of tables, now.")
    states.samples += (
        Sample({"state": state}, number) for state, number in status.claims.items()
    )
    yield states
    seconds = Metric(
        "claim_seconds",
        "summary",
        "From a claim to its answer, or from hearing that another computes the node.",
    )
    for until, (number, total) in status.claim_seconds.items():
        seconds.samples.append(Sample({"until": until}, total, "_sum"))
        seconds.samples.append(Sample({"until": until}, number, "_count"))
    yield seconds


def _counters(counters: Mapping[str, int]) -> Iterable[Metric]:
    """Return counters as few metrics with labels."""
    metrics: dict[str, Metric] = {}

    def add(name: str, text: str, labels: dict[str, str], value: int) -> None:
        metric = metrics.setdefault(name, Metric(name, "counter", text))
        metric.samples.append(Sample(labels, value))

    for counter, value in sorted(counters.items()):
        if counter in WHOLE:
            add(*WHOLE[counter], {}, value)
            continue
        for prefix, name, label, text in FAMILIES:
            if counter.startswith(prefix):
                add(name, text, {label: counter.removeprefix(prefix)}, value)
                break
        else:
            name, label, text = OTHER
            add(name, text, {label: counter}, value)
    return metrics.values()


def _peers(peers: Iterable[PeerStatus]) -> Iterator[Metric]:
    peers = list(peers)
    states = Metric("peers", "gauge", "Members that are known, by state.")
    for state in sorted({peer.state for peer in peers}):
        number = sum(peer.state == state for peer in peers)
        states.samples.append(Sample({"state": state}, number))
    yield states
    for attribute, (name, text) in PEER_COUNTERS.items():
        samples = [Sample(_who(peer), getattr(peer, attribute)) for peer in peers]
        yield Metric(name, "counter", text, samples)
    rtt = Metric("peer_rtt_seconds", "gauge", "What a small call to a member takes.")
    rtt.samples += (
        Sample(_who(peer), peer.rtt_ms / 1000)
        for peer in peers
        if peer.rtt_ms is not None
    )
    yield rtt
    trusted = Metric("peer_trusted", "gauge", "Whether new results of it are taken.")
    trusted.samples += (
        Sample(_who(peer), int(peer.refused_from is None and peer.state != "revoked"))
        for peer in peers
    )
    yield trusted


def _who(peer: PeerStatus) -> dict[str, str]:
    return {"peer": peer.name, "node_id": peer.node_id}


def _gauge(
    name: str, text: str, value: float, labels: Mapping[str, str] | None = None
) -> Metric:
    return Metric(name, "gauge", text, [Sample(labels or {}, value)])


def _escape(text: str, *, quotes: bool = False) -> str:
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if quotes else escaped


def _number(value: float) -> str:
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if value != value else repr(value)
