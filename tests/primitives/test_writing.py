"""Saving values: what is in the file, and that it is whole or not there."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from primitives import (
    Grid,
    Image,
    InputFile,
    Mask,
    OutputFileError,
    Value,
    check_output_suffix,
)
from primitives.formats.suffixes import DATA_SUFFIXES, PICTURE_SUFFIXES
from primitives.formats.write import write_value
from tests.primitives.samples import call, image, mask

VOLUMES = [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"]
SAVED_AS = {
    **dict.fromkeys(["null", "bool", "int", "double", "string"], ".json"),
    **dict.fromkeys(["image", "mask", "any"], ".nii.gz"),
    **dict.fromkeys(["sequence", "record"], ".csv"),
    "bytes": ".bin",
}


def volume(dtype: str = "float32") -> Image:
    grid = Grid(
        (4, 3, 2),
        (0.5, 1.0, 2.0),
        (-3.0, 4.0, 5.0),
        (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    )
    return Image.of_array(np.arange(24).reshape(2, 3, 4).astype(dtype), grid)


def reread(path: Path) -> Image:
    found = call("load", InputFile.at(path))
    assert isinstance(found, Image)
    return found


@pytest.mark.parametrize("suffix", VOLUMES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_a_volume_comes_back_with_type_and_geometry(
    tmp_path: Path, suffix: str, dtype: str
) -> None:
    original = volume(dtype)
    written = write_value(original, tmp_path / f"image{suffix}")
    found = reread(tmp_path / f"image{suffix}")
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert found.pixel_type == dtype
    assert (found.array == original.array).all()
    assert found.grid.matches(original.grid)


@pytest.mark.parametrize("suffix", VOLUMES)
def test_a_mask_is_saved_as_bytes_of_zero_and_one(tmp_path: Path, suffix: str) -> None:
    original = volume()
    region = Mask(original.array > 7, original.grid)
    write_value(region, tmp_path / f"mask{suffix}")
    found = reread(tmp_path / f"mask{suffix}")
    assert found.pixel_type == "uint8"
    assert found.array.tolist() == region.array.astype(int).tolist()


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff"])
def test_a_flat_mask_is_black_and_white_in_pictures(
    tmp_path: Path, suffix: str
) -> None:
    write_value(mask([[1, 0], [0, 1]]), tmp_path / f"mask{suffix}")
    pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"mask{suffix}")))
    assert pixels.reshape(2, 2, -1)[..., 0].tolist() == [[255, 0], [0, 255]]


def test_bytes_keep_their_numbers_in_pictures_and_others_are_stretched(
    tmp_path: Path,
) -> None:
    cases: list[tuple[Image, list[list[float]]]] = [
        (image([[0, 7, 200]], "uint8"), [[0, 7, 200]]),
        (image([[0, 7, 60000]], "uint16"), [[0, 7, 60000]]),
        (image([[0.4, 7.6, 255]]), [[0, 8, 255]]),
        (image([[-1000.0, 0.0, 1000.0]]), [[0, 128, 255]]),
        (image([[math.nan, 7.0, 9.0]]), [[0, 7, 9]]),
    ]
    for original, expected in cases:
        write_value(original, tmp_path / "a.png")
        found = reread(tmp_path / "a.png")
        assert found.array == pytest.approx(np.array(expected), abs=2)


def test_a_volume_of_floats_keeps_its_numbers_in_tiff(tmp_path: Path) -> None:
    write_value(volume(), tmp_path / "a.tif")
    assert reread(tmp_path / "a.tif").array.tolist() == volume().array.tolist()


def test_colors_are_kept_and_others_refused(tmp_path: Path) -> None:
    grid = image([[0, 0]]).grid
    for components in (3, 4):
        numbers = np.arange(2 * components, dtype=np.uint8).reshape(1, 2, components)
        write_value(Image.of_array(numbers, grid, components), tmp_path / "a.png")
        assert reread(tmp_path / "a.png").array.tolist() == numbers.tolist()
    with pytest.raises(OutputFileError, match="transparency"):
        write_value(Image.of_array(numbers, grid, 4), tmp_path / "a.jpg")
    two = Image.of_array(np.zeros((1, 2, 2), np.uint8), grid, 2)
    with pytest.raises(OutputFileError, match="2 components"):
        write_value(two, tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (3.0, "a.txt", "3.0\n"),
        ("words", "a.txt", "words\n"),
        ((1, 2.0, "x"), "a.txt", "1\n2.0\nx\n"),
        ((1, (2.0, "x, y"), None), "a.csv", '1\n2.0,"x, y"\n""\n'),
        ({"b": 1, "a": (1, 2)}, "a.csv", "a,1,2\nb,1\n"),
        (({"a": 1, "b": 2}, {"b": 3}), "a.csv", "a,b\n1,2\n,3\n"),
        (True, "a.json", "true\n"),
        ((1, math.nan), "a.json", '[\n  1,\n  "NaN"\n]\n'),
    ],
)
def test_values_are_saved_as_text(
    tmp_path: Path, value: Value, name: str, text: str
) -> None:
    assert write_value(value, tmp_path / name) == (tmp_path / name,)
    assert (tmp_path / name).read_text() == text


def test_json_comes_back_as_the_same_values(tmp_path: Path) -> None:
    value = {"a": (1, 2.5, "ü", None, {"b": True}), "c": ()}
    write_value(value, tmp_path / "a.json")
    assert call("load", InputFile.at(tmp_path / "a.json")) == value


def test_json_describes_images_it_cannot_hold(tmp_path: Path) -> None:
    write_value({"brain": volume()}, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["brain"]["size"] == [4, 3, 2]


def test_bytes_are_saved_as_they_are(tmp_path: Path) -> None:
    write_value(b"\0\xff", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"\0\xff"


def test_a_sequence_of_images_is_saved_in_numbered_files(tmp_path: Path) -> None:
    images = (volume(),) * 11
    written = write_value(images, tmp_path / "slice_{}.nii")
    assert [path.name for path in written[:2]] == ["slice_00.nii", "slice_01.nii"]
    assert len(list(tmp_path.iterdir())) == 11
    with pytest.raises(OutputFileError, match=r"put \{\} .* 'slice_\{\}\.nii\.gz'"):
        write_value(images, tmp_path / "slice.nii.gz")
    with pytest.raises(OutputFileError, match="only a sequence of images"):
        write_value((1, 2), tmp_path / "a_{}.nii")


def test_missing_folders_are_made_and_older_files_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    write_value(1, path)
    write_value(2, path)
    assert path.read_text() == "2\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("value", "name", "message"),
    [
        (3.0, "a.nii", r"a double cannot be saved as '\.nii'; use \.json"),
        (volume(), "a.txt", r"an image cannot be saved as '\.txt'; use \.nii"),
        (volume(), "a", "without a suffix"),
        ({"a": 1}, "a.png", r"a record cannot be saved as '\.png'"),
        (call("overlay", volume()), "a.nii", "an overlay is a picture"),
        (b"", "a.txt", r"use \.bin"),
    ],
)
def test_a_format_that_cannot_hold_the_value_is_refused(
    tmp_path: Path, value: Value, name: str, message: str
) -> None:
    with pytest.raises(OutputFileError, match=message):
        write_value(value, tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("kind", "suffix"), SAVED_AS.items())
def test_a_format_is_checked_before_anything_runs(kind: str, suffix: str) -> None:
    check_output_suffix(f"a{suffix}", kind)
    with pytest.raises(OutputFileError, match=r"cannot be saved as '\.pickle'; use"):
        check_output_suffix("a.pickle", kind)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(OutputFileError, match="file' is not a folder"):
        write_value(1, tmp_path / "file" / "a.txt")
    with pytest.raises(OutputFileError, match="is a folder"):
        write_value(1, tmp_path / "folder.txt")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [*VOLUMES, *PICTURE_SUFFIXES, *DATA_SUFFIXES])
def test_when_the_disk_is_full_the_old_file_stays_and_nothing_new(
    tmp_path: Path, suffix: str
) -> None:
    """A limit on the size of files stands for the full disk."""
    code = f"""
import resource, signal
import numpy as np
from pathlib import Path
from primitives import Grid, Image, OutputFileError
from primitives.formats.write import write_value
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
grid = Grid((50, 50, 50), (1.0,) * 3, (0.0,) * 3, tuple(np.eye(3).ravel().tolist()))
noise = np.random.default_rng(0).random(grid.shape).astype(np.float32)
value = Image.of_array(noise, grid)
if {suffix!r} in {DATA_SUFFIXES!r}:
    value = tuple(noise.ravel().astype(float).tolist())
try:
    write_value(value, Path("kept{suffix}"))
except OutputFileError as error:
    print(error)
"""
    (tmp_path / f"kept{suffix}").write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cannot be written" in done.stdout
    assert list(tmp_path.iterdir()) == [tmp_path / f"kept{suffix}"]
    assert (tmp_path / f"kept{suffix}").read_text() == "old"
