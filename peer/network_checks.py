"""Checks of what sharing with other machines needs; part of ``voxpeer doctor``.

A machine that has joined no realm needs none of it, so there nothing is a problem.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from store import StoreError

from .addresses import is_loopback
from .errors import PeerError
from .findings import Finding
from .neighbours import REALM_FOLDER
from .stores import open_store, store_path

if TYPE_CHECKING:
    from .config import Config
    from .identity import Identity
    from .local.messages import Status

MDNS_GROUP = "224.0.0.251"
MDNS_PORT = 5353
PROBE = bytes.fromhex(
    "000000000001000000000000085f766f7870656572045f746370056c6f63616c00000c0001"
)
"""An mDNS question for ``_voxpeer._tcp.local`` (RFC 6762): harmless to who hears it."""

ECHO_S = 1.0
CONNECT_S = 1.0
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""voxpeer is younger than this; a clock that is not is wrong."""


def examine_network(config: Config) -> Iterator[Finding]:
    """Yield what each check finds."""
    from .local.place import holder_pid

    path = store_path(config)
    is_joined = (path / REALM_FOLDER).is_dir()
    identity = _identity(path) if is_joined else None
    status = _status(path) if is_joined else None
    pid = holder_pid(path)
    needed = (
        _daemon(identity, status, pid),
        _interfaces(config),
        _multicast(config),
        *_ports(config, status, pid),
    )
    yield _clock(path, identity)
    for finding in needed:
        yield finding if identity else _unneeded(finding)


def _unneeded(finding: Finding) -> Finding:
    if finding.is_ok:
        return finding
    text = f"{finding.text} (needed only after 'voxpeer join')"
    return replace(finding, is_ok=True, text=text, advice="")


def _identity(path: Path) -> Identity | None:
    from .identity import open_identity

    try:
        with open_store(path) as opened:
            return open_identity(opened)
    except (StoreError, PeerError):
        return None  # other checks say what is wrong with the store


def _status(path: Path) -> Status | None:
    from .local import LocalError, status

    try:
        return status(path)
    except LocalError:
        return None


def _daemon(
    identity: Identity | None, status: Status | None, pid: int | None
) -> Finding:
    if status is not None:
        live = sum(peer.state == "live" for peer in status.peers)
        return Finding("daemon", True, f"runs, pid {status.pid}, {live} neighbours")
    if pid is not None:
        advice = f"if it goes on so, end it with 'kill -9 {pid}' and start it again"
        return Finding("daemon", False, f"pid {pid} does not answer", advice)
    if identity is None:
        return Finding("daemon", True, "none; this store belongs to no realm")
    advice = "start it with 'voxpeer join', or as a service (docs/how-to/lab.md)"
    return Finding("daemon", False, "does not run", advice)


def _interfaces(config: Config) -> Finding:
    from .discovery.interfaces import find_places

    places = find_places(config.interfaces)
    if places.missing:
        names = ", ".join(places.missing)
        advice = "correct the setting 'interfaces'"
        return Finding("network", False, f"there is no {names}", advice)
    if not places.announced:
        advice = "connect to a network, or name one with the setting 'interfaces'"
        return Finding("network", False, "no address on a local network", advice)
    return Finding("network", True, f"reached at {', '.join(places.announced)}")


def _multicast(config: Config) -> Finding:
    from .discovery.interfaces import find_places

    if not config.mdns:
        return Finding("multicast", True, "switched off by the setting 'mdns'")
    addresses = [a for a in find_places(config.interfaces).multicast if ":" not in a]
    if not addresses:
        advice = "name one or two peers with the setting 'seeds'"
        return Finding("multicast", False, "no interface for it", advice)
    deaf = [address for address in addresses if not _hears_itself(address)]
    if deaf:
        advice = "allow UDP port 5353, or name peers with the setting 'seeds'"
        text = f"what is sent on {', '.join(deaf)} does not come back"
        return Finding("multicast", False, text, advice)
    text = f"works on {', '.join(addresses)}, as far as this machine can tell"
    return Finding("multicast", True, text)


def _hears_itself(address: str) -> bool:
    """Return whether a packet to the mDNS group comes back on an interface."""
    group = socket.inet_aton(MDNS_GROUP) + socket.inet_aton(address)
    with ExitStack() as stack:
        try:
            heard = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            heard.bind(("", MDNS_PORT))
            heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            sender = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            sender.setsockopt(
                socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address)
            )
            sender.bind((address, 0))
            sender.sendto(PROBE, (MDNS_GROUP, MDNS_PORT))
            return _comes(heard, sender.getsockname())
        except OSError:
            return False


def _comes(heard: socket.socket, sender: tuple[str, int]) -> bool:
    deadline = time.monotonic() + ECHO_S
    while (left := deadline - time.monotonic()) > 0:
        heard.settimeout(left)
        try:
            data, source = heard.recvfrom(2048)
        except TimeoutError:
            return False
        if data == PROBE and source == sender:
            return True
    return False


def _ports(config: Config, status: Status | None, pid: int | None) -> Iterator[Finding]:
    if status is None:
        if pid is None:  # else it is the daemon that has the port
            yield _free_port(config)
        return
    for address in status.addresses:
        yield _reachable(address)


def _free_port(config: Config) -> Finding:
    host, _, port = config.listen.rpartition(":")
    name = f"port {port}"
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
    except OSError as error:
        advice = "stop what uses it, or choose another one with the setting 'listen'"
        return Finding(name, False, error.strerror or str(error), advice)
    return Finding(name, True, "free")


def _reachable(address: str) -> Finding:
    host, _, port = address.rpartition(":")
    name = f"port {port}"
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except OSError as error:
        advice = "let TCP through to it, see the firewall lines in docs/how-to/lab.md"
        text = f"the daemon does not answer at {address}: {error.strerror or error}"
        return Finding(name, False, text, advice)
    reach = "to this machine only" if is_loopback(host) else "to this machine at least"
    text = f"the daemon answers at {address}, {reach}"
    return Finding(name, True, text)


def _clock(path: Path, identity: Identity | None) -> Finding:
    now = datetime.now(UTC)
    text = now.astimezone().isoformat(" ", "seconds")
    advice = "set the clock, best by NTP: certificates and dates depend on it"
    if now < FIRST_DAY:
        return Finding("clock", False, f"{text} is before voxpeer was made", advice)
    written = _last_written(path)
    if written > now.timestamp() + 60:
        ahead = datetime.fromtimestamp(written, UTC).astimezone()
        late = f"{text}, but the store was written at {ahead.isoformat(' ', 'seconds')}"
        return Finding("clock", False, late, advice)
    if identity is not None and identity.certificate_ends < now:
        ended = identity.certificate_ends.date()
        renew = "set the clock if it is wrong; else join again with a new token"
        return Finding("clock", False, f"{text}; the certificate ended {ended}", renew)
    return Finding("clock", True, text)


def _last_written(path: Path) -> float:
    try:
        return max(entry.stat().st_mtime for entry in os.scandir(path))
    except (OSError, ValueError):
        return 0.0
