"""What is to be computed here as well is written down, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler import (
    MIGRATIONS,
    Arrived,
    Audit,
    OnArrived,
    RunOptions,
    audit_history,
    end_audit,
    has_open_audits,
    is_computable,
    note_audits,
    open_audits,
    rebuild,
    request_audit,
    run_plan,
    saved_from,
)
from scheduler.auditing import Outcome
from scheduler.audits import forget_audits
from scheduler.erasing import erase
from scheduler.plan import Plan
from scheduler.provenance import input_keys
from store import (
    ArtifactNotFoundError,
    Digest,
    NodeKey,
    SqliteStore,
    digest_of,
    open_store,
)

from .neighbourhood import StoreNeighbours, bring
from .sketch import Sketch, _Node, run, trial_registry
from .test_recipes import save_image
from .test_sequences import EVERYTHING


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "theirs", migrations=[MIGRATIONS]) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_goal_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing audited but what a test asks for."""
    monkeypatch.setattr("scheduler.audits.GOAL_SHARE", 0.0)


class Drawing(StoreNeighbours):
    """Neighbours of whose results every one is drawn."""

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        def drawn(arrived: Arrived) -> None:
            answer(replace(arrived, wants_audit=bool(arrived.source)))

        super().fetch(keys, drawn, spares_s)


def run_beside(
    plan: Plan,
    theirs: SqliteStore,
    store: SqliteStore,
    make: Callable[[SqliteStore, SqliteStore], StoreNeighbours] = Drawing,
) -> None:
    neighbours = make(theirs, store)
    try:
        report = run_plan(
            plan,
            store=store,
            registry=trial_registry(),
            options=RunOptions(jobs=2, timeout_s=60),
            neighbours=neighbours,
        )
        assert report.progress.from_peers
    finally:
        neighbours.join()


def slow_image(draw: Sketch) -> _Node:
    return draw("trial.linger", draw("trial.ramp", 3.0), 0.05)


def audit_of(store: SqliteStore, name: str, **choices: object) -> Audit:
    """Return an audit that was never noted."""
    plan = store.put([f"plan of {name}".encode()])
    digest = digest_of([name.encode()])
    fields: dict[str, object] = {"recipe": b"how", "plan": plan, **choices}
    return Audit(NodeKey(digest), digest, **fields)  # type: ignore[arg-type]


def names(store: SqliteStore, audits: dict[str, Audit]) -> list[str]:
    """Return the names of the audits that are open, in order."""
    by_key = {audit.key: name for name, audit in audits.items()}
    return [by_key[audit.key] for audit in open_audits(store)]


def test_what_was_drawn_is_written_down_with_how_it_is_made(
    theirs: SqliteStore, store: SqliteStore
) -> None:
    draw = Sketch()
    image = slow_image(draw)
    run(draw.plan(image), theirs, options=EVERYTHING)
    assert not has_open_audits(store)
    run_beside(draw.plan(draw("trial.total", image)), theirs, store)
    (audit,) = open_audits(store)
    assert has_open_audits(store)
    held = store.lookup([audit.key])[audit.key].result
    assert (audit.digest, audit.reason, audit.is_goal) == (held.digest, "drawn", False)
    assert (audit.recipe, audit.plan) == (held.recipe, held.plan)
    assert rebuild(store, trial_registry(), audit).plan.goals


def test_of_what_comes_from_others_it_is_written_down_how_it_is_made(
    theirs: SqliteStore, store: SqliteStore
) -> None:
    draw = Sketch()
    image = slow_image(draw)
    plan = draw.plan(image)
    run(plan, theirs, options=EVERYTHING)
    run_beside(plan, theirs, store, StoreNeighbours)
    (key,) = store.relying("ada", 0)
    assert open_audits(store) == []
    assert is_computable(store, key)
    assert request_audit(store, [key, NodeKey(bytes(32))], "suspicion") == {key}
    (audit,) = open_audits(store)
    assert audit.reason == "suspicion"


def test_what_was_brought_before_a_run_wanted_it_has_a_recipe_once_one_does(
    theirs: SqliteStore, store: SqliteStore
) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 3.0)
    run(draw.plan(image), theirs, options=EVERYTHING)
    (theirs_result,) = theirs.results()
    key = theirs_result.key
    bring(theirs.lookup([key])[key], theirs, store)
    assert not is_computable(store, key)
    run(draw.plan(draw("trial.total", image)), store)
    assert is_computable(store, key)


def test_the_most_urgent_audits_come_first(store: SqliteStore) -> None:
    choices: dict[str, dict[str, object]] = {
        "drawn": {},
        "goal": {"is_goal": True},
        "late": {},
        "suspected": {"reason": "suspicion"},
        "disputed": {"reason": "dispute"},
    }
    audits = {
        name: audit_of(store, name, asked_ms=asked_ms, **choice)
        for asked_ms, (name, choice) in enumerate(choices.items(), 1)
    }
    note_audits(store, audits.values())
    order = ["disputed", "suspected", "goal", "drawn", "late"]
    assert names(store, audits) == order
    note_audits(store, [replace(audits["late"], reason="dispute")])
    note_audits(store, [replace(audits["disputed"], reason="drawn")])
    # The oldest of the disputed comes first, whatever it was asked for before.
    # The oldest of the disputed comes first, whatever it was asked for before.
    assert names(store, audits) == ["late", "disputed", "suspected", "goal", "drawn"]


def test_an_audit_ends_once_and_is_remembered(store: SqliteStore) -> None:
    audits = [audit_of(store, name) for name in ("one", "two")]
    note_audits(store, audits)
    computed = digest_of([b"mine"])
    outcome = Outcome(
        audits[0].key,
        "differs",
        computed,
        operation="trial.ramp@1",
        environment="linux",
        cpu_s=1.5,
    )
    assert end_audit(store, audits[0], outcome)
    assert not end_audit(store, audits[0], outcome)
    (ended,) = audit_history(store)
    assert (ended.audit.key, ended.verdict, ended.computed) == (
        audits[0].key,
        "differs",
        computed,
    )
    assert (ended.operation, ended.environment, ended.cpu_s) == (
        *("trial.ramp@1", "linux"),
        1.5,
    )
    assert [audit.key for audit in open_audits(store)] == [audits[1].key]
    assert end_audit(
        store, audits[1], Outcome(audits[1].key, "impossible", reason="gone")
    )
    assert [it.problem for it in audit_history(store)] == ["gone", ""]
    assert [it.problem for it in audit_history(store, after=ended.number)] == ["gone"]
    note_audits(store, audits[:1])
    assert [audit.key for audit in open_audits(store)] == [audits[0].key]


def test_the_plan_is_kept_as_long_as_the_audit_is_open(store: SqliteStore) -> None:
    audit = audit_of(store, "one")
    note_audits(store, [audit])
    store.gc(cap_bytes=0)
    assert bytes(store.open(audit.plan).view()) == b"plan of one"
    end_audit(store, audit, Outcome(audit.key, "confirmed", audit.digest))
    assert store.pins() == {}


def test_what_is_in_dispute_or_was_removed_can_be_audited_once_more(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    run(draw.plan(draw("trial.ramp", 3.0)), store)
    (result,) = store.results()
    store.note_conflict(result.key, digest_of([b"theirs"]), "", "peer")
    assert store.lookup([result.key]) == {}
    assert request_audit(store, [result.key], "dispute") == {result.key}
    store.remove([result.key])
    assert is_computable(store, result.key)
    (audit,) = open_audits(store)
    assert (audit.key, audit.digest) == (result.key, result.digest)
    end_audit(store, audit, Outcome(audit.key, "confirmed", audit.digest))
    assert request_audit(store, [result.key], "suspicion") == {result.key}


def test_of_what_was_forgotten_no_audit_is_left(
    store: SqliteStore, tmp_path: Path
) -> None:
    save_image(tmp_path / "a.nii", 1.0)
    draw = Sketch()
    run(
        draw.plan(draw("trial.total", draw("load", "a.nii"))), store, directory=tmp_path
    )
    keys = [result.key for result in store.results()]
    request_audit(store, keys, "dispute")
    assert store.pins()
    erase(store, input_keys(store, tmp_path / "a.nii"))
    assert not has_open_audits(store)
    assert store.pins() == {}


def test_who_follows_the_history_hears_of_what_ends_after_something_was_forgotten(
    store: SqliteStore,
) -> None:
    audits = [audit_of(store, name) for name in ("one", "two", "three")]
    note_audits(store, audits)
    for audit in audits[:2]:
        end_audit(store, audit, Outcome(audit.key, "confirmed", audit.digest))
    seen = audit_history(store)[0].number
    forget_audits(store, [audit.key for audit in audits[:2]])
    end_audit(store, audits[2], Outcome(audits[2].key, "differs", digest_of([b"mine"])))
    news = audit_history(store, after=seen)
    assert [ended.audit.key for ended in news] == [audits[2].key]


# ---- saved files


def saved(store: SqliteStore, *keys: NodeKey) -> list[Path]:
    return [each.path for each in saved_from(store, keys)]


def test_a_saved_file_that_rests_on_others_can_be_made_again(
    theirs: SqliteStore, store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    image, other = slow_image(draw), draw("trial.ramp", 5.0)
    run(draw.plan(image), theirs, options=EVERYTHING)
    plan = draw.plan(
        saves={
            str(tmp_path / "theirs.nii"): draw(
                "trial.masked", mask_of(draw, image), image
            ),
            str(tmp_path / "mine.nii"): draw(
                "trial.masked", mask_of(draw, other), other
            ),
        }
    )
    run_beside(plan, theirs, store)
    relying = store.relying("ada", 0)
    (file,) = saved_from(store, relying)
    assert (file.path, file.position) == (tmp_path / "theirs.nii", 0)
    assert file.is_untouched
    store.remove(relying)
    store.gc(cap_bytes=0)
    made = rebuild(store, trial_registry(), file)
    assert made.graph.keys[made.ref] == file.key
    assert saved_from(store, relying) == [file]
    save_image(file.path, 1.0)
    assert not file.is_untouched


def mask_of(draw: Sketch, image: _Node) -> _Node:
    return draw("trial.at_least", image, 2.0)


def test_a_saved_file_that_is_computed_here_anew_rests_on_nobody(
    theirs: SqliteStore, store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    image = slow_image(draw)
    run(draw.plan(image), theirs, options=EVERYTHING)
    plan = draw.plan(saves={str(tmp_path / "a.nii"): image})
    run_beside(plan, theirs, store)
    (key,) = store.relying("ada", 0)
    (before,) = saved_from(store, [key])
    assert before.recipe
    assert len(store.pins()) == 2  # of the file, and of the audit
    report = run(plan, store, options=replace(EVERYTHING, use_cache=False))
    assert report.goals[0].is_unchanged
    (after,) = saved_from(store, [key])
    assert (after.state, after.recipe) == (before.state, b"")
    assert len(store.pins()) == 1
    assert Digest(after.digest) == before.digest


def test_alone_nothing_is_pinned_for_saved_files(
    store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 3.0)
    run(draw.plan(saves={str(tmp_path / "a.nii"): image}), store)
    (result,) = store.results()
    assert saved(store, result.key) == [tmp_path / "a.nii"]
    assert store.pins() == {}
    assert result.plan is not None
    store.remove([result.key])
    with pytest.raises(ArtifactNotFoundError):
        store.open(result.plan)
