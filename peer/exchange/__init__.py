"""Members asking each other: gRPC over mutual TLS, and no idea of what is shared.

``PeerServer`` serves a ``Service``; ``PeerClient`` makes ``Link`` objects to others;
``fetch`` brings an artifact from whoever has it.  ``EnrolServer`` and ``enrol`` are the
two ends of joining.  Importing this package loads gRPC.
"""

from __future__ import annotations

from . import quiet  # noqa: F401 - before anything loads gRPC
from .client import FetchStream, Link, PeerClient
from .counters import Counters
from .credentials import Credentials
from .enrol_client import enrol
from .enrol_server import EnrolServer
from .errors import (
    BrokenPeerError,
    BusyError,
    ClosedError,
    ExchangeError,
    NotHereError,
    NotOfferedError,
    Refusal,
    RefusedError,
    UnreachableError,
)
from .fetcher import FetchOutcome, Source, fetch
from .server import PeerServer
from .service import ServedArtifact, Service

__all__ = [
    "BrokenPeerError",
    "BusyError",
    "ClosedError",
    "Counters",
    "Credentials",
    "EnrolServer",
    "ExchangeError",
    "FetchOutcome",
    "FetchStream",
    "Link",
    "NotHereError",
    "NotOfferedError",
    "PeerClient",
    "PeerServer",
    "Refusal",
    "RefusedError",
    "ServedArtifact",
    "Service",
    "Source",
    "UnreachableError",
    "enrol",
    "fetch",
]
