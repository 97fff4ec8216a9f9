"""What a methods section needs to say of results: provenance, and a text of it."""

from .collecting import describe
from .document import Document
from .methods import methods_text

__all__ = ["Document", "describe", "methods_text"]
