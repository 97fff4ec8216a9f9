"""Reading files: what is in them, and what is wrong with them."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from primitives import (
    Image,
    InputChangedError,
    InputFile,
    InputFileError,
    KernelError,
    KernelTypeError,
    Value,
    file_signature,
)
from primitives.formats.members import input_members
from tests.primitives.samples import call

SIZE = (7, 6, 5)
VOLUME = [".nii", ".nii.gz", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd", ".tif"]
PICTURE = [".png", ".bmp", ".tiff"]


def load(path: Path) -> Value:
    return call("load", InputFile.at(path))


def sample(dimension: int = 3, pixel: int = sitk.sitkUInt8) -> sitk.Image:
    """Return an image of noise, which does not compress, with an odd geometry."""
    shape = SIZE[:dimension][::-1]
    noise = np.random.default_rng(1).integers(0, 120, shape).astype(np.uint8)
    made: sitk.Image = sitk.Cast(sitk.GetImageFromArray(noise), pixel)
    if dimension == 3:
        made.SetSpacing((0.5, 2.0, 3.0))
        made.SetOrigin((-10.0, 20.0, 5.0))
        made.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    return made


def written(path: Path, image: sitk.Image, compress: bool = False) -> Path:
    sitk.WriteImage(image, str(path), compress)
    return path


@pytest.mark.parametrize("suffix", VOLUME)
def test_a_volume_is_read_with_its_pixel_type_and_geometry(
    tmp_path: Path, suffix: str
) -> None:
    original = sample()
    found = load(written(tmp_path / f"volume{suffix}", original))
    assert isinstance(found, Image)
    assert found.pixel_type == np.uint8
    assert (found.array == sitk.GetArrayFromImage(original)).all()
    expected = sitk.ReadImage(str(tmp_path / f"volume{suffix}"))
    assert found.grid == Image.of_itk(expected).grid


@pytest.mark.parametrize("suffix", PICTURE)
def test_a_picture_is_read(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"picture{suffix}", sample(2))
    found = load(path)
    assert (found.array == sitk.GetArrayFromImage(sitk.ReadImage(str(path)))).all()


@pytest.mark.parametrize(
    "pixel",
    [
        sitk.sitkInt8,
        sitk.sitkUInt16,
        sitk.sitkInt16,
        sitk.sitkInt32,
        sitk.sitkUInt32,
        sitk.sitkInt64,
        sitk.sitkFloat32,
        sitk.sitkFloat64,
        sitk.sitkComplexFloat32,
    ],
)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti_is_read_as_itk_reads_it(tmp_path: Path, pixel: int, suffix: str) -> None:
    path = written(tmp_path / f"volume{suffix}", sample(pixel=pixel))
    expected = Image.of_itk(sitk.ReadImage(str(path)))
    found = load(path)
    assert found.pixel_type == expected.pixel_type
    assert found.grid == expected.grid
    assert found.array.tobytes() == expected.array.tobytes()


def test_scaled_and_colored_nifti_is_read_as_itk_reads_it(tmp_path: Path) -> None:
    scaled = written(tmp_path / "scaled.nii", sample(pixel=sitk.sitkInt16))
    data = bytearray(scaled.read_bytes())
    struct.pack_into("<ff", data, 112, 0.5, 10.0)
    scaled.write_bytes(data)
    color = written(tmp_path / "color.nii.gz", sitk.Compose([sample()] * 3))
    for path in (scaled, color):
        expected = Image.of_itk(sitk.ReadImage(str(path)))
        found = load(path)
        assert found.pixel_type == expected.pixel_type
        assert found.components == expected.components
        assert found.array.tobytes() == expected.array.tobytes()


def test_big_endian_nifti_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "volume.nii", sample(pixel=sitk.sitkInt16))
    data = path.read_bytes()
    swapped = bytearray(352)
    for form, at, count in [("i", 0, 1), ("h", 40, 8), ("h", 70, 2), ("f", 76, 11)]:
        numbers = struct.unpack_from(f"<{count}{form}", data, at)
        struct.pack_into(f">{count}{form}", swapped, at, *numbers)
    swapped[344:348] = data[344:348]
    voxels = np.frombuffer(data, "<i2", offset=352)
    path.write_bytes(bytes(swapped) + voxels.astype(">i2").tobytes())
    assert (load(path).array.reshape(-1) == voxels).all()


def test_an_upper_case_suffix_is_the_same_format(tmp_path: Path) -> None:
    written(tmp_path / "volume.nii.gz", sample()).rename(tmp_path / "VOLUME.NII.GZ")
    assert InputFile.at(tmp_path / "VOLUME.NII.GZ").suffix == ".nii.gz"
    assert load(tmp_path / "VOLUME.NII.GZ").grid.size == SIZE


def damaged_part(path: Path) -> Path:
    """Return the file that holds the voxels."""
    members = input_members(path)
    return members[0] if members else path


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("suffix", [*VOLUME, *PICTURE, ".jpg"])
def test_a_file_cut_short_is_refused(
    tmp_path: Path,
    suffix: str,
    share: float,
    compress: bool,
    capfd: pytest.CaptureFixture[str],
) -> None:
    image = sample(2 if suffix in (".jpg", *PICTURE) else 3)
    if suffix == ".jpg" and compress:
        compress = False
    path = written(tmp_path / f"image{suffix}", image, compress)
    part = damaged_part(path)
    data = part.read_bytes()
    part.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputFileError, match="image"):
        load(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha", ".mhd", ".png"])
def test_one_wrong_byte_in_compressed_voxels_is_noticed(
    tmp_path: Path, suffix: str
) -> None:
    image = sample(2 if suffix == ".png" else 3)
    path = written(tmp_path / f"image{suffix}", image, compress=True)
    part = damaged_part(path)
    data = bytearray(part.read_bytes())
    data[-len(data) // 4] ^= 0xFF
    part.write_bytes(data)
    with pytest.raises(InputFileError, match="damaged"):
        load(path)


@pytest.mark.parametrize("suffix", [*VOLUME, *PICTURE, ".jpg"])
@pytest.mark.parametrize("content", [b"", b"hello, this is no image " * 50])
def test_a_file_of_another_format_is_refused(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    path = tmp_path / f"image{suffix}"
    path.write_bytes(content)
    (tmp_path / "image.img").write_bytes(content)
    with pytest.raises(InputFileError, match="image"):
        load(path)


def test_a_gzip_file_that_holds_far_more_than_it_announces_is_refused(
    tmp_path: Path,
) -> None:
    path = written(tmp_path / "bomb.nii.gz", sample())
    data = gzip.decompress(path.read_bytes()) + bytes(50 << 20)
    path.write_bytes(gzip.compress(data))
    with pytest.raises(InputFileError, match="more than"):
        load(path)


def test_a_gzip_file_of_several_parts_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "parts.nii.gz", sample())
    data = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(data[:300]) + gzip.compress(data[300:]) + b"\0\0")
    assert (load(path).array == sitk.GetArrayFromImage(sample())).all()


def test_single_axes_are_dropped(tmp_path: Path) -> None:
    volume = sample()
    one = load(written(tmp_path / "one.nrrd", sitk.JoinSeries([volume])))
    assert one.grid == Image.of_itk(volume).grid


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"there is no file '.*none\.nii'"):
        InputFile.at(tmp_path / "none.nii")
    with pytest.raises(InputFileError, match="is a folder"):
        InputFile.at(tmp_path)
    os.mkfifo(tmp_path / "pipe.nii")
    with pytest.raises(InputFileError, match="not a regular file"):
        InputFile.at(tmp_path / "pipe.nii")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "secret.nii", sample())
    path.chmod(0)
    with pytest.raises(InputFileError, match="permissions"):
        InputFile.at(path)


def test_headers_name_the_files_that_belong_to_them(tmp_path: Path) -> None:
    for suffix, data in ((".mhd", ".raw"), (".hdr", ".img"), (".nhdr", ".raw")):
        (tmp_path / suffix[1:]).mkdir()
        path = written(tmp_path / suffix[1:] / f"a{suffix}", sample())
        assert [member.suffix for member in input_members(path)] == [data]
    assert input_members(written(tmp_path / "a.nii", sample())) == []


def test_a_header_without_its_data_file_is_refused(tmp_path: Path) -> None:
    for suffix in (".mhd", ".hdr", ".nhdr"):
        path = written(tmp_path / f"a{suffix}", sample())
        input_members(path)[0].unlink()
        with pytest.raises(InputFileError, match=r"missing|not beside it"):
            load(path)


def test_a_header_may_not_reach_outside_its_folder(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    path = written(inner / "a.mhd", sample())
    (inner / "a.raw").rename(tmp_path / "a.raw")
    path.write_text(path.read_text().replace("a.raw", "../a.raw"))
    with pytest.raises(InputFileError, match="outside its folder"):
        load(path)


def test_a_file_that_changed_since_it_was_hashed_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii", sample())
    seen = ((path, file_signature(path)),)
    file = InputFile(path, ".nii", expected=seen)
    assert call("load", file).grid.size == SIZE
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(InputChangedError, match="changed while"):
        call("load", file)
    path.unlink()
    with pytest.raises(InputChangedError):
        file.check_unchanged()


def test_a_file_changed_under_its_old_time_is_refused(tmp_path: Path) -> None:
    """As copying tools do that restore the times of files."""
    path = written(tmp_path / "a.nii", sample())
    before = path.stat()
    file = InputFile(path, ".nii", expected=((path, file_signature(path)),))
    data = path.read_bytes()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # clocks of files are coarse
        with path.open("r+b") as opened:
            opened.write(data[:-1] + b"\1")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputChangedError, match="changed while"):
        call("load", file)


def test_text_is_a_sequence_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes("\ufeffone\r\n\ntwo,three\nfür".encode())
    assert load(path) == ("one", "", "two,three", "für")
    path.write_bytes(b"")
    assert load(path) == ()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputFileError, match="not UTF-8"):
        load(path)


def test_json_is_values(tmp_path: Path) -> None:
    path = tmp_path / "values.json"
    path.write_text('{"a": [1, 2.0, true, null, "x"], "b": 99999999999999999999}')
    found = load(path)
    assert found == {"a": (1, 2.0, True, None, "x"), "b": 1e20}
    assert [type(item) for item in found["a"][:3]] == [int, float, bool]


@pytest.mark.parametrize("text", ["{", '{"a": }', "[" * 100_000])
def test_json_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "values.json"
    path.write_text(text)
    with pytest.raises(InputFileError, match="json"):
        load(path)


def test_other_files_are_bytes_and_sequences_are_themselves(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(zlib.compress(b"x"))
    assert load(path) == zlib.compress(b"x")
    assert call("load", ("a", 1)) == ("a", 1)
    with pytest.raises(KernelTypeError, match="not a double"):
        call("load", 1.0)


def test_dir_lists_a_folder_sorted(tmp_path: Path) -> None:
    for name in ("b.nii", "a.nii", "c.txt", "sub/d.nii"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    root = str(tmp_path)
    assert call("dir", root) == ("a.nii", "b.nii", "c.txt", "sub")
    assert call("dir", root, "*.nii", True) == ("a.nii", "b.nii", "sub/d.nii")
    full = call("dir", root, "c*", 0, 1)
    assert full == (str((tmp_path / "c.txt").resolve()),)
    assert call("dir", root, "*.mha") == ()


def test_dir_refuses_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KernelError, match="is not a folder"):
        call("dir", str(tmp_path / "file"))
    with pytest.raises(KernelError, match="does not exist"):
        call("dir", str(tmp_path / "none"))
    with pytest.raises(KernelError, match="cannot be listed by"):
        call("dir", str(tmp_path), "/etc/*")
