"""Smooth, then count the voxels above each of 50 thresholds."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

NAME = "brain/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def main() -> None:
    """Print one count per threshold."""
    t1 = sitk.Cast(sitk.ReadImage(NAME), sitk.sitkFloat32)
    smooth = sitk.SmoothingRecursiveGaussian(t1, 1.0)
    counts = []
    for step in range(50):
        mask = smooth > 5.0 * step
        counts.append(float(np.count_nonzero(sitk.GetArrayViewFromImage(mask))))
    print(f"counts={counts}")


if __name__ == "__main__":
    main()
