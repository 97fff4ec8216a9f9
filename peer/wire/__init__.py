"""What members say to each other: the messages, their limits, and their checks.

``peer.wire.v1`` has the generated classes, ``peer.wire.limits`` every number that the
definitions promise, ``peer.wire.checks`` and its siblings turn messages into values
that can be relied upon.  They are imported from there where they are used, so that a
command that sends nothing does not load protobuf.
"""

from __future__ import annotations

from .errors import WireError

__all__ = ["WireError"]
