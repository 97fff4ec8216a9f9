"""Images as clinics have them, from the command line: DICOM, volumes over time."""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
from pathlib import Path

import msgspec
import numpy as np
import pytest
import SimpleITK as sitk

from peer.citing import Document
from tests.peer.conftest import Bench
from tests.primitives.dicom_files import ROOT, SECRETS, noise, write_series

pytestmark = pytest.mark.slow

VOLUME = noise(8, 20, 16)
PROGRAM = """
ct = intensity(load("{}"))
print "mean" avg(ct, ct > 0)
print "bright" volume(ct > 500)
save "bright.nii.gz" near(ct > 500)
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a folder with a study of two series, and one of a single series."""
    write_series(tmp_path / "ct", VOLUME)
    write_series(tmp_path / "study", VOLUME, series=f"{ROOT}.1")
    names = [f"scout{at}" for at in range(3)]
    scout = noise(3, 6, 4, seed=2)
    write_series(tmp_path / "study", scout, series=f"{ROOT}.2", names=names)
    return Bench(tmp_path)


def executed(bench: Bench, path: str) -> tuple[int, object]:
    """Return how many kernels ran, and what the program printed."""
    done = bench.run(PROGRAM.format(path), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    goals = [(goal["value"], goal["key"], goal["digest"]) for goal in found["goals"]]
    return found["stats"]["executed"], goals


def test_a_renamed_reordered_or_copied_series_is_not_computed_again(
    bench: Bench,
) -> None:
    count, first = executed(bench, "ct")
    assert count > 0
    moved = bench.folder / "elsewhere" / "anonymous"
    moved.mkdir(parents=True)
    for at, path in enumerate(sorted((bench.folder / "ct").iterdir())):
        shutil.copy(path, moved / f"{99 - at}.dcm")
    shutil.copy(moved / "99.dcm", moved / "99 (copy).dcm")
    (moved / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (moved / "notes.txt").write_text("nothing")
    assert executed(bench, "elsewhere/anonymous") == (0, first)
    assert executed(bench, f"elsewhere/anonymous/{ROOT}.1") == (0, first)
    assert executed(bench, f"study/{ROOT}.1") == (0, first)


def test_one_changed_slice_is_another_computation(bench: Bench) -> None:
    _, first = executed(bench, "ct")
    path = sorted((bench.folder / "ct").iterdir())[0]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    count, second = executed(bench, "ct")
    assert count > 0
    assert first != second


def test_two_series_are_an_error_with_a_place_and_a_way_out(bench: Bench) -> None:
    done = bench.run(PROGRAM.format("study"))
    assert done.returncode == 3
    assert "program.imgql:2:" in done.stderr
    assert f"{ROOT}.1  8 slices of 16x20" in done.stderr
    assert f"{ROOT}.2  3 slices of 4x6" in done.stderr
    assert not any(secret in done.stderr for secret in SECRETS)


def test_the_load_of_voxlogica_1_reads_a_folder(bench: Bench) -> None:
    text = 'load ct = "ct"\nprint "edge" volume(border)\nprint "n" volume(ct >. 500)'
    done = bench.run(text)
    assert done.returncode == 0, done.stderr
    edge = VOLUME.size - 6 * 18 * 14
    assert f"edge={edge}.0" in done.stdout
    meant = int((VOLUME.astype(int) - 1024 > 500).sum())
    assert f"n={meant}.0" in done.stdout


def test_nothing_of_the_patient_is_kept(bench: Bench) -> None:
    done = bench.run(PROGRAM.format("ct"), "--store-policy", "all")
    assert done.returncode == 0, done.stderr
    words = ("results", "export", "mean", "bright.nii.gz", "--provenance", "-o", "out")
    assert bench.voxpeer(*words).returncode == 0
    database = bench.folder / "store" / "store.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    kept = [*(bench.folder / "store").rglob("*"), *(bench.folder / "out").rglob("*")]
    kept.append(bench.folder / "bright.nii.gz")
    for path in kept:
        if path.is_file():
            data = path.read_bytes()
            assert not any(secret.encode() in data for secret in SECRETS), path
            assert ROOT.encode() not in data, path


def test_a_series_is_forgotten_by_its_folder_or_by_a_slice(bench: Bench) -> None:
    executed(bench, "ct")
    text = 'print "greatest" max(intensity(load($in)))'
    assert bench.run(text, "-p", "in=ct").returncode == 0
    path = min((bench.folder / "ct").iterdir())
    by_slice = bench.voxpeer("forget", f"ct/{path.name}", "--dry-run", "--json")
    by_folder = bench.voxpeer("forget", "ct", "--dry-run", "--json")
    assert by_slice.returncode == 0, by_slice.stderr
    key = "removed" if "removed" in json.loads(by_folder.stdout) else "results"
    assert json.loads(by_slice.stdout)[key] == json.loads(by_folder.stdout)[key]
    assert bench.voxpeer("forget", "ct").returncode == 0
    with sqlite3.connect(bench.folder / "store" / "store.db") as connection:
        left = connection.execute("SELECT path FROM file_digests").fetchall()
        given = connection.execute("SELECT parameters FROM run_programs").fetchall()
    connection.close()
    assert left == []
    assert {parameters for (parameters,) in given} == {"{}"}
    assert executed(bench, "ct")[0] > 0


def test_a_slice_cannot_name_files_outside_its_folder(bench: Bench) -> None:
    """What a file gives as its series need not be a UID."""
    write_series(bench.folder / "odd", VOLUME, series="../ct")
    assert executed(bench, "ct")[0] > 0
    path = min((bench.folder / "odd").iterdir())
    done = bench.voxpeer("forget", f"odd/{path.name}", "--dry-run")
    assert done.returncode == 5
    assert "nothing here was computed from" in done.stderr


def test_a_volume_of_a_series_over_time_is_read_alone(bench: Bench) -> None:
    volumes = np.random.default_rng(1).integers(0, 900, (5, 4, 6, 7)).astype(np.int16)
    parts = [sitk.GetImageFromArray(volume) for volume in volumes]
    path = bench.folder / "bold.nii"
    sitk.WriteImage(sitk.JoinSeries(parts), str(path))
    sitk.WriteImage(sitk.JoinSeries(parts), str(bench.folder / "bold.nii.gz"))
    text = """
third = volumes(load("{0}"))[2]
print "third" max(intensity(third))
print "each" for v in volumes(load("{0}")) do max(intensity(v))
print "part" for v in volumes(load("{0}"))[1:3] do max(intensity(v))
print "count" volumecount("{0}")
"""
    each = [float(volume.max()) for volume in volumes]
    for name in ("bold.nii", "bold.nii.gz"):
        done = bench.run(text.format(name), "--json")
        assert done.returncode == 0, done.stderr
        values = {it["label"]: it["value"] for it in json.loads(done.stdout)["goals"]}
        assert values == {
            "third": each[2],
            "each": each,
            "part": each[1:3],
            "count": 5,
        }
    # Whoever needs the first volume alone reads no other.
    first = 'print "first" max(intensity(volumes(load("bold.nii"))[0]))'
    done = bench.run(first, "--json")
    stats = json.loads(done.stdout)["stats"]
    assert stats["executed"] <= 4


def test_a_series_over_time_passes_through_simpleitk(bench: Bench) -> None:
    parts = [sitk.GetImageFromArray(np.full((3, 4, 5), at, np.int16)) for at in (1, 2)]
    sitk.WriteImage(sitk.JoinSeries(parts), str(bench.folder / "bold.nii"))
    text = """
import "simpleitk"
import "vox1"
bold = ReadImage("bold.nii")
print "second" MinimumMaximum(Extract(bold, [5, 4, 3, 0], [0, 0, 0, 1]))
print "all" MinimumMaximum(bold + bold)
print "median" MinimumMaximum(Median(bold))
print "wrong" volume(near(bold > 1))
"""
    done = bench.run(text)
    assert done.returncode == 8
    assert "second=[2.0, 2.0]" in done.stdout
    assert "all=[2.0, 4.0]" in done.stdout
    assert done.stderr.count("volumes(image)[0]") == 2


def test_an_export_says_where_results_came_from(bench: Bench) -> None:
    (bench.folder / "tools.imgql").write_text("half(x) = x / 2")
    text = """
import "tools.imgql"
ct = intensity(load("ct"))
label = load("label.nii")
print "mean" half(avg(ct, ct > $limit))
save "region.nii.gz" near(label > 0)
"""
    mask = sitk.GetImageFromArray(np.eye(9, dtype=np.uint8))
    sitk.WriteImage(mask, str(bench.folder / "label.nii"))
    done = bench.run(text, "-p", "limit=300")
    assert done.returncode == 0, done.stderr
    words = ("results", "export", "mean", "region.nii.gz", "-o", "out", "--provenance")
    done = bench.voxpeer(*words)
    assert done.returncode == 0, done.stderr
    data = (bench.folder / "out" / "provenance.json").read_bytes()
    found = msgspec.json.decode(data, type=Document)
    mean, region = found.results
    assert mean.label == "mean"
    assert mean.is_complete
    assert mean.program is not None
    assert [it.name for it in mean.program.sources] == ["program.imgql", "tools.imgql"]
    assert mean.program.parameters == {"limit": 300.0}
    assert mean.run is not None
    assert [(it.name, it.slices) for it in mean.inputs] == [("ct", 8)]
    assert [it.name for it in region.inputs] == ["label.nii"]
    assert region.inputs[0].sha256 is not None
    assert "SimpleITK" in mean.libraries
    operations = {step.operation: step for step in mean.steps}
    assert {"default.load", "vox1.avg", "default.division"} <= operations.keys()
    assert operations["vox1.avg"].computed_by == "this machine"
    assert operations["default.num_gt"].arguments[1].constant == 300.0
    assert mean.relies_on == []
    methods = (bench.folder / "out" / "methods.txt").read_text()
    assert "'mean'" in methods
    assert "limit = 300.0" in methods
    done = bench.voxpeer(*words, "--no-names")
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode(
        (bench.folder / "out" / "provenance.json").read_bytes(), type=Document
    )
    assert found.results[0].inputs[0].name is None
    assert found.results[0].program is not None
    assert found.results[0].program.parameters == {}


def test_nothing_a_patient_may_be_called_is_exported_without_names(
    bench: Bench,
) -> None:
    folder = bench.folder / "Doe_Jane"
    folder.mkdir()
    image = sitk.GetImageFromArray(np.eye(9, dtype=np.float32))
    sitk.WriteImage(image, str(folder / "doe.nii"))
    (folder / "mean.imgql").write_text(
        'print "mean" avg(load(concat(concat("Doe_Jane/", $who), ".nii")), tt)\n'
        'print "title" concat(concat("of ", $who), " \\"Jane\\"")\n'
    )
    program = ("run", "Doe_Jane/mean.imgql", "-p", "who=doe")
    done = bench.voxpeer(*program)
    assert done.returncode == 0, done.stderr
    words = ("results", "export", "mean", "title", "-o", "out", "--provenance")
    assert bench.voxpeer(*words).returncode == 0
    document = (bench.folder / "out" / "provenance.json").read_bytes()
    found = msgspec.json.decode(document, type=Document)
    constants = [
        it.constant for step in found.results[1].steps for it in step.arguments
    ]
    assert {"of ", "doe", ' \\"Jane\\"'} <= set(constants)
    assert bench.voxpeer(*words, "--no-names").returncode == 0
    for name in ("provenance.json", "methods.txt", "index.json"):
        text = (bench.folder / "out" / name).read_text().lower()
        assert "doe" not in text
        assert "jane" not in text


def test_an_input_that_changed_since_has_no_checksum(bench: Bench) -> None:
    image = sitk.GetImageFromArray(np.eye(9, dtype=np.float32))
    path = bench.folder / "a.nii"
    sitk.WriteImage(image, str(path))
    done = bench.run('print "max" max(intensity(load("a.nii")))')
    assert done.returncode == 0, done.stderr
    before = path.read_bytes()
    path.write_bytes(before[:-4] + struct.pack("<f", 3.0))
    done = bench.voxpeer("results", "export", "max", "-o", "out", "--provenance")
    assert done.returncode == 0, done.stderr
    found = msgspec.json.decode(
        (bench.folder / "out" / "provenance.json").read_bytes(), type=Document
    )
    (given,) = found.results[0].inputs
    assert given.sha256 is None
    assert given.content is not None
