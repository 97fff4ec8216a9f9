"""The identity of a store."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import peer.identity as identity_room
from peer.identity import (
    CertificateError,
    Identity,
    IdentityError,
    Joiner,
    Signer,
    Standing,
    found_realm,
    install_chain,
    invite,
    leave_realm,
    live_invitations,
    open_identity,
    renew,
    renew_own,
)
from peer.identity.authority import make_request, new_key
from store import SqliteStore
from tests.peer.identity.conftest import Realm, Site, key_of, result_of

PRIVATE = ["node.key", "sign.key", "root.key", "sponsor.key", "secrets", "sequence"]


def opened(store: SqliteStore) -> Identity:
    identity = open_identity(store)
    assert identity is not None
    return identity


def test_a_new_store_belongs_to_no_realm(realm: Realm) -> None:
    store = realm.store("new")
    assert open_identity(store) is None
    assert not (store.path / "realm").exists()


def test_who_makes_a_realm_is_its_founder_and_first_sponsor(realm: Realm) -> None:
    identity = realm.found("ward 7").identity
    assert identity.name == "ward 7"
    assert identity.is_founder
    assert identity.is_sponsor
    assert identity.member.is_sponsor
    assert identity.keys.epochs() == (0,)
    assert identity.certificate_ends > datetime.now(UTC) + timedelta(days=29)


def test_an_identity_is_the_same_after_opening_the_store_again(realm: Realm) -> None:
    before = realm.found().identity
    after = opened(realm.store("founder"))
    assert after.member == before.member
    assert after.chain == before.chain
    assert after.key_pem == before.key_pem
    assert after.root_pem == before.root_pem
    assert after.sign(b"x") == before.sign(b"x")
    assert after.is_founder


def test_two_realms_have_nothing_in_common(realm: Realm) -> None:
    one, other = realm.found("one").identity, realm.found("other").identity
    assert one.realm_id != other.realm_id
    assert one.pin != other.pin
    assert one.keys.tag() != other.keys.tag()


def test_a_name_is_made_fit_to_be_shown(realm: Realm) -> None:
    name = found_realm(realm.store("a"), "ward\n\x1b[31m" + "ü" * 100).name
    assert name.isprintable()
    assert name.startswith("ward [31mü")
    assert len(name.encode()) <= 64
    nameless = found_realm(realm.store("b"), "\0\n")
    assert nameless.name == nameless.node_id


# ---- one realm at a time


def test_a_store_in_a_realm_makes_no_other(realm: Realm) -> None:
    site = realm.found()
    with pytest.raises(IdentityError, match="voxpeer leave"):
        found_realm(site.store, "again")
    assert opened(site.store).member == site.identity.member


def test_a_store_in_a_realm_joins_no_other(realm: Realm) -> None:
    site, other = realm.found(), realm.found("other")
    with pytest.raises(IdentityError, match="voxpeer leave"):
        Joiner(other.invite(), "x", site.store)


def test_leaving_forgets_the_realm_and_makes_room_for_another(realm: Realm) -> None:
    site = realm.found()
    site.invite()
    Signer(site.store, site.identity).sign([result_of(1)])
    site.standing.forget([key_of(2)])
    leave_realm(site.store)
    assert not (site.store.path / "realm").exists()
    assert open_identity(site.store) is None
    assert live_invitations(site.store) == []
    with site.store.database.read() as connection:
        for table in ("realm", "attestations", "statements", "forgotten"):
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert count == 0
    again = found_realm(site.store, "again")
    assert again.node_id != site.identity.node_id
    assert Standing(site.store, again).have() == []


def test_leaving_twice_is_no_error(realm: Realm) -> None:
    store = realm.store("new")
    leave_realm(store)
    leave_realm(store)


def test_a_realm_that_was_never_finished_is_begun_anew(realm: Realm) -> None:
    store = realm.store("new")
    folder = store.path / "realm"
    folder.mkdir(mode=0o700)
    (folder / "sponsor.crt").write_bytes(b"half")
    (folder / "node.crt.new").write_bytes(b"half")
    assert open_identity(store) is None
    assert found_realm(store, "x").is_founder


# ---- files


def test_keys_can_be_read_by_their_owner_alone(realm: Realm) -> None:
    site = realm.found()
    Signer(site.store, site.identity).sign([result_of(1)])
    folder = site.store.path / "realm"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    names = {path.name for path in folder.iterdir()}
    assert names >= set(PRIVATE)
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


@pytest.mark.parametrize("name", ["node.key", "sign.key", "root.key", "secrets", "."])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_keys_that_others_can_read_are_not_used(
    realm: Realm, name: str, mode: int
) -> None:
    path = realm.found().store.path / "realm" / name
    path.chmod(mode | (0o100 if path.is_dir() else 0))
    store = realm.store("founder")
    with pytest.raises(IdentityError, match="chmod") as caught:
        open_identity(store)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["node.key", "sign.key", "root.crt", "secrets"])
@pytest.mark.parametrize("how", ["missing", "damaged", "empty", "another's"])
def test_what_is_missing_or_damaged_is_said(realm: Realm, name: str, how: str) -> None:
    site, other = realm.found(), realm.found("other")
    path = site.store.path / "realm" / name
    if how == "missing":
        path.unlink()
    elif how == "another's":
        path.write_bytes((other.store.path / "realm" / name).read_bytes())
    else:
        path.write_bytes(b"" if how == "empty" else b"\x00garbage")
    if (name, how) == ("secrets", "another's"):
        return  # nothing tells one realm's secrets from another's
    with pytest.raises(IdentityError, match="voxpeer leave") as caught:
        open_identity(site.store)
    assert str(path.parent) in str(caught.value)


def test_a_database_without_its_keys_is_noticed(realm: Realm) -> None:
    site = realm.found()
    (site.store.path / "realm").rename(site.store.path.parent / "away")
    with pytest.raises(IdentityError, match="keys of this store are missing"):
        open_identity(site.store)


def test_keys_of_another_store_are_noticed(realm: Realm) -> None:
    site, other = realm.found(), realm.found("other")
    ours, theirs = site.store.path / "realm", other.store.path / "realm"
    ours.rename(site.store.path.parent / "away")
    theirs.rename(ours)
    with pytest.raises(IdentityError, match="belong to another store"):
        open_identity(site.store)


def test_keys_go_on_with_a_new_database(realm: Realm, tmp_path: Path) -> None:
    site = realm.found()
    (site.store.path / "realm").rename(realm.store("fresh").path / "realm")
    identity = opened(realm.store("fresh"))
    assert identity.node_id == site.identity.node_id


# ---- renewal


def due(site: Site, days: float) -> bool:
    return site.identity.renewal_due(datetime.now(UTC) + timedelta(days=days))


def test_renewal_is_due_after_a_third_of_the_life(realm: Realm) -> None:
    site = realm.found()
    assert not due(site, 0)
    assert not due(site, 9.9)
    assert due(site, 10.1)
    assert due(site, 31)


def test_a_sponsor_renews_a_member_under_the_same_name(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder)
    later = datetime.now(UTC) + timedelta(days=12)
    request = member.identity.renewal_request()
    chain = renew(founder.identity, request, member.identity.member, later)
    renewed = install_chain(member.identity, chain, later)
    assert renewed.node_id == member.identity.node_id
    assert renewed.certificate_ends > member.identity.certificate_ends
    assert not renewed.renewal_due(later)
    assert renewed.keys is member.identity.keys
    assert opened(member.store).chain == renewed.chain


def test_a_sponsor_renews_itself_and_stays_one(realm: Realm) -> None:
    founder = realm.found()
    later = datetime.now(UTC) + timedelta(days=12)
    renewed = renew_own(founder.identity, later)
    assert renewed.member.is_sponsor
    assert renewed.certificate_ends > founder.identity.certificate_ends
    assert opened(founder.store).member == renewed.member


def test_nobody_is_renewed_with_another_key(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder).identity.member
    with pytest.raises(CertificateError, match="another key"):
        renew(founder.identity, make_request(new_key()), member)
    with pytest.raises(CertificateError):
        renew(founder.identity, b"garbage", member)


def test_a_member_renews_nobody(realm: Realm) -> None:
    member = realm.enrol("b", realm.found()).identity
    with pytest.raises(CertificateError, match="no sponsor"):
        renew(member, member.renewal_request(), member.member)
    with pytest.raises(CertificateError, match="no sponsor"):
        renew_own(member)


def test_a_chain_for_somebody_else_is_not_installed(realm: Realm) -> None:
    founder = realm.found()
    one, other = realm.enrol("b", founder), realm.enrol("c", founder)
    with pytest.raises(CertificateError, match="somebody else"):
        install_chain(one.identity, other.identity.chain)
    with pytest.raises(CertificateError):
        install_chain(one.identity, realm.found("elsewhere").identity.chain)
    assert opened(one.store).chain == one.identity.chain


def test_a_certificate_that_ends_earlier_is_not_installed(realm: Realm) -> None:
    founder = realm.found()
    member = realm.enrol("b", founder).identity
    earlier = datetime.now(UTC) - timedelta(days=1)
    chain = renew(founder.identity, member.renewal_request(), member.member, earlier)
    with pytest.raises(CertificateError, match="worth less"):
        install_chain(member, chain)


def test_only_sponsors_invite_and_only_the_founder_invites_sponsors(
    realm: Realm,
) -> None:
    founder = realm.found()
    member, sponsor = realm.enrol("b", founder), realm.enrol("c", founder, "sponsor")
    with pytest.raises(IdentityError, match="no sponsor"):
        invite(member.store, member.identity)
    with pytest.raises(IdentityError, match="made the realm"):
        invite(sponsor.store, sponsor.identity, role="sponsor")
    assert invite(sponsor.store, sponsor.identity).pin == founder.identity.pin


def test_every_name_of_the_front_door_is_there() -> None:
    for name in identity_room.__all__:
        assert getattr(identity_room, name) is not None


def test_a_name_of_a_node_costs_no_cryptography() -> None:
    code = (
        "import sys; from peer.identity import NodeId, TokenError\n"
        "sys.exit('cryptography' in sys.modules or 'google.protobuf' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
