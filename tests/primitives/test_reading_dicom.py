"""DICOM as clinics have it: series in folders, in space, without the patient."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from primitives import Image, InputFile, InputFileError
from primitives.encoding import encode
from primitives.formats.write import write_value
from tests.primitives.dicom_files import (
    BIG,
    CT,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    RLE,
    ROOT,
    SECRETS,
    decimals,
    file_bytes,
    noise,
    pixel_element,
    slice_tags,
    write_frames,
    write_series,
    write_slice,
    write_with_gdcm,
    written_element,
)
from tests.primitives.samples import call

VOLUME = noise(6, 20, 16)


def load(path: Path) -> Image:
    found = call("load", InputFile.at(path))
    assert isinstance(found, Image)
    return found


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, DEFLATED, BIG, RLE])
def test_a_folder_reads_as_its_series_in_the_order_of_space(
    tmp_path: Path, syntax: str
) -> None:
    meant = write_series(tmp_path / "ct", VOLUME, syntax=syntax)
    found = load(tmp_path / "ct")
    assert (found.array == meant).all()
    assert found.grid.size == (16, 20, 6)
    assert found.grid.spacing == (0.7, 0.8, 2.5)
    assert found.grid.origin == (-10.0, -20.0, 30.0)
    assert found.grid.direction == (1, 0, 0, 0, 1, 0, 0, 0, 1)


def test_a_series_reads_as_itk_reads_it(tmp_path: Path) -> None:
    write_series(tmp_path, VOLUME, slope=0.5)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    expected = Image.of_itk(reader.Execute())
    found = load(tmp_path)
    assert found.grid.matches(expected.grid)
    assert found.pixel_type == expected.pixel_type
    assert (found.array == expected.array).all()


@pytest.mark.parametrize("compressor", ["JPEG", "JPEG2000"])
def test_compressed_slices_are_read(tmp_path: Path, compressor: str) -> None:
    for at, pixels in enumerate(VOLUME):
        tags = {
            "0008|0018": f"{ROOT}.{at + 1}",
            "0008|0060": "CT",
            "0020|000e": f"{ROOT}.5",
            "0020|0032": f"0\\0\\{at * 3}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0028|0030": "1\\1",
        }
        write_with_gdcm(tmp_path / f"{9 - at}.dcm", pixels, tags, compressor)
    found = load(tmp_path)
    assert found.grid.spacing == (1, 1, 3)
    assert (found.array == VOLUME).all()


def test_slices_go_from_the_feet_up_along_the_normal_of_their_plane(
    tmp_path: Path,
) -> None:
    lean = math.radians(30)
    down = (0.0, math.cos(lean), math.sin(lean))
    normal = (0.0, -math.sin(lean), math.cos(lean))
    for at, pixels in enumerate(VOLUME):
        write_slice(
            tmp_path / f"{at}",
            pixels,
            [5 - 3.0 * at * part for part in normal],
            orientation=(1, 0, 0, *down),
        )
    found = load(tmp_path)
    assert (found.array == VOLUME[::-1].astype(np.int32) - 1024).all()
    assert found.grid.spacing == pytest.approx((0.7, 0.8, 3.0), abs=1e-4)
    assert found.grid.direction[2::3] == pytest.approx(normal, abs=1e-5)
    matrix = np.reshape(found.grid.direction, (3, 3))
    assert np.allclose(matrix.T @ matrix, np.eye(3), atol=1e-15)
    write_value(found, tmp_path / "oblique.nii")
    again = load(tmp_path / "oblique.nii")
    assert again.grid.direction == pytest.approx(found.grid.direction, abs=1e-6)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(range(6)), tick=st.floats(-0.02, 0.02))
def test_names_and_rounded_positions_change_nothing(
    tmp_path: Path, order: list[int], tick: float
) -> None:
    shutil.rmtree(tmp_path / "ct", ignore_errors=True)
    names = [f"I{at}" for at in order]
    heights = [at * 2.5 + tick * (at % 2) for at in range(6)]
    meant = write_series(tmp_path / "ct", VOLUME, names=names, heights=heights)
    assert (load(tmp_path / "ct").array == meant).all()


def test_stored_numbers_become_those_that_are_meant(tmp_path: Path) -> None:
    write_series(tmp_path, VOLUME, slope=0.25, intercept=-3.5)
    assert (load(tmp_path).array == VOLUME * 0.25 - 3.5).all()


def test_slices_with_scales_of_their_own_are_read_together(tmp_path: Path) -> None:
    write_slice(tmp_path / "a", VOLUME[0], (0, 0, 0), slope=1, intercept=0)
    write_slice(tmp_path / "b", VOLUME[1], (0, 0, 2), slope=0.5, intercept=0)
    found = load(tmp_path).array
    assert (found[0] == VOLUME[0]).all()
    assert (found[1] == VOLUME[1] * 0.5).all()


def test_files_that_are_no_pictures_are_passed_over(tmp_path: Path) -> None:
    meant = write_series(tmp_path, VOLUME)
    (tmp_path / "DICOMDIR").write_bytes(file_bytes({0x00041130: ("CS", "MEDIA")}))
    (tmp_path / "report.dcm").write_bytes(file_bytes({0x00080060: ("CS", "SR")}))
    (tmp_path / "thumb.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "checksums").write_text("of all files")
    (tmp_path / ".hidden").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "folder").mkdir()
    write_series(tmp_path / "folder", VOLUME, series=f"{ROOT}.2")
    assert (load(tmp_path).array == meant).all()


@pytest.mark.parametrize(
    ("name", "content"),
    [("I7.dcm", b""), ("I7", b""), ("1.2.7", bytes(900)), ("I7.ima", b"pointer")],
)
def test_a_slice_that_was_not_copied_is_missed(
    tmp_path: Path, name: str, content: bytes
) -> None:
    write_series(tmp_path, VOLUME)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputFileError, match=f"{name}' is damaged"):
        load(tmp_path)


def test_a_slice_that_is_a_link_to_nothing_is_missed(tmp_path: Path) -> None:
    meant = write_series(tmp_path / "ct", VOLUME)
    target = (tmp_path / "ct" / "IM0003").rename(tmp_path / "elsewhere")
    (tmp_path / "ct" / "IM0003").symlink_to(target)
    assert (load(tmp_path / "ct").array == meant).all()
    target.unlink()
    with pytest.raises(InputFileError, match="IM0003' cannot be read: No such file"):
        load(tmp_path / "ct")


def test_elements_in_another_order_are_read_all_the_same(tmp_path: Path) -> None:
    meant = write_series(tmp_path, VOLUME)
    path = tmp_path / "IM0003"
    rows = written_element(0x00280010, "US", 20)
    data = path.read_bytes()
    assert data.count(rows) == 1
    path.write_bytes(data.replace(rows, b"") + rows)
    assert (load(tmp_path).array == meant).all()


@pytest.mark.parametrize("tag", [0x0020000D, 0x00200052])
def test_slices_of_two_examinations_under_one_uid_are_refused(
    tmp_path: Path, tag: int
) -> None:
    def write(folder: str, uids: list[str]) -> Path:
        for at, uid in enumerate(uids):
            tags = slice_tags(VOLUME[at], (0, 0, at)) | {tag: ("UI", uid)}
            path = tmp_path / folder / str(at)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(file_bytes(tags, EXPLICIT, pixel_element(VOLUME[at])))
        return tmp_path / folder

    with pytest.raises(InputFileError, match="several examinations"):
        load(write("mixed", ["1.2", "1.3"] * 3))
    # Of its own for each file, or for some only, it says nothing.
    assert load(write("own", [f"1.2.{at}" for at in range(6)])).grid.size[2] == 6
    assert load(write("some", ["1.2", ""] * 3)).grid.size[2] == 6


def test_several_series_are_listed_without_the_patient(tmp_path: Path) -> None:
    first, second = f"{ROOT}.1", f"{ROOT}.2"
    meant = write_series(tmp_path, VOLUME, series=first)
    write_slice(tmp_path / "scout", noise(4, 5), (0, 0, 0), series=second)
    with pytest.raises(InputFileError) as caught:
        load(tmp_path)
    text = str(caught.value)
    assert f"{first}  6 slices of 16x20" in text
    assert f"{second}  1 slice of 5x4" in text
    assert f'load("{tmp_path / first}")' in text
    assert not any(secret in text for secret in SECRETS)
    assert (load(tmp_path / first).array == meant).all()
    assert load(tmp_path / second).grid.size == (5, 4)
    with pytest.raises(InputFileError, match=rf"no DICOM series {ROOT}\.3; it has"):
        load(tmp_path / f"{ROOT}.3")


def test_a_folder_without_images_says_where_there_are_some(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="is a folder without DICOM images"):
        InputFile.at(tmp_path)
    write_series(tmp_path / "study" / "SE0", VOLUME)
    with pytest.raises(InputFileError, match=r"name the folder in it .*'.*study'"):
        InputFile.at(tmp_path)


@pytest.mark.parametrize(
    ("heights", "words"),
    [
        ([0, 2.5, 5, 12.5, 15, 17.5], "2 slices are missing, the first between 35"),
        ([0, 2, 4, 6, 8, 12], "1 slice is missing, the first between 38.00 and 42"),
        ([0, 2, 4, 9, 10, 17], "distance between slices varies from 1 to 7 mm"),
        ([0, 1, 2, 3, 5.5, 8], "distance between slices varies from 1 to 2.5 mm"),
        ([0, 0, 2, 2, 4, 4], "6 slices at 3 places"),
        ([0, 0, 0, 0, 0, 0], "6 slices at 1 place"),
    ],
)
def test_what_is_no_regular_volume_is_refused(
    tmp_path: Path, heights: list[float], words: str
) -> None:
    write_series(tmp_path, VOLUME, heights=heights)
    with pytest.raises(InputFileError, match=words):
        load(tmp_path)


def test_a_tilted_gantry_is_refused_with_its_angle(tmp_path: Path) -> None:
    write_series(tmp_path, VOLUME, lean=0.5)
    with pytest.raises(InputFileError, match=r"tilted gantry.*11\.3 degrees"):
        load(tmp_path)


def test_slices_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write_slice(tmp_path / "size" / "a", VOLUME[0], (0, 0, 0))
    write_slice(tmp_path / "size" / "b", VOLUME[1][:-1], (0, 0, 1))
    with pytest.raises(InputFileError, match="16x19 and 16x20 pixels"):
        load(tmp_path / "size")
    write_slice(tmp_path / "turned" / "a", VOLUME[0], (0, 0, 0))
    other = (0, 1, 0, 0, 0, -1)
    write_slice(tmp_path / "turned" / "b", VOLUME[1], (0, 0, 1), orientation=other)
    with pytest.raises(InputFileError, match="not parallel"):
        load(tmp_path / "turned")
    write_slice(tmp_path / "zoom" / "a", VOLUME[0], (0, 0, 0))
    write_slice(tmp_path / "zoom" / "b", VOLUME[1], (0, 0, 1), spacing=(1, 1))
    with pytest.raises(InputFileError, match=r"0\.7x0\.8 and 1x1 mm"):
        load(tmp_path / "zoom")
    write_slice(tmp_path / "nowhere" / "a", VOLUME[0], None)
    write_slice(tmp_path / "nowhere" / "b", VOLUME[1], None, number=2)
    with pytest.raises(InputFileError, match="do not say where they lie"):
        load(tmp_path / "nowhere")
    skewed = (1, 0, 0, 0.5, 0.8660254, 0)
    write_slice(tmp_path / "skew" / "a", VOLUME[0], (0, 0, 0), orientation=skewed)
    write_slice(tmp_path / "skew" / "b", VOLUME[1], (0, 0, 1), orientation=skewed)
    with pytest.raises(InputFileError, match="right angles"):
        load(tmp_path / "skew")
    write_slice(tmp_path / "none" / "a", VOLUME[0], (0, 0, 0), spacing=(0, 1))
    write_slice(tmp_path / "none" / "b", VOLUME[1], (0, 0, 1), spacing=(0, 1))
    with pytest.raises(InputFileError, match="no number"):
        load(tmp_path / "none")


@pytest.mark.parametrize("name", ["scan.dcm", "IM00001", "1.2.840.5", "image.ima"])
def test_a_single_file_is_a_picture_whatever_its_name(
    tmp_path: Path, name: str
) -> None:
    path = write_slice(tmp_path / name, VOLUME[0], (3, 4, 5))
    found = load(path)
    assert (found.array == VOLUME[0].astype(np.int32) - 1024).all()
    assert found.grid.size == (16, 20)
    assert found.grid.spacing == (0.7, 0.8)
    assert found.grid.origin == (0, 0)


def test_an_old_file_without_preamble_is_read(tmp_path: Path) -> None:
    tags = slice_tags(VOLUME[0], (0, 0, 0))
    whole = file_bytes(tags, EXPLICIT, pixel_element(VOLUME[0]))
    (tmp_path / "old.dcm").write_bytes(whole[132:])
    found = load(tmp_path / "old.dcm")
    assert (found.array == VOLUME[0].astype(np.int32) - 1024).all()


def test_frames_of_one_file_are_put_in_order(tmp_path: Path) -> None:
    places = [(1.0, 2.0, 8.0 - 2 * at) for at in range(6)]
    found = load(write_frames(tmp_path / "enhanced", VOLUME, places))
    assert (found.array == VOLUME[::-1].astype(np.int32) - 1024).all()
    assert found.grid.spacing == (0.7, 0.8, 2.0)
    assert found.grid.origin == (1.0, 2.0, -2.0)
    crooked = [*places[:-1], (1.0, 2.0, -7.0)]
    with pytest.raises(InputFileError, match=r"missing|varies"):
        load(write_frames(tmp_path / "crooked", VOLUME, crooked))


def test_frames_of_different_scales_are_refused_wherever_they_lie(
    tmp_path: Path,
) -> None:
    def frame(slope: str) -> dict[int, tuple[str, object]]:
        scale = {0x00281052: ("DS", "0"), 0x00281053: ("DS", slope)}
        return {0x00289145: ("SQ", [scale])}

    tags = slice_tags(VOLUME[0], None)
    tags |= {
        0x00080016: ("UI", "1.2.840.10008.5.1.4.1.1.130"),
        0x00280008: ("IS", 6),
        0x52009230: ("SQ", [frame(slope) for slope in "112111"]),
    }
    path = tmp_path / "scales.dcm"
    path.write_bytes(file_bytes(tags, EXPLICIT, pixel_element(VOLUME)))
    with pytest.raises(InputFileError, match="scales the numbers of each frame"):
        load(path)


def test_frames_without_places_are_read_in_their_order(tmp_path: Path) -> None:
    tags = slice_tags(VOLUME[0], None) | {0x00280008: ("IS", 6)}
    path = tmp_path / "cine.dcm"
    path.write_bytes(file_bytes(tags, EXPLICIT, pixel_element(VOLUME)))
    found = load(path)
    assert (found.array == VOLUME.astype(np.int32) - 1024).all()
    assert found.grid.size == (16, 20, 6)
    assert found.grid.spacing[:2] == (0.7, 0.8)


@pytest.mark.parametrize("offsets", [[0, -2, -4, -6, -8, -10], [7, 5, 3, 1, -1, -3]])
def test_frames_at_offsets_of_the_first_are_put_in_order(
    tmp_path: Path, offsets: list[float]
) -> None:
    """A dose says where its first frame lies, and how far the others are from it."""
    tags = slice_tags(VOLUME[0], (1, 2, 7)) | {
        0x00080016: ("UI", "1.2.840.10008.5.1.4.1.1.481.2"),
        0x00280008: ("IS", 6),
        0x3004000C: ("DS", decimals(offsets)),
        0x3004000E: ("DS", "0.5"),
    }
    del tags[0x00281052], tags[0x00281053]
    path = tmp_path / "dose.dcm"
    path.write_bytes(file_bytes(tags, EXPLICIT, pixel_element(VOLUME)))
    found = load(path)
    assert (found.array == VOLUME[::-1] * 0.5).all()
    assert found.grid.origin == (1, 2, -3)
    assert found.grid.spacing == (0.7, 0.8, 2)


def test_frames_whose_place_is_said_in_part_are_refused(tmp_path: Path) -> None:
    tags = slice_tags(VOLUME[0], (1, 2, 7)) | {0x00280008: ("IS", 6)}
    first = tmp_path / "first.dcm"
    first.write_bytes(file_bytes(tags, EXPLICIT, pixel_element(VOLUME)))
    with pytest.raises(InputFileError, match="only in part where its frames lie"):
        load(first)
    places = [(1.0, 2.0, 2.0 * at) for at in range(5)]
    with pytest.raises(InputFileError, match="only in part where its frames lie"):
        load(write_frames(tmp_path / "few", VOLUME, places))


@pytest.mark.parametrize(
    "kind", ["1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.7.2", CT]
)
def test_the_spacing_in_the_patient_counts_before_that_of_the_detector(
    tmp_path: Path, kind: str
) -> None:
    tags = slice_tags(VOLUME[0], None)
    tags |= {0x00080016: ("UI", kind), 0x00181164: ("DS", "0.4\\0.3")}
    path = tmp_path / "film.dcm"
    path.write_bytes(file_bytes(tags, EXPLICIT, pixel_element(VOLUME[0])))
    assert load(path).grid.spacing == (0.7, 0.8)


@pytest.mark.parametrize("frames", ["1e999", "nan"])
def test_a_number_of_frames_that_is_none_is_refused(
    tmp_path: Path, frames: str
) -> None:
    tags = slice_tags(VOLUME[0], None) | {0x00280008: ("IS", frames)}
    path = tmp_path / "odd.dcm"
    path.write_bytes(file_bytes(tags, EXPLICIT, pixel_element(VOLUME[0])))
    with pytest.raises(InputFileError, match="is damaged"):
        load(path)


@pytest.mark.parametrize("shape", [(3, 5, 7), (1, 5, 7), (2, 4, 16)])
def test_pixels_of_one_bit_are_zeros_and_ones(
    tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    """As in segmentations; frames do not begin with a byte of their own."""
    region = noise(*shape) % 2
    tags = slice_tags(region[0], None)
    del tags[0x00281052], tags[0x00281053]
    tags |= {
        0x00080016: ("UI", "1.2.840.10008.5.1.4.1.1.66.4"),
        0x00280008: ("IS", shape[0]),
        0x00280100: ("US", 1),
        0x00280101: ("US", 1),
        0x00280102: ("US", 0),
    }
    bits = np.packbits(region.astype(bool), bitorder="little")
    tags[0x7FE00010] = ("OB", bits.tobytes())
    path = tmp_path / "segmentation.dcm"
    path.write_bytes(file_bytes(tags))
    found = load(path).array
    assert found.dtype == np.uint8
    assert (found.reshape(shape) == region).all()


def test_a_file_of_colours_has_three_components(tmp_path: Path) -> None:
    colours = np.random.default_rng(3).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    tags = slice_tags(VOLUME[0], None)
    tags |= {
        0x00280002: ("US", 3),
        0x00280004: ("CS", "RGB"),
        0x00280006: ("US", 0),
        0x00280010: ("US", 4),
        0x00280011: ("US", 6),
        0x00280100: ("US", 8),
        0x00280101: ("US", 8),
        0x00280102: ("US", 7),
    }
    del tags[0x00281052], tags[0x00281053]
    pixels = colours.tobytes()
    tags[0x7FE00010] = ("OB", pixels)
    (tmp_path / "colour.dcm").write_bytes(file_bytes(tags))
    found = load(tmp_path / "colour.dcm")
    assert found.components == 3
    assert (found.array == colours).all()


def test_a_negative_is_read_as_it_is_shown(tmp_path: Path) -> None:
    """MONOCHROME1 stores the brightest as 0."""
    tags = slice_tags(VOLUME[0], None, intercept=0)
    tags[0x00280004] = ("CS", "MONOCHROME1")
    path = tmp_path / "film.dcm"
    path.write_bytes(file_bytes(tags, EXPLICIT, pixel_element(VOLUME[0])))
    assert (load(path).array == 65535 - VOLUME[0].astype(int)).all()


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, DEFLATED, BIG, RLE])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_slice_cut_short_is_refused(
    tmp_path: Path, syntax: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path, VOLUME, syntax=syntax)
    path = sorted(tmp_path.iterdir())[2]
    data = path.read_bytes()
    path.write_bytes(data[: max(int(len(data) * share), 140)])
    with pytest.raises(InputFileError, match=r"damaged|not complete") as caught:
        load(tmp_path)
    assert not any(secret in str(caught.value) for secret in SECRETS)
    assert capfd.readouterr().err == ""


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_damaged_files_end_in_an_image_or_a_clear_error(
    tmp_path: Path, data: st.DataObject
) -> None:
    syntax = data.draw(st.sampled_from([IMPLICIT, EXPLICIT, DEFLATED, RLE]))
    tags = slice_tags(VOLUME[0], (0, 0, 0))
    whole = bytearray(file_bytes(tags, syntax, pixel_element(VOLUME[0], syntax)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(132, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.dcm"
    path.write_bytes(whole)
    said = ""
    try:
        said = f"an image of {load(path).array.size} voxels"
    except InputFileError as error:
        said = str(error)
    assert said
    assert not any(secret in said for secret in SECRETS)


def test_nothing_of_the_patient_reaches_values_or_files_saved(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", VOLUME)
    for path in (tmp_path / "ct", next((tmp_path / "ct").iterdir())):
        found = load(path)
        assert found.itk.GetMetaDataKeys() == ()
        held = b"".join(encode(found, lambda value: b""))
        for suffix in (".nii", ".nrrd", ".mha", ".mhd", ".tif", ".png"):
            write_value(found, tmp_path / "out" / f"saved{suffix}")
        saved = [each.read_bytes() for each in (tmp_path / "out").iterdir()]
        for bytes_ in (held, *saved):
            assert not any(secret.encode() in bytes_ for secret in SECRETS)
            assert ROOT.encode() not in bytes_
