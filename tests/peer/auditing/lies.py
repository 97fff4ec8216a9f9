"""Machines with a program, and others who say what some of its nodes are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from peer.auditing import Limits, Repair, Summary, audit
from peer.identity import Members
from peer.programs import load_program
from peer.trust import attestations
from primitives.catalog import standard_registry
from primitives.encoding import decode, encode
from primitives.values import Mask
from scheduler import GoalOutcome, RunOptions, RunReport, run_plan
from scheduler.auditing import Outcome
from scheduler.audits import Audit
from scheduler.options import Progress
from scheduler.passes import Stop
from store import Batch, Digest, NodeKey, Reliance, Result, SqliteStore
from tests.peer.daemon.harness import Peer
from tests.peer.daemon.signing import signed

PROGRAM = """
load image = "image.nii.gz"
let bright = distlt(2, intensity(image) >=. 80)
let dark = distlt(2, intensity(image) <. 20)
print "volume" volume(bright)
save "bright.nii.gz" bright
save "dark.nii.gz" dark
"""


@dataclass
class Watcher:
    """Remembers what a session has shown."""

    verdicts: list[str] = field(default_factory=list)

    def begin(self, audit: Audit, progress: Progress) -> None:
        """Take no note."""

    def end(self, audit: Audit, outcome: Outcome) -> None:
        """Take note of an outcome."""
        self.verdicts.append(outcome.verdict)

    def repairing(self, path: Path, progress: Progress) -> None:
        """Take no note."""

    def repaired(self, repair: Repair) -> None:
        """Take note of a file."""
        self.verdicts.append(f"{repair.path.name} {repair.end}")


def work_folder(path: Path) -> Path:
    """Make a folder with an image and a program."""
    path.mkdir()
    voxels = np.random.default_rng(7).integers(0, 100, (24, 24, 24))
    image = sitk.GetImageFromArray(voxels.astype(np.float32))
    sitk.WriteImage(image, str(path / "image.nii.gz"))
    (path / "program.imgql").write_text(PROGRAM, encoding="utf-8")
    return path


def run(store: SqliteStore, folder: Path) -> RunReport:
    """Run the program, asking nobody."""
    program = load_program(str(folder / "program.imgql"), store, parameters={})
    report = run_plan(
        program.plan,
        store=store,
        registry=standard_registry(),
        options=RunOptions(jobs=1),
        directory=folder,
    )
    assert [goal.failure for goal in report.goals if goal.failure] == []
    return report


def goal(report: RunReport, label: str) -> GoalOutcome:
    """Return the goal of a run that has this label."""
    return next(each for each in report.goals if each.label == label)


def shifted(truth: SqliteStore, digest: Digest, store: SqliteStore) -> Digest:
    """Put a mask into ``store`` that looks as right as a true one."""
    mask = decode(truth.open(digest).view(), lambda _: b"")
    assert isinstance(mask, Mask)
    wrong = Mask(np.roll(mask.array, 1, axis=2), mask.grid)
    return store.put(encode(wrong, lambda _: b""))


def receive(
    peer: Peer,
    signer: Peer,
    truth: SqliteStore,
    key: NodeKey,
    sequence: int,
    *,
    is_lie: bool,
) -> Result:
    """Keep what a signer says of a node, as if it had been fetched.

    Args:
        peer: who fetched it.
        signer: who signed it.
        truth: a store that knows what it is.
        key: the node.
        sequence: of the record.
        is_lie: whether it is not the truth.
    """
    true = truth.lookup([key])[key].result
    digest = true.digest
    if is_lie:
        digest = shifted(truth, digest, peer.store)
    else:
        assert peer.store.put([truth.open(digest).view()]) == digest
    said = replace(
        true,
        digest=digest,
        origin="peer",
        recipe=b"",
        plan=None,
        cost_s=60.0,
        relies_on=(Reliance(signer.identity.node_id, sequence),),
    )
    Members(peer.store).remember(signer.identity.chain)
    attestations.add(peer.store, [signed(signer, said, sequence)])
    peer.store.commit(Batch(results=[said])).result()
    return said


def audit_all(peer: Peer, watcher: Watcher | None = None) -> Summary:
    """Work through whatever is to be audited."""
    view = watcher or Watcher()
    return audit(peer.store, standard_registry(), Limits(), Stop(), view)
