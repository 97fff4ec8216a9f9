"""SimpleITK's filters as primitives."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from primitives.catalog import standard_registry
from primitives.context import CancelledError, Context
from primitives.errors import GridMismatchError, KernelError, KernelTypeError
from primitives.values import Image, Mask, Value

from .samples import call, grid_of, image, mask

ROOT = Path(__file__).parents[2]
TABLE = standard_registry().table("simpleitk")


def grey(shape: tuple[int, ...] = (12, 11, 10), dtype: str = "float32") -> Image:
    """Return a noisy picture from 0 to 200."""
    return image(np.random.default_rng(0).random(shape) * 200, dtype)


def theirs(found: sitk.Image) -> list[float]:
    """Return the voxels of an ITK image."""
    voxels: list[float] = sitk.GetArrayFromImage(found).tolist()
    return voxels


def test_every_filter_has_a_signature_and_a_sentence() -> None:
    assert len(TABLE) > 280
    for name, primitive in TABLE.items():
        assert primitive.name == f"simpleitk.{name}"
        assert primitive.parameters
        assert primitive.result_kinds <= {
            "image",
            "string",
            "sequence",
            "int",
            "record",
        }
        assert primitive.summary.endswith(".")


def test_what_reaches_outside_is_left_out() -> None:
    denied = {"WriteImage", "Show", "ReadTransform", "WriteTransform", "ImageViewer"}
    assert not denied & set(TABLE)
    assert not [name for name in TABLE if "Transform" in name or "_" in name]


def test_results_equal_those_of_the_functions() -> None:
    picture, region = grey(), mask(grey().array > 100)
    source, binary = picture.itk, region.itk
    for found, expected in (
        (
            call("simpleitk.BinaryThreshold", picture, 10.0, 100.0, 1.0, 0.0),
            sitk.BinaryThreshold(source, 10, 100, 1, 0),
        ),
        (
            call("simpleitk.BinaryDilate", region, (2.0, 1.0, 1.0), "sitkBox"),
            sitk.BinaryDilate(binary, [2, 1, 1], sitk.sitkBox),
        ),
        (
            call("simpleitk.Median", picture, 2.0),
            sitk.Median(source, [2, 2, 2]),
        ),
        (
            call("simpleitk.OtsuThreshold", picture, 0.0, 1.0, 64.0),
            sitk.OtsuThreshold(source, 0, 1, 64),
        ),
        (
            call("simpleitk.Extract", picture, (5.0, 4.0, 0.0), (1.0, 2.0, 3.0)),
            sitk.Extract(source, [5, 4, 0], [1, 2, 3]),
        ),
        (
            call("simpleitk.Resample", picture, None, (5.0, 5.0, 5.0), "sitkLinear"),
            sitk.Resample(source, [5, 5, 5]),
        ),
        (
            call("simpleitk.Subtract", 100.0, picture),
            sitk.Subtract(100.0, source),
        ),
        (
            call("simpleitk.JoinSeries", (picture, picture), 1.0, 2.0),
            sitk.JoinSeries([source, source], 1.0, 2.0),
        ),
        (
            call("simpleitk.ConnectedThreshold", region, ((1.0, 1.0, 1.0),), 0.0, 1.0),
            sitk.ConnectedThreshold(binary, [[1, 1, 1]], 0, 1),
        ),
    ):
        assert theirs(found.itk) == theirs(expected)
        assert found.itk.GetPixelID() == expected.GetPixelID()


def test_a_mask_is_given_to_a_threshold_by_name() -> None:
    picture, region = grey(), mask(grey().array > 100)
    names = [formal.name for formal in TABLE["OtsuThreshold"].parameters]
    assert names[-1] == "maskImage"
    arguments = [None] * (len(names) - 2)
    found = call("simpleitk.OtsuThreshold", picture, *arguments, region)
    expected = sitk.OtsuThreshold(picture.itk, region.itk, 1, 0, 128, True, 1)
    assert theirs(found.itk) == theirs(expected)


def test_a_mask_may_stand_where_simpleitk_takes_it_in_its_second_form() -> None:
    picture, region = grey(), mask(grey().array > 100)
    expected = sitk.OtsuThreshold(picture.itk, region.itk, 1, 0, 64, True, 1)
    second_form = call("simpleitk.OtsuThreshold", picture, region, 1.0, 0.0, 64.0)
    assert theirs(second_form.itk) == theirs(expected)


def test_a_mask_serves_as_numbers_where_a_filter_wants_one_pixel_type() -> None:
    picture, region = grey(), mask(grey().array > 100)
    found = call("simpleitk.Multiply", picture, region)
    assert found.pixel_type == np.float32
    assert (found.array == np.where(region.array, picture.array, 0)).all()


def test_measures_of_labels_are_a_sequence_of_records() -> None:
    labels = image([[1, 1, 0], [0, 0, 2]], "uint8")
    found = call("simpleitk.LabelShapeStatistics", labels)
    assert [(each["Label"], each["NumberOfPixels"]) for each in found] == [
        (1, 2),
        (2, 1),
    ]
    assert "FeretDiameter" not in found[0]
    wider = call("simpleitk.LabelShapeStatistics", labels, 0.0, True)
    assert wider[0]["FeretDiameter"] == 1.0
    overlap = call(
        "simpleitk.LabelOverlapMeasures", labels, image([[1, 0, 0]] * 2, "uint8")
    )
    assert [each["Label"] for each in overlap["Labels"]] == [1, 2]
    assert 0 < overlap["DiceCoefficient"] < 1


def test_a_filter_without_a_function_finds_the_field_between_two_images() -> None:
    fixed = call("simpleitk.GaussianSource", "sitkFloat32", (32, 32), 5, (16, 16))
    moving = call("simpleitk.GaussianSource", "sitkFloat32", (32, 32), 5, (18, 16))
    field = call("simpleitk.DemonsRegistration", fixed, moving, 1.0, 60.0)
    assert field.components == 2
    warped = call("simpleitk.Warp", moving, field)
    before = np.abs(moving.array - fixed.array).mean()
    assert np.abs(warped.array - fixed.array).mean() < before / 3


@pytest.mark.parametrize("pixel_type", ["sitkUInt8", "UInt8", sitk.sitkUInt8, 1.0])
def test_an_enumerator_is_given_by_name_or_number(pixel_type: Value) -> None:
    assert call("simpleitk.Cast", grey(), pixel_type).pixel_type == np.uint8


def test_label_maps_are_label_images_between_filters() -> None:
    labels = call("simpleitk.BinaryImageToLabelMap", mask([[1, 0, 1]]))
    assert labels.array.tolist() == [[1, 0, 2]]
    again = call("simpleitk.LabelMapToBinary", labels)
    assert again.array.tolist() == [[1, 0, 1]]
    with pytest.raises(KernelTypeError, match="whole labels"):
        call("simpleitk.LabelMapToBinary", grey())


def test_random_numbers_have_a_fixed_seed() -> None:
    one, other = (call("simpleitk.AdditiveGaussianNoise", grey()) for _ in range(2))
    assert (one.array == other.array).all()
    different = call("simpleitk.AdditiveGaussianNoise", grey(), None, None, 2.0)
    assert (one.array != different.array).any()
    with pytest.raises(KernelError, match="clock"):
        call("simpleitk.AdditiveGaussianNoise", grey(), 1.0, 0.0, 0.0)


FIELD = Image.of_array(np.zeros((4, 4, 2), np.float32), grid_of((4, 4)), 2)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("BinaryDilate", (mask([[1]]), 2.5), "kernelRadius must be a whole number"),
        ("BinaryDilate", (mask([[1]]), -1.0), "from 0 to"),
        ("BinaryDilate", (mask([[1]]), "a"), "must be a number, not 'a'"),
        ("BinaryDilate", (mask([[1]]), 1.0, "sitkBal"), "did you mean 'sitkBall'"),
        ("BinaryDilate", (grey(),), "32-bit float is not supported"),
        ("BinaryThreshold", (grey(), 9.0, 1.0), "Lower threshold cannot be greater"),
        ("BinaryThreshold", (grey(), 1.0, 9.0, 256.0), "from 0 to 255"),
        ("Cast", (grey(),), "pixelID is missing"),
        ("Add", (1.0, 2.0), "no form for arguments of the kinds double, double"),
        ("Abs", ("x",), "image1 must be an image, not 'x'"),
        ("ChangeLabel", (grey(), (1.0,)), "sequence of pairs"),
        ("ConnectedThreshold", (grey(), 3.0), "sequence of voxels"),
        ("GetPixelIDValueFromString", ("sitkFloat",), "did you mean"),
        ("InverseDisplacementField", (FIELD,), "the result has no voxels"),
    ],
)
def test_bad_arguments_are_explained(
    name: str, arguments: tuple[Value, ...], message: str
) -> None:
    with pytest.raises(KernelError, match=message) as caught:
        call(f"simpleitk.{name}", *arguments)
    text = str(caught.value)
    assert "\n" not in text
    assert not any(word in text for word in (".hxx", ".cxx", "0x", "sitk::"))


def test_images_on_different_grids_are_named() -> None:
    spaced = Image.of_array(grey().array.copy(), grid_of((12, 11, 10), 2.0))
    smaller = grey((12, 11, 9))
    for other in (spaced, smaller):
        with pytest.raises(GridMismatchError, match="resample one of them"):
            call("simpleitk.Add", grey(), other)


def test_measures_are_sequences() -> None:
    numbers = image([[1, 2, 3, 6]], "uint8")
    assert call("simpleitk.MinimumMaximum", numbers) == (1.0, 6.0)
    found = call("simpleitk.Statistics", numbers)
    variance = 14 / 3
    expected = (1.0, 6.0, 3.0, variance**0.5, variance, 12.0, 4.0)
    assert found == pytest.approx(expected)
    assert call("simpleitk.GetPixelIDValueFromString", "sitkFloat32") == (
        sitk.sitkFloat32
    )


def test_a_filter_leaves_its_arguments_alone() -> None:
    region = Mask(grey().array > 100, grey().grid)
    before = region.array.copy()
    call("simpleitk.BinaryFillhole", region)
    assert (region.array == before).all()


@pytest.mark.slow
def test_a_running_filter_can_be_stopped() -> None:
    picture = grey((40, 40, 40))
    kernel = standard_registry().get("simpleitk.CurvatureFlow").load()
    context = Context()
    caught: list[BaseException] = []

    def run() -> None:
        try:
            kernel(context, picture, 0.01, 100000.0)
        except CancelledError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(0.2)
    # A request that comes before the filter begins is lost in ITK.
    while thread.is_alive():
        context.cancel()
        thread.join(0.1)
    assert len(caught) == 1


def test_the_table_is_made_without_numpy_and_simpleitk() -> None:
    code = (
        "import sys; from primitives.catalog import standard_registry;"
        "primitive = standard_registry().get('simpleitk.BinaryThreshold');"
        "primitive.parameters;"
        "assert not {'numpy', 'SimpleITK'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.slow
def test_the_table_is_that_of_the_installed_simpleitk() -> None:
    script = ROOT / "scripts" / "generate_simpleitk_table.py"
    subprocess.run([sys.executable, script, "--check"], cwd=ROOT, check=True)
