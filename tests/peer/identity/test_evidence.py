"""What members say of each other's results, and when it counts."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from peer.identity import (
    Disputed,
    Members,
    NodeId,
    Signer,
    Standing,
    StatementRefused,
    leave_realm,
    open_identity,
)
from peer.identity.authentic import DOMAIN
from peer.identity.statements import sign_statement
from peer.stores import open_store
from peer.wire import limits
from peer.wire.v1 import records_pb2
from store import Digest, NodeKey, Reliance
from tests.peer.identity.conftest import Realm, Site, key_of, result_of
from tests.peer.identity.test_statements import talk

KEY = key_of("mask")
OPERATION = ("vox.smooth@3", "x86-64-v3")


class Case:
    """A liar, and two others, of whom the first has computed what it lied about."""

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self.founder = realm.found()
        self.auditor = realm.enrol("auditor", self.founder)
        self.liar = realm.enrol("liar", self.founder)
        for site in (self.founder, self.auditor):
            Members(site.store).remember(self.liar.identity.chain)
        self.theirs = record_of(self.liar, "mask", "wrong")
        self.mine = record_of(self.auditor, "mask", "right")

    def dispute(self) -> None:
        """Have the auditor say it."""
        self.auditor.standing.dispute(KEY, self.theirs, self.mine)

    def said(self, **changes: object) -> records_pb2.SignedStatement:
        """Return what the auditor signs, but for what is changed in it."""
        fields: dict[str, object] = {
            "key": KEY,
            "theirs": self.theirs,
            "mine": self.mine,
            "certificates": self.liar.identity.chain,
        }
        dispute = records_pb2.Dispute(**{**fields, **changes})  # type: ignore[arg-type]
        return sign_statement(
            self.auditor.identity, records_pb2.Statement(dispute=dispute)
        )

    def refused(self, **changes: object) -> str:
        """Return why the founder does not take it."""
        with pytest.raises(StatementRefused) as caught:
            self.founder.standing.add(self.said(**changes))
        assert self.founder.standing.have() == []
        assert self.founder.standing.disputes() == []
        return caught.value.reason


@pytest.fixture
def case(realm: Realm) -> Case:
    return Case(realm)


def record_of(site: Site, name: object, value: object) -> records_pb2.SignedRecord:
    """Have a member sign what it says that a node computed to."""
    [signed] = Signer(site.store, site.identity).sign([result_of(name, value)])
    return records_pb2.SignedRecord.FromString(signed)


def forged(
    site: Site, signed: records_pb2.SignedRecord, **changes: object
) -> records_pb2.SignedRecord:
    """Have a member sign a record, but for what is changed in it."""
    record = records_pb2.Record.FromString(signed.record)
    record.MergeFrom(records_pb2.Record(**changes))  # type: ignore[arg-type]
    data = record.SerializeToString()
    signature = site.identity.sign(DOMAIN + data)
    return records_pb2.SignedRecord(record=data, signature=signature)


def say_unshareable(
    site: Site, operation: str, issued_s: int = 0
) -> records_pb2.SignedStatement:
    """Return a statement that an operation is not to be shared."""
    said = records_pb2.Unshareable(operation=operation)
    statement = records_pb2.Statement(unshareable=said, issued_s=issued_s)
    return sign_statement(site.identity, statement)


# ---- disputes


def test_a_dispute_reaches_everybody_with_all_that_is_needed(case: Case) -> None:
    other = case.realm.enrol("other", case.founder)
    case.dispute()
    talk(case.founder, case.auditor, case.liar, other)
    [statement] = case.auditor.standing.have()
    expected = Disputed(
        statement=statement,
        issuer=case.auditor.identity.node_id,
        key=KEY,
        accused=case.liar.identity.node_id,
        sequence=1,
        said=result_of("mask", "wrong").digest,
        issuer_sequence=1,
        computed=result_of("mask", "right").digest,
    )
    for site in (case.founder, case.auditor, case.liar, other):
        assert site.standing.disputes() == [expected]
        assert site.standing.digest() == case.auditor.standing.digest()


def test_a_dispute_is_there_when_the_store_is_opened_again(case: Case) -> None:
    case.dispute()
    again = Standing(case.auditor.store, case.auditor.identity)
    assert again.disputes() == case.auditor.standing.disputes() != []


def test_saying_it_again_says_nothing_new(case: Case) -> None:
    case.dispute()
    case.dispute()
    assert len(case.auditor.standing.have()) == 1


def test_two_processes_of_a_store_do_not_say_it_twice(case: Case) -> None:
    site = case.auditor
    other = Standing(site.store, site.identity)
    case.dispute()
    other.dispute(KEY, case.theirs, case.mine)
    site.standing.declare_unshareable(*OPERATION)
    other.declare_unshareable(*OPERATION)
    site.standing.refresh()
    assert other.have() == site.standing.have()
    assert len(other.have()) == 2
    third = Standing(site.store, site.identity)
    case.founder.standing.declare_unshareable(*OPERATION)
    for each in case.founder.standing.after(other.have()):
        assert other.add(each)
        assert third.add(each), "new to this process"
    assert third.digest() == other.digest()


def test_a_second_dispute_of_a_node_by_the_same_member_is_refused(case: Case) -> None:
    case.founder.standing.add(case.said())
    again = case.said(theirs=forged(case.liar, case.theirs, sequence=9))
    with pytest.raises(StatementRefused) as caught:
        case.founder.standing.add(again)
    assert caught.value.reason == "twice"
    assert len(case.founder.standing.have()) == 1


def test_several_members_may_dispute_the_same_node(case: Case) -> None:
    case.dispute()
    right = record_of(case.founder, "mask", "right")
    case.founder.standing.dispute(KEY, case.theirs, right)
    talk(case.founder, case.auditor)
    assert {it.issuer for it in case.founder.standing.disputes()} == {
        case.auditor.identity.node_id,
        case.founder.identity.node_id,
    }


def test_who_is_accused_may_accuse_in_turn(case: Case) -> None:
    Members(case.liar.store).remember(case.auditor.identity.chain)
    case.dispute()
    case.liar.standing.dispute(KEY, case.mine, case.theirs)
    talk(case.founder, case.auditor, case.liar)
    assert len(case.founder.standing.disputes()) == 2


def test_a_dispute_that_shows_nothing_is_refused(case: Case) -> None:
    liar, auditor = case.liar, case.auditor
    agreeing = record_of(liar, "mask again", "right")
    cases: dict[str, dict[str, object]] = {
        "other node": {"key": key_of("another")},
        "their other node": {"theirs": forged(liar, case.theirs, key=bytes(32))},
        "my other node": {"mine": forged(auditor, case.mine, key=bytes(32))},
        "agreement": {
            "theirs": forged(
                liar, agreeing, key=KEY, digest=result_of("mask", "right").digest
            )
        },
        "broken signature": {"theirs": replaced(case.theirs, signature=bytes(64))},
        "broken signature of mine": {"mine": replaced(case.mine, signature=bytes(64))},
        "not theirs": {"theirs": case.mine},
        "not mine": {"mine": case.theirs},
        "another realm": {"theirs": forged(liar, case.theirs, realm_id=bytes(16))},
        "somebody else": {"theirs": forged(liar, case.theirs, signer="a" * 16)},
        "no record": {"theirs": forged(liar, case.theirs, kind="x" * 99)},
        "no number": {"theirs": forged(liar, case.theirs, sequence=(1 << 64) - 1)},
        "hearsay": {
            "mine": forged(
                auditor,
                case.mine,
                relies_on=[records_pb2.Reliance(signer="a" * 16, sequence=1)],
            )
        },
    }
    for name, changes in cases.items():
        assert case.refused(**changes) == "evidence", name


def replaced(
    signed: records_pb2.SignedRecord, signature: bytes
) -> records_pb2.SignedRecord:
    """Return a record with another signature."""
    return records_pb2.SignedRecord(record=signed.record, signature=signature)


def test_nobody_is_in_dispute_with_itself(case: Case) -> None:
    auditor = case.auditor
    changed = forged(auditor, case.mine, digest=b"x" * 32, sequence=5)
    chain = auditor.identity.chain
    assert case.refused(theirs=changed, certificates=chain) == "evidence"


def test_the_accused_has_to_be_a_member(case: Case, realm: Realm) -> None:
    stranger = realm.found("of another realm")
    record = record_of(stranger, "mask", "other")
    for chain in ((), stranger.identity.chain, (b"no certificate",)):
        assert case.refused(theirs=record, certificates=chain) == "certificate"


def test_the_accused_may_be_a_member_no_more(case: Case) -> None:
    case.founder.standing.revoke(case.liar.identity.node_id)
    talk(case.founder, case.auditor)
    case.dispute()
    talk(case.founder, case.auditor)
    assert len(case.founder.standing.disputes()) == 1


def test_what_is_too_long_to_be_told_is_not_said(case: Case) -> None:
    children = tuple(
        Digest(number.to_bytes(32, "big"))
        for number in range(limits.DISPUTED_RECORD_BYTES // 34 + 1)
    )
    result = replace(result_of("mask", "long"), children=children)
    [signed] = Signer(case.founder.store, case.founder.identity).sign([result])
    mine = records_pb2.SignedRecord.FromString(signed)
    with pytest.raises(StatementRefused, match="length of a record"):
        case.founder.standing.dispute(KEY, case.theirs, mine)


def test_without_the_certificates_of_the_accused_nothing_is_said(case: Case) -> None:
    other = case.realm.enrol("other", case.founder)
    mine = record_of(other, "mask", "right")
    with pytest.raises(StatementRefused, match="not known here"):
        other.standing.dispute(KEY, case.theirs, mine)
    with pytest.raises(StatementRefused):
        other.standing.dispute(KEY, records_pb2.SignedRecord(record=b"?"), mine)


def test_what_a_revoked_member_said_counts_no_more(case: Case) -> None:
    case.dispute()
    case.auditor.standing.declare_unshareable(*OPERATION)
    case.founder.standing.declare_unshareable(*OPERATION)
    talk(case.founder, case.auditor, case.liar)
    assert case.liar.standing.unshareable() == {OPERATION}
    case.founder.standing.revoke(case.auditor.identity.node_id)
    talk(case.founder, case.liar)
    assert case.liar.standing.disputes() == case.founder.standing.disputes() == []
    assert case.liar.standing.unshareable() == frozenset()
    assert case.liar.standing.unshareable(1) == {OPERATION}


def test_what_came_by_a_sponsor_that_is_out_counts_no_more(realm: Realm) -> None:
    founder = realm.found()
    sponsor = realm.enrol("sponsor", founder, "sponsor")
    puppet = realm.enrol("puppet", sponsor)
    founder.standing.add(say_unshareable(puppet, "vox.smooth@3"))
    # Not named among those that remain: it was never seen.
    founder.standing.revoke(sponsor.identity.node_id)
    assert founder.standing.unshareable(1) == frozenset()
    founder.standing.add(say_unshareable(puppet, "vox.other@1"))
    assert founder.standing.unshareable(1) == frozenset()


# ---- what is not to be shared


def test_what_is_said_here_counts_here_at_once_and_elsewhere_from_two(
    realm: Realm,
) -> None:
    founder = realm.found()
    sites = [founder, *(realm.enrol(name, founder) for name in "bcd")]
    sites[1].standing.declare_unshareable(*OPERATION)
    talk(*sites)
    assert [OPERATION in it.standing.unshareable() for it in sites] == [
        *(False, True, False, False)
    ]
    sites[2].standing.declare_unshareable(*OPERATION)
    sites[3].standing.declare_unshareable("vox.smooth@3", "another environment")
    talk(*sites)
    assert all(OPERATION in it.standing.unshareable() for it in sites)
    assert len(founder.standing.unshareable()) == 1
    assert len(founder.standing.unshareable(1)) == 2
    assert founder.standing.unshareable(3) == frozenset()


def test_saying_an_operation_again_says_nothing_new(realm: Realm) -> None:
    founder = realm.found()
    founder.standing.declare_unshareable(*OPERATION)
    founder.standing.declare_unshareable(*OPERATION)
    assert len(founder.standing.have()) == 1


def test_a_member_has_one_voice(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    founder.standing.add(say_unshareable(member, "vox.smooth@3"))
    with pytest.raises(StatementRefused) as caught:
        founder.standing.add(say_unshareable(member, "vox.smooth@3", issued_s=5))
    assert caught.value.reason == "twice"
    assert founder.standing.unshareable() == frozenset()


def test_an_operation_has_a_name(realm: Realm) -> None:
    founder = realm.found()
    for operation in ("", "x" * 129, "two\nlines"):
        with pytest.raises(StatementRefused):
            founder.standing.declare_unshareable(operation, "")
    assert founder.standing.have() == []


# ---- room


def test_one_member_cannot_take_all_the_room(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peer.identity.statement_rows.MAX_BY_ONE", 3)
    founder, member = case.founder, case.auditor
    for number in range(3):
        member.standing.declare_unshareable(f"vox.flood@{number}", "")
        dispute(member, case.liar, number)
    with pytest.raises(StatementRefused, match="more than one member may") as caught:
        member.standing.declare_unshareable("vox.flood@4", "")
    assert caught.value.reason == "full"
    with pytest.raises(StatementRefused, match="more than one member may"):
        dispute(member, case.liar, 4)
    talk(founder, member)
    founder.standing.declare_unshareable("vox.smooth@3", "")
    dispute(founder, case.liar, 5)
    founder.standing.forget([KEY])
    founder.standing.revoke(case.liar.identity.node_id)
    assert len(founder.standing.have()) == 10


def dispute(site: Site, liar: Site, name: object) -> None:
    """Have a member dispute some node."""
    theirs, mine = record_of(liar, name, "wrong"), record_of(site, name, "right")
    site.standing.dispute(key_of(name), theirs, mine)


def test_long_disputes_of_one_member_have_an_end(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peer.identity.statement_rows.MAX_DISPUTE_BYTES", 6000)
    said = 0
    while can_dispute(case, said):
        said += 1
    assert 0 < said == len(case.auditor.standing.disputes()) < 6


def can_dispute(case: Case, name: object) -> bool:
    """Have the auditor dispute one more; return whether there was room."""
    try:
        dispute(case.auditor, case.liar, name)
    except StatementRefused:
        return False
    return True


def test_all_members_together_leave_room_for_the_rest(
    realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peer.identity.statement_rows.MAX_OF_A_KIND", 2)
    founder = realm.found()
    member = realm.enrol("b", founder)
    founder.standing.declare_unshareable("a.a@1", "")
    founder.standing.add(say_unshareable(member, "a.b@1"))
    with pytest.raises(StatementRefused, match="no room"):
        founder.standing.declare_unshareable("a.c@1", "")
    founder.standing.forget([KEY])
    founder.standing.revoke(member.identity.node_id)
    assert len(founder.standing.have()) == 4


def test_revocations_are_told_first_and_long_lists_last(case: Case) -> None:
    founder = case.founder
    founder.standing.forget([key_of(number) for number in range(50)])
    founder.standing.add(case.said())
    founder.standing.declare_unshareable(*OPERATION)
    founder.standing.revoke(case.liar.identity.node_id)
    kinds = [
        records_pb2.Statement.FromString(it.statement).WhichOneof("what")
        for it in founder.standing.after([])
    ]
    assert (kinds[0], kinds[-1]) == ("revocation", "forget")
    assert set(kinds[1:3]) == {"dispute", "unshareable"}


def test_whoever_leaves_forgets_what_was_said(case: Case) -> None:
    case.dispute()
    case.auditor.standing.declare_unshareable(*OPERATION)
    leave_realm(case.auditor.store)
    site = case.realm.enrol_store(case.auditor.store, "again", case.founder)
    assert site.standing.disputes() == []
    assert site.standing.unshareable(1) == frozenset()


# ---- what rests on others


def test_a_record_says_what_computed_it_and_whom_it_relies_on(case: Case) -> None:
    me, liar = case.auditor.identity.node_id, case.liar.identity.node_id
    result = replace(
        result_of("sum"),
        operation="vox.add@1",
        relies_on=tuple(sorted([Reliance(me, 3), Reliance(liar, 7)])),
    )
    [signed] = Signer(case.auditor.store, case.auditor.identity).sign([result])
    record = records_pb2.Record.FromString(
        records_pb2.SignedRecord.FromString(signed).record
    )
    assert record.operation == "vox.add@1"
    assert [(it.signer, it.sequence) for it in record.relies_on] == [(liar, 7)]


def test_what_was_computed_from_nothing_of_others_is_signed_anew(case: Case) -> None:
    signer = Signer(case.auditor.store, case.auditor.identity)
    alone = result_of("sum")
    leaning = replace(alone, relies_on=(Reliance("a" * 16, 7),))
    first = signer.sign([leaning])
    assert signer.sign([leaning]) == first
    second = signer.sign([alone])
    assert second != first
    assert signer.sign([leaning]) == signer.sign([alone]) == second


def test_a_result_that_relies_on_too_many_is_not_signed(case: Case) -> None:
    signer = Signer(case.auditor.store, case.auditor.identity)
    many = tuple(Reliance(f"{number:016}", 1) for number in range(257))
    assert signer.sign([replace(result_of(1), relies_on=many)]) == []
    assert signer.sign([replace(result_of(2), operation="x" * 129)]) == []


# ---- an older store


def test_the_statements_of_an_older_store_are_kept(case: Case) -> None:
    store, node_id = case.founder.store, NodeId("b" * 16)
    case.founder.standing.revoke(node_id, 5)
    case.founder.standing.forget([KEY])
    before, path = case.founder.standing.digest(), store.path
    store.close()
    make_older(path / "store.db")
    with open_store(path) as opened:
        identity = open_identity(opened)
        assert identity is not None
        standing = Standing(opened, identity)
        assert standing.digest() == before
        assert standing.from_sequence(node_id) == 5
        assert standing.is_forgotten(NodeKey(KEY))
        standing.declare_unshareable(*OPERATION)


def make_older(path: object) -> None:
    """Give a database the tables that it had before there were disputes."""
    connection = sqlite3.connect(str(path))
    connection.executescript(
        """
        CREATE TABLE older (
          digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
          kind TEXT NOT NULL CHECK (kind IN ('revocation', 'forget')),
          issuer TEXT NOT NULL,
          signed BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO older SELECT * FROM statements;
        DROP TABLE statements;
        ALTER TABLE older RENAME TO statements;
        DROP TABLE heard_disputes;
        DROP TABLE heard_unshareable;
        DROP TABLE quarantined;
        DELETE FROM schema_migrations WHERE room = 'peer' AND version = 2;
        """
    )
    connection.close()
