"""Finding members of a realm by what people call them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from peer.errors import NoMatchError
from peer.quantities import suggestion

if TYPE_CHECKING:
    from peer.local.messages import PeerStatus
    from store import SqliteStore


def find_member(text: str, members: Sequence[PeerStatus]) -> PeerStatus:
    """Return the member whose name or id is ``text`` or begins so.

    Raises:
        NoMatchError: it is nobody, or more than one.
    """
    whole = [member for member in members if text in (member.name, member.node_id)]
    begun = [
        member
        for member in members
        if text and (member.name.startswith(text) or member.node_id.startswith(text))
    ]
    found = whole or begun
    if len(found) == 1:
        return found[0]
    if not found:
        names = tuple(member.name for member in members)
        raise NoMatchError(
            f"no member is called '{text}', see 'voxpeer peers'"
            f"{suggestion(text, names)}"
        )
    lines = "\n".join(f"  {member.node_id}  {member.name}" for member in found)
    raise NoMatchError(f"several members are called '{text}'; give an id:\n{lines}")


def quarantined_members(store: SqliteStore) -> list[PeerStatus]:
    """Return the members whose results are not taken here, as far as names tell."""
    from peer.identity import Members
    from peer.local.messages import PeerStatus
    from peer.trust.quarantine import Quarantine

    names = {node_id: name for node_id, (name, _) in Members(store).seen().items()}
    return [
        PeerStatus(node_id=it.member, name=names.get(it.member) or it.member)
        for it in Quarantine(store).all()
    ]


def next_sequence(store: SqliteStore, node_id: str) -> int:
    """Return the number after all records of a member that are known here."""
    with store.database.read() as connection:
        row = connection.execute(
            "SELECT max(sequence) FROM attestations WHERE signer = ?", (node_id,)
        ).fetchone()
    return 0 if row[0] is None else int(row[0]) + 1
