"""Pictures of all kinds: what their pixels become, and saving colours."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk

from primitives import Image, InputFile
from primitives.formats.write import write_value
from tests.primitives.samples import call

RNG = np.random.default_rng(5)
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
COLOURS = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7])


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(
    path: Path, rows: npt.NDArray[Any], depth: int, form: int, *, more: bytes = b""
) -> Path:
    """Write a PNG file; ``rows`` are the bytes of each row, each with filter 2 or 0."""
    channels = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}[form]
    width = rows.shape[1] * 8 // (channels * depth)
    header = struct.pack(">IIBBBBB", width, len(rows), depth, form, 0, 0, 0)
    before = np.zeros_like(rows[0])
    filtered = b""
    for row in rows:  # each byte less the one above it
        filtered += b"\x02" + (row - before).astype(np.uint8).tobytes()
        before = row
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + more
        + chunk(b"IDAT", zlib.compress(filtered))
        + chunk(b"IEND", b"")
    )
    return path


def load(path: Path) -> Image:
    found = call("load", InputFile.at(path))
    assert isinstance(found, Image)
    return found


@pytest.mark.parametrize("form", [GREY, RGB, RGBA])
@pytest.mark.parametrize("depth", [8, 16])
def test_png_keeps_its_channels_and_depth(
    tmp_path: Path, form: int, depth: int
) -> None:
    channels = {GREY: 1, RGB: 3, RGBA: 4}[form]
    kind = ">u2" if depth == 16 else "u1"
    pixels = RNG.integers(0, 2**depth, (5, 7, channels)).astype(kind)
    rows = pixels.reshape(5, -1).view(np.uint8)
    found = load(png(tmp_path / "a.png", rows, depth, form))
    assert found.pixel_type == np.dtype(f"u{depth // 8}")
    assert found.components == channels
    assert (found.array.reshape(5, 7, channels) == pixels).all()
    assert found.grid.spacing == (1, 1)


@pytest.mark.parametrize("depth", [8, 16])
def test_grey_with_transparency_is_red_green_blue_and_alpha(
    tmp_path: Path, depth: int
) -> None:
    kind = ">u2" if depth == 16 else "u1"
    pixels = RNG.integers(0, 2**depth, (5, 7, 2)).astype(kind)
    rows = pixels.reshape(5, -1).view(np.uint8)
    more = chunk(b"tEXt", b"Comment\0by hand") + chunk(b"bKGD", b"\0\1")
    path = png(tmp_path / "a.png", rows, depth, GREY_ALPHA, more=more)
    found = load(path)
    assert found.components == 4
    assert found.pixel_type == np.dtype(f"u{depth // 8}")
    for at in range(3):
        assert (found.array[..., at] == pixels[..., 0]).all()
    assert (found.array[..., 3] == pixels[..., 1]).all()
    assert (call("alpha", found).array == pixels[..., 1]).all()
    assert call("intensity", found).array == pytest.approx(pixels[..., 0], rel=1e-6)


def test_a_palette_becomes_its_colours(tmp_path: Path) -> None:
    rows = np.tile(np.arange(4, dtype=np.uint8), (3, 1))
    plain = png(tmp_path / "a.png", rows, 8, PALETTE, more=chunk(b"PLTE", COLOURS))
    assert load(plain).array[0].tolist() == np.reshape(list(COLOURS), (4, 3)).tolist()
    more = chunk(b"PLTE", COLOURS) + chunk(b"tRNS", bytes([0, 128]))
    clear = load(png(tmp_path / "b.png", rows, 8, PALETTE, more=more))
    assert clear.array[0, :, 3].tolist() == [0, 128, 255, 255]


def test_fewer_bits_are_spread_over_a_byte(tmp_path: Path) -> None:
    bits = png(tmp_path / "a.png", np.array([[0b10101010]], np.uint8), 1, GREY)
    assert load(bits).array[0].tolist() == [255, 0] * 4
    nibbles = png(tmp_path / "b.png", np.array([[0x1F]], np.uint8), 4, GREY)
    assert load(nibbles).array[0].tolist() == [0x11, 0xFF]


def test_the_orientation_of_a_camera_is_not_applied(tmp_path: Path) -> None:
    """A mask drawn on the pixels as they are stored must lie where it was drawn."""
    pixels = RNG.integers(0, 256, (16, 24, 3)).astype(np.uint8)
    image = sitk.GetImageFromArray(pixels, isVector=True)
    plain, turned = tmp_path / "plain.jpg", tmp_path / "turned.jpg"
    sitk.WriteImage(image, str(plain))
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    data = plain.read_bytes()
    head = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    turned.write_bytes(data[:2] + head + data[2:])
    assert (load(turned).array == load(plain).array).all()
    assert load(turned).grid.size == (24, 16)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_come_back_as_they_were_saved(
    tmp_path: Path, suffix: str, channels: int
) -> None:
    if suffix == ".bmp" and channels == 4:
        pytest.skip("holds no transparency")
    pixels = RNG.integers(0, 256, (5, 7, channels)).astype(np.uint8)
    image = Image.of_itk(sitk.GetImageFromArray(pixels, isVector=True))
    write_value(image, tmp_path / f"a{suffix}")
    assert (load(tmp_path / f"a{suffix}").array == pixels).all()


def test_the_parts_of_a_picture_make_it_again(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    path = png(tmp_path / "a.png", pixels.reshape(5, -1), 8, RGB)
    image = load(path)
    parts = [call(name, image) for name in ("red", "green", "blue")]
    write_value(call("rgb", *parts), tmp_path / "b.png")
    assert (load(tmp_path / "b.png").array == pixels).all()


def test_what_a_file_says_besides_its_pixels_is_dropped(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.zeros((3, 4, 5), np.uint8))
    image.SetMetaData("patient", "DOE^JANE")
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"))
    found = load(tmp_path / "a.nrrd")
    assert found.itk.GetMetaDataKeys() == ()
    write_value(found, tmp_path / "b.nrrd")
    assert b"DOE" not in (tmp_path / "b.nrrd").read_bytes()
