"""From settings to the daemon of a store."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from peer.config import Config
    from peer.daemon import DaemonOptions


def host_name() -> str:
    """Return what this machine calls itself, without its domain."""
    return socket.gethostname().partition(".")[0] or "unnamed"


def daemon_options(config: Config) -> DaemonOptions:
    """Return what the settings say about the daemon.

    Others are enrolled on the port after the daemon's own.
    """
    from peer.daemon import DaemonOptions

    port = int(config.listen.rpartition(":")[2])
    return DaemonOptions(
        listen=config.listen,
        seeds=config.seeds,
        mdns=config.mdns,
        interfaces=config.interfaces,
        share=config.share,
        share_inputs=config.share_inputs,
        audit_share=config.audit_share,
        name=config.name or "",
        enrol_port=port + 1 if 0 < port < 65535 else 0,
    )
