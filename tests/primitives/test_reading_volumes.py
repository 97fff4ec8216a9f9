"""Images of several volumes, and what NIfTI headers say of geometry."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from primitives import Grid, Image, InputFile, InputFileError, KernelError
from primitives.errors import KernelTypeError, OutputFileError
from primitives.formats.write import write_value
from primitives.values import Mask
from tests.primitives.samples import call

SHAPE = (4, 3, 5, 6)
VOXELS = np.random.default_rng(0).integers(-500, 500, SHAPE).astype(np.int16)
SPACE = Grid((6, 5, 3), (1.0, 2.0, 3.0), (7.0, 8.0, 9.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
HEADER = {"pixdim": (76, "8f"), "dim": (40, "8h"), "codes": (252, "2h")}
HEADER |= {"sform": (280, "12f"), "units": (123, "B"), "scale": (112, "2f")}
HEADER |= {"type": (70, "2h")}


def series(path: Path) -> Path:
    """Write four volumes over time."""
    parts = [Image.of_array(volume, SPACE).itk for volume in VOXELS]
    sitk.WriteImage(sitk.JoinSeries(parts, 0.0, 2.5), str(path))
    return path


def load(path: Path) -> Image:
    found = call("load", InputFile.at(path))
    assert isinstance(found, Image)
    return found


def patched(path: Path, **fields: Any) -> Path:
    """Write a volume, then other numbers into its header."""
    write_value(Image.of_array(VOXELS[0].astype(np.float32), SPACE), path)
    data = bytearray(path.read_bytes())
    for name, numbers in fields.items():
        at, form = HEADER[name]
        struct.pack_into(f"<{form}", data, at, *numbers)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_series_over_time_is_one_image_and_has_volumes(
    tmp_path: Path, suffix: str
) -> None:
    path = series(tmp_path / f"bold{suffix}")
    whole = load(path)
    assert whole.grid.size == (6, 5, 3, 4)
    volumes = call("volumes", whole)
    assert len(volumes) == call("volumecount", InputFile.at(path)) == 4
    for at, volume in enumerate(volumes):
        assert volume.grid.matches(SPACE)
        assert (volume.array == VOXELS[at]).all()
        alone = call("loadvolume", InputFile.at(path), float(at))
        assert alone.grid == volume.grid
        assert alone.array.tobytes() == volume.array.tobytes()
    with pytest.raises(KernelError, match="holds 4 volumes, counted from 0"):
        call("loadvolume", InputFile.at(path), 4.0)


def test_volumes_of_masks_and_of_single_images(tmp_path: Path) -> None:
    whole = load(series(tmp_path / "bold.nii"))
    regions = call("volumes", Mask(whole.array > 0, whole.grid))
    assert [type(region) for region in regions] == [Mask] * 4
    assert (regions[2].array == (VOXELS[2] > 0)).all()
    assert call("volumes", regions[0]) == (regions[0],)
    path = patched(tmp_path / "one.nii")
    assert call("volumecount", InputFile.at(path)) == 1
    assert call("loadvolume", InputFile.at(path), 0).grid == load(path).grid
    with pytest.raises(KernelTypeError, match="takes an image"):
        call("volumes", "text")


def test_scaled_volumes_are_those_of_the_whole(tmp_path: Path) -> None:
    path = series(tmp_path / "bold.nii")
    data = bytearray(path.read_bytes())
    struct.pack_into("<2f", data, 112, 0.37, -4.0)
    path.write_bytes(data)
    volumes = call("volumes", load(path))
    alone = call("loadvolume", InputFile.at(path), 3)
    assert alone.array.tobytes() == volumes[3].array.tobytes()


def test_one_volume_is_read_without_the_others(tmp_path: Path) -> None:
    """What lies outside it may be anything, as long as it is there."""
    path = series(tmp_path / "bold.nii")
    size = VOXELS[0].nbytes
    with path.open("r+b") as file:
        file.seek(352)
        file.write(b"\xff" * size)
    assert (call("loadvolume", InputFile.at(path), 2).array == VOXELS[2]).all()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputFileError, match="damaged"):
        call("loadvolume", InputFile.at(path), 0)


def test_volumes_of_unsaid_distance_are_channels(tmp_path: Path) -> None:
    path = series(tmp_path / "modalities.nii")
    data = bytearray(path.read_bytes())
    for step in (0.0, -1.0):
        struct.pack_into("<f", data, 76 + 16, step)
        path.write_bytes(data)
        assert load(path).grid.spacing[3] == 1.0


@pytest.mark.parametrize("name", ["near", "interior", "dt", "lcc", "maxvol"])
def test_what_works_in_space_refuses_time(tmp_path: Path, name: str) -> None:
    whole = load(series(tmp_path / "bold.nii"))
    with pytest.raises(KernelTypeError, match=r"volumes\(image\)\[0\]"):
        call(name, whole)


def test_time_adds_nothing_to_the_volume_of_a_voxel(tmp_path: Path) -> None:
    assert call("voxelvolume", load(series(tmp_path / "bold.nii"))) == 6.0


def test_volumes_are_no_picture(tmp_path: Path) -> None:
    whole = load(series(tmp_path / "bold.nii"))
    with pytest.raises(OutputFileError, match="save one of its volumes"):
        write_value(whole, tmp_path / "bold.png")
    write_value(whole, tmp_path / "again.nii.gz")
    assert (load(tmp_path / "again.nii.gz").array == VOXELS).all()


def test_axes_of_one_volume_are_dropped_and_more_than_four_refused(
    tmp_path: Path,
) -> None:
    one = patched(tmp_path / "one.nii", dim=(5, 6, 5, 3, 1, 1, 1, 1))
    assert load(one).grid.size == (6, 5, 3)
    line = patched(tmp_path / "line.nii", dim=(1, 90, 1, 1, 1, 1, 1, 1))
    with pytest.raises(InputFileError, match="single axis"):
        load(line)


# ---- geometry ---------------------------------------------------------------


@pytest.mark.parametrize(("unit", "factor"), [(0, 1), (1, 1000), (2, 1), (3, 0.001)])
def test_units_of_length_become_millimetres(
    tmp_path: Path, unit: int, factor: float
) -> None:
    grid = load(patched(tmp_path / "unit.nii", units=(unit,))).grid
    assert grid.spacing == pytest.approx((factor, 2 * factor, 3 * factor))
    assert grid.origin == pytest.approx((7 * factor, 8 * factor, 9 * factor))


def test_left_handed_and_oblique_axes_are_kept(tmp_path: Path) -> None:
    mirrored = patched(
        tmp_path / "m.nii", codes=(0, 1), sform=(-1, 0, 0, 7, 0, -2, 0, 8, 0, 0, -3, 9)
    )
    grid = load(mirrored).grid
    assert grid.direction[0::4] == (1, 1, -1)
    assert grid.origin == (-7, -8, 9)
    turned = (0.6, 0, 0.8, 0, 1, 0, -0.8, 0, 0.6)
    oblique = Image.of_array(VOXELS[0], replace(SPACE, direction=turned))
    write_value(oblique, tmp_path / "oblique.nii.gz")
    found = load(tmp_path / "oblique.nii.gz").grid
    assert found.direction == pytest.approx(turned, abs=1e-6)


def test_the_scanners_sform_comes_first_and_then_the_qform(tmp_path: Path) -> None:
    sform = (-1, 0, 0, 1, 0, -2, 0, 2, 0, 0, 3, 3)
    scanner = load(patched(tmp_path / "a.nii", codes=(1, 1), sform=sform))
    aligned = load(patched(tmp_path / "b.nii", codes=(1, 2), sform=sform))
    alone = load(patched(tmp_path / "c.nii", codes=(0, 2), sform=sform))
    assert scanner.grid.origin == alone.grid.origin == (-1, -2, 3)
    assert aligned.grid.origin == (7, 8, 9)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"codes": (0, 2), "sform": (1, 0.5, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0)}, "right"),
        ({"codes": (0, 2), "sform": (0,) * 12}, "right angles"),
        ({"codes": (0, 1), "sform": (float("nan"),) * 12}, "where its voxels lie"),
        ({"pixdim": (1, -2, 2, 3, 0, 0, 0, 0)}, "-2 x 2 x 3 mm"),
        ({"type": (1, 1)}, "NIfTI code 1"),
        ({"type": (0, 32)}, "NIfTI code 0"),
        ({"type": (1536, 128), "dim": (3, 6, 5, 1, 1, 1, 1, 1)}, "NIfTI code 1536"),
    ],
)
def test_headers_that_make_no_sense_are_refused_in_words(
    tmp_path: Path,
    fields: dict[str, Any],
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = patched(tmp_path / "odd.nii", **fields)
    with pytest.raises(InputFileError, match=words) as caught:
        load(path)
    assert "0x" not in str(caught.value)
    assert "ERROR" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_spacing_of_zero_counts_as_one_millimetre(tmp_path: Path) -> None:
    path = patched(tmp_path / "zero.nii", pixdim=(1, 0, 2, 3, 0, 0, 0, 0))
    assert load(path).grid.spacing == (1, 2, 3)


def test_voxels_that_are_no_numbers_are_kept(tmp_path: Path) -> None:
    voxels = np.full((3, 5, 6), np.nan, np.float32)
    voxels[0, 0, 0] = np.inf
    write_value(Image.of_array(voxels, SPACE), tmp_path / "nan.nii")
    found = load(tmp_path / "nan.nii").array
    assert np.isinf(found[0, 0, 0])
    assert np.isnan(found).sum() == found.size - 1


def test_an_image_lies_where_it_lay_before_it_was_saved(tmp_path: Path) -> None:
    """NIfTI keeps positions and directions in 32 bits."""
    turned = (0.6, 0, 0.8, 0, 1, 0, -0.8, 0, 0.6)
    place = (-123.456789, 98.7654321, -1234.56789)
    grid = Grid((512, 512, 300), (0.683594, 0.683594, 1.25), place, turned)
    small = replace(grid, size=(6, 5, 3))
    write_value(Image.of_array(VOXELS[0], small), tmp_path / "saved.nii")
    saved = load(tmp_path / "saved.nii").grid
    assert saved != small
    assert replace(saved, size=grid.size).matches(grid)
    moved = replace(grid, origin=(place[0] + 0.01, *place[1:]))
    assert not moved.matches(grid)
    wider = replace(grid, spacing=(0.6837, 0.683594, 1.25))
    assert not wider.matches(grid)


def test_a_single_slice_of_another_thickness_is_on_another_grid() -> None:
    grid = Grid((4, 4, 1), (1, 1, 2), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert not grid.matches(replace(grid, spacing=(1, 1, 5)))
    assert not replace(grid, spacing=(1, 1, 5)).matches(grid)
    assert grid.matches(replace(grid, spacing=(1, 1, 2.0001)))


def test_a_mask_of_a_saved_image_fits_the_image_in_itks_filters(
    tmp_path: Path,
) -> None:
    turned = (0.6, 0, 0.8, 0, 1, 0, -0.8, 0, 0.6)
    place = (-123.456789, 98.7654321, -1234.56789)
    grid = replace(SPACE, spacing=(0.683594, 0.7, 1.25), origin=place, direction=turned)
    image = Image.of_array(VOXELS[0], grid)
    write_value(
        Image.of_array((VOXELS[0] > 0).astype(np.uint8), grid), tmp_path / "m.nii"
    )
    mask = load(tmp_path / "m.nii")
    assert mask.grid != grid
    inside = call("simpleitk.Mask", image, mask)
    assert (inside.array == np.where(VOXELS[0] > 0, VOXELS[0], 0)).all()
