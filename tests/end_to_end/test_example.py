"""The example program on the real brain."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from .workplace import EXAMPLE, Workplace

pytestmark = pytest.mark.slow


def test_the_tissues_are_found_and_a_second_run_executes_nothing(
    workplace: Workplace,
) -> None:
    first = workplace.run()
    files = workplace.saved()
    again = workplace.run()

    found = {goal["label"]: goal["value"] for goal in first.document["goals"]}
    assert found["grey_dice"] >= 0.95
    assert found["white_dice"] >= 0.95
    assert found["brain_ml"] == pytest.approx(1886.539)
    parts = found["grey_ml"] + found["white_ml"] + found["fluid_ml"]
    assert parts == pytest.approx(found["brain_ml"])
    assert first.executed > 0
    assert again.executed == 0
    assert again.results == first.results
    assert workplace.saved() == files


def test_the_printed_dice_is_that_of_the_saved_mask(workplace: Workplace) -> None:
    outcome = workplace.run()
    maps = next((workplace.folder / "brain").glob("*_gm_*"))
    truth = sitk.GetArrayFromImage(sitk.ReadImage(maps)) >= 128
    saved = sitk.ReadImage(workplace.folder / "grey-matter.nii.gz")
    grey = sitk.GetArrayFromImage(saved) != 0
    template = sitk.ReadImage(workplace.t1)

    dice = 2 * np.count_nonzero(grey & truth) / (grey.sum() + truth.sum())
    assert outcome.results["grey_dice"][1] == pytest.approx(dice, abs=1e-12)
    assert saved.GetSize() == template.GetSize()
    assert saved.GetOrigin() == template.GetOrigin()
    assert saved.GetDirection() == template.GetDirection()


def test_a_touched_brain_is_the_same_brain(workplace: Workplace) -> None:
    workplace.run()
    os.utime(workplace.t1)
    assert workplace.run().executed == 0


def test_a_copied_brain_in_another_folder_is_the_same_brain(
    workplace: Workplace, brain: Path, tmp_path: Path
) -> None:
    first = workplace.run()
    elsewhere = Workplace(tmp_path / "elsewhere", brain)
    program = elsewhere.folder / "renamed.imgql"
    shutil.copy(EXAMPLE, program)
    again = elsewhere.run(program, VOXPEER_STORE=str(workplace.store))
    assert again.executed == 0
    assert again.results == first.results


def test_one_changed_voxel_is_another_brain(workplace: Workplace) -> None:
    before = workplace.run()
    image = sitk.ReadImage(workplace.t1)
    centre = [length // 2 for length in image.GetSize()]
    image[centre] = image[centre] + 1
    sitk.WriteImage(image, workplace.t1)
    after = workplace.run()

    assert after.executed > 0
    changed = after.results["grey_dice"], before.results["grey_dice"]
    assert changed[0][2] != changed[1][2], "the node keys must differ"
    assert workplace.run().executed == 0


def test_results_do_not_depend_on_the_number_of_cores(
    workplace: Workplace, brain: Path, tmp_path: Path
) -> None:
    one = workplace.run(EXAMPLE, "--jobs", "1")
    four = Workplace(tmp_path / "four", brain).run(EXAMPLE, "--jobs", "4")
    assert one.results == four.results
