"""A member that signs wrong masks among true ones, and what becomes of it.

Daemons, runs and audits are real; only who lies is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import SimpleITK as sitk

from peer.identity import Members, Signer
from peer.local import DaemonNeighbours, status
from peer.local.messages import PeerStatus, Status
from peer.programs import load_program
from peer.trust import attestations
from peer.wire.v1 import records_pb2
from primitives.catalog import standard_registry
from scheduler import RunOptions, RunReport, run_plan
from scheduler.audits import open_audits
from scheduler.cost import save_rates
from store import Batch, Digest, NodeKey, Result
from tests.peer.auditing.lies import audit_all, shifted
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Asker, Peer, eventually

pytestmark = pytest.mark.slow

MASKS = 30
SHARE_OF_LIES = 10
"""One of so many results is a lie."""

GOAL = "mask{0}"
"""What a program saves: a mask that takes long to compute."""

FAR = "!mask{0}"
"""Or what is made of it in no time."""


def program(goal: str) -> str:
    """Return a program that saves, for every mask, what is made of it."""
    lines = ['load image = "image.nii.gz"']
    for it in range(MASKS):
        lines += [
            f"let mask{it} = distlt(3, intensity(image) >=. 99.{90 - it})",
            f'print "{it}" volume({goal.format(it)})',
            f'save "mask{it}.nii.gz" {goal.format(it)}',
        ]
    return "\n".join(lines)


class Drawing(Random):
    """Draws every result to be audited, or none."""

    def __init__(self, *, is_drawn: bool) -> None:
        super().__init__()
        self._is_drawn = is_drawn

    def random(self) -> float:
        """Return what is below every rate, or above."""
        return 0.0 if self._is_drawn else 1.0


@pytest.fixture
def image(tmp_path: Path) -> Path:
    voxels = np.random.default_rng(7).uniform(0, 100, (32, 32, 32))
    path = tmp_path / "image.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(voxels.astype(np.float32)), str(path))
    return path


@dataclass
class Lab:
    """The machines, each with a folder to work in."""

    peers: list[Peer]
    image: Path
    goal: str = GOAL

    def folder(self, peer: Peer) -> Path:
        folder = peer.store.path.parent / f"work of {peer.identity.name}"
        if not folder.exists():
            folder.mkdir()
            (folder / self.image.name).write_bytes(self.image.read_bytes())
            (folder / "program.imgql").write_text(program(self.goal), encoding="utf-8")
        return folder

    def files(self, peer: Peer) -> dict[str, bytes]:
        found = self.folder(peer).glob("mask*.nii.gz")
        return {path.name: path.read_bytes() for path in found}

    def run(self, peer: Peer) -> RunReport:
        folder = self.folder(peer)
        loaded = load_program(str(folder / "program.imgql"), peer.store, parameters={})
        # A distance takes long, as far as this machine knows.
        peer.store.database.transact(
            lambda it: save_rates(it, [("vox1.distlt", 1, 1e6, 99)])
        )
        neighbours = DaemonNeighbours(peer.store.path)
        try:
            return run_plan(
                loaded.plan,
                store=peer.store,
                registry=standard_registry(),
                options=RunOptions(jobs=1),
                directory=folder,
                neighbours=neighbours,
            )
        finally:
            neighbours.close()


def digests(report: RunReport) -> dict[NodeKey, Digest]:
    assert [goal.failure for goal in report.goals if goal.failure] == []
    return {it.key: it.digest for it in report.goals if it.key and it.digest}


def lie(liar: Peer, keys: list[NodeKey]) -> None:
    """Let a member believe, and so sign, that nodes are what they are not."""
    for key in keys:
        result = liar.store.lookup([key])[key].result
        digest = shifted(liar.store, result.digest, liar.store)
        liar.store.remove([key])
        wrong = Result(
            *(key, digest, "mask", result.size_bytes, 30.0, 30.0),
            operation=result.operation,
        )
        liar.store.commit(Batch(results=[wrong])).result()


def accuse(liar: Peer, other: Peer, key: NodeKey) -> None:
    """Let a member say that it has computed something else than another one."""
    (theirs,) = attestations.find(other.store, [key])[key]
    Members(liar.store).remember(other.identity.chain)
    true = other.store.lookup([key])[key].result
    liar.store.put([bytes(other.store.open(true.digest).view())])
    liar.store.commit(Batch(results=[replace(true, recipe=b"", plan=None)])).result()
    lie(liar, [key])
    result = liar.store.lookup([key])[key].result
    (mine,) = Signer(liar.store, liar.identity).sign([result])
    assert liar.daemon is not None
    realm = liar.daemon.realm
    signed = records_pb2.SignedRecord(record=theirs.record, signature=theirs.signature)
    realm.standing.dispute(key, signed, records_pb2.SignedRecord.FromString(mine))
    realm.refresh()


def masks_of(peer: Peer) -> list[NodeKey]:
    return sorted(it.key for it in peer.store.results() if it.kind == "mask")


def seen(peer: Peer, other: Peer) -> PeerStatus:
    node_id = other.identity.node_id
    return next(it for it in state(peer).peers if it.node_id == node_id)


def state(peer: Peer) -> Status:
    return status(peer.store.path)


def refuses(peer: Peer, other: Peer) -> bool:
    return seen(peer, other).refused_from is not None


def rests_on(peer: Peer, other: Peer) -> list[NodeKey]:
    return list(peer.store.relying(other.identity.node_id, 0))


def eventually_located(peer: Peer, keys: list[NodeKey]) -> None:
    asker = Asker(peer)
    eventually(lambda: set(asker.locate(*keys)) == set(keys))
    asker.close()


@pytest.fixture
def lab(realm: Realm, image: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Three honest machines and one that is not; each has the program."""
    monkeypatch.setattr("scheduler.audits.GOAL_SHARE", 0.0)
    peers = realm("liar", "anna", "bert", "cora")
    for peer in peers:
        peer.random = Drawing(is_drawn=False)
    return Lab(peers, image)


def test_a_liar_is_found_and_whatever_it_touched_is_made_right(lab: Lab) -> None:
    liar, anna, bert, cora = lab.peers
    truth = digests(lab.run(liar))
    saved = lab.files(liar)
    lied = masks_of(liar)[::SHARE_OF_LIES]
    lie(liar, lied)
    liar.start(share="all")
    anna.random = Drawing(is_drawn=True)
    anna.start(liar)
    bert.start(liar, anna)
    cora.start(liar, anna, bert)
    eventually(lambda: all(peer.neighbours == 3 for peer in lab.peers))
    for peer in (anna, bert, cora):
        eventually_located(peer, lied)
        assert digests(lab.run(peer)).items() ^ truth.items()
    assert lab.files(bert) != saved

    # One audits; the others hear of it, and compute for themselves.
    audit_all(anna)
    for peer in (anna, bert, cora):
        eventually(lambda peer=peer: open_audits(peer.store) or refuses(peer, liar))  # type: ignore[misc]
        audit_all(peer)
        eventually(lambda peer=peer: not rests_on(peer, liar))  # type: ignore[misc]
        assert refuses(peer, liar)
        others = {anna.identity.node_id, bert.identity.node_id, cora.identity.node_id}
        believed = {it.node_id for it in state(peer).peers if it.refused_from is None}
        assert others - {peer.identity.node_id} <= believed
    for peer in (anna, bert, cora):
        assert lab.files(peer) == saved  # the audit has written them anew
        assert state(peer).wrong_files == ()
        assert digests(lab.run(peer)) == truth
        assert not rests_on(peer, liar)
        assert lab.files(peer) == saved


def test_a_member_that_a_liar_accuses_stays(lab: Lab) -> None:
    liar, anna, bert, cora = lab.peers
    truth = digests(lab.run(anna))
    for peer in lab.peers:
        others = [it for it in lab.peers if it.daemon and it is not peer]
        peer.start(*others)
    eventually(lambda: all(peer.neighbours == 3 for peer in lab.peers))
    accused = next(key for key in masks_of(anna) if key in truth)
    eventually_located(bert, [accused])
    assert digests(lab.run(bert)) == truth
    accuse(liar, anna, accused)
    for peer in (bert, cora):
        eventually(lambda peer=peer: state(peer).disputes)  # type: ignore[misc]
    eventually(lambda: seen(bert, anna).is_accused)
    # Bert knows how the mask is made.  Cora does not, and takes nobody's word.
    eventually(lambda: accused in {it.key for it in open_audits(bert.store)})
    audit_all(bert)
    eventually(lambda: refuses(bert, liar))
    assert not refuses(bert, anna)
    eventually(lambda: not seen(bert, anna).is_accused)
    eventually(lambda: seen(cora, anna).is_accused)
    assert not refuses(cora, anna)
    assert not refuses(cora, liar)
    # Anna is accused, computes it once more, and stands by it.
    eventually(lambda: any("this machine is wrong" in it for it in state(anna).hints))
    eventually(lambda: open_audits(anna.store))
    audit_all(anna)
    eventually(lambda: refuses(anna, liar))
    eventually(lambda: not state(anna).hints)
    # Once cora knows how the mask is made, it can be computed there too.
    lab.run(cora)
    eventually(lambda: open_audits(cora.store))
    audit_all(cora)
    eventually(lambda: refuses(cora, liar))
    assert not refuses(cora, anna)
    assert not refuses(cora, bert)
    assert digests(lab.run(cora)) == truth


def test_a_lie_that_went_through_an_honest_member_goes_as_well(lab: Lab) -> None:
    lab.goal = FAR
    liar, anna, bert, cora = lab.peers
    truth = digests(lab.run(liar))
    goals = {key for key in masks_of(liar) if key in truth}
    lied = [key for key in masks_of(liar) if key not in goals]
    lie(liar, lied)
    liar.store.remove(truth)
    liar.start(share="all")
    # Bert makes goals of the liar's masks, and cora takes them over.
    for peer, source, wanted in ((bert, liar, lied), (cora, bert, list(goals))):
        peer.start(source)
        eventually_located(peer, wanted)
        assert digests(lab.run(peer)).items() ^ truth.items()
        if source is liar:
            liar.stop()
    tainted = rests_on(cora, liar)
    assert goals.intersection(tainted)
    assert not set(lied).intersection(it.key for it in cora.store.results())
    # Anna has some of the masks as well, and finds out.
    bert.stop()
    cora.stop()
    liar.start(share="all")
    anna.random = Drawing(is_drawn=True)
    anna.start(liar)
    eventually_located(anna, lied)
    lab.run(anna)
    audit_all(anna)
    assert refuses(anna, liar)
    liar.stop()
    # Bert hears of it, and stands by nothing that it made of them.
    bert.start(anna)
    eventually(lambda: open_audits(bert.store))
    audit_all(bert)
    eventually(lambda: refuses(bert, liar))
    assert not rests_on(bert, liar)
    # Cora never saw one of them.  It computes what was made of them, which is wrong,
    # and knows from anna and bert whose fault that is.
    cora.start(anna, bert)
    eventually(lambda: open_audits(cora.store))
    audit_all(cora)
    eventually(lambda: refuses(cora, liar))
    eventually(lambda: not rests_on(cora, liar))
    eventually(lambda: not refuses(cora, bert))
    assert not refuses(cora, anna)
    for peer in (anna, bert, cora):
        assert digests(lab.run(peer)) == truth
        assert lab.files(peer) == lab.files(liar)
