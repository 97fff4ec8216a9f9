"""Auditing what others have said, and what follows: nothing that was wrong stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from peer.auditing import Limits, doubtful_files, request_everything
from peer.auditing.working import work
from peer.local import status
from peer.runs import run as run_here
from peer.trust.quarantine import Quarantine, Quarantined, now_ms
from primitives.catalog import standard_registry
from scheduler.audits import (
    audit_counts,
    begin_audit,
    open_audits,
    request_audit,
)
from scheduler.passes import Stop
from store import NodeKey, SqliteStore
from tests.peer.auditing.lies import (
    Watcher,
    audit_all,
    goal,
    receive,
    run,
    work_folder,
)
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Peer, eventually, new_store

pytestmark = pytest.mark.slow

BRIGHT, DARK = "bright.nii.gz", "dark.nii.gz"


@dataclass
class Bench:
    """A machine that believes a liar, and what is true.

    Attributes:
        victim: whose store has what the liar signed.
        liar: who signed a wrong ``BRIGHT`` with number 5 and a true ``DARK`` with 6.
        folder: where the program was run, believing it.
        bright, dark: keys of the two masks.
        true: what the saved files should be.
        oracle: a store that knows the truth.
    """

    victim: Peer
    liar: Peer
    folder: Path
    bright: NodeKey
    dark: NodeKey
    true: dict[str, bytes]
    oracle: SqliteStore

    def file(self, name: str) -> Path:
        return self.folder / name

    def is_true(self, name: str) -> bool:
        return self.file(name).read_bytes() == self.true[name]


@pytest.fixture
def make(realm: Realm, tmp_path: Path) -> Callable[[], Bench]:
    def make_bench() -> Bench:
        liar, victim = realm("liar", "victim")
        oracle = liar.store  # it knows what it hides
        elsewhere = work_folder(tmp_path / "elsewhere")
        report = run(oracle, elsewhere)
        bright, dark = goal(report, BRIGHT).key, goal(report, DARK).key
        assert bright is not None
        assert dark is not None
        receive(victim, liar, oracle, bright, 5, is_lie=True)
        receive(victim, liar, oracle, dark, 6, is_lie=False)
        folder = work_folder(tmp_path / "work")
        run(victim.store, folder)
        true = {name: (elsewhere / name).read_bytes() for name in (BRIGHT, DARK)}
        return Bench(victim, liar, folder, bright, dark, true, oracle)

    return make_bench


def test_a_lie_is_found_its_signer_believed_no_more_and_its_file_written_anew(
    make: Callable[[], Bench],
) -> None:
    bench = make()
    victim = bench.victim
    assert not bench.is_true(BRIGHT)
    before = bench.file(DARK).stat()
    request_audit(victim.store, [bench.bright], "drawn")
    watcher = Watcher()
    summary = audit_all(victim, watcher)
    assert summary.has_found_lies
    assert watcher.verdicts[0] == "differs"
    assert Quarantine(victim.store).refuses(bench.liar.identity.node_id, 5)
    assert bench.is_true(BRIGHT)
    # The other file rested on the liar too, but is right, and was left alone.
    assert bench.is_true(DARK)
    assert bench.file(DARK).stat().st_mtime_ns == before.st_mtime_ns
    assert {str(each.path.name): each.end for each in summary.repairs} == {
        BRIGHT: "replaced",
        DARK: "right",
    }
    assert doubtful_files(victim.store) == []
    assert victim.store.relying(bench.liar.identity.node_id, 0) == []


def test_a_run_afterwards_gives_what_is_true(make: Callable[[], Bench]) -> None:
    bench = make()
    request_audit(bench.victim.store, [bench.bright], "drawn")
    audit_all(bench.victim)
    theirs = {it.label: it.digest for it in run(bench.oracle, bench.folder).goals}
    ours = {it.label: it.digest for it in run(bench.victim.store, bench.folder).goals}
    assert ours == theirs


def test_a_run_uses_nothing_that_nobody_has_removed_yet(
    make: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make()
    found = Quarantined(bench.liar.identity.node_id, 1, now_ms(), "computed here")
    Quarantine(bench.victim.store).begin(found)
    assert bench.bright in bench.victim.store.lookup([bench.bright])
    monkeypatch.chdir(bench.folder)
    report = run_here("program.imgql", store=bench.victim.store, network="off")
    assert [goal.failure for goal in report.goals if goal.failure] == []
    assert bench.is_true(BRIGHT)


def test_a_saved_file_that_somebody_has_changed_is_theirs(
    make: Callable[[], Bench],
) -> None:
    bench = make()
    bench.file(BRIGHT).write_bytes(b"notes of mine")
    request_audit(bench.victim.store, [bench.bright], "drawn")
    summary = audit_all(bench.victim)
    left = {str(it.path.name): it for it in summary.repairs if it.end == "left"}
    assert left.keys() == {BRIGHT}
    assert "changed" in left[BRIGHT].reason
    assert bench.file(BRIGHT).read_bytes() == b"notes of mine"
    assert [it.path.name for it in doubtful_files(bench.victim.store)] == [BRIGHT]
    # Saving it again makes it ours, and right.
    bench.file(BRIGHT).unlink()
    assert doubtful_files(bench.victim.store) == []
    run(bench.victim.store, bench.folder)
    assert bench.is_true(BRIGHT)
    assert doubtful_files(bench.victim.store) == []


def test_what_an_earlier_process_left_undone_is_done_first(
    make: Callable[[], Bench],
) -> None:
    bench = make()
    request_audit(bench.victim.store, [bench.bright], "drawn")
    watcher = Watcher()
    work(  # and then it is killed
        bench.victim.store,
        standard_registry(),
        limits=Limits(),
        stop=Stop(),
        begin=watcher.begin,
        on_outcome=watcher.end,
    )
    assert watcher.verdicts == ["differs"]
    assert not bench.is_true(BRIGHT)
    audit_all(bench.victim)
    assert bench.is_true(BRIGHT)


def test_a_daemon_draws_the_consequences_when_one_runs(
    make: Callable[[], Bench],
) -> None:
    bench = make()
    bench.victim.start()
    request_audit(bench.victim.store, [bench.bright], "drawn")
    audit_all(bench.victim)
    assert bench.is_true(BRIGHT)
    liar = bench.liar.identity.node_id
    eventually(
        lambda: any(
            peer.refused_from is not None
            for peer in status(bench.victim.store.path).peers
            if peer.node_id == liar
        )
    )


def test_the_daemon_has_what_is_open_audited_and_files_made_right_by_itself(
    make: Callable[[], Bench],
) -> None:
    bench = make()
    assert not bench.is_true(BRIGHT)
    request_audit(bench.victim.store, [bench.bright], "drawn")
    bench.victim.start(audit_share=1.0)
    eventually(lambda: bench.is_true(BRIGHT), 60)
    eventually(lambda: doubtful_files(bench.victim.store) == [])
    said = status(bench.victim.store.path)
    assert said.audits["differs"] == 1
    assert said.audit_cpu_s > 0


def test_everything_of_others_can_be_audited_at_once(
    make: Callable[[], Bench],
) -> None:
    bench = make()
    victim = bench.victim
    assert request_everything(victim.store) >= 2
    summary = audit_all(victim)
    verdicts = {outcome.verdict for _, outcome in summary.outcomes}
    assert "differs" in verdicts
    assert open_audits(victim.store) == []
    counts = audit_counts(victim.store)
    assert counts.ended == len(summary.outcomes)
    assert counts.cpu_s > 0


def test_a_confirmed_result_relies_on_nobody_and_its_file_is_not_touched(
    make: Callable[[], Bench],
) -> None:
    bench = make()
    before = bench.file(DARK).stat()
    request_audit(bench.victim.store, [bench.dark], "drawn")
    summary = audit_all(bench.victim)
    assert [it.verdict for _, it in summary.outcomes] == ["confirmed"]
    held = bench.victim.store.lookup([bench.dark])[bench.dark].result
    assert (held.origin, held.relies_on) == ("local", ())
    assert bench.file(DARK).stat().st_mtime_ns == before.st_mtime_ns
    assert len(Quarantine(bench.victim.store)) == 0


def test_what_ends_the_process_again_and_again_is_given_up(
    make: Callable[[], Bench],
) -> None:
    bench = make()
    request_audit(bench.victim.store, [bench.dark], "drawn")
    (audit,) = open_audits(bench.victim.store)
    for _ in range(3):
        begin_audit(bench.victim.store, audit)  # and then the process is killed
    ((_, outcome),) = audit_all(bench.victim).outcomes
    assert outcome.verdict == "impossible"
    assert "ended the process" in outcome.reason
    # Asked for again, it is tried again.
    request_audit(bench.victim.store, [bench.dark], "drawn")
    ((_, outcome),) = audit_all(bench.victim).outcomes
    assert outcome.verdict == "confirmed"


def test_a_store_of_no_realm_can_be_audited(tmp_path: Path) -> None:
    with new_store(tmp_path / "alone") as store:
        alone = Peer(store, None)  # type: ignore[arg-type]
        assert audit_all(alone).outcomes == []
