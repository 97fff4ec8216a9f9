"""The glioblastoma analysis of TACAS 2019, as published, on a made head."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import SimpleITK as sitk

from tests.peer.conftest import Bench

from . import slow
from .files import read, write
from .slow import Picture, each, f32

PROGRAM = Path(__file__).parent / "published" / "glioma.imgql"
SIZE, SPACING = (20, 20, 18), (2.0, 2.0, 2.0)
TUMOUR = (8, 9, 9)
SPECK = (14, 12, 9)

pytestmark = pytest.mark.slow


def make_head() -> Picture:
    """Return a head whose tumour is bright with a rim, and a bright speck."""
    chance = random.Random(3)
    empty = Picture(SIZE, SPACING, ())

    def voxel(place: slow.Place) -> float:
        squared = sum((at - 9.5) ** 2 for at in place)
        from_tumour = sum((a - b) ** 2 for a, b in zip(place, TUMOUR, strict=True))
        from_speck = sum((a - b) ** 2 for a, b in zip(place, SPECK, strict=True))
        if squared > 8.2**2:
            return 0.0
        if from_tumour < 2.9**2 or from_speck <= 1:
            return float(chance.randint(180, 220))
        if from_tumour < 4.1**2:
            return float(chance.randint(140, 175))
        return float(chance.randint(80, 125))

    return empty.with_values(map(voxel, empty.places()))


def make_expert(head: Picture) -> Picture:
    """Return what an expert might have drawn: a ball around the tumour."""
    return head.region(
        {
            place
            for place in head.places()
            if sum((a - b) ** 2 for a, b in zip(place, TUMOUR, strict=True)) < 4.0**2
        }
    )


def grow(a: Picture, b: Picture) -> Picture:
    """Return a with the components of a that touch b."""
    return slow.either(a, slow.through(slow.near(a), b))


def filtered(radius: float, a: Picture) -> Picture:
    """Return a without its thin parts."""
    return slow.nearer(radius, slow.beyond(radius, slow.outside(a)))


def analysed(flair: Picture) -> dict[str, Picture]:
    """Return the regions of the analysis."""
    dark = each(lambda v: v < f32(0.1), flair)
    brain = slow.outside(slow.through(slow.near(slow.border(flair)), dark))
    rank = slow.ranks(flair, brain, 0.5)
    hyper = filtered(5, each(lambda v: v > f32(0.95), rank))
    very = filtered(2, each(lambda v: v > f32(0.86), rank))
    grown = grow(hyper, very)
    low, high = min(flair.values), max(flair.values)
    likeness = slow.correlation(3, flair, flair, grown, low, high, 20)
    similar = filtered(2, each(lambda v: v > f32(0.6), likeness))
    return {
        "brain": brain,
        "hyperintense": hyper,
        "very intense": very,
        "grown": grown,
        "similar": similar,
        "tumour": grow(grown, similar),
        "likeness": likeness,
    }


def test_the_analysis_gives_what_its_formulas_say(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    flair = make_head()
    expert = make_expert(flair)
    write(tmp_path / "in" / "case_flair.nii.gz", flair, pixel_type=sitk.sitkInt16)
    write(tmp_path / "in" / "case_seg.nii.gz", expert, pixel_type=sitk.sitkUInt8)
    parameters = ("INPUT=in", "NAME=case", "OUTPUT=out")
    words = [word for text in parameters for word in ("-p", text)]
    done = bench.run(PROGRAM.read_text(encoding="utf-8"), *words)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    printed = dict(line.split("=") for line in done.stdout.splitlines())

    regions = analysed(flair)
    tumour = regions["tumour"]
    for name in ("brain", "hyperintense", "very intense", "grown", "similar", "tumour"):
        assert float(printed[name]) == slow.count(regions[name]), name
    common = slow.count(slow.both(tumour, expert))
    assert float(printed["dice"]) == pytest.approx(slow.dice(tumour, expert))
    assert float(printed["sensitivity"]) == common / slow.count(expert)
    healthy = slow.both(slow.outside(tumour), slow.outside(expert))
    share = slow.count(healthy) / slow.count(slow.outside(expert))
    assert float(printed["specificity"]) == share
    assert read(tmp_path / "out" / "case_tumour.nii.gz") == (tumour,)
    (likeness,) = read(tmp_path / "out" / "case_likeness.nii.gz")
    assert likeness.values == pytest.approx(regions["likeness"].values, abs=1e-6)
    # The analysis is worth its name: it finds the tumour, and leaves out the speck.
    assert float(printed["dice"]) > 0.8
    assert SPECK not in tumour.true()
