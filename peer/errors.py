"""Errors of the node.

``PeerError``
    ``ConfigError``     a setting, a parameter or an option has no usable value
    ``OutputError``     results cannot be written where they should go
    ``NoMatchError``    what was asked for by name or key is not there
    ``ProblemsFoundError``  a check that a command made has failed
    ``RealmError``      a realm cannot be joined, left or changed like this
"""

from __future__ import annotations


class PeerError(Exception):
    """Base of all errors of this room; its text is for people."""


class ConfigError(PeerError):
    """A setting, a parameter or an option has no usable value."""


class OutputError(PeerError):
    """Results cannot be written where they should go."""


class NoMatchError(PeerError):
    """A name or key matches nothing that is held, or more than one thing."""


class ProblemsFoundError(PeerError):
    """A check that a command made has failed."""


class RealmError(PeerError):
    """A realm cannot be joined, left or changed like this."""
