"""What every store has to do, whatever it keeps things in."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from store import (
    ArtifactNotFoundError,
    Batch,
    ChunkMismatchError,
    Digest,
    Follower,
    IncompleteArtifactError,
    Manifest,
    ManifestError,
    NodeKey,
    Reception,
    Recipe,
    Reliance,
    Result,
    SharedRow,
    Small,
    Store,
    StoreUnusableError,
    digest_of,
    manifest_of,
)

MIB = 1 << 20


def key_of(name: object) -> NodeKey:
    """Return a node key made from a name."""
    return NodeKey(sha256(repr(name).encode()).digest())


def noise(size: int, seed: int = 0) -> bytes:
    """Return bytes that do not compress."""
    return np.random.default_rng(seed).bytes(size)


def result_of(
    name: object, digest: Digest, *, subtree_s: float = 1.0, size_bytes: int = 0
) -> Result:
    """Return a record for a made-up node."""
    return Result(key_of(name), digest, "image", size_bytes, subtree_s, subtree_s)


def keep(
    store: Store,
    name: object,
    data: bytes,
    subtree_s: float = 1.0,
    origin: str = "local",
) -> Digest:
    """Store ``data`` as what a made-up node computed to."""
    digest = store.put([data])
    result = result_of(name, digest, subtree_s=subtree_s, size_bytes=len(data))
    store.commit(Batch(results=[replace(result, origin=origin)])).result()
    return digest


def rely(
    store: Store,
    name: object,
    data: bytes,
    *relied: tuple[str, int],
    origin: str = "local",
) -> Digest:
    """As :func:`keep`, for a result that relies on others."""
    digest = store.put([data])
    result = replace(result_of(name, digest, size_bytes=len(data)), origin=origin)
    relies_on = tuple(Reliance(*each) for each in relied)
    store.commit(Batch(results=[replace(result, relies_on=relies_on)])).result()
    return digest


def chunk_of(data: bytes, index: int) -> memoryview:
    """Return one chunk of an artifact."""
    return memoryview(data)[index * MIB : (index + 1) * MIB]


def fill(reception: Reception, data: bytes, indices: Iterable[int]) -> None:
    """Write chunks of ``data``."""
    for index in indices:
        reception.write_chunk(index, chunk_of(data, index))


def answer_of(store: Store, name: object) -> Digest | None:
    """Return what a made-up node computed to, as far as the store knows."""
    found = store.lookup([key_of(name)]).get(key_of(name))
    return None if found is None else found.result.digest


def take_over(follower: Follower, known: dict[NodeKey, SharedRow]) -> None:
    """Bring ``known`` up to date; a follower never tells more than once is due."""
    while True:
        changes = follower.poll()
        assert len({row.key for row in changes.added}) == len(changes.added)
        for key in changes.removed:
            del known[key]
        known |= {row.key: row for row in changes.added}
        if not changes.has_more:
            return


class StoreContract:
    """Conformance suite; a backend's test class names its ``store``."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError("each backend names its own store")

    # ---- artifacts

    @pytest.mark.parametrize(
        "size", [0, 1, 1023, 32767, 32768, MIB - 1, MIB, MIB + 1, 3 * MIB + 5]
    )
    def test_open_gives_back_what_put_took(self, store: Store, size: int) -> None:
        data = noise(size)
        artifact = store.open(store.put([data]))
        assert artifact.size_bytes == size
        assert artifact.view() == data
        assert artifact.view().readonly

    def test_parts_are_one_artifact(self, store: Store) -> None:
        data = noise(5 * MIB)
        parts: list[bytes | memoryview] = [
            data[:7],
            memoryview(data)[7 : 2 * MIB],
            data[2 * MIB :],
        ]
        assert store.put(parts) == store.put([data]) == digest_of([data])

    def test_what_compresses_well_comes_back_whole(self, store: Store) -> None:
        for data in (bytes(5000), bytes(MIB) * 4, b"voxel" * 100_000):
            assert store.open(store.put([data])).view() == data

    def test_arrays_are_stored_without_being_flattened_first(
        self, store: Store
    ) -> None:
        volume = np.arange(64**3, dtype=np.float32).reshape(64, 64, 64)
        digest = store.put([b"header", volume.data])
        assert store.open(digest).view() == b"header" + volume.tobytes()

    def test_arrays_with_gaps_are_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="contiguous"):
            store.put([np.zeros((4, 4))[:, ::2].data])

    def test_a_writer_takes_pieces_of_any_size(self, store: Store) -> None:
        data = noise(3 * MIB)
        writer = store.writer(len(data))
        buffer = bytearray(300_001)
        for start in range(0, len(data), len(buffer)):
            piece = data[start : start + len(buffer)]
            buffer[: len(piece)] = piece
            writer.write(memoryview(buffer)[: len(piece)])
        assert store.open(writer.close()).view() == data

    def test_an_aborted_writer_leaves_nothing(self, store: Store) -> None:
        data = noise(2 * MIB)
        writer = store.writer()
        writer.write(data)
        writer.abort()
        with pytest.raises(ArtifactNotFoundError):
            store.open(digest_of([data]))

    def test_storing_twice_is_no_error(self, store: Store) -> None:
        data = noise(100_000)
        assert store.put([data]) == store.put([data])
        keep(store, "again", data)
        assert store.put([data]) == digest_of([data])
        assert store.stats().artifacts == 1

    def test_an_absent_artifact_is_not_found(self, store: Store) -> None:
        with pytest.raises(ArtifactNotFoundError, match="is not in the store"):
            store.open(Digest(bytes(32)))

    # ---- records

    def test_a_committed_record_is_found_whole(self, store: Store) -> None:
        part = store.put([b"part"])
        digest = store.put([b"whole"])
        result = Result(
            key=key_of("a"),
            digest=digest,
            kind="sequence",
            size_bytes=5,
            cost_s=0.25,
            subtree_s=1.5,
            environment="linux-x86-64-v3",
            origin="import",
            recipe=b"plan",
            reveals_input=True,
            children=(part,),
            plan=store.put([b"the plan"]),
        )
        store.commit(Batch(results=[result])).result()
        found = store.lookup([key_of("b"), key_of("a"), key_of("c")])
        assert list(found) == [key_of("a")]
        assert found[key_of("a")].result == result
        assert found[key_of("a")].payload == b"whole"

    def test_a_long_payload_does_not_come_with_its_record(self, store: Store) -> None:
        keep(store, "long", noise(1025))
        assert store.lookup([key_of("long")])[key_of("long")].payload is None

    def test_many_keys_are_looked_up_at_once(self, store: Store) -> None:
        digest = store.put([b"same"])
        rows = [result_of(number, digest) for number in range(1200)]
        store.commit(Batch(results=rows)).result()
        keys = [key_of(number) for number in range(-100, 1300)]
        found = store.lookup(keys)
        assert set(found) == {row.key for row in rows}
        assert store.lookup([]) == {}

    def test_a_record_needs_its_artifact(self, store: Store) -> None:
        batch = Batch(
            results=[result_of("a", Digest(bytes(32)))],
            small=[Small(key_of("b"), b"1")],
        )
        with pytest.raises(ArtifactNotFoundError):
            store.commit(batch).result()
        assert store.lookup([key_of("a"), key_of("b")]) == {}

    def test_a_second_digest_is_evidence_and_the_key_is_a_miss(
        self, store: Store
    ) -> None:
        first = keep(store, "a", b"one")
        keep(store, "b", b"two")
        keep(store, "a", b"two")
        assert set(store.lookup([key_of("a"), key_of("b")])) == {key_of("b")}
        assert store.stats().conflicts == 1
        assert bytes(store.open(first).view()) == b"one"

    def test_the_same_record_twice_is_no_conflict(self, store: Store) -> None:
        keep(store, "a", b"one")
        keep(store, "a", b"one")
        assert key_of("a") in store.lookup([key_of("a")])
        assert store.stats().conflicts == 0

    # ---- small results

    def test_small_results_are_found_with_their_payload(self, store: Store) -> None:
        payloads = [b"", b"7", b"x" * 12, b"y" * 13, bytes(5000)]
        small = [Small(key_of(payload), payload) for payload in payloads]
        store.commit(Batch(small=small)).result()
        found = store.lookup([item.key for item in small] + [key_of("absent")])
        assert {key: hit.payload for key, hit in found.items()} == {
            item.key: item.payload for item in small
        }
        assert all(
            hit.payload is not None and hit.result.digest == digest_of([hit.payload])
            for hit in found.values()
        )

    def test_small_results_that_disagree_are_a_miss(self, store: Store) -> None:
        for payload in (b"1", b"2"):
            store.commit(Batch(small=[Small(key_of("a"), payload)])).result()
        assert store.lookup([key_of("a")]) == {}

    def test_small_results_of_many_commits_are_all_found(self, store: Store) -> None:
        for start in range(0, 3000, 30):
            numbers = range(start, start + 30)
            small = [Small(key_of(number), b"%d" % number) for number in numbers]
            commit = store.commit(Batch(small=small))
        commit.result()
        keys = [key_of(number) for number in range(3100)]
        found = store.lookup(keys)
        assert {hit.payload for hit in found.values()} == {
            b"%d" % number for number in range(3000)
        }

    # ---- conflicts

    def test_a_key_in_conflict_is_what_is_computed_here_once_more(
        self, store: Store
    ) -> None:
        keep(store, "a", b"theirs", origin="peer")
        ours = keep(store, "a", b"ours")
        assert answer_of(store, "a") is None
        assert keep(store, "a", b"ours") == answer_of(store, "a")
        keep(store, "a", b"another", origin="peer")
        assert answer_of(store, "a") == ours
        assert store.stats().conflicts == 1

    def test_what_was_held_and_is_computed_again_stays(self, store: Store) -> None:
        ours = keep(store, "a", b"ours")
        keep(store, "a", b"theirs", origin="peer")
        assert answer_of(store, "a") is None
        keep(store, "a", b"ours")
        assert answer_of(store, "a") == ours

    def test_computations_here_that_disagree_are_never_an_answer(
        self, store: Store
    ) -> None:
        keep(store, "a", b"theirs", origin="peer")
        for data in (b"one", b"one", b"two", b"one", b"two", b"theirs"):
            keep(store, "a", data)
        assert answer_of(store, "a") is None

    def test_others_do_not_settle_a_conflict(self, store: Store) -> None:
        for data in (b"one", b"two", b"one", b"one"):
            keep(store, "a", data, origin="peer")
        assert answer_of(store, "a") is None
        two = keep(store, "a", b"two")
        assert answer_of(store, "a") == two
        assert store.lookup([key_of("a")])[key_of("a")].result.origin == "local"

    def test_evidence_without_bytes_is_a_conflict(self, store: Store) -> None:
        ours = keep(store, "a", b"ours")
        store.note_conflict(key_of("a"), ours, "", "peer")
        assert answer_of(store, "a") == ours
        assert store.stats().conflicts == 0
        store.note_conflict(key_of("a"), digest_of([b"theirs"]), "", "peer")
        store.note_conflict(key_of("b"), digest_of([b"x"]), "", "peer")
        assert store.lookup([key_of("a"), key_of("b")]) == {}
        assert store.stats().conflicts == 2
        keep(store, "a", b"ours")
        keep(store, "b", b"y", origin="peer")
        assert answer_of(store, "a") == ours
        assert answer_of(store, "b") is None

    def test_a_small_result_settles_a_conflict(self, store: Store) -> None:
        keep(store, "a", b"theirs", origin="peer")
        small = Batch(small=[Small(key_of("a"), b"ours")])
        store.commit(small).result()
        assert answer_of(store, "a") is None
        store.commit(Batch()).result()  # what the look-up noted is durable now
        assert store.stats().conflicts == 1
        store.commit(small).result()
        assert answer_of(store, "a") == digest_of([b"ours"])

    def test_the_same_result_from_elsewhere_is_no_conflict(self, store: Store) -> None:
        digest = keep(store, "a", b"one", origin="peer")
        keep(store, "a", b"one", origin="peer")
        assert store.lookup([key_of("a")])[key_of("a")].result.origin == "peer"
        keep(store, "a", b"one")
        keep(store, "a", b"one", origin="peer")
        found = store.lookup([key_of("a")])[key_of("a")].result
        assert (found.digest, found.origin) == (digest, "local")
        assert store.stats().conflicts == 0

    # ---- reliance

    def test_a_record_says_on_whom_it_relies(self, store: Store) -> None:
        digest = store.put([b"one"])
        relied = (Reliance("ada", 7), Reliance("bob", 1 << 62))
        rows = [
            replace(result_of("a", digest), relies_on=relied, operation="trial.ramp@1"),
            replace(result_of("b", digest), relies_on=relied[:1], origin="peer"),
            result_of("c", digest),
        ]
        store.commit(Batch(results=rows)).result()
        found = store.lookup([row.key for row in rows])
        assert [found[row.key].result for row in rows] == rows

    def test_what_relies_on_a_member_is_found_from_a_record_on(
        self, store: Store
    ) -> None:
        rely(store, "a", b"one", ("ada", 7))
        rely(store, "b", b"two", ("ada", 3), ("bob", 9), origin="peer")
        rely(store, "c", b"three", ("bob", 2))
        keep(store, "d", b"four")
        relying = {
            (member, sequence): set(store.relying(member, sequence))
            for member in ("ada", "bob", "eve")
            for sequence in (0, 4, 8)
        }
        a, b, c = (key_of(name) for name in "abc")
        assert relying == {
            ("ada", 0): {a, b},
            ("ada", 4): {a},
            ("ada", 8): set(),
            ("bob", 0): {b, c},
            ("bob", 4): {b},
            ("bob", 8): {b},
            ("eve", 0): set(),
            ("eve", 4): set(),
            ("eve", 8): set(),
        }
        assert store.remove([a]) == 1
        store.gc(cap_bytes=0)
        assert store.relying("ada", 0) == store.relying("bob", 0) == []

    def test_many_results_say_on_whom_they_rely(self, store: Store) -> None:
        digest = store.put([b"same"])
        rows = [
            replace(result_of(number, digest), relies_on=(Reliance("ada", number),))
            for number in range(1200)
        ]
        store.commit(Batch(results=rows)).result()
        found = store.lookup([row.key for row in rows])
        assert {hit.result for hit in found.values()} == set(rows)
        assert len(store.relying("ada", 600)) == 600

    def test_a_result_of_nobody_takes_the_place_of_one_that_relies_on_somebody(
        self, store: Store
    ) -> None:
        for name, origin in (("a", "peer"), ("b", "local")):
            rely(store, name, noise(5000), ("ada", 7), origin=origin)
            plan = store.put([b"the plan"])
            ours = replace(
                result_of(name, digest_of([noise(5000)]), subtree_s=2.0),
                recipe=b"recipe",
                plan=plan,
            )
            store.commit(Batch(results=[ours])).result()
            rely(store, name, noise(5000), ("ada", 8), origin=origin)
            assert store.lookup([key_of(name)])[key_of(name)].result == ours
        assert store.relying("ada", 0) == []
        assert (store.origin_bytes("peer"), store.origin_bytes("local")) == (0, 10_000)
        assert store.stats().conflicts == 0

    def test_of_equal_results_the_one_that_rests_on_less_is_held(
        self, store: Store
    ) -> None:
        ada, bob, eve = ("ada", 1), ("bob", 2), ("eve", 3)
        for origin, members, expected in (
            ("peer", (ada, bob), ("peer", (ada, bob))),
            ("local", (ada, bob, eve), ("peer", (ada, bob))),
            ("peer", (eve,), ("peer", (eve,))),
            ("local", (bob,), ("local", (bob,))),
            ("peer", (), ("local", (bob,))),
            ("local", (ada,), ("local", (bob,))),
            ("local", (), ("local", ())),
        ):
            rely(store, "a", b"one", *members, origin=origin)
            held = store.lookup([key_of("a")])[key_of("a")].result
            assert (held.origin, held.relies_on) == expected

    def test_what_relies_on_others_is_no_word_of_ours(self, store: Store) -> None:
        rely(store, "a", b"wrong", ("ada", 7))
        keep(store, "a", b"right")
        assert answer_of(store, "a") is None
        rely(store, "a", b"wrong", ("bob", 7))
        assert answer_of(store, "a") is None
        right = keep(store, "a", b"right")
        assert answer_of(store, "a") == right
        rely(store, "a", b"wrong", ("ada", 9))
        assert answer_of(store, "a") == right
        assert store.relying("ada", 0) == []

    def test_an_answer_goes_on_to_rest_on_as_little_as_it_can(
        self, store: Store
    ) -> None:
        rely(store, "a", b"wrong", ("ada", 7), origin="peer")
        store.note_conflict(key_of("a"), digest_of([b"right"]), "", "local")
        right = rely(store, "a", b"right", ("bob", 1), origin="peer")
        assert answer_of(store, "a") is None
        assert keep(store, "a", b"right") == right == answer_of(store, "a")
        rely(store, "a", b"right", ("bob", 2), origin="peer")
        held = store.lookup([key_of("a")])[key_of("a")].result
        assert (held.origin, held.relies_on) == ("local", ())

    def test_a_small_result_answers_before_one_that_relies_on_others(
        self, store: Store
    ) -> None:
        rely(store, "a", b"7", ("ada", 7))
        store.commit(Batch(small=[Small(key_of("a"), b"7")])).result()
        assert store.lookup([key_of("a")])[key_of("a")].result.relies_on == ()

    # ---- recipes

    def test_a_recipe_is_kept_with_a_result_that_has_none(self, store: Store) -> None:
        value = keep(store, "theirs", b"value", origin="peer")
        first, second = (store.put([b"plan %d" % number]) for number in range(2))
        for plan in (first, second):
            recipes = [
                Recipe(key_of(name), b"how " + plan, plan)
                for name in ("theirs", "absent")
            ]
            store.commit(Batch(recipes=recipes)).result()
        found = store.lookup([key_of("theirs"), key_of("absent")])
        assert list(found) == [key_of("theirs")]
        result = found[key_of("theirs")].result
        assert (result.recipe, result.plan) == (b"how " + first, first)
        assert (result.children, result.origin) == ((), "peer")
        store.pin("theirs", [value])
        store.gc(cap_bytes=0)
        assert bytes(store.open(first).view()) == b"plan 0"

    def test_a_recipe_needs_its_plan(self, store: Store) -> None:
        keep(store, "theirs", b"value", origin="peer")
        recipe = Recipe(key_of("theirs"), b"how", Digest(bytes(32)))
        with pytest.raises(ArtifactNotFoundError):
            store.commit(Batch(recipes=[recipe])).result()

    # ---- plans

    def test_a_plan_is_kept_and_is_never_part_of_a_value(self, store: Store) -> None:
        part, value = store.put([noise(5000, 1)]), store.put([b"value"])
        plans = [store.put([b"plan %d" % number]) for number in range(2)]
        for number, plan in enumerate(plans):
            result = replace(
                result_of(number, value, size_bytes=5), children=(part,), plan=plan
            )
            store.commit(Batch(results=[result])).result()
        found = store.lookup([key_of(0), key_of(1)])
        for number, plan in enumerate(plans):
            result = found[key_of(number)].result
            assert (result.children, result.plan) == ((part,), plan)
        known: dict[NodeKey, SharedRow] = {}
        take_over(store.follower(), known)
        assert {row.total_bytes for row in known.values()} == {5005}
        store.pin("goal", [value])
        store.gc(cap_bytes=0)
        assert all(store.open(plan).view() for plan in plans)

    # ---- manifests

    @pytest.mark.parametrize("size", [0, 1, 40_000, MIB, 3 * MIB + 5])
    @pytest.mark.parametrize("is_noise", [True, False])
    def test_the_manifest_of_an_artifact_is_known(
        self, store: Store, size: int, is_noise: bool
    ) -> None:
        data = noise(size) if is_noise else bytes(size)
        digest = keep(store, "a", data)
        for _ in range(2):
            assert store.manifest(digest) == manifest_of([data])

    def test_there_is_no_manifest_of_what_is_not_here(self, store: Store) -> None:
        digest = keep(store, "a", noise(2 * MIB))
        store.gc(cap_bytes=0)
        with pytest.raises(ArtifactNotFoundError):
            store.manifest(digest)

    # ---- receptions

    @pytest.mark.parametrize("size", [0, 1, 5000, MIB, MIB + 1, 3 * MIB + 5])
    @pytest.mark.parametrize("is_noise", [True, False])
    def test_chunks_in_any_order_become_the_artifact(
        self, store: Store, size: int, is_noise: bool
    ) -> None:
        data = noise(size) if is_noise else bytes(size)
        reception = store.receive(manifest_of([data]))
        while missing := reception.missing():
            fill(reception, data, missing[-1][-1:])
        digest = reception.close()
        assert digest == reception.digest == digest_of([data])
        assert store.open(digest).view() == data
        assert store.manifest(digest) == reception.manifest

    def test_what_is_missing_is_told_in_ranges(self, store: Store) -> None:
        data = noise(6 * MIB)
        reception = store.receive(manifest_of([data]))
        assert reception.missing() == [range(6)]
        fill(reception, data, [1, 4])
        assert reception.missing() == [range(1), range(2, 4), range(5, 6)]
        with pytest.raises(IncompleteArtifactError, match="missing: 4"):
            reception.close()
        fill(reception, data, [0, 2, 3, 5])
        assert reception.missing() == []
        assert store.open(reception.close()).view() == data

    def test_a_wrong_chunk_is_refused_and_not_written(self, store: Store) -> None:
        data = noise(2 * MIB + 7)
        reception = store.receive(manifest_of([data]))
        wrong = [
            (0, chunk_of(data, 1)),
            (0, chunk_of(data, 0)[:-1]),
            (2, memoryview(bytes(7))),
            (2, memoryview(data)[-8:]),
            (3, memoryview(b"")),
            (-1, chunk_of(data, 2)),
        ]
        for index, chunk in wrong:
            with pytest.raises(ChunkMismatchError, match=f"chunk {index} of"):
                reception.write_chunk(index, chunk)
        assert reception.missing() == [range(3)]
        fill(reception, data, range(3))
        with pytest.raises(ChunkMismatchError):
            reception.write_chunk(0, chunk_of(data, 1))
        assert store.open(reception.close()).view() == data

    def test_a_manifest_that_contradicts_itself_is_refused(self, store: Store) -> None:
        with pytest.raises(ManifestError, match="disagree"):
            store.receive(Manifest(2 * MIB, (bytes(32),)))

    def test_many_threads_may_write_the_same_chunks(self, store: Store) -> None:
        data = noise(5 * MIB + 3)
        reception = store.receive(manifest_of([data]))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: fill(reception, data, [n % 6]), range(30)))
        assert store.open(reception.close()).view() == data

    def test_what_is_here_has_nothing_missing(self, store: Store) -> None:
        data = noise(2 * MIB)
        keep(store, "a", data)
        reception = store.receive(manifest_of([data]))
        assert reception.missing() == []
        assert reception.close() == digest_of([data])
        assert store.stats().artifacts == 1

    @pytest.mark.parametrize("size", [1000, 3 * MIB])
    def test_an_ended_reception_takes_nothing_more(
        self, store: Store, size: int
    ) -> None:
        data = noise(size)
        for end in ("suspend", "abort"):
            reception = store.receive(manifest_of([data]))
            getattr(reception, end)()
            with pytest.raises(StoreUnusableError, match="has ended"):
                fill(reception, data, [0])
            reception.suspend()
            reception.abort()
        with pytest.raises(ArtifactNotFoundError):
            store.open(digest_of([data]))

    def test_a_suspended_reception_is_taken_up(self, store: Store) -> None:
        data = noise(4 * MIB)
        reception = store.receive(manifest_of([data]))
        fill(reception, data, [0, 2])
        reception.suspend()
        reception = store.receive(manifest_of([data]))
        assert reception.missing() == [range(1, 2), range(3, 4)]
        fill(reception, data, [3, 1])
        assert store.open(reception.close()).view() == data

    def test_an_aborted_reception_leaves_nothing(self, store: Store) -> None:
        data = noise(2 * MIB)
        reception = store.receive(manifest_of([data]))
        fill(reception, data, [0])
        reception.abort()
        assert store.receive(manifest_of([data])).missing() == [range(2)]

    def test_receptions_of_the_same_artifact_do_not_meet(self, store: Store) -> None:
        data = noise(3 * MIB)
        one, two = (store.receive(manifest_of([data])) for _ in range(2))
        fill(one, data, [0])
        assert two.missing() == [range(3)]
        fill(two, data, [2, 1, 0])
        assert two.close() == digest_of([data])
        fill(one, data, [1, 2])
        assert one.close() == digest_of([data])
        assert store.open(digest_of([data])).view() == data
        assert store.stats().artifacts == 1

    # ---- following

    def test_a_follower_is_told_what_comes_and_goes(self, store: Store) -> None:
        known: dict[NodeKey, SharedRow] = {}
        first = store.put([b"one"])
        row = result_of("a", first, size_bytes=3)
        row = replace(row, operation="trial.ramp@1", environment="linux")
        store.commit(Batch(results=[row])).result()
        follower = store.follower()
        take_over(follower, known)
        assert known == {
            key_of("a"): SharedRow(
                *(key_of("a"), first, 3, 1.0, 1.0, "image", "local", False, 3),
                *("trial.ramp@1", "linux"),
            )
        }
        keep(store, "b", b"two", origin="peer")
        store.commit(Batch(small=[Small(key_of("c"), b"3")])).result()
        take_over(follower, known)
        assert {key: row.origin for key, row in known.items()} == {
            key_of("a"): "local",
            key_of("b"): "peer",
        }
        store.gc(cap_bytes=0)
        take_over(follower, known)
        assert known == {}
        changes = follower.poll()
        assert (changes.added, changes.removed, changes.has_more) == ([], [], False)
        follower.close()

    def test_a_follower_is_not_told_of_conflicts(self, store: Store) -> None:
        known: dict[NodeKey, SharedRow] = {}
        follower = store.follower()
        for data, origin, expected in (
            (b"one", "peer", b"one"),
            (b"two", "peer", None),
            (b"two", "local", b"two"),
            (b"one", "peer", b"two"),
            (b"one", "local", None),
        ):
            keep(store, "a", data, origin=origin)
            take_over(follower, known)
            told = known.get(key_of("a"))
            digest = None if expected is None else digest_of([expected])
            assert (told and told.digest) == digest == answer_of(store, "a")
        follower.close()

    # ---- origins

    def test_what_came_from_an_origin_is_counted_and_removed(
        self, store: Store
    ) -> None:
        mine = keep(store, "mine", noise(5000, 1))
        keep(store, "theirs", noise(6000, 2), origin="peer")
        part = store.put([noise(7000, 3)])
        whole = replace(result_of("whole", store.put([b"whole"])), children=(part,))
        store.commit(Batch(results=[replace(whole, origin="peer")])).result()
        keep(store, "both", noise(5000, 1), origin="peer")
        assert store.origin_bytes("local") == 5000
        assert store.origin_bytes("peer") == 6000 + 7005 + 5000
        assert store.remove_origin("peer") == 3
        assert answer_of(store, "mine") == mine
        assert store.stats().artifacts == store.stats().results == 1
        assert (store.origin_bytes("peer"), store.origin_bytes("local")) == (0, 5000)
        assert store.remove_origin("peer") == 0

    def test_without_others_there_is_no_conflict_with_them(self, store: Store) -> None:
        ours = keep(store, "a", b"ours")
        keep(store, "a", b"theirs", origin="peer")
        keep(store, "b", b"one")
        keep(store, "b", b"two")
        keep(store, "b", b"three", origin="peer")
        assert store.lookup([key_of("a"), key_of("b")]) == {}
        store.remove_origin("peer")
        assert answer_of(store, "a") == ours
        assert answer_of(store, "b") is None
        assert store.stats().conflicts == 1

    # ---- leases, pins, collection

    def test_a_lease_is_granted_and_given_back(self, store: Store) -> None:
        keys = [key_of("a"), key_of("b")]
        leases = store.lease(keys)
        assert leases.granted == frozenset(keys)
        assert not leases.held
        store.release(keys)
        assert store.lease(keys).granted == frozenset(keys)

    def test_a_lease_on_what_is_done_gives_the_result(self, store: Store) -> None:
        keep(store, "a", b"one")
        store.commit(Batch(small=[Small(key_of("b"), b"2")])).result()
        leases = store.lease([key_of("a"), key_of("b"), key_of("c")])
        assert leases.granted == {key_of("c")}
        assert {key: hit.payload for key, hit in leases.done.items()} == {
            key_of("a"): b"one",
            key_of("b"): b"2",
        }

    def test_collection_evicts_the_cheapest_per_byte_first(self, store: Store) -> None:
        for seed, subtree_s in enumerate([5.0, 0.1, 2.0, 0.2]):
            keep(store, seed, noise(100_000, seed), subtree_s)
        report = store.gc(cap_bytes=200_000)
        assert (report.results, report.artifacts) == (2, 2)
        assert report.bytes_freed == 200_000
        held = store.lookup([key_of(number) for number in range(4)])
        assert set(held) == {key_of(0), key_of(2)}

    def test_a_dry_collection_removes_nothing(self, store: Store) -> None:
        digest = keep(store, "a", noise(100_000))
        assert store.gc(cap_bytes=0, dry_run=True).bytes_freed == 100_000
        assert store.open(digest).size_bytes == 100_000
        assert key_of("a") in store.lookup([key_of("a")])

    def test_pinned_artifacts_and_their_parts_stay(self, store: Store) -> None:
        part = store.put([noise(50_000, 1)])
        whole = store.put([noise(50_000, 2)])
        loose = keep(store, "loose", noise(50_000, 3), subtree_s=100.0)
        result = Result(key_of("a"), whole, "sequence", 1, 0.0, 0.0, children=(part,))
        store.commit(Batch(results=[result])).result()
        store.pin("goal", [whole])
        store.gc(cap_bytes=0)
        assert store.open(whole).size_bytes == store.open(part).size_bytes == 50_000
        with pytest.raises(ArtifactNotFoundError):
            store.open(loose)
        store.unpin("goal")
        store.gc(cap_bytes=0)
        with pytest.raises(ArtifactNotFoundError):
            store.open(part)
        assert store.lookup([key_of("a")]) == {}

    def test_a_view_outlives_eviction(self, store: Store) -> None:
        data = noise(2 * MIB)
        view = store.open(keep(store, "a", data)).view()
        store.gc(cap_bytes=0)
        assert store.lookup([key_of("a")]) == {}
        assert view == data

    def test_a_part_stays_as_long_as_what_refers_to_it(self, store: Store) -> None:
        part = keep(store, "part", noise(50_000, 1), subtree_s=0.0)
        whole = store.put([noise(50_000, 2)])
        result = Result(key_of("a"), whole, "sequence", 1, 0.0, 9.0, children=(part,))
        store.commit(Batch(results=[result])).result()
        store.gc(cap_bytes=110_000)
        assert store.open(part).size_bytes == 50_000

    def test_a_sound_store_has_no_damage(self, store: Store) -> None:
        for size in (0, 10, 40_000, MIB + 1):
            keep(store, size, noise(size))
        small = [Small(key_of(("s", number)), b"1") for number in range(3000)]
        store.commit(Batch(small=small)).result()
        assert list(store.check()) == []
        assert store.stats().last_check is not None

    def test_counts_are_right(self, store: Store) -> None:
        digest = keep(store, "a", bytes(100_000))
        store.commit(Batch(small=[Small(key_of("b"), b"1")])).result()
        store.pin("goal", [digest])
        stats = store.stats()
        assert (stats.results, stats.small_results, stats.artifacts) == (1, 1, 1)
        assert stats.pins == 1
        assert stats.bytes_logical > 100_000 > stats.bytes_stored
