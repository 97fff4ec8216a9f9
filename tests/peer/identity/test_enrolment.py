"""How a machine becomes a member, and how it does not."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peer.identity import (
    EnrolmentRefused,
    Identity,
    Invitation,
    Joiner,
    NodeId,
    Sponsor,
    Token,
    TokenError,
    leave_realm,
    live_invitations,
    open_identity,
    verify_member,
)
from peer.identity.authority import make_request, new_key
from peer.wire.v1 import enrol_pb2
from tests.peer.identity.conftest import Realm, Site, key_of


class Meeting:
    """A joiner and a sponsor that have one token."""

    def __init__(self, realm: Realm, by: Site, token: Token | None = None) -> None:
        self.token = token or by.invite()
        self.by = by
        self.front_door = by.front_door()
        self.sponsor = by.sponsor(self.front_door)
        self.store = realm.store("joiner")
        self.joiner = Joiner(self.token, "joiner", self.store)
        self.joiner.check_leaf(self.front_door)

    def request(self, now: float = 0.0) -> enrol_pb2.EnrolFinish:
        """Begin, and return the right Finish."""
        nonce = self.sponsor.begin(self.token.token_id, now)
        return self.joiner.finish_request(nonce, self.front_door)

    def refused(self, request: enrol_pb2.EnrolFinish, now: float = 0.0) -> str:
        """Return for what reason the request is refused."""
        with pytest.raises(EnrolmentRefused) as caught:
            self.sponsor.finish(request, now)
        return caught.value.reason

    @property
    def invitations(self) -> list[Invitation]:
        """The sponsor's invitations."""
        return live_invitations(self.by.store)


@pytest.fixture
def meeting(realm: Realm) -> Meeting:
    return Meeting(realm, realm.found())


# ---- those who are let in


def test_a_token_makes_a_machine_a_member(meeting: Meeting) -> None:
    identity = meeting.joiner.complete(meeting.sponsor.finish(meeting.request(), 59.0))
    founder = meeting.by.identity
    assert identity.name == "joiner"
    assert identity.realm_id == founder.realm_id
    assert identity.root_pem == founder.root_pem
    assert not identity.is_sponsor
    assert not identity.is_founder
    assert identity.keys.all() == founder.keys.all()
    assert identity.member.sponsor == founder.node_id
    member = verify_member(identity.chain, founder.root, datetime.now(UTC))
    assert member == identity.member
    again = open_identity(meeting.store)
    assert again is not None
    assert again.member == identity.member


def test_a_new_member_knows_what_the_realm_knows(realm: Realm) -> None:
    founder = realm.found()
    gone = realm.enrol("gone", founder)
    founder.standing.revoke(gone.identity.node_id, 7)
    founder.standing.forget([key_of("scan")])
    site = realm.enrol("new", founder)
    assert site.standing.digest() == founder.standing.digest()
    assert site.standing.from_sequence(gone.identity.node_id) == 7
    assert site.standing.is_forgotten(key_of("scan"))
    assert site.identity.keys.epochs() == (0, 1)


def test_a_new_member_is_told_where_others_are(realm: Realm) -> None:
    founder = realm.found()
    meeting = Meeting(realm, founder)
    where = [(NodeId(f"{'a' * 15}{c}"), ["10.0.0.1:1"] * 9) for c in "abcdefg" * 9]
    meeting.sponsor = Sponsor(
        founder.store,
        founder.identity,
        founder.standing,
        meeting.front_door,
        referrals=lambda: where,
    )
    meeting.joiner.complete(meeting.sponsor.finish(meeting.request(), 0.0))
    with meeting.store.database.read() as connection:
        rows = connection.execute("SELECT node_id FROM addresses").fetchall()
    assert {row[0] for row in rows} == {node_id for node_id, _ in where}


def test_a_sponsors_token_makes_a_sponsor_that_lets_others_in(realm: Realm) -> None:
    founder = realm.found()
    sponsor = realm.enrol("sponsor", founder, "sponsor")
    assert sponsor.identity.is_sponsor
    assert sponsor.identity.member.is_sponsor
    assert not sponsor.identity.is_founder
    member = realm.enrol("member", sponsor)
    assert member.identity.realm_id == founder.identity.realm_id
    assert member.identity.member.sponsor == sponsor.identity.node_id
    assert not member.identity.is_sponsor


def test_a_member_joins_again_with_its_old_keys(realm: Realm) -> None:
    founder = realm.found()
    first = realm.enrol("b", founder)
    again = realm.enrol_store(first.store, "b", founder)
    assert again.identity.node_id == first.identity.node_id
    assert again.identity.node.sign_key == first.identity.node.sign_key
    promoted = realm.enrol_store(first.store, "b", founder, "sponsor")
    assert promoted.identity.is_sponsor
    assert promoted.identity.node_id == first.identity.node_id
    still = realm.enrol_store(first.store, "b", founder)
    assert still.identity.is_sponsor


def test_a_token_for_two_lets_two_in(realm: Realm) -> None:
    founder = realm.found()
    token = founder.invite(uses=2)
    for name in ("b", "c"):
        meeting = Meeting(realm, founder, token)
        meeting.joiner = Joiner(token, name, realm.store(name))
        meeting.joiner.complete(meeting.sponsor.finish(meeting.request(), 0.0))
    assert live_invitations(founder.store) == []


# ---- the token's end


def test_a_token_is_good_for_one_machine(realm: Realm, meeting: Meeting) -> None:
    meeting.sponsor.finish(meeting.request(), 0.0)
    assert meeting.invitations == []
    assert meeting.refused(meeting.request()) == "denied"


def test_an_unknown_token_is_refused_only_at_the_end(meeting: Meeting) -> None:
    token = replace(meeting.token, token_id=b"other")
    other = Joiner(token, "x", meeting.store)
    nonce = meeting.sponsor.begin(token.token_id, 0.0)
    assert len(nonce) == 32
    request = other.finish_request(nonce, meeting.front_door)
    assert meeting.refused(request) == "denied"


def test_a_token_ends_by_the_clock_on_the_wall(realm: Realm) -> None:
    founder = realm.found()
    token = founder.invite(lifetime_s=3600)
    meeting = Meeting(realm, founder, token)
    (invitation,) = meeting.invitations
    assert 3590 < invitation.expires_s - time.time() <= 3600
    assert live_invitations(founder.store, time.time() + 3601) == []
    later = datetime.now(UTC) + timedelta(seconds=3601)
    with pytest.raises(EnrolmentRefused, match="has ended"):
        meeting.sponsor.finish(meeting.request(), 0.0, later)
    meeting.sponsor.finish(meeting.request(), 0.0, later - timedelta(seconds=10))


def test_five_wrong_proofs_burn_a_token(realm: Realm) -> None:
    founder = realm.found()
    meeting = Meeting(realm, founder, founder.invite(uses=9))
    for left in (4, 3, 2, 1, 0):
        request = meeting.request()
        request.proof = bytes(32)
        assert meeting.refused(request) == "denied"
        assert len(meeting.invitations) == (1 if left else 0)
    assert meeting.refused(meeting.request()) == "denied"


def test_wrong_proofs_are_counted_over_a_restart(realm: Realm) -> None:
    founder = realm.found()
    token = founder.invite()
    for _ in range(5):
        meeting = Meeting(realm, founder, token)
        request = meeting.request()
        request.proof = bytes(32)
        meeting.refused(request)
    assert live_invitations(founder.store) == []


@pytest.mark.parametrize("options", [{"uses": 0}, {"uses": 1001}, {"lifetime_s": 0}])
def test_an_invitation_for_nobody_is_not_made(realm: Realm, options: object) -> None:
    with pytest.raises(ValueError, match="uses"):
        realm.found().invite(**options)  # type: ignore[arg-type]


def test_an_invitation_has_addresses_that_are_some(realm: Realm) -> None:
    founder = realm.found()
    assert founder.invite(addresses=["10.0.0.7:1"]).addresses == ("10.0.0.7:1",)
    with pytest.raises(TokenError):
        founder.invite(addresses=["10.0.0.7"])


# ---- nonces and proofs


def test_a_proof_is_good_once(realm: Realm) -> None:
    founder = realm.found()
    meeting = Meeting(realm, founder, founder.invite(uses=5))
    request = meeting.request()
    meeting.sponsor.finish(request, 0.0)
    assert meeting.refused(request) == "denied"


def test_a_nonce_is_good_for_a_minute(meeting: Meeting) -> None:
    assert meeting.refused(meeting.request(now=0.0), now=60.0) == "denied"
    meeting.sponsor.finish(meeting.request(now=60.0), 119.9)


def test_a_nonce_is_good_for_its_token_alone(realm: Realm, meeting: Meeting) -> None:
    other = meeting.by.invite()
    nonce = meeting.sponsor.begin(other.token_id, 0.0)
    request = meeting.joiner.finish_request(nonce, meeting.front_door)
    assert meeting.refused(request) == "denied"


def test_another_sponsors_nonce_is_worth_nothing(realm: Realm) -> None:
    founder = realm.found()
    other = realm.enrol("other", founder, "sponsor")
    ours, theirs = Meeting(realm, founder), Meeting(realm, other)
    nonce = theirs.sponsor.begin(ours.token.token_id, 0.0)
    request = ours.joiner.finish_request(nonce, ours.front_door)
    assert ours.refused(request) == "denied"


def test_a_proof_for_another_sponsors_certificate_is_wrong(realm: Realm) -> None:
    founder = realm.found()
    meeting = Meeting(realm, founder)
    nonce = meeting.sponsor.begin(meeting.token.token_id, 0.0)
    request = meeting.joiner.finish_request(nonce, founder.front_door())
    assert meeting.refused(request) == "denied"


@pytest.mark.parametrize("field", ["nonce", "csr", "sign_key", "proof", "token_id"])
def test_a_finish_that_was_tampered_with_is_refused(
    meeting: Meeting, field: str
) -> None:
    request = meeting.request()
    value = bytearray(getattr(request, field))
    value[len(value) // 2] ^= 1
    setattr(request, field, bytes(value))
    assert meeting.refused(request) in ("denied", "invalid")
    assert len(meeting.invitations) == 1


def test_somebody_elses_request_does_not_fit_our_proof(meeting: Meeting) -> None:
    request = meeting.request()
    request.csr = make_request(new_key())
    assert meeting.refused(request) == "denied"


def test_only_ten_attempts_a_minute_are_made(meeting: Meeting) -> None:
    for _ in range(10):
        meeting.sponsor.begin(b"12345", 0.0)
    with pytest.raises(EnrolmentRefused) as caught:
        meeting.sponsor.begin(meeting.token.token_id, 59.0)
    assert caught.value.reason == "busy"
    meeting.sponsor.finish(meeting.request(now=60.0), 60.0)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=50,
    deadline=None,
)
@given(st.data())
def test_any_finish_is_refused_and_burns_nothing_by_itself(
    meeting: Meeting, data: st.DataObject
) -> None:
    request = enrol_pb2.EnrolFinish(
        token_id=data.draw(st.binary(max_size=8)),
        nonce=data.draw(st.binary(max_size=40)),
        csr=data.draw(st.binary(max_size=64)),
        sign_key=data.draw(st.binary(max_size=40)),
        proof=data.draw(st.binary(max_size=40)),
        sponsor_csr=data.draw(st.binary(max_size=10)),
        name=data.draw(st.text(max_size=70)),
    )
    assert meeting.refused(request) in ("denied", "invalid")
    assert len(meeting.invitations) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("csr", b""),
        ("csr", b"x" * 5000),
        ("sign_key", b"x" * 31),
        ("proof", b""),
        ("name", "x" * 65),
        ("sponsor_csr", b"garbage"),
    ],
)
def test_a_finish_that_breaks_the_contract_does_not_use_the_token_up(
    meeting: Meeting, field: str, value: object
) -> None:
    request = meeting.request()
    setattr(request, field, value)
    assert meeting.refused(request) == "invalid"
    assert len(meeting.invitations) == 1


def test_who_was_revoked_does_not_come_back_under_the_same_name(realm: Realm) -> None:
    founder = realm.found()
    gone = realm.enrol("gone", founder)
    founder.standing.revoke(gone.identity.node_id)
    with pytest.raises(EnrolmentRefused, match="voxpeer leave"):
        realm.enrol_store(gone.store, "gone", founder)
    assert len(live_invitations(founder.store)) == 1
    leave_realm(gone.store)
    back = realm.enrol_store(gone.store, "back", founder)
    assert founder.standing.is_member(back.identity.member)


# ---- impostors


def test_nothing_is_sent_to_a_sponsor_of_another_realm(realm: Realm) -> None:
    ours, theirs = realm.found("ours"), realm.found("theirs")
    joiner = Joiner(ours.invite(), "x", realm.store("joiner"))
    with pytest.raises(EnrolmentRefused, match="nothing was sent") as caught:
        joiner.check_leaf(theirs.front_door())
    assert caught.value.reason == "impostor"
    with pytest.raises(EnrolmentRefused, match="nothing was sent"):
        joiner.finish_request(bytes(32), theirs.front_door())


def test_what_shows_no_root_is_no_sponsor(realm: Realm) -> None:
    founder = realm.found()
    joiner = Joiner(founder.invite(), "x", realm.store("joiner"))
    for leaf in (founder.identity.chain[0], b"garbage", b""):
        with pytest.raises(EnrolmentRefused, match="no sponsor"):
            joiner.check_leaf(leaf)


def test_the_secret_is_nowhere_in_what_is_sent(meeting: Meeting) -> None:
    sent = meeting.request().SerializeToString()
    assert meeting.token.secret not in sent
    assert meeting.token.secret.hex().encode() not in sent


def spoil(
    reply: enrol_pb2.EnrolReply, how: str, sponsor: Identity, other: Identity
) -> None:
    """Make an answer wrong in one thing."""
    match how:
        case "root":
            reply.root = other.root
        case "realm":
            reply.realm_id = other.realm_id
        case "chain":
            replace_chain(reply, other.chain)
        case "another's certificate":
            replace_chain(reply, sponsor.chain)
        case "no chain":
            replace_chain(reply, ())
        case "no keys":
            del reply.keys[:]
        case "two first keys":
            reply.keys.add(epoch=0, secret=bytes(32))
        case "short key":
            reply.keys[0].secret = b"short"
        case "authority":
            reply.sponsor_certificate = other.chain[1]
        case "another's authority":
            reply.sponsor_certificate = sponsor.chain[1]
        case "no authority":
            reply.sponsor_certificate = b"garbage"


def replace_chain(reply: enrol_pb2.EnrolReply, chain: tuple[bytes, ...]) -> None:
    del reply.chain.certificates[:]
    reply.chain.certificates.extend(chain)


HOW = [
    "root",
    "realm",
    "chain",
    "another's certificate",
    "no chain",
    "no keys",
    "two first keys",
    "short key",
    "authority",
    "another's authority",
    "no authority",
]


@pytest.mark.parametrize("how", HOW)
def test_an_answer_that_is_not_right_is_not_kept(
    realm: Realm, meeting: Meeting, how: str
) -> None:
    other = realm.found("other").identity
    reply = meeting.sponsor.finish(meeting.request(), 0.0)
    spoil(reply, how, meeting.by.identity, other)
    with pytest.raises(EnrolmentRefused, match="nothing was kept"):
        meeting.joiner.complete(reply)
    assert open_identity(meeting.store) is None


def test_a_statement_that_is_not_right_does_not_keep_a_machine_out(
    meeting: Meeting,
) -> None:
    meeting.by.standing.forget([key_of(1)])
    reply = meeting.sponsor.finish(meeting.request(), 0.0)
    reply.statements.add().CopyFrom(reply.statements[0])
    reply.statements[0].signature = bytes(64)
    identity = meeting.joiner.complete(reply)
    assert identity.name == "joiner"
