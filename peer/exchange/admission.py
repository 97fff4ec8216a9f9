"""Who is calling, and whether it may: asked anew for every call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import grpc

from peer.identity import (
    CertificateError,
    Member,
    NodeId,
    ders_of,
    verify_member,
)

from .buckets import Buckets
from .errors import Refusal

Root = Callable[[], bytes]
"""Returns the realm's root certificate, DER."""

KEPT = 512
"""Callers whose chains are kept in the form in which they are verified."""

NO_MEMBER = "not a member of this realm"


class Admission:
    """Tells members from others, and keeps them to their rates.

    Args:
        root: of the realm.
        standing: whether a node is a member still.
    """

    def __init__(self, root: Root, standing: Callable[[NodeId], bool]) -> None:
        self._root = root
        self._standing = standing
        self._lock = threading.Lock()
        self._buckets = Buckets()

    def admit(self, context: grpc.ServicerContext, method: str) -> tuple[str, Member]:
        """Return who calls a method, and count it against the caller's rate."""
        member = self.member(context)
        self.spend(member.node_id, method)
        return member.node_id, member

    def member(self, context: grpc.ServicerContext) -> Member:
        """Return who calls; refuse who is no member, or not any more."""
        try:
            member = verify_member(_chain(context), self._root(), datetime.now(UTC))
        except CertificateError as error:
            raise Refusal(grpc.StatusCode.UNAUTHENTICATED, NO_MEMBER) from error
        self.check_standing(member.node_id)
        return member

    def check_standing(self, node_id: NodeId) -> None:
        """Refuse who was a member once."""
        if not self._standing(node_id):
            raise Refusal(grpc.StatusCode.UNAUTHENTICATED, NO_MEMBER)

    def spend(self, node_id: NodeId, name: str, amount: float = 1) -> None:
        """Refuse who asks more often than the contract allows."""
        with self._lock:
            wait_s = self._buckets.take(node_id, name, amount, time.monotonic())
        if wait_s:
            raise busy(f"more {name} than a member may ask", int(wait_s * 1000) + 1)


def busy(text: str, retry_ms: int) -> Refusal:
    """Return the refusal that tells somebody to come again."""
    return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, text, retry_ms)


def _chain(context: grpc.ServicerContext) -> tuple[bytes, ...]:
    shown: Mapping[str, Any] = context.auth_context()
    leaf = b"".join(shown.get("x509_pem_cert", ()))
    return _ders(leaf, b"".join(shown.get("x509_pem_cert_chain", ())))


@lru_cache(KEPT)
def _ders(leaf: bytes, others: bytes) -> tuple[bytes, ...]:
    # OpenSSL leaves the leaf out of a client's chain; other versions put it first.
    first = ders_of(leaf)
    rest = ders_of(others) if others else ()
    return first + tuple(der for der in rest if der not in first)
