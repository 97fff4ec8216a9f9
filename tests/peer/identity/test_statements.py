"""Statements of a realm, and what follows from them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peer.identity import (
    IdentityError,
    Members,
    NodeId,
    Standing,
    StatementRefused,
    renew_own,
)
from peer.identity.statements import DOMAIN, MAX_REMAINING, Ruling, sign_statement
from peer.wire.v1 import records_pb2
from tests.peer.identity.conftest import Realm, Site, key_of

NOBODY = NodeId("b" * 16)


def talk(*sites: Site) -> None:
    """Have everybody hear everybody."""
    for _ in sites:
        for one in sites:
            for other in sites:
                while lacking := other.standing.after(one.standing.have()):
                    for statement in lacking:
                        one.standing.add(statement)
                for epoch, secret in other.identity.keys.since(one.identity.keys.epoch):
                    one.standing.take_key(epoch, secret)


def signed(site: Site, statement: records_pb2.Statement) -> records_pb2.SignedStatement:
    return sign_statement(site.identity, statement)


def revocation(
    node_id: str, first: int = 0, remaining: tuple[str, ...] = ()
) -> records_pb2.Statement:
    return records_pb2.Statement(
        revocation=records_pb2.Revocation(
            node_id=node_id, from_sequence=first, remaining=remaining
        )
    )


def forget(*ids: bytes) -> records_pb2.Statement:
    return records_pb2.Statement(forget=records_pb2.Forget(keyed_ids=ids))


def refused(site: Site, statement: records_pb2.SignedStatement) -> str:
    with pytest.raises(StatementRefused) as caught:
        site.standing.add(statement)
    assert site.standing.have() == []
    return caught.value.reason


# ---- revoking


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.tuples(st.integers(-2, 1 << 33), st.binary(max_size=40))))
def test_nobody_pushes_the_epoch_beyond_the_revocations(
    one_revocation: Site, keys: list[tuple[int, bytes]]
) -> None:
    site = one_revocation
    for epoch, secret in keys:
        site.standing.take_key(epoch, secret.ljust(32, b"x"))
    assert site.identity.keys.epoch == 1
    assert not site.standing.take_key(2, b"y" * 32)


@pytest.fixture
def one_revocation(realm: Realm) -> Site:
    founder = realm.found()
    founder.standing.revoke(realm.enrol("b", founder).identity.node_id)
    return founder


def test_a_key_is_taken_once_its_revocation_is_here(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    founder.standing.revoke(realm.enrol("c", founder).identity.node_id)
    [(epoch, secret)] = founder.identity.keys.since(1)
    assert not member.standing.take_key(epoch, secret)
    for statement in founder.standing.after([]):
        member.standing.add(statement)
    assert member.standing.take_key(epoch, secret)
    assert member.identity.keys.tag() == founder.identity.keys.tag()


def test_a_revocation_that_changes_nothing_begins_no_epoch(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    for _ in range(3):
        founder.standing.revoke(member.identity.node_id)
    assert founder.identity.keys.epoch == 1


def test_a_revoked_member_is_one_no_longer(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    assert founder.standing.is_member(member.identity.member)
    assert not founder.standing.is_revoked(member.identity.node_id)
    founder.standing.revoke(member.identity.node_id, 5)
    assert founder.standing.is_revoked(member.identity.node_id)
    assert not founder.standing.is_member(member.identity.member)
    assert founder.standing.from_sequence(member.identity.node_id) == 5
    assert founder.standing.revoked() == {member.identity.node_id: 5}
    assert founder.standing.from_sequence(founder.identity.node_id) is None


def test_a_revocation_begins_a_new_epoch(realm: Realm) -> None:
    founder = realm.found()
    founder.standing.revoke(NOBODY)
    assert founder.identity.keys.epoch == 1


def test_revoking_again_says_nothing_new(realm: Realm) -> None:
    founder = realm.found()
    founder.standing.revoke(NOBODY, 5)
    founder.standing.revoke(NOBODY, 7)
    assert len(founder.standing.have()) == 1
    founder.standing.revoke(NOBODY, 3)
    assert founder.standing.from_sequence(NOBODY) == 3


def test_only_sponsors_revoke_and_nobody_itself(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    with pytest.raises(IdentityError, match="no sponsor"):
        member.standing.revoke(founder.identity.node_id)
    with pytest.raises(IdentityError, match="voxpeer leave"):
        founder.standing.revoke(founder.identity.node_id)
    with pytest.raises(IdentityError, match="16 letters"):
        founder.standing.revoke(NodeId("lab-7"))


def test_statements_are_there_after_opening_the_store_again(realm: Realm) -> None:
    founder = realm.found()
    founder.standing.revoke(NOBODY, 5)
    founder.standing.forget([key_of(1)])
    again = Standing(realm.store("founder"), founder.identity)
    assert again.digest() == founder.standing.digest()
    assert again.from_sequence(NOBODY) == 5
    assert again.is_forgotten(key_of(1))


def test_what_another_process_adds_is_seen_after_a_look(realm: Realm) -> None:
    founder = realm.found()
    daemon = Standing(realm.store("founder"), founder.identity)
    founder.standing.revoke(NOBODY)
    daemon.refresh()
    assert daemon.is_revoked(NOBODY)


# ---- forgetting


def test_what_is_forgotten_is_named_by_keyed_ids_alone(realm: Realm) -> None:
    founder = realm.found()
    keys = [key_of(number) for number in range(3)]
    founder.standing.forget(keys)
    (statement,) = founder.standing.after([])
    for key in keys:
        assert founder.standing.is_forgotten(key)
        assert bytes(key) not in statement.SerializeToString()
    assert not founder.standing.is_forgotten(key_of("other"))
    wanted = [key_of("other"), *keys]
    assert sorted(founder.standing.forgotten_among(wanted)) == sorted(keys)


def test_any_member_may_have_something_forgotten(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    member.standing.forget([key_of(1)])
    talk(founder, member)
    assert founder.standing.is_forgotten(key_of(1))


def test_forgetting_again_says_nothing_new(realm: Realm) -> None:
    founder = realm.found()
    founder.standing.forget([key_of(1), key_of(2)])
    founder.standing.forget([key_of(2)])
    assert len(founder.standing.have()) == 1
    founder.standing.forget([])
    assert len(founder.standing.have()) == 1


@pytest.mark.slow
def test_a_long_list_is_said_in_parts_that_travel(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    keys = [key_of(number) for number in range(70_000)]
    founder.standing.forget(keys)
    assert len(founder.standing.have()) == 3
    first = founder.standing.after([])
    assert sum(it.ByteSize() for it in first) <= 2 << 20
    talk(founder, member)
    assert len(member.standing.forgotten_among(keys)) == len(keys)


# ---- hearing


def test_statements_spread_and_everybody_agrees(realm: Realm) -> None:
    founder = realm.found()
    sponsor = realm.enrol("sponsor", founder, "sponsor")
    member = realm.enrol("b", founder)
    gone, lost = realm.enrol("gone", founder), realm.enrol("lost", founder)
    founder.standing.revoke(gone.identity.node_id, 9)
    sponsor.standing.revoke(lost.identity.node_id, 8)
    member.standing.forget([key_of(1)])
    digests = {site.standing.digest() for site in (founder, sponsor, member)}
    assert len(digests) == 3
    talk(founder, sponsor, member)
    digests = {site.standing.digest() for site in (founder, sponsor, member)}
    assert len(digests) == 1
    for site in (founder, sponsor, member):
        assert site.standing.is_revoked(gone.identity.node_id)
        assert site.standing.is_revoked(lost.identity.node_id)
        assert site.standing.is_forgotten(key_of(1))
    # Both sponsors have begun epoch 1; everybody uses the same of the two.
    tags = {site.identity.keys.tag() for site in (founder, sponsor, member)}
    assert len(tags) == 1
    assert member.identity.keys.epochs() == (0, 1)


def test_a_statement_is_new_once(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    founder.standing.forget([key_of(1)])
    (statement,) = founder.standing.after([])
    assert member.standing.add(statement)
    assert not member.standing.add(statement)
    assert member.standing.after(member.standing.have()) == []


def test_a_statement_under_a_renewed_certificate_is_the_same_one(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    founder.standing.forget([key_of(1)])
    (statement,) = founder.standing.after([])
    member.standing.add(statement)
    statement.certificates[:] = renew_own(founder.identity).chain
    assert not member.standing.add(statement)
    assert len(member.standing.have()) == 1


def test_every_byte_of_a_statement_counts(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    founder.standing.revoke(NOBODY)
    (right,) = founder.standing.after([])
    for field in ("statement", "signature"):
        for at in range(len(getattr(right, field))):
            broken = records_pb2.SignedStatement()
            broken.CopyFrom(right)
            value = bytearray(getattr(right, field))
            value[at] ^= 1
            setattr(broken, field, bytes(value))
            assert refused(member, broken) == "signature"


def test_a_revocation_by_who_is_no_sponsor_is_refused(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    statement = signed(member, revocation(founder.identity.node_id))
    assert refused(founder, statement) == "right"


def test_a_statement_from_outside_is_refused(realm: Realm) -> None:
    founder, outsider = realm.found(), realm.found("outsider")
    assert refused(founder, signed(outsider, revocation(NOBODY))) == "certificate"
    mixed = signed(outsider, revocation(NOBODY))
    mixed.certificates[:] = founder.identity.chain
    assert refused(founder, mixed) == "signature"


def test_a_statement_in_anothers_name_or_realm_is_refused(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)

    def as_is(statement: records_pb2.Statement) -> records_pb2.SignedStatement:
        data = statement.SerializeToString()
        return records_pb2.SignedStatement(
            statement=data,
            signature=member.identity.sign(DOMAIN + data),
            certificates=member.identity.chain,
        )

    right = forget(bytes(32))
    right.realm_id, right.issuer = member.identity.realm_id, member.identity.node_id
    other = records_pb2.Statement()
    other.CopyFrom(right)
    other.issuer = founder.identity.node_id
    assert refused(founder, as_is(other)) == "issuer"
    other.CopyFrom(right)
    other.realm_id = bytes(16)
    assert refused(founder, as_is(other)) == "realm"
    assert founder.standing.add(as_is(right))


@pytest.mark.parametrize(
    "statement",
    [
        records_pb2.Statement(),
        revocation("lab-7"),
        revocation(NOBODY, remaining=("x",) * (MAX_REMAINING + 1)),
        forget(b"short"),
        forget(*[bytes(32)] * 32769),
    ],
)
def test_a_statement_that_breaks_a_promise_is_refused(
    realm: Realm, statement: records_pb2.Statement
) -> None:
    founder = realm.found()
    assert refused(founder, signed(founder, statement)) in ("malformed", "size")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=50,
)
@given(data=st.binary(max_size=200), is_signed=st.booleans())
def test_any_bytes_are_refused_as_a_statement(
    site: Site, data: bytes, is_signed: bool
) -> None:
    statement = records_pb2.SignedStatement(
        statement=data,
        signature=site.identity.sign(DOMAIN + data) if is_signed else bytes(64),
        certificates=site.identity.chain,
    )
    refused(site, statement)


@pytest.fixture
def site(realm: Realm) -> Site:
    return realm.found()


# ---- sponsors that were revoked


def test_whom_a_revoked_sponsor_let_in_secretly_is_out_and_others_stay(
    realm: Realm,
) -> None:
    founder = realm.found()
    sponsor = realm.enrol("sponsor", founder, "sponsor")
    known, secret = realm.enrol("known", sponsor), realm.enrol("secret", sponsor)
    Members(founder.store).remember(known.identity.chain)
    assert founder.standing.is_member(secret.identity.member)
    founder.standing.revoke(sponsor.identity.node_id, 1)
    assert founder.standing.is_member(known.identity.member)
    assert not founder.standing.is_member(secret.identity.member)
    assert founder.standing.is_revoked(secret.identity.node_id)
    assert founder.standing.accepts(known.identity.member, 10)
    assert not founder.standing.accepts(secret.identity.member, 1)


def test_who_gets_a_certificate_from_another_sponsor_is_a_member_again(
    realm: Realm,
) -> None:
    founder = realm.found()
    sponsor = realm.enrol("sponsor", founder, "sponsor")
    member = realm.enrol("b", sponsor)
    founder.standing.revoke(sponsor.identity.node_id)
    assert not founder.standing.is_member(member.identity.member)
    again = realm.enrol_store(member.store, "b", founder)
    assert founder.standing.is_member(again.identity.member)
    assert not founder.standing.is_revoked(again.identity.node_id)


def test_a_revoked_sponsor_cannot_name_who_remains(realm: Realm) -> None:
    founder = realm.found()
    sponsor = realm.enrol("sponsor", founder, "sponsor")
    accomplice = realm.enrol("accomplice", sponsor)
    node_id, friend = sponsor.identity.node_id, accomplice.identity.node_id
    founder.standing.revoke(node_id)
    founder.standing.add(signed(sponsor, revocation(node_id, 0, (friend,))))
    assert not founder.standing.is_member(accomplice.identity.member)


# ---- a law

NODES = st.sampled_from([NodeId(char * 16) for char in "abcde"])
REVOCATIONS = st.lists(
    st.builds(
        lambda issuer, node, first, left: records_pb2.Statement(
            issuer=issuer,
            revocation=records_pb2.Revocation(
                node_id=node, from_sequence=first, remaining=left
            ),
        ),
        NODES,
        NODES,
        st.integers(0, 3),
        st.lists(NODES, max_size=3),
    ),
    max_size=8,
)


@given(REVOCATIONS, st.randoms(use_true_random=False))
def test_what_follows_does_not_depend_on_the_order(
    statements: list[records_pb2.Statement], order: random.Random
) -> None:
    mixed = [*statements, *statements]
    order.shuffle(mixed)
    assert Ruling.of(mixed) == Ruling.of(statements)


@given(REVOCATIONS, REVOCATIONS)
def test_who_is_revoked_stays_revoked(
    before: list[records_pb2.Statement], more: list[records_pb2.Statement]
) -> None:
    old, new = Ruling.of(before), Ruling.of([*before, *more])
    for node_id, first in old.refused_from.items():
        assert new.refused_from[node_id] <= first
        assert new.is_out(node_id, node_id)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=10,
    deadline=None,
)
@given(order=st.randoms(use_true_random=False))
def test_members_agree_whatever_the_order_in_which_they_hear(
    heard: tuple[Site, list[records_pb2.SignedStatement]], order: random.Random
) -> None:
    site, statements = heard
    mixed = list(statements)
    order.shuffle(mixed)
    with site.store.database.read() as connection:
        connection.execute("DELETE FROM statements")
        connection.execute("DELETE FROM forgotten")
    site.standing.refresh()
    for statement in mixed:
        site.standing.add(statement)
    wanted = sorted(site.standing.have())
    assert len(wanted) == len(statements)
    assert site.standing.revoked() == {NodeId("c" * 16): 2, NodeId("d" * 16): 3}
    assert site.standing.after([])[0].statement in {
        it.statement for it in statements[:3]
    }


@pytest.fixture
def heard(realm: Realm) -> tuple[Site, list[records_pb2.SignedStatement]]:
    founder = realm.found()
    member = realm.enrol("b", founder)
    statements = [
        signed(founder, revocation("c" * 16, 5)),
        signed(founder, revocation("c" * 16, 2)),
        signed(founder, revocation("d" * 16, 3)),
        signed(member, forget(bytes(32))),
        signed(founder, forget(bytes(32), b"1" * 32)),
    ]
    return member, statements


def test_the_members_that_were_seen_are_remembered(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder).identity
    members = Members(founder.store)
    assert members.all() == [member.member]
    assert members.chain(member.node_id) == member.chain
    assert members.chain(NOBODY) is None
    renamed = replace(member.member, name="b")
    assert members.all() == [renamed]


def test_one_member_cannot_take_all_the_room_for_what_to_forget(
    realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peer.identity.statement_rows.MAX_FORGOTTEN_BYTES", 20_000)
    founder = realm.found()
    flooder, other = realm.enrol("b", founder), realm.enrol("c", founder)
    lists = [
        signed(flooder, forget(*(bytes([number, at]) + bytes(30) for at in range(200))))
        for number in range(5)
    ]
    for each in lists[:3]:
        founder.standing.add(each)
    with pytest.raises(StatementRefused, match="more forgotten") as caught:
        founder.standing.add(lists[4])
    assert caught.value.reason == "full"
    assert founder.standing.add(signed(other, forget(bytes(32))))
    assert founder.standing.add(signed(founder, revocation(flooder.identity.node_id)))
