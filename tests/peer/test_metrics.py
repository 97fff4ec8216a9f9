"""What ``voxpeer status`` tells of shared work, and its numbers for Prometheus."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.cli.claim_views import claim_facts
from peer.cli.metrics import exposition
from peer.cli.network_views import show_status
from peer.local.messages import PeerStatus, Status

LABEL = r'[a-z_]+="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(rf"(voxpeer_[a-z_]+)(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")


def made(**fields: object) -> Status:
    """Return the status of a daemon."""
    chosen: dict[str, object] = {
        "id": 1,
        "name": "anna",
        "node_id": "a" * 16,
        "realm_id": "0" * 32,
        "version": "1",
        "pid": 1,
        "up_s": 12.5,
        **fields,
    }
    return Status(**chosen)  # type: ignore[arg-type]


def samples(text: str) -> dict[str, float]:
    """Read metrics as Prometheus does; each is declared before, and once."""
    found: dict[str, float] = {}
    declared: dict[str, str] = {}
    helped: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in helped
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name in helped
            assert name not in declared
            assert not name.endswith("_total") or kind == "counter"
            declared[name] = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            base = re.sub("_(sum|count)$", "", match[1])
            assert declared.get(match[1]) or declared[base] == "summary"
            series = match[1] + (f"{{{match[2]}}}" if match[2] else "")
            assert series not in found
            found[series] = float(match[3])
    assert text.endswith("\n")
    return found


def test_every_number_is_a_metric() -> None:
    found = samples(
        exposition(
            made(
                counters={
                    "duplicate_executions_hedge": 2,
                    "duplicate_executions_view": 1,
                    "served_hello": 7,
                    "served_bytes": 1000,
                    "refused_unauthenticated": 3,
                    "refused_records_quota": 4,
                    "claims_granted": 5,
                    "conflicts": 6,
                },
                claims={"held": 8, "table": 9},
                claim_seconds={"answer": (10, 0.5)},
                audits={"confirmed": 11},
                peers=(
                    PeerStatus(node_id="b" * 16, name="bert", fetched=12, rtt_ms=2.0),
                ),
            )
        )
    )
    who = f'peer="bert",node_id="{"b" * 16}"'
    expected = {
        "voxpeer_up": 1,
        "voxpeer_up_seconds": 12.5,
        'voxpeer_duplicate_executions_total{cause="hedge"}': 2,
        'voxpeer_duplicate_executions_total{cause="view"}': 1,
        'voxpeer_served_calls_total{call="hello"}': 7,
        "voxpeer_served_bytes_total": 1000,
        'voxpeer_refused_calls_total{status="unauthenticated"}': 3,
        'voxpeer_refused_records_total{reason="quota"}': 4,
        'voxpeer_claims_total{what="granted"}': 5,
        'voxpeer_events_total{event="conflicts"}': 6,
        'voxpeer_claims{state="held"}': 8,
        'voxpeer_claims{state="table"}': 9,
        'voxpeer_claim_seconds_count{until="answer"}': 10,
        'voxpeer_claim_seconds_sum{until="answer"}': 0.5,
        'voxpeer_audits{verdict="confirmed"}': 11,
        f"voxpeer_peer_fetched_total{{{who}}}": 12,
        f"voxpeer_peer_rtt_seconds{{{who}}}": 0.002,
        'voxpeer_peers{state="gone"}': 1,
    }
    assert {name: found.get(name) for name in expected} == expected


def test_without_a_daemon_it_is_not_up() -> None:
    assert samples(exposition(None)) == {"voxpeer_up": 0}


@given(
    name=st.text(),
    peers=st.lists(st.tuples(st.text(max_size=20), st.floats()), max_size=3),
)
def test_whatever_members_call_themselves_it_can_be_read(
    name: str, peers: list[tuple[str, float]]
) -> None:
    text = exposition(
        made(
            name=name,
            peers=tuple(
                PeerStatus(node_id=f"{at:016}", name=called, saved_s=saved_s)
                for at, (called, saved_s) in enumerate(peers)
            ),
        )
    )
    # Lines end with a line feed and nothing else, whatever else ends lines elsewhere.
    lines = [line for line in text.split("\n") if not line.startswith("#")]
    assert lines.pop() == ""
    for line in lines:
        assert re.fullmatch(SAMPLE.pattern, line, re.DOTALL), line


def shown(status: Status) -> dict[str, str]:
    return dict(claim_facts(status))


def test_a_daemon_that_shared_no_work_says_nothing_of_it() -> None:
    assert shown(made()) == {}


def test_shared_work_is_told_in_a_few_lines() -> None:
    told = shown(
        made(
            claims={"waiting_runs": 2, "granted": 3, "held": 1, "table": 5},
            counters={
                "claims_granted": 40,
                "claims_arrived": 38,
                "claims_unshared": 2,
                "duplicate_executions_hedge": 1,
            },
            claim_seconds={
                "answer": (78, 0.156),
                "arrival": (38, 76.0),
                "grant": (1, 0.5),
            },
        )
    )
    assert told == {
        "work now": "of 2 runs: 3 computed here, 1 by others",
        "work so far": "40 to compute here, 38 came instead, 2 not worth sharing",
        "waited": "78 times for answers, 2 ms each, "
        "38 times for results that came, 2.00 s each, "
        "once for results that did not come, 500 ms",
        "in vain": "1 node (hedge 1)",
    }


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_status(made(counters={"claims_granted": 1, "served_hello": 1}), "/a/store")
    return capsys.readouterr().out.splitlines()


def test_counters_that_are_told_in_words_are_not_told_again(lines: list[str]) -> None:
    assert "work so far  1 to compute here" in lines
    assert "counters     served_hello 1" in lines
