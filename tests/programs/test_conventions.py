"""What VoxLogicA 1 does with files and parameters, and how it says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk

from tests.peer.conftest import Bench

from . import slow
from .files import read, write
from .slow import Picture

pytestmark = pytest.mark.slow

BLOCK = Picture((5, 4, 3), (1.0, 1.0, 2.0), tuple(map(float, range(60))))
BALL = BLOCK.region({p for p in BLOCK.places() if sum(p) % 3 == 0})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    write(tmp_path / "base.nii.gz", BLOCK)
    return Bench(tmp_path)


def test_a_later_image_is_taken_to_lie_where_the_first_one_does(bench: Bench) -> None:
    write(
        bench.folder / "mask.nii",
        BALL,
        pixel_type=sitk.sitkUInt8,
        origin=(7.0, 0.0, 0.0),
    )
    text = (
        'load base = "base.nii.gz"\nload mask = "mask.nii"\n'
        "let both = (intensity(base) >=. 30) & (intensity(mask) >. 0)\n"
        'print "both" volume(both)\nsave "both.nii" both'
    )
    for _ in ("computed", "known"):
        done = bench.run(text)
        assert done.returncode == 0
        both = slow.both(slow.each(lambda v: v >= 30, BLOCK), BALL)
        assert done.stdout == f"both={float(slow.count(both))}\n"
        assert (
            "program.imgql:2:1: warning: 'mask.nii' does not lie where" in done.stderr
        )
        assert "at (7, 0, 0) against 5x4x3 voxels" in done.stderr
    saved = sitk.ReadImage(str(bench.folder / "both.nii"))
    assert saved.GetOrigin() == (0.0, 0.0, 0.0)


def test_nothing_is_said_of_images_that_lie_at_one_place(bench: Bench) -> None:
    write(bench.folder / "mask.mha", BALL)
    done = bench.run(
        'load base = "base.nii.gz"\nload mask = "mask.mha"\n'
        'print "v" volume(intensity(base) & intensity(mask))'
    )
    assert done.returncode == 0
    assert "warning" not in done.stderr


def test_an_image_of_another_size_is_not_moved(bench: Bench) -> None:
    other = Picture((5, 4, 2), (1.0, 1.0, 2.0), BLOCK.values[:40])
    write(bench.folder / "other.nii", other)
    done = bench.run(
        'load base = "base.nii.gz"\nload other = "other.nii"\n'
        'print "alone" max(intensity(other))\n'
        'print "both" volume(intensity(base) & intensity(other))'
    )
    assert done.returncode == 8
    assert done.stdout == "alone=39.0\n"
    assert "the same grid" in done.stderr


def test_a_single_slice_is_an_image_of_two_axes(bench: Bench) -> None:
    slice_ = Picture((5, 4, 1), (1.0, 1.0, 2.0), BLOCK.values[:20])
    write(bench.folder / "slice.nii.gz", slice_)
    done = bench.run(
        'load s = "slice.nii.gz"\nprint "border" volume(border)\n'
        'print "z" max(z)\nsave "copy.nii" intensity(s)'
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "border=14.0\nz=0.0\n"
    assert read(bench.folder / "copy.nii")[0].size == (5, 4)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_a_region_is_black_and_white_in_a_picture(bench: Bench, suffix: str) -> None:
    flat = Picture((8, 8), (1.0, 1.0), (0.0,) * 64)
    write(bench.folder / "flat.png", flat, pixel_type=sitk.sitkUInt8)
    done = bench.run(f'load f = "flat.png"\nsave "half.{suffix}" x >=. 4')
    assert done.returncode == 0, done.stderr
    shown, *_ = read(bench.folder / f"half.{suffix}", (1.0, 1.0))
    expected = flat.with_values(255.0 * (place[0] >= 4) for place in flat.places())
    assert shown.values == pytest.approx(expected.values, abs=8)


def test_numbers_and_colours_keep_their_values_in_a_picture(bench: Bench) -> None:
    grey = Picture((16, 16), (1.0, 1.0), tuple(map(float, range(256))))
    write(bench.folder / "grey.png", grey, pixel_type=sitk.sitkUInt8)
    done = bench.run(
        'load g = "grey.png"\nsave "again.png" intensity(g)\n'
        'save "rgb.png" rgb(g, x, 255 .- intensity(g))\n'
        'save "rgba.png" rgba(g, g, g, constant(128))'
    )
    assert done.returncode == 0, done.stderr
    assert read(bench.folder / "again.png", (1.0, 1.0)) == (grey,)
    red, green, blue = read(bench.folder / "rgb.png", (1.0, 1.0))
    assert red == grey
    assert green.values == tuple(float(place[0]) for place in grey.places())
    assert blue == slow.each(lambda v: 255 - v, grey)
    assert read(bench.folder / "rgba.png")[3].values == (128.0,) * 256


def test_a_saved_image_is_told_with_its_range(bench: Bench) -> None:
    text = (
        'load base = "base.nii.gz"\nsave "out/a.nii" intensity(base) -. 0.5\n'
        'save "out/b.nii" tt\nsave "out/n.json" 3'
    )
    said = bench.run(text).stderr
    assert "saved out/a.nii, values from -0.5 to 58.5\n" in said
    assert "saved out/b.nii, values from 1 to 1\n" in said
    assert "saved out/n.json\n" in said
    assert "unchanged out/a.nii\n" in bench.run(text).stderr


def test_a_template_is_filled_by_parameters(bench: Bench) -> None:
    write(bench.folder / "in" / "007_flair.nii.gz", BLOCK)
    text = (
        'load flair = "$DIR/$NAME_flair.nii.gz"\n'
        'print "voxels of $NAME" volume(intensity(flair) >. $CUT)\n'
        'save "out/$NAME.nii.gz" intensity(flair) >. $CUT'
    )
    done = bench.run(text, "-p", "DIR=in", "-p", "NAME=007", "-p", "CUT=50")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "voxels of 007=9.0\n"
    assert (bench.folder / "out" / "007.nii.gz").is_file()
    assert "warning" not in done.stderr


def test_truth_values_are_printed_in_small_letters(bench: Bench) -> None:
    text = 'load base = "base.nii.gz"\nprint "t" 1 .<. 2\nprint "f" emptyB(tt)'
    assert bench.run(text).stdout == "t=true\nf=false\n"


def test_the_dialect_is_that_of_the_whole_run(bench: Bench) -> None:
    text = 'print "v" 10 .-. 3 .-. 2\nprint "w" 2 .*. 3 .+. 4'
    assert bench.run(text, "--dialect", "vox1").stdout == "v=9.0\nw=14.0\n"
    assert bench.run(f'import "stdlib"\n{text}').stdout == "v=5.0\nw=10.0\n"


@pytest.mark.parametrize(
    ("size", "index", "kept"),
    [
        ("[2, 3, 2]", "[1, 1, 0]", ((1, 3), (1, 4), (0, 2))),
        ("[5, 4, 3]", "[0, 0, 0]", ((0, 5), (0, 4), (0, 3))),
        ("[5, 4, 0]", "[0, 0, 2]", ((0, 5), (0, 4), 2)),
        ("[0, 2, 3]", "[4, 2, 0]", (4, (2, 4), (0, 3))),
    ],
)
def test_a_part_of_an_image_can_be_taken(
    bench: Bench, size: str, index: str, kept: tuple[tuple[int, int] | int, ...]
) -> None:
    done = bench.run(
        f'part = extract(ReadImage("base.nii.gz"), {size}, {index})\n'
        'save "part.mha" part\nsave "mask.mha" extract('
        f'intensity(ReadImage("base.nii.gz")) > 20, {size}, {index})'
    )
    assert done.returncode == 0, done.stderr
    ranges = [range(*each) if isinstance(each, tuple) else [each] for each in kept]
    expected = [
        BLOCK.at((x, y, z)) for z in ranges[2] for y in ranges[1] for x in ranges[0]
    ]
    (part,) = read(bench.folder / "part.mha")
    axes = [axis for axis, each in enumerate(kept) if isinstance(each, tuple)]
    assert part.size == tuple(len(ranges[axis]) for axis in axes)
    assert part.spacing == tuple(BLOCK.spacing[axis] for axis in axes)
    assert part.values == tuple(expected)
    assert read(bench.folder / "mask.mha")[0].values == tuple(v > 20 for v in expected)
    made = sitk.ReadImage(str(bench.folder / "part.mha")).GetOrigin()
    first = [ranges[axis][0] * BLOCK.spacing[axis] for axis in axes]
    assert made == pytest.approx(tuple(first))


@pytest.mark.parametrize(
    ("size", "index", "message"),
    [
        ("[6, 4, 3]", "[0, 0, 0]", "not inside the image"),
        ("[5, 4, 3]", "[0, 0, 1]", "not inside the image"),
        ("[5, 0, 0]", "[0, 0, 0]", "at least two axes"),
        ("[5, 4]", "[0, 0]", "3 whole numbers"),
        ("[1.5, 4, 3]", "[0, 0, 0]", "whole number"),
    ],
)
def test_a_part_that_there_is_not_is_refused(
    bench: Bench, size: str, index: str, message: str
) -> None:
    text = f'print "v" extract(ReadImage("base.nii.gz"), {size}, {index})'
    done = bench.run(text)
    assert done.returncode != 0
    assert message in done.stderr
