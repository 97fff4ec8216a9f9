"""What a daemon in the foreground says: one line for whatever happened."""

from __future__ import annotations

import logging
import shlex
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from peer.quantities import format_duration, format_size

from .output import note

if TYPE_CHECKING:
    from types import TracebackType

    from peer.local.messages import PeerStatus

LOOK_EVERY_S = 5.0
"""How often what was fetched and served is summed up."""

SENTENCES = {
    "join": "{who} came ({peer})",
    "part": "{who} went",
    "revoke": "{who} is a member no longer",
    "drop": "dropped what rests on {who}, results: {results}",
    "forget": "{results} results were forgotten, as a member asked",
    "audits_begin": "computes results of others here too, while nobody needs the time",
    "audits_end": "has computed results of others, {cpu_s} s of CPU",
    "audits_end failed": "warning: computing results of others ended with exit code "
    "{code}; it is tried again later",
    "conflict": "warning: {who} says that a result is another than is known here; it"
    " will be computed here",
    "doubt": "in doubt, and to be computed here, results: {results}",
    "quarantine": "warning: a result of {who} was found wrong ({reason}); its results"
    " are not taken here any more, see 'voxpeer peers'",
    "undo": "dropped what rests on {who}, results: {results}",
    "recant": "warning: a result of this machine was found wrong, and is not served"
    " any more; test the memory and the disk of this machine",
    "acquit": "{who} is believed again: what was wrong there was not its fault",
    "forgive": "{who} is believed again, as was asked for on this machine",
    "bar": "warning: {who} sent damaged data three times, and is not asked for data"
    " for a day",
    "unshareable": "warning: {operation} does not give the same everywhere, or not"
    " every time; its results are not shared any more",
    "unshared": "results of {operation} are not offered any more: {results}",
    "untold": "warning: the other members could not be told: {problem}",
    "enrol": "others can join with a token, on port {port}",
    "enrol 0": "no token is good any more; 'voxpeer invite' prints another one",
    "start": "",
    "stop": "stopped",
    "renewed": "the certificate was renewed, until {until}",
    "clone": "warning: two machines run with the identity of {who}",
    "bad_chunk": "warning: {who} sent bytes that are not what they should be",
    "multicast_blocked": "hint: {hint}",
}
"""How events of the daemon read, "" for those that say nothing new; others are shown
as they are."""

AUDITED = ("0", "9", "130", "-15")
"""Exit codes of audits that ended well, or were ended."""


class Narrator(logging.Handler):
    """Writes events of the daemon of a store, and what was fetched and served."""

    def __init__(self, store_path: Path) -> None:
        """Prepare to watch the daemon of the store at ``store_path``."""
        super().__init__(logging.INFO)
        self._store_path = store_path
        self._names: dict[str, str] = {}
        self._known: dict[str, PeerStatus] = {}
        self._stop = Event()
        self._thread = Thread(target=self._sum_up, name="narrator", daemon=True)
        self._log = logging.getLogger("voxpeer")

    def __enter__(self) -> Narrator:
        """Begin to write events."""
        self._log.setLevel(logging.INFO)
        self._log.addHandler(self)
        return self

    def begin(self, peers: Iterable[PeerStatus]) -> None:
        """Begin to sum up what is fetched and served from now on.

        Args:
            peers: how the daemon knows them now.
        """
        for peer in peers:
            self._known[peer.node_id] = peer
            self._names[peer.node_id] = peer.name or peer.node_id
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Fall silent."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._log.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one event."""
        message = record.getMessage()
        if message.partition(" ")[0] == "stop" and not self._thread.is_alive():
            return  # it never began, and the error says why
        sentence = self.sentence(message)
        if sentence:
            say(sentence)

    def sentence(self, message: str) -> str:
        """Return an event, ``name key=value ...``, as people say it."""
        try:
            name, *words = shlex.split(message)
            details = dict(word.split("=", 1) for word in words)
        except ValueError:
            return message
        about = (details[it] for it in ("peer", "member", "signer") if it in details)
        peer = next(about, "")
        if "called" in details:
            self._names[peer] = details["called"]
        details["who"] = self._names.get(peer, peer)
        if name == "enrol" and details.get("port") == "0":
            name = "enrol 0"
        if name == "audits_end" and details.get("code") not in AUDITED:
            name = "audits_end failed"
        try:
            return SENTENCES[name].format_map(details)
        except KeyError:
            return message

    def _sum_up(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        from peer.local import LocalError, status
        from peer.local.messages import PeerStatus

        try:
            found = status(self._store_path)
        except LocalError:
            return
        for peer in found.peers:
            self._names[peer.node_id] = peer.name or peer.node_id
            before = self._known.get(peer.node_id, PeerStatus(node_id=peer.node_id))
            self._known[peer.node_id] = peer
            for line in changes(before, peer):
                say(line)


def changes(before: PeerStatus, now: PeerStatus) -> list[str]:
    """Return what was fetched from a peer and served to it between two looks."""
    lines = []
    fetched = now.fetched - before.fetched
    if fetched > 0:
        size_bytes = now.fetched_bytes - before.fetched_bytes
        saved_s = now.saved_s - before.saved_s
        saved = f": {format_duration(saved_s)} saved" if saved_s >= 0.001 else ""
        what = f"{fetched} result{'' if fetched == 1 else 's'}"
        if size_bytes:  # short values come within their records
            what += f", {format_size(size_bytes)}"
        lines.append(f"fetched {what}, from {now.name}{saved}")
    if now.served_bytes > before.served_bytes:
        size = format_size(now.served_bytes - before.served_bytes)
        lines.append(f"served {size} to {now.name}")
    if now.rejected > before.rejected:
        count = now.rejected - before.rejected
        lines.append(f"warning: refused {count} of what {now.name} sent")
    return lines


def say(text: str) -> None:
    """Write one line with the time of day."""
    note(f"{time.strftime('%H:%M:%S')} {text}")
