"""What a daemon says of itself, and how its status reads."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from peer.cli.members import find_member
from peer.cli.narration import Narrator, changes
from peer.cli.network_views import floats_text, show_peers, show_status, status_json
from peer.errors import NoMatchError
from peer.local.messages import PeerStatus, Status

LAB_2 = PeerStatus(
    node_id="abcdefghijklmnop",
    name="lab-2",
    state="live",
    found_by="mdns",
    version="0.2.0",
    shares_floats=False,
    difference="SimpleITK 2.4.1 there, 2.5.0 here",
    fetched=2,
    fetched_bytes=10**6,
    served_bytes=5 * 10**6,
    addresses=("10.0.0.2:47800",),
)
LAB_3 = PeerStatus(node_id="abcdqrstuvwxyz23", name="lab-3", is_sponsor=True)
STATUS = Status(
    id=1,
    name="lab-1",
    node_id="zzzzzzzzzzzzzzzz",
    realm_id="0123456789abcdef" * 2,
    version="0.1.0",
    pid=4711,
    up_s=3700.0,
    addresses=("10.0.0.1:47800",),
    hints=("multicast seems blocked here",),
    certificate_days=-1.0,
    peers=(LAB_3, LAB_2),
    counters={"bad_announcements": 3},
)


def test_events_are_sentences_with_names(tmp_path: Path) -> None:
    narrator = Narrator(tmp_path)
    came = "join peer=abcdefghijklmnop called='lab 2' found_by=mdns"
    assert narrator.sentence(came) == "lab 2 came (abcdefghijklmnop)"
    assert narrator.sentence("part peer=abcdefghijklmnop") == "lab 2 went"
    assert "port 47801" in narrator.sentence("enrol port=47801")
    assert "voxpeer invite" in narrator.sentence("enrol port=0")
    assert narrator.sentence("revoke peer=abcdefghijklmnop").startswith("lab 2 is ")


@pytest.mark.parametrize(
    "event",
    [
        "audits_begin cpu_s=2.0",
        "audits_end cpu_s=1.2 code=0",
        "audits_end cpu_s=1.2 code=1",
        "conflict key=12ab signer=abcdefghijklmnop",
        "doubt results=1",
        "quarantine member=abcdefghijklmnop from_sequence=8 key=1a reason='so it is'",
        "undo member=abcdefghijklmnop results=7 withdrawn=0",
        "drop signer=abcdefghijklmnop results=7",
        "recant key=12ab results=1",
        "acquit member=abcdefghijklmnop",
        "forgive member=abcdefghijklmnop",
        "bar peer=abcdefghijklmnop",
        "unshareable operation=vox1.near@1",
        "unshared operation=vox1.near@1 results=2",
        "untold problem='there is no room'",
    ],
)
def test_what_comes_of_audits_is_said_in_sentences(tmp_path: Path, event: str) -> None:
    said = Narrator(tmp_path).sentence(event)
    assert said
    assert "=" not in said


def test_an_audit_that_failed_is_warned_of(tmp_path: Path) -> None:
    narrator = Narrator(tmp_path)
    assert "exit code 1" in narrator.sentence("audits_end cpu_s=1.2 code=1")
    assert "warning" not in narrator.sentence("audits_end cpu_s=1.2 code=9")


def test_short_values_came_within_their_records() -> None:
    now = PeerStatus(node_id="a", name="lab-2", fetched=1, saved_s=2.5)
    said = ["fetched 1 result, from lab-2: 2.50 s saved"]
    assert changes(PeerStatus(node_id="a"), now) == said


@pytest.mark.parametrize("text", ["later what=ever", "join", "part 'x", "a b=c d"])
def test_what_is_no_known_event_is_shown_as_it_is(tmp_path: Path, text: str) -> None:
    assert Narrator(tmp_path).sentence(text) == text


def test_what_was_fetched_and_served_is_summed_up() -> None:
    before = PeerStatus(node_id="a", name="lab-2", fetched=1, saved_s=1.0)
    now = PeerStatus(
        node_id="a",
        name="lab-2",
        fetched=3,
        fetched_bytes=2 * 10**6,
        saved_s=3.5,
        served_bytes=1000,
        rejected=1,
    )
    assert changes(before, now) == [
        "fetched 2 results, 2.0 MB, from lab-2: 2.50 s saved",
        "served 1.0 kB to lab-2",
        "warning: refused 1 of what lab-2 sent",
    ]
    assert changes(now, now) == []


def test_a_status_shows_peers_counters_and_hints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_status(STATUS, "/data/store")
    shown = capsys.readouterr().out
    for part in (
        "lab-1 (zzzzzzzzzzzzzzzz)",
        "pid 4711, up 61 minutes",
        "1 live, 1 gone",
        "bad_announcements 3",
        "hint: multicast seems blocked here",
        "hint: the certificate of this machine has ended",
    ):
        assert part in shown
    assert status_json(STATUS)["pid"] == 4711
    assert "id" not in status_json(STATUS)


def test_a_status_says_so_when_nobody_who_is_known_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hint = "hint: nobody who is known answers"
    show_status(STATUS, "/data/store")
    assert hint not in capsys.readouterr().out
    for peers in ((LAB_3,), ()):
        show_status(msgspec.structs.replace(STATUS, peers=peers), "/data/store")
        assert (hint in capsys.readouterr().out) is bool(peers)


def test_peers_are_listed_with_the_live_ones_first_and_why_floats_are_not_shared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_peers(STATUS.peers)
    _, second, third, why = capsys.readouterr().out.splitlines()
    assert second.startswith("lab-2 ")
    assert "2 (1.0 MB)" in second
    assert third.startswith("lab-3 *")
    assert why == f"lab-2: {floats_text(LAB_2)}"
    assert "SimpleITK 2.4.1 there, 2.5.0 here" in why


def test_who_believes_several_no_longer_hears_that_it_may_be_wrong_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hint = "it is this machine that is wrong"
    doubted = [
        msgspec.structs.replace(peer, refused_from=3, refused_because="computed here")
        for peer in (LAB_2, LAB_3)
    ]
    for peers in ((doubted[0], LAB_3), doubted):
        show_status(msgspec.structs.replace(STATUS, peers=tuple(peers)), "/data/store")
        shown = capsys.readouterr().out
        assert (hint in shown) is (peers is doubted)
        assert "lab-2: its results are not taken here any more, from its" in shown


@pytest.mark.parametrize("text", ["lab-2", "abcdefghijklmnop", "abcde"])
def test_a_member_is_found_by_name_id_or_unambiguous_beginning(text: str) -> None:
    assert find_member(text, STATUS.peers) is LAB_2


@pytest.mark.parametrize(
    ("text", "part"), [("lab", "several"), ("lab-4", "did you mean"), ("", "no member")]
)
def test_a_member_that_is_nobody_or_several_is_not_found(text: str, part: str) -> None:
    with pytest.raises(NoMatchError, match=part):
        find_member(text, STATUS.peers)
