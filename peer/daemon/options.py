"""What a user chooses about a daemon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Share: TypeAlias = Literal["worth", "goals", "all", "none"]

WORTH_S = 0.02
"""Under ``worth``, what costs less to compute again is not shared."""


@dataclass(frozen=True, slots=True)
class DaemonOptions:
    """Choices of one daemon.

    Attributes:
        listen: ``"host:port"``; without a host, every address that is announced;
            port 0 is any free one.
        seeds: ``"host:port"`` of peers to dial whether or not they are heard.
        mdns: whether to announce this peer by multicast, and to listen for others.
        interfaces: names of the network interfaces to use; None: those that look
            like a local network's.
        share: which results others may have.  ``worth``: goals, and what takes at
            least 20 ms to compute again; ``goals``; ``all``; ``none``.
        share_inputs: whether results that show an input's voxels are among them.
        audit_share: part of the time of all cores in which results of others are
            computed here as well, 0 to 1.
        name: what people call this peer; empty: the name it joined with.
        enrol_port: port on which others join, while an invitation is alive; 0 is
            any free one.
    """

    listen: str = ":47800"
    seeds: tuple[str, ...] = ()
    mdns: bool = True
    interfaces: tuple[str, ...] | None = None
    share: Share = "worth"
    share_inputs: bool = False
    audit_share: float = 0.02
    name: str = ""
    enrol_port: int = 47801
