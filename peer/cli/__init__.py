"""The command line; ``main`` is the program ``voxpeer``."""

from .app import main

__all__ = ["main"]
