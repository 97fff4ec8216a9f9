"""Programs about many thresholds and many cases."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import SimpleITK as sitk

from . import slow
from .files import read, write
from .running import run_published
from .slow import Picture, Place, each, f32

pytestmark = pytest.mark.slow


def blob(
    size: Place, spacing: tuple[float, ...], middle: Place, radius: float, seed: int
) -> tuple[Picture, Picture]:
    """Return a noisy head in dark air with a bright blob, and the blob."""
    chance = random.Random(seed)
    empty = Picture(size, spacing, ())
    truth = empty.with_values([0.0] * len(list(empty.places())))
    places = {
        place
        for place in empty.places()
        if sum((a - b) ** 2 for a, b in zip(place, middle, strict=True)) <= radius**2
    }

    def voxel(place: Place) -> float:
        if any(at in (0, n - 1) for at, n in zip(place, size, strict=True)):
            return 0.0
        bright = 60 if place in places else 20
        return float(bright + chance.randint(0, 25))

    return empty.with_values(map(voxel, empty.places())), truth.region(places)


def smoothened(b: Picture, radius: float) -> Picture:
    """Return a region without its thin parts."""
    return slow.within(radius, slow.beyond(radius, slow.outside(b)))


def grown(b: Picture, c: Picture) -> Picture:
    """Return a region with the components of another that touch it."""
    return slow.either(b, slow.through(slow.near(b), c))


def test_a_sweep_over_thresholds_finds_the_best_one(tmp_path: Path) -> None:
    flair, truth = blob((8, 8, 7), (1.0, 1.0, 1.0), (4, 4, 3), 2.3, seed=1)
    write(tmp_path / "flair.nii.gz", flair)
    write(tmp_path / "truth.nii.gz", truth, pixel_type=sitk.sitkUInt8)
    printed = run_published(tmp_path, "sweep.imgql")

    lo, hi = min(flair.values), max(flair.values)
    thresholds = [lo + (hi - lo) * (k / 99) for k in range(100)]

    def segment(threshold: float) -> Picture:
        bright = each(lambda v: v >= f32(threshold), flair)
        return grown(smoothened(bright, 2), bright)

    found = [segment(threshold) for threshold in thresholds]
    scores = [slow.dice(each, truth) for each in found]
    best = max(range(100), key=scores.__getitem__)
    assert printed["best"] == best
    assert printed["threshold"] == thresholds[best]
    assert printed["score"] == pytest.approx(scores[best])
    assert printed["good"] == sum(score > 0.5 for score in scores) > 0
    assert printed["mean"] == pytest.approx(sum(scores) / 100)
    assert printed["volumes"] == [slow.count(found[k]) for k in (40, 41, 42)]
    assert printed["itk"] == [
        sum(f32(thresholds[k]) <= value <= hi for value in flair.values)
        for k in (40, 41, 42)
    ]
    assert read(tmp_path / "best.nii.gz") == (found[best],)


def test_all_cases_of_a_folder_choose_the_best_setting(tmp_path: Path) -> None:
    cases = []
    for number in range(4):
        middle = (3 + number % 2, 4, 3)
        flair, expert = blob((8, 9, 7), (1.0, 1.0, 1.5), middle, 1.5, seed=number)
        folder = tmp_path / "cases" / f"p{number}"
        write(folder / f"p{number}_flair.nii.gz", flair, pixel_type=sitk.sitkInt16)
        write(folder / f"p{number}_seg.nii.gz", expert, pixel_type=sitk.sitkUInt8)
        cases.append((flair, expert))
    printed = run_published(tmp_path, "dataset.imgql", COUNT="3")

    def brain(flair: Picture) -> Picture:
        dark = each(lambda v: v <= 0, flair)
        return slow.outside(slow.through(slow.near(slow.border(flair)), dark))

    def lesion(flair: Picture, cut: float) -> Picture:
        ranks = slow.ranks(flair, brain(flair), 0.5)
        bright = each(lambda v: v >= f32(cut), ranks)
        return grown(smoothened(bright, 1), bright)

    cuts = [0.8, 0.9, 0.95]
    table = [
        [slow.dice(lesion(flair, cut), expert) for flair, expert in cases[:3]]
        for cut in cuts
    ]
    means = [sum(row) / 3 for row in table]
    best = cuts[means.index(max(means))]
    assert printed["cases"] == 4
    assert printed["table"] == [pytest.approx(row) for row in table]
    assert printed["means"] == pytest.approx(means)
    assert printed["best"] == best
    assert printed["brains"] == [slow.count(brain(flair)) for flair, _ in cases[:3]]
    assert printed["names"] == ["case 000", "case 001", "case 002"]
    for number, (flair, _) in enumerate(cases[:3]):
        assert read(tmp_path / f"lesion_{number}.nii.gz") == (lesion(flair, best),)
    rows = (tmp_path / "overlaps.csv").read_text(encoding="utf-8").splitlines()
    saved = [[float(cell) for cell in row.split(",")] for row in rows]
    assert saved == [pytest.approx(row) for row in table]
    assert (tmp_path / "overview.png").stat().st_size > 0
