"""Which artifacts show an input, whatever else they are the artifact of.

The rule for sharing is about results.  Bytes are asked for by their digest, and the
same ones can be a result that may be shared and one that may not: others can sign what
they like about a digest that they know.
"""

from __future__ import annotations

from collections.abc import Collection

from primitives.encoding import IMAGE_MAGIC
from store import Digest, SqliteStore, StoreError

IS_REVEALING = "SELECT 1 FROM results WHERE digest = ? AND reveals_input LIMIT 1"
IN_REVEALING = """SELECT 1 FROM artifact_parts p JOIN results r ON r.digest = p.parent
  WHERE p.child = ? AND r.reveals_input LIMIT 1"""


def showing(store: SqliteStore, digests: Collection[Digest]) -> set[Digest]:
    """Return which artifacts are a result that shows an input, or an image in one."""
    found: set[Digest] = set()
    parts: list[Digest] = []
    with store.database.read() as connection:
        for digest in digests:
            if connection.execute(IS_REVEALING, (digest,)).fetchone():
                found.add(digest)
            elif connection.execute(IN_REVEALING, (digest,)).fetchone():
                parts.append(digest)
    # Masks show nothing, in whatever they stand.
    return found.union(digest for digest in parts if _is_image(store, digest))


def _is_image(store: SqliteStore, digest: Digest) -> bool:
    try:
        return bytes(store.open(digest).view()[:4]) == IMAGE_MAGIC
    except StoreError:
        return True  # it cannot be told
