"""``import voxpeer``: programs run from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import voxpeer


def test_every_public_name_is_there() -> None:
    for name in voxpeer.__all__:
        assert getattr(voxpeer, name) is not None
    assert sorted(voxpeer.__all__) == dir(voxpeer)


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        _ = voxpeer.rum


def test_a_program_runs_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.imgql").write_text('print "x" $cut + 1')
    report = voxpeer.run("p.imgql", parameters={"cut": 0.5}, store="store")
    assert [(goal.label, goal.value) for goal in report.goals] == [("x", 1.5)]


def test_a_wrong_program_raises_with_its_diagnostics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.imgql").write_text('print "x" nope')
    with pytest.raises(voxpeer.ProgramError) as caught:
        voxpeer.run("p.imgql", store="store")
    assert caught.value.diagnostics[0].line == 1


def test_a_store_can_be_opened_once_and_used_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.imgql").write_text('print "x" 1 + 2')
    with voxpeer.open_store("store") as store:
        for _ in range(2):
            report = voxpeer.run("p.imgql", store=store)
            assert report.goals[0].value == 3.0


def test_a_run_that_requires_the_network_raises_without_a_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.imgql").write_text('print "x" 1')
    with pytest.raises(voxpeer.NoDaemonError, match="voxpeer join"):
        voxpeer.run("p.imgql", store="store", network="required")
