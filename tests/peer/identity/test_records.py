"""Signed records, and the numbers they have."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peer.identity import (
    Member,
    NodeId,
    RecordRefused,
    Signer,
    Standing,
    open_identity,
    verify_member,
    verify_record,
)
from peer.identity.authentic import DOMAIN
from peer.wire.v1 import records_pb2
from store import Digest, Result, SqliteStore
from tests.peer.identity.conftest import Realm, Site, key_of, result_of

SKIPPED = 1 << 20


def parsed(signed: bytes) -> records_pb2.SignedRecord:
    return records_pb2.SignedRecord.FromString(signed)


def sign(site: Site, *results: Result) -> list[records_pb2.SignedRecord]:
    return [parsed(it) for it in Signer(site.store, site.identity).sign(results)]


def sequences(site: Site, *names: object) -> list[int]:
    """Sign results of these names and return the numbers of their records."""
    signed = sign(site, *map(result_of, names))
    return [records_pb2.Record.FromString(it.record).sequence for it in signed]


def reopened(realm: Realm, name: str) -> Site:
    store = realm.store(name)
    identity = open_identity(store)
    assert identity is not None
    return Site(store, identity, Standing(store, identity))


def verify(
    signed: records_pb2.SignedRecord, by: Site, member: Member
) -> records_pb2.Record:
    return verify_record(signed, member, by.identity.realm_id, by.standing)


class Pair:
    """A signer and another member that verifies."""

    def __init__(self, realm: Realm) -> None:
        self.reader = realm.found("reader")
        self.signer = realm.enrol("signer", self.reader)
        root = self.reader.identity.root
        self.member = verify_member(self.signer.identity.chain, root, None)

    def verify(self, signed: records_pb2.SignedRecord) -> records_pb2.Record:
        return verify(signed, self.reader, self.member)

    def refused(self, signed: records_pb2.SignedRecord) -> str:
        with pytest.raises(RecordRefused) as caught:
            self.verify(signed)
        return caught.value.reason

    def signed(self, record: records_pb2.Record) -> records_pb2.SignedRecord:
        """Have the signer sign whatever."""
        data = record.SerializeToString()
        signature = self.signer.identity.sign(DOMAIN + data)
        return records_pb2.SignedRecord(record=data, signature=signature)

    def record(self) -> records_pb2.Record:
        (signed,) = sign(self.signer, result_of("right"))
        return records_pb2.Record.FromString(signed.record)


@pytest.fixture
def pair(realm: Realm) -> Pair:
    return Pair(realm)


# ---- what records say


def test_a_record_says_what_was_computed(pair: Pair) -> None:
    children = (Digest(b"c" * 32), Digest(b"d" * 32))
    result = replace(
        result_of("x"), environment="x86-64", reveals_input=True, children=children
    )
    (signed,) = sign(pair.signer, result)
    record = pair.verify(signed)
    assert record.key == result.key
    assert record.digest == result.digest
    assert record.size_bytes == result.size_bytes
    assert record.kind == result.kind
    assert record.environment == "x86-64"
    assert record.cost_us == 1_500_000
    assert record.subtree_us == 2_500_000
    assert tuple(record.children) == children
    assert record.reveals_input
    assert record.signer == pair.signer.identity.node_id
    assert record.realm_id == pair.reader.identity.realm_id


def test_only_what_was_computed_here_is_signed(pair: Pair) -> None:
    ours, theirs = result_of(1), result_of(2, origin="peer")
    imported = result_of(3, origin="import")
    (signed,) = sign(pair.signer, theirs, ours, imported)
    assert pair.verify(signed).key == ours.key
    assert sign(pair.signer, theirs) == []


def test_what_fits_into_no_record_is_not_signed(pair: Pair) -> None:
    long = replace(result_of(1), environment="x" * 1025)
    assert sign(pair.signer, long, replace(result_of(2), kind="x" * 33)) == []


def test_a_result_is_signed_once(pair: Pair) -> None:
    first = sign(pair.signer, result_of(1), result_of(2))
    assert sign(pair.signer, result_of(2), result_of(1)) == first[::-1]


def test_another_value_of_a_node_is_another_record(pair: Pair) -> None:
    (first,) = sign(pair.signer, result_of(1, "a"))
    (other,) = sign(pair.signer, result_of(1, "b"))
    assert pair.verify(other).digest != pair.verify(first).digest
    assert pair.verify(other).sequence > pair.verify(first).sequence


# ---- what is refused


def test_every_byte_of_a_record_counts(pair: Pair) -> None:
    (right,) = sign(pair.signer, result_of(1))
    for at in range(len(right.record)):
        broken = bytearray(right.record)
        broken[at] ^= 1
        assert (
            pair.refused(
                records_pb2.SignedRecord(
                    record=bytes(broken), signature=right.signature
                )
            )
            == "signature"
        )
    for at in range(64):
        broken = bytearray(right.signature)
        broken[at] ^= 1
        assert (
            pair.refused(
                records_pb2.SignedRecord(record=right.record, signature=bytes(broken))
            )
            == "signature"
        )


def test_a_record_of_somebody_else_is_refused(realm: Realm, pair: Pair) -> None:
    other = realm.enrol("other", pair.reader)
    (signed,) = sign(other, result_of(1))
    assert pair.refused(signed) == "signature"
    record = pair.record()
    record.signer = other.identity.node_id
    assert pair.refused(pair.signed(record)) == "signer"


def test_a_record_of_another_realm_is_refused(pair: Pair) -> None:
    record = pair.record()
    record.realm_id = bytes(16)
    assert pair.refused(pair.signed(record)) == "realm"


def test_a_signature_over_a_statement_is_none_over_a_record(pair: Pair) -> None:
    data = pair.record().SerializeToString()
    signature = pair.signer.identity.sign(b"vx-statement/1\0" + data)
    signed = records_pb2.SignedRecord(record=data, signature=signature)
    assert pair.refused(signed) == "signature"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("realm_id", b"short"),
        ("key", b""),
        ("digest", bytes(33)),
        ("size_bytes", 1 << 37),
        ("kind", "x" * 33),
        ("environment", "x" * 1025),
        ("signer", "nobody"),
        ("sequence", 0),
        ("sequence", 1 << 63),
        ("cost_us", 1 << 63),
        ("subtree_us", (1 << 64) - 1),
    ],
)
def test_a_record_that_breaks_a_promise_is_refused(
    pair: Pair, field: str, value: object
) -> None:
    record = pair.record()
    setattr(record, field, value)
    assert pair.refused(pair.signed(record)) == "malformed"


def test_a_record_with_too_many_or_wrong_children_is_refused(pair: Pair) -> None:
    record = pair.record()
    record.children.append(b"short")
    assert pair.refused(pair.signed(record)) == "malformed"
    record.children[:] = [bytes(32)] * 65537
    assert pair.refused(pair.signed(record)) == "malformed"
    assert pair.refused(records_pb2.SignedRecord(record=bytes(3 << 20))) == "size"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_that_a_member_signs_are_read_or_refused(
    pair: Pair, data: bytes
) -> None:
    signature = pair.signer.identity.sign(DOMAIN + data)
    signed = records_pb2.SignedRecord(record=data, signature=signature)
    assert pair.refused(signed) in ("malformed", "realm")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=70))
def test_any_bytes_that_nobody_signed_are_refused(
    pair: Pair, data: bytes, signature: bytes
) -> None:
    signed = records_pb2.SignedRecord(record=data, signature=signature)
    assert pair.refused(signed) == "signature"


def test_records_of_a_revoked_member_count_up_to_a_number(pair: Pair) -> None:
    signed = sign(pair.signer, *map(result_of, range(5)))
    pair.reader.standing.revoke(pair.signer.identity.node_id, 3)
    assert [pair.verify(it).sequence for it in signed[:2]] == [1, 2]
    assert [pair.refused(it) for it in signed[2:]] == ["revoked"] * 3


def test_what_rests_on_records_that_count_no_more_does_not_count(pair: Pair) -> None:
    record, gone = pair.record(), "b" * 16
    record.relies_on.add(signer=gone, sequence=7)
    pair.verify(pair.signed(record))
    pair.reader.standing.revoke(NodeId(gone), 8)
    pair.verify(pair.signed(record))
    pair.reader.standing.revoke(NodeId(gone), 7)
    assert pair.refused(pair.signed(record)) == "reliance"


def test_what_rests_on_whom_a_revoked_sponsor_let_in_does_not_count(
    realm: Realm, pair: Pair
) -> None:
    sponsor = realm.enrol("sponsor", pair.reader, "sponsor")
    puppet = realm.enrol("puppet", sponsor)
    record = pair.record()
    record.relies_on.add(signer=puppet.identity.node_id, sequence=1)
    pair.verify(pair.signed(record))
    assert pair.reader.standing.is_member(puppet.identity.member)
    pair.reader.standing.revoke(sponsor.identity.node_id)
    assert pair.refused(pair.signed(record)) == "reliance"


@pytest.mark.parametrize("sequence", [0, 1 << 63])
def test_a_record_that_rests_on_no_number_is_refused(pair: Pair, sequence: int) -> None:
    record = pair.record()
    record.relies_on.add(signer="b" * 16, sequence=sequence)
    assert pair.refused(pair.signed(record)) == "malformed"


def test_what_has_to_be_forgotten_is_not_accepted_again(pair: Pair) -> None:
    one, other = sign(pair.signer, result_of(1), result_of(2))
    pair.reader.standing.forget([key_of(1)])
    assert pair.refused(one) == "forgotten"
    assert pair.verify(other).key == key_of(2)


# ---- numbers


def test_numbers_go_on_after_opening_the_store_again(realm: Realm) -> None:
    site = realm.found("a")
    assert sequences(site, 1, 2) == [1, 2]
    assert sequences(reopened(realm, "a"), 3, 4) == [3, 4]
    assert sequences(site, 5) == [5]  # two processes take turns


def test_numbers_do_not_come_back_with_an_old_database(
    realm: Realm, tmp_path: Path
) -> None:
    site = realm.found("a")
    assert sequences(site, 1) == [1]
    copy = tmp_path / "copy.db"
    back_up(site.store, copy)
    assert sequences(site, 2, 3) == [2, 3]
    site.store.close()
    restore(copy, site.store)
    again = reopened(realm, "a")
    assert sequences(again, "new") == [4 + SKIPPED]
    assert sequences(again, "newer") == [5 + SKIPPED]


def test_numbers_do_not_come_back_with_an_old_file(realm: Realm) -> None:
    site = realm.found("a")
    path = site.store.path / "realm" / "sequence"
    sequences(site, 1)
    old = path.read_bytes()
    sequences(site, 2, 3)
    path.write_bytes(old)
    assert sequences(site, 4) == [4 + SKIPPED]


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"5", b"\xff" * 100])
def test_a_file_that_is_lost_or_damaged_costs_numbers_alone(
    realm: Realm, content: bytes | None
) -> None:
    site = realm.found("a")
    path = site.store.path / "realm" / "sequence"
    sequences(site, 1, 2)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert sequences(site, 3) == [3 + SKIPPED]
    assert sequences(site, 4) == [4 + SKIPPED]


def test_numbers_do_not_come_back_with_a_copy_of_the_whole_store(
    realm: Realm, tmp_path: Path
) -> None:
    site = realm.found("a")
    sequences(site, 1)
    site.store.close()
    shutil.copytree(site.store.path, tmp_path / "copy")
    later = reopened(realm, "a")
    assert sequences(later, 2) == [2]
    later.store.close()
    shutil.rmtree(site.store.path)
    (tmp_path / "copy").rename(site.store.path)
    assert sequences(reopened(realm, "a"), 3) == [2 + SKIPPED]


def test_numbers_do_not_come_back_with_a_database_from_before_the_first(
    realm: Realm, tmp_path: Path
) -> None:
    site = realm.found("a")
    copy = tmp_path / "copy.db"
    back_up(site.store, copy)
    sequences(site, 1, 2, 3)
    site.store.close()
    restore(copy, site.store)
    assert sequences(reopened(realm, "a"), 4) == [4 + SKIPPED]


def test_a_number_is_lost_when_its_record_is_not_kept(realm: Realm) -> None:
    site = realm.found("a")
    sequences(site, 1)
    with site.store.database.read() as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON attestations"
            " BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(Exception, match="full"):
        sequences(site, 2)
    with site.store.database.read() as connection:
        connection.execute("DROP TRIGGER full")
    assert sequences(site, 2) == [3 + SKIPPED]


def test_no_number_is_used_twice_by_two_that_sign_at_once(realm: Realm) -> None:
    sites = [realm.found("a"), reopened(realm, "a")]

    def work(number: int) -> list[int]:
        return sequences(sites[number % 2], (number, "a"), (number, "b"))

    with ThreadPoolExecutor(4) as pool:
        used = [it for part in pool.map(work, range(20)) for it in part]
    assert sorted(used) == list(range(1, 41))


def back_up(store: SqliteStore, path: Path) -> None:
    copy = sqlite3.connect(path)
    with store.database.read() as connection:
        connection.backup(copy)
    copy.close()


def restore(copy: Path, store: SqliteStore) -> None:
    for name in ("store.db-wal", "store.db-shm"):
        (store.path / name).unlink(missing_ok=True)
    copy.replace(store.path / "store.db")
