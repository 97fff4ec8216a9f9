"""Computing here what others have computed: what is found, and what it rests on."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from primitives.catalog import NAMESPACES, standard_registry
from primitives.context import Context
from primitives.registry import Registry, Table
from primitives.values import Image, Value
from scheduler import MIGRATIONS, RunOptions, open_audits, request_audit
from scheduler.auditing import Outcome, recompute
from scheduler.audits import is_goal_drawn
from scheduler.passes import Stop, StoppedError
from scheduler.plan import Plan
from store import Batch, NodeKey, Reliance, Result, SqliteStore, open_store

from .sketch import Sketch, _Node, ramp, run, trial_registry, trial_table

LIAR = Reliance("l" * 16, 7)


# ---- a bench -----------------------------------------------------------------


def key_of(store: SqliteStore, plan: Plan, registry: Registry | None = None) -> NodeKey:
    """Return the key of a plan's first goal, which is run for it."""
    everything = RunOptions(jobs=1, store_policy="all")
    report = run(plan, store, registry=registry, options=everything)
    key = report.goals[0].key
    assert key is not None
    return key


def held(store: SqliteStore, key: NodeKey) -> Result:
    return store.lookup([key])[key].result


def plant(
    store: SqliteStore,
    key: NodeKey,
    value_of: NodeKey | None = None,
    origin: str = "peer",
) -> Result:
    """Make a result somebody else's, with the value of another node if need be."""
    result = held(store, key)
    other = result if value_of is None else held(store, value_of)
    relies_on = (LIAR,) if origin == "peer" else ()
    planted = replace(result, digest=other.digest, origin=origin, relies_on=relies_on)
    assert result.plan is not None
    store.pin("planted", [result.plan, other.digest, result.digest])
    store.remove([key])
    store.commit(Batch(results=[planted])).result()
    return planted


def audit(
    store: SqliteStore,
    key: NodeKey,
    registry: Registry | None = None,
    stop: Stop | None = None,
) -> Outcome:
    assert request_audit(store, [key], "drawn") == {key}
    (wanted,) = open_audits(store)
    return recompute(store, registry or trial_registry(), wanted, stop=stop or Stop())


def brightness(draw: Sketch, seed: float) -> tuple[_Node, _Node]:
    """Return an image that takes a while, and a number computed from it."""
    image = draw("trial.linger", draw("trial.ramp", seed), 0.03)
    return image, draw("trial.total", image)


# ---- the same, and not the same ----------------------------------------------


def test_a_result_that_is_the_same_here_belongs_to_this_machine(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    key = key_of(store, draw.plan(brightness(draw, 3.0)[1]))
    plant(store, key)
    outcome = audit(store, key)
    assert outcome.verdict == "confirmed"
    assert held(store, key).origin == "local"
    assert held(store, key).relies_on == ()


def test_a_result_that_is_something_else_here_is_wrong(store: SqliteStore) -> None:
    draw = Sketch()
    key = key_of(store, draw.plan(brightness(draw, 3.0)[1]))
    truth = held(store, key)
    lie = key_of(store, draw.plan(brightness(draw, 4.0)[1]))
    planted = plant(store, key, lie)
    outcome = audit(store, key)
    assert outcome.verdict == "differs"
    assert outcome.digest == truth.digest != planted.digest
    assert outcome.operation == "trial.total@1"
    # From now on what was computed here twice is the answer.
    assert held(store, key).digest == truth.digest
    assert held(store, key).origin == "local"
    assert held(store, key).relies_on == ()


def test_nothing_of_others_is_used_and_what_differs_on_the_way_is_named(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    image, total = brightness(draw, 3.0)
    key = key_of(store, draw.plan(total))
    step = key_of(store, draw.plan(image))
    other_image, other_total = brightness(draw, 4.0)
    plant(store, step, key_of(store, draw.plan(other_image)))
    # The number was computed in good faith, from the wrong image.
    plant(store, key, key_of(store, draw.plan(other_total)))
    outcome = audit(store, key)
    assert outcome.verdict == "differs"
    assert outcome.doubtful == (step,)


def test_what_was_computed_here_from_results_of_others_is_not_used(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    image, total = brightness(draw, 3.0)
    key = key_of(store, draw.plan(total))
    step = key_of(store, draw.plan(image))
    other_image, _ = brightness(draw, 4.0)
    wrong = key_of(store, draw.plan(other_image))
    plant(store, step, wrong)
    touched = replace(held(store, step), origin="local")
    store.remove([step])
    store.commit(Batch(results=[touched])).result()
    plant(store, key)
    assert audit(store, key).verdict == "confirmed"


def test_an_own_result_on_the_way_is_used(store: SqliteStore) -> None:
    draw = Sketch()
    image, total = brightness(draw, 3.0)
    key = key_of(store, draw.plan(total))
    assert held(store, key_of(store, draw.plan(image))).origin == "local"
    plant(store, key)
    before = ramps.calls
    assert audit(store, key, counting_registry()).verdict == "confirmed"
    assert ramps.calls == before


def test_an_element_of_a_loop_is_made_again_from_its_recipe(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    item = draw.variable()
    image = draw("trial.linger", draw("trial.ramp", item), 0.03)
    body = draw("trial.total", image)
    numbers = draw("sequence", 2.0, 3.0, 4.0)
    loop = draw("map", numbers, draw.function(body))
    key_of(store, draw.plan(loop))
    element = key_of(store, draw.plan(brightness(draw, 3.0)[1]))
    plant(store, element)
    assert audit(store, element).verdict == "confirmed"


# ---- kernels that are not deterministic --------------------------------------


class Count:
    def __init__(self) -> None:
        self.calls = 0


ramps = Count()
_numbers = itertools.count(1)


def counted_ramp(context: Context, seed: Value) -> Image:
    ramps.calls += 1
    return ramp(context, seed)


def shaky(context: Context, seed: Value) -> Image:
    """An image that is another one every time, though it is declared not to be."""
    return ramp(context, float(seed) + next(_numbers))


@cache
def counting_registry() -> Registry:
    return registry_with(ramp="counted_ramp")


@cache
def shaky_registry() -> Registry:
    return registry_with(ramp="shaky")


def registry_with(**kernels: str) -> Registry:
    """Return the trial registry with kernels of this module in place of others."""
    standard = standard_registry()
    tables: dict[str, Callable[[], Table]] = {
        name: (lambda name=name: standard.table(name))  # type: ignore[misc]
        for name in NAMESPACES
    }

    def trial() -> Table:
        table = dict(trial_table())
        for name, function in kernels.items():
            table[name] = replace(table[name], kernel=f"{__name__}:{function}")
        return table

    return Registry({**tables, "trial": trial})


def test_what_is_another_value_every_time_accuses_nobody(store: SqliteStore) -> None:
    draw = Sketch()
    key = key_of(store, draw.plan(draw("trial.ramp", 3.0)), shaky_registry())
    plant(store, key)
    outcome = audit(store, key, shaky_registry())
    assert outcome.verdict == "unstable"
    assert outcome.operation == "trial.ramp@1"


def test_the_step_that_is_not_deterministic_is_named_not_what_is_made_of_it(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    _, total = brightness(draw, 3.0)
    doubled = draw("*", total, 2.0)
    mask = draw("trial.at_least", draw("trial.ramp", doubled), 5.0)
    key = key_of(store, draw.plan(mask), shaky_registry())
    plant(store, key)
    for step in list(store.results()):
        if step.key != key:
            store.remove([step.key])
    outcome = audit(store, key, shaky_registry())
    assert (outcome.verdict, outcome.operation) == ("unstable", "trial.ramp@1")


def test_an_unstable_step_inside_a_loop_is_found(store: SqliteStore) -> None:
    draw = Sketch()
    body = draw("trial.total", draw("trial.ramp", draw.variable()))
    loop = draw("map", draw("sequence", 2.0, 3.0), draw.function(body))
    key = key_of(store, draw.plan(draw.fold("+", loop)), shaky_registry())
    plant(store, key)
    for step in list(store.results()):
        if step.key != key:
            store.remove([step.key])
    outcome = audit(store, key, shaky_registry())
    assert (outcome.verdict, outcome.operation) == ("unstable", "trial.ramp@1")


def test_something_wrong_that_is_held_here_accuses_nobody_and_is_made_right(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    image, total = brightness(draw, 3.0)
    key = key_of(store, draw.plan(total))
    step = key_of(store, draw.plan(image))
    other_image, _ = brightness(draw, 4.0)
    other = key_of(store, draw.plan(other_image))
    wrong = plant(store, step, other, origin="local")
    plant(store, key)
    assert audit(store, key).verdict == "confirmed"
    assert held(store, key).origin == "local"
    right = held(store, step)
    assert (right.origin, right.digest != wrong.digest) == ("local", True)


def test_an_own_result_that_is_in_doubt_is_computed_and_not_looked_up(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    key = key_of(store, draw.plan(brightness(draw, 3.0)[1]))
    truth = held(store, key)
    wrong = key_of(store, draw.plan(brightness(draw, 4.0)[1]))
    plant(store, key, wrong, origin="local")
    outcome = audit(store, key)
    assert (outcome.verdict, outcome.digest) == ("differs", truth.digest)
    assert held(store, key).digest == truth.digest


def test_what_was_made_of_a_wrong_result_of_our_own_goes_and_is_computed_again(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    image, total = brightness(draw, 3.0)
    key = key_of(store, draw.plan(image))
    other = key_of(store, draw.plan(brightness(draw, 5.0)[1]))
    wrong = key_of(store, draw.plan(brightness(draw, 4.0)[0]))
    plant(store, key, wrong, origin="local")
    made = key_of(store, draw.plan(total))
    lie = held(store, made)
    assert audit(store, key).verdict == "differs"
    assert store.lookup([made]) == {}
    assert held(store, other).origin == "local"
    (wanted,) = [each for each in open_audits(store) if each.key != key]
    assert (wanted.key, wanted.digest) == (made, lie.digest)
    outcome = recompute(store, trial_registry(), wanted, stop=Stop())
    assert outcome.verdict == "differs"
    assert held(store, made).digest == outcome.digest


def test_an_own_result_that_is_right_is_confirmed_by_computing_it(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    key = key_of(store, draw.plan(brightness(draw, 3.0)[1]))
    before = ramps.calls
    assert audit(store, key, counting_registry()).verdict == "confirmed"
    assert ramps.calls == before + 1
    assert held(store, key).origin == "local"


# ---- what cannot be done -----------------------------------------------------


def test_an_input_that_has_changed_makes_an_audit_impossible(
    store: SqliteStore, tmp_path: Path
) -> None:
    path = tmp_path / "number.json"
    path.write_text("3")
    draw = Sketch()
    key = key_of(store, draw.plan(draw("+", draw("load", str(path)), 1.0)))
    plant(store, key)
    path.write_text("4")
    outcome = audit(store, key)
    assert outcome.verdict == "impossible"
    assert "number.json" in outcome.reason
    path.unlink()
    outcome = audit(store, key)
    assert outcome.verdict == "impossible"
    assert "number.json" in outcome.reason


def test_what_fails_here_is_impossible_to_audit(store: SqliteStore) -> None:
    draw = Sketch()
    key = key_of(store, draw.plan(draw("trial.ramp", 3.0)))
    plant(store, key)
    outcome = audit(store, key, registry_with(ramp="broken"))
    assert outcome.verdict == "impossible"
    assert "out of order" in outcome.reason


def broken(_context: Context, _seed: Value) -> Image:
    from primitives.errors import KernelError

    raise KernelError("out of order")


# ---- what is drawn ------------------------------------------------------------


def test_one_goal_in_twenty_is_drawn_besides() -> None:
    source = Random(7)
    drawn = sum(is_goal_drawn(source) for _ in range(20_000))
    assert drawn / 20_000 == pytest.approx(0.05, rel=0.1)


# ---- stopping, and what it costs ---------------------------------------------


def test_an_audit_that_is_stopped_stays_open(store: SqliteStore) -> None:
    draw = Sketch()
    image = draw("trial.linger", draw("trial.ramp", 3.0), 0.0)
    key = key_of(store, draw.plan(draw("trial.total", image)))
    plant(store, key)
    for step in list(store.results()):
        if step.key != key:
            store.remove([step.key])
    stop = Stop()
    began = threading.Event()
    slow = registry_with(linger="slow_linger")

    def stop_then() -> None:
        began.wait(10)
        stop.want()

    thread = threading.Thread(target=stop_then)
    thread.start()
    began_in_kernel.append(began)
    with pytest.raises(StoppedError):
        audit(store, key, slow, stop)
    thread.join()
    assert [each.key for each in open_audits(store)] == [key]
    assert held(store, key).origin == "peer"


began_in_kernel: list[threading.Event] = []


def slow_linger(context: Context, image: Image, _seconds: Value) -> Image:
    began_in_kernel.pop().set()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        context.check()
        time.sleep(0.005)
    return image


def test_a_stop_that_was_wanted_before_begins_nothing(store: SqliteStore) -> None:
    draw = Sketch()
    key = key_of(store, draw.plan(draw("trial.ramp", 3.0)))
    plant(store, key)
    stop = Stop()
    stop.want()
    with pytest.raises(StoppedError):
        audit(store, key, None, stop)


def busy(_context: Context, seed: Value) -> Image:
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    return ramp(_context, seed)


def test_the_time_that_an_audit_takes_is_measured(store: SqliteStore) -> None:
    draw = Sketch()
    key = key_of(store, draw.plan(draw("trial.ramp", 3.0)))
    plant(store, key)
    outcome = audit(store, key, registry_with(ramp="busy"))
    assert outcome.verdict == "confirmed"
    assert outcome.cpu_s >= 0.05


def test_no_run_waits_for_an_audit(tmp_path: Path) -> None:
    draw = Sketch()
    with open_store(tmp_path / "store", migrations=[MIGRATIONS]) as store:
        key = key_of(store, draw.plan(draw("trial.ramp", 3.0)))
        plant(store, key)
    with open_store(tmp_path / "store", migrations=[MIGRATIONS]) as store:
        assert audit(store, key).verdict == "confirmed"
        with open_store(tmp_path / "store", migrations=[MIGRATIONS]) as other:
            assert not other.is_computing()
