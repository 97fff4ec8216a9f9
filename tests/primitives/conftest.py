"""Settings for the tests of this room."""

from __future__ import annotations

from hypothesis import settings

# Machines are slow now and then; a law does not break by that.
settings.register_profile("voxpeer", deadline=None)
settings.load_profile("voxpeer")
