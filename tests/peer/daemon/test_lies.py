"""Members that sign what is not so: a run is delayed, and never wrong or ended."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import SimpleITK as sitk

from peer.identity import records
from peer.identity.authentic import DOMAIN
from peer.local import DaemonNeighbours, status
from peer.programs import load_program
from peer.trust import attestations
from peer.trust.attestations import Attestation
from primitives.catalog import standard_registry
from primitives.encoding import DATA_MAGIC, IMAGE_EXT, IMAGE_MAGIC, MASK_EXT, MASK_MAGIC
from scheduler import RunOptions, RunReport, run_plan
from store import Batch, Digest, NodeKey, Result
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Asker, Peer, eventually

pytestmark = pytest.mark.slow

PROGRAM = """
load image = "image.nii.gz"
let bright = intensity(image) >=. 50
let near = bright | (distlt(9, bright) & (intensity(image) >=. 20))
print "volume" volume(near)
print "parts" [volume(bright), volume(near)]
print "masks" [near, bright]
save "mask.nii.gz" near
"""

Lie = Callable[[Peer, Result], tuple[bytes, str, tuple[Digest, ...]]]
"""Returns what to sign instead of a result: bytes, kind, and what they refer to."""


def data(value: object) -> bytes:
    return DATA_MAGIC + msgspec.msgpack.encode(value)


def mask_of(size: tuple[int, ...], voxels: bytes) -> bytes:
    head = struct.pack("<4sBBH", MASK_MAGIC, len(size), 0, 1)
    for length in size:
        head += struct.pack("<Qdd", length, 1.0, 0.0)
    head += struct.pack("<9d", 1, 0, 0, 0, 1, 0, 0, 0, 1)
    return head.ljust(-(-len(head) // 64) * 64, b"\0") + voxels


def nested(depth: int) -> bytes:
    return DATA_MAGIC + b"\x91" * depth + b"\xc0"


def references(code: int, digests: list[bytes]) -> bytes:
    return data([msgspec.msgpack.Ext(code, digest) for digest in digests])


def own_part(peer: Peer, payload: bytes) -> Digest:
    return peer.store.put([payload])


def ones(peer: Peer) -> Digest:
    return own_part(peer, mask_of((64, 64, 64), bytes([255]) * 32768))


SMALL_MASK = mask_of((2, 2, 2), b"\xff")

LIES: dict[str, Lie] = {
    "noise": lambda peer, it: (b"no value at all" * 9, it.kind, ()),
    "nothing": lambda peer, it: (b"", it.kind, ()),
    "long noise": lambda peer, it: (bytes(300_000), it.kind, ()),
    "only a magic": lambda peer, it: (MASK_MAGIC, it.kind, ()),
    "an image of pure claims": lambda peer, it: (
        mask_of((1 << 62, 1 << 62, 1 << 62), b"\xff" * 64),
        it.kind,
        (),
    ),
    "a mask that is cut short": lambda peer, it: (
        mask_of((96, 96, 96), b"\xff" * 6000),
        it.kind,
        (),
    ),
    "an image header in a mask's place": lambda peer, it: (
        IMAGE_MAGIC + SMALL_MASK[4:],
        it.kind,
        (),
    ),
    "a number": lambda peer, it: (data(1.0), it.kind, ()),
    "a number that says so": lambda peer, it: (data(1), "int", ()),
    "a text that says so": lambda peer, it: (data("x" * 9000), "string", ()),
    "a mask that says so": lambda peer, it: (SMALL_MASK, "mask", ()),
    "a sequence that says so": lambda peer, it: (data([1, 2]), "sequence", ()),
    "deep": lambda peer, it: (nested(100_000), it.kind, ()),
    "deep, as a sequence": lambda peer, it: (nested(100_000), "sequence", ()),
    "a bit too deep": lambda peer, it: (nested(300), "sequence", ()),
    "not canonical": lambda peer, it: (
        DATA_MAGIC + b"\xdd\x00\x00\x00\x01\xd1\x00\x01",
        "sequence",
        (),
    ),
    "another NaN": lambda peer, it: (
        DATA_MAGIC + b"\xcb\xff\xf8\x00\x00\x00\x00\x00\x01",
        "double",
        (),
    ),
    "references to nowhere": lambda peer, it: (
        references(MASK_EXT, [bytes(32), bytes([1]) * 32]),
        "sequence",
        (Digest(bytes(32)), Digest(bytes([1]) * 32)),
    ),
    "references that the record conceals": lambda peer, it: (
        references(MASK_EXT, [bytes(32)]),
        "sequence",
        (),
    ),
    "a broken reference": lambda peer, it: (
        DATA_MAGIC + b"\x92\xc7\x20",
        "sequence",
        (),
    ),
    "a broken reference as it stands": lambda peer, it: (
        DATA_MAGIC + b"\x92\xc7\x20",
        it.kind,
        (),
    ),
    "a reference to noise": lambda peer, it: (
        references(MASK_EXT, [own_part(peer, b"noise" * 99)]),
        "sequence",
        (own_part(peer, b"noise" * 99),),
    ),
    "an image that is a mask": lambda peer, it: (
        references(IMAGE_EXT, [ones(peer)]),
        "sequence",
        (ones(peer),),
    ),
    "one mask 50 000 times": lambda peer, it: (
        references(MASK_EXT, [ones(peer)] * 50_000),
        "sequence",
        (ones(peer),),
    ),
}


PLAUSIBLE = frozenset(
    {
        "a number",
        "a mask that says so",
        "a sequence that says so",
        "one mask 50 000 times",
    }
)
"""Values that could be what some nodes compute to: whoever signs them is believed."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    voxels = rng.integers(0, 100, (48, 48, 48)).astype(np.float32)
    made = tmp_path / "program"
    made.mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(made / "image.nii.gz"))
    (made / "program.imgql").write_text(PROGRAM, encoding="utf-8")
    return made


def run(peer: Peer, folder: Path) -> RunReport:
    program = load_program(str(folder / "program.imgql"), peer.store, parameters={})
    neighbours = DaemonNeighbours(peer.store.path)
    try:
        return run_plan(
            program.plan,
            store=peer.store,
            registry=standard_registry(),
            options=RunOptions(jobs=2),
            directory=folder,
            neighbours=neighbours,
        )
    finally:
        neighbours.close()


def digests(report: RunReport) -> list[object]:
    assert [goal.failure for goal in report.goals if goal.failure] == []
    return [(goal.label, goal.digest) for goal in report.goals]


def sign(liar: Peer, result: Result, sequence: int) -> None:
    """Sign a record that a store would not have let be."""
    identity = liar.identity
    record = records.encode(result, identity, sequence, 1_000_000_000)
    signature = identity.sign(DOMAIN + record)
    said = Attestation(
        result.key, identity.node_id, result.digest, sequence, record, signature, ""
    )
    attestations.add(liar.store, [said])


def sign_instead(liar: Peer, truth: Peer, lie: Lie) -> list[NodeKey]:
    """Let a member say of all that another one computed what is not so."""
    keys: list[NodeKey] = []
    for true in list(truth.store.results("")):
        kind = true.kind or "double"
        payload, kind, children = lie(liar, replace(true, kind=kind))
        digest = liar.store.put([payload])
        result = Result(
            true.key, digest, kind, len(payload), 30.0, 30.0, true.environment
        )
        liar.store.commit(Batch(results=[result])).result()
        sign(liar, replace(result, children=children), len(keys) + 1)
        keys.append(true.key)
    return keys


@pytest.mark.parametrize("name", LIES)
def test_a_member_that_signs_nonsense_changes_no_result(
    realm: Realm, folder: Path, name: str
) -> None:
    anna, bert, cora = realm("anna", "bert", "cora")
    expected = digests(run(cora, folder))
    (folder / "mask.nii.gz").unlink()
    keys = sign_instead(anna, cora, LIES[name])
    anna.start(share="all", share_inputs=True)
    bert.start(anna)
    eventually(lambda: bert.neighbours and anna.neighbours)
    asker = Asker(bert)
    eventually(lambda: len(asker.locate(*keys)) == len(keys))
    asker.close()
    report = run(bert, folder)
    assert digests(report) == expected or name in PLAUSIBLE
    (there,) = status(bert.store.path).peers
    assert there.state == "live"
    # And once more: what was believed in vain is not believed again.
    assert digests(run(bert, folder)) == expected or name in PLAUSIBLE


@pytest.mark.parametrize("which", range(4))
def test_a_mask_of_another_grid_fails_no_goal(
    realm: Realm, folder: Path, which: int
) -> None:
    """What others have signed is computed here before a failure is believed."""
    anna, bert, cora = realm("anna", "bert", "cora")
    goals = {it.key for it in run(cora, folder).goals}
    masks = sorted(
        (it for it in cora.store.results("") if it.kind == "mask"),
        key=lambda it: it.key,
    )
    true = [it for it in masks if it.key not in goals][which : which + 1]
    (folder / "mask.nii.gz").unlink()
    for it in true:
        digest = anna.store.put([SMALL_MASK])
        result = Result(
            it.key, digest, "mask", len(SMALL_MASK), 30.0, 30.0, it.environment
        )
        anna.store.commit(Batch(results=[result])).result()
        sign(anna, result, 1)
    anna.start(share="all")
    bert.start(anna)
    eventually(lambda: bert.neighbours and anna.neighbours)
    asker = Asker(bert)
    keys = [it.key for it in true]
    eventually(lambda: set(asker.locate(*keys)) == set(keys))
    assert all(each.source for each in asker.fetch(*keys).values())
    asker.close()
    assert digests(run(bert, folder))
