"""Who gets in, who does not, and what those who are in have of it."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.workplace import EXAMPLE, T1

from .capture import found_in
from .lab import Lab
from .machine import Machine, Run
from .programs import REGIONS, assert_all_fetched, machine, meet, pair, publish

REFUSED = 4
WRONG_USAGE = 2
PEER_PORT = 47800

CLEAR_TEXT = """
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.sendto(bytes.fromhex(sys.argv[1]), (sys.argv[2], 9))
"""

PRINT_NAMES = """
import sqlite3
store = sqlite3.connect("file:/store/store.db?mode=ro", uri=True)
for statement in ("SELECT key FROM results", "SELECT digest FROM artifacts"):
    print(*(name.hex() for (name,) in store.execute(statement)))
"""

DIAL_WITHOUT_CERTIFICATE = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.set_alpn_protocols(["h2"])
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as bare:
        with context.wrap_socket(bare) as channel:
            channel.settimeout(5)
            channel.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + bytes(9))
            print("received", len(channel.recv(1000)))
except (ssl.SSLError, ConnectionError) as refusal:
    print("refused", refusal)
"""


def test_the_second_peer_executes_nothing_and_the_network_shows_nothing(
    lab: Lab, brain: Path, tmp_path: Path
) -> None:
    alice, bob = (machine(lab, name, brain) for name in ("alice", "bob"))
    capture = lab.capture()
    bob.join(alice.found())
    meet(alice, bob)
    first = publish(EXAMPLE.name, alice, bob)
    second = bob.execute(EXAMPLE.name)
    why = bob.voxpeer("why", "grey_dice").stdout
    picture = bob.voxpeer("why", "brain-tissue.png").stdout
    regions = publish(REGIONS, alice, bob), bob.execute(REGIONS)
    # What cannot be missed must be found, or finding nothing else means nothing.
    control = bytes(range(32))
    _say_in_clear(alice, control, to=bob)
    recording = capture.finish(tmp_path)

    assert first.executed > 0
    assert second.results == first.results
    assert second.saved == first.saved
    assert len(second.saved) == 4
    assert "fetched from alice" in why
    # The picture shows the brain, so who has the brain makes it: nothing else is done.
    computed = [line for line in picture.splitlines() if " computed, " in line]
    assert ["overlay" in computed[0], "load" in computed[-1]] == [True, True]
    assert second.from_peers >= len(second.results) - 1
    assert_all_fetched(regions[1], bob)
    assert regions[1].saved == regions[0].saved

    hidden = _node_keys_and_digests(alice) | _node_keys_and_digests(bob)
    hidden |= {bytes.fromhex(text) for run in (first, *regions) for text in _names(run)}
    assert len(hidden) > 10
    assert b"_voxpeer" in recording
    assert found_in(recording, [control]) == [control]
    assert found_in(recording, hidden) == []
    for name in (T1, EXAMPLE.name, "grey-matter", "/work", "/store", "grey_dice"):
        assert name.encode() not in recording


def test_a_token_that_is_mistyped_used_up_or_of_another_realm_opens_nothing(
    lab: Lab, brain: Path
) -> None:
    founder, stranger = machine(lab, "founder", brain), machine(lab, "other", brain)
    late = lab.machine("late")
    foreign = stranger.found().partition("@")[0]
    stranger.kill_daemon()
    used_up = founder.found("--new-realm")
    lab.machine("guest").join(used_up)
    body, _, address = founder.invite().partition("@")
    wrong = {
        "mistyped": (body[:-9] + _another(body[-9]) + body[-8:], WRONG_USAGE),
        "of another realm": (f"{foreign}@{address}", REFUSED),
        "used up": (used_up, REFUSED),
    }
    for what, (text, exit_code) in wrong.items():
        outcome = late.voxpeer("join", text, check=False)
        assert outcome.exit_code == exit_code, (what, outcome)
        assert "error:" in outcome.stderr
        assert "Traceback" not in outcome.stderr
    assert not late.is_up()
    late.join(founder.invite())
    late.wait_for("founder")


def test_an_outsider_with_an_authority_of_his_own_gets_and_gives_nothing(
    lab: Lab, brain: Path
) -> None:
    first, second = pair(lab, brain)
    expected = publish(REGIONS, first, second)
    outsider = machine(lab, "outsider", brain)
    outsider.found("--new-realm", "--seed", f"{first.address}:{PEER_PORT}")
    alone = outsider.execute(REGIONS)
    dialled = outsider.run(
        "python3", "-c", DIAL_WITHOUT_CERTIFICATE, first.address, str(PEER_PORT)
    ).stdout

    assert alone.executed == expected.executed
    assert alone.from_peers == 0
    assert alone.results == expected.results
    assert dialled.startswith("refused") or dialled.split() == ["received", "0"]
    assert outsider.neighbours() == []
    assert first.neighbours() == ["second"]
    assert_all_fetched(second.execute(REGIONS), second)


def test_a_revoked_peer_gets_nothing_more(lab: Lab, brain: Path) -> None:
    first, second = pair(lab, brain)
    third = machine(lab, "third", brain)
    third.join(first.invite())
    meet(first, second, third)
    expected = publish(REGIONS, first, second, third)
    first.voxpeer("peers", "revoke", "second")
    revoked = second.execute(REGIONS)
    honest = third.execute(REGIONS)

    assert revoked.from_peers == 0
    assert revoked.executed == expected.executed
    assert revoked.results == expected.results
    assert_all_fetched(honest, third)
    assert "second" in first.neighbours("revoked")
    assert "second" not in third.neighbours()


def _say_in_clear(sender: Machine, value: bytes, *, to: Machine) -> None:
    sender.run("python3", "-c", CLEAR_TEXT, value.hex(), to.address)


def _node_keys_and_digests(peer: Machine) -> set[bytes]:
    words = peer.run("python3", "-c", PRINT_NAMES).stdout.split()
    return {bytes.fromhex(word) for word in words}


def _names(run: Run) -> list[str]:
    return [name for result in run.results.values() for name in result[2:] if name]


def _another(digit: str) -> str:
    return "a" if digit != "a" else "b"
