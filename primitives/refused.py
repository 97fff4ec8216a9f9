"""Names that programs know from elsewhere, and why they are not offered here.

A call of one is an error that says so, instead of a name that is not defined.
"""

from __future__ import annotations

_EFFECT = "a program's results leave it through save and print"
_NOT_CONTENT = "a transform is no value of a program"
_SETTING = "a setting of the whole process would change results behind a program's back"
_LISTS = "it describes SimpleITK itself"

REFUSED = {
    "nnunet.train": "two trainings on the same cases give two networks, so the result "
    "could neither be named by its inputs nor checked; train with nnU-Net's own "
    "commands, and read what they leave by nnunet.model(folder)",
    "simpleitk.WriteImage": f'{_EFFECT}: write save "file.nii.gz" image',
    "simpleitk.Show": f'{_EFFECT}: write save "picture.png" image',
    "simpleitk.ReadTransform": _NOT_CONTENT,
    "simpleitk.WriteTransform": _NOT_CONTENT,
    "simpleitk.TransformGeometry": _NOT_CONTENT,
    "simpleitk.TransformToDisplacementField": f"{_NOT_CONTENT}; Warp takes a "
    "displacement field, and DemonsRegistration finds one",
    "simpleitk.BSplineTransformInitializer": _NOT_CONTENT,
    "simpleitk.CenteredTransformInitializer": _NOT_CONTENT,
    "simpleitk.CenteredVersorTransformInitializer": _NOT_CONTENT,
    "simpleitk.LandmarkBasedTransformInitializer": _NOT_CONTENT,
    "simpleitk.ImageRegistrationMethod": f"{_NOT_CONTENT}; DemonsRegistration and its "
    "relatives give a displacement field, for Warp",
    "simpleitk.GetArrayFromImage": "an image is used as it is",
    "simpleitk.GetArrayViewFromImage": "an image is used as it is",
    "simpleitk.GetImageFromArray": "load a file, or draw one with geom.blank",
    "simpleitk.GetPixelIDValueAsString": "pixel types are given by name, such as "
    '"sitkFloat32"',
    "test.demo_data": "load a file of your own, or draw one with geom.blank",
    "test.enqueue": "print and save say what is wanted; the rest is found out",
    "test.workflow_controller": "print and save say what is wanted; the rest is found "
    "out",
    "default.print_primitive": 'a program prints by print "label" value',
    "default.dask_map": "map and for run on all cores by themselves",
}
"""Reasons by qualified name."""

_PREFIXES = {
    "simpleitk.ImageSeriesReader_": "load and ReadImage take the folder of a DICOM "
    "series",
    "simpleitk.ImageReaderBase_": "load and ReadImage find out the format",
    "simpleitk.ImageViewer": f'{_EFFECT}: write save "picture.png" image',
    "simpleitk.ProcessObject_": _SETTING,
    "simpleitk.Version_": f"{_LISTS}; voxpeer version tells its version",
    "simpleitk.LoggerBase_": _SETTING,
    "simpleitk.DICOMOrientImageFilter_": f"{_LISTS}; DICOMOrient takes a name such as "
    '"LPS"',
    "simpleitk.FFTPadImageFilter_": f"{_LISTS}; FFTPad knows it",
}


def refusal(name: str) -> str:
    """Return why the primitive with this name is not offered; empty if none is known.

    Args:
        name: qualified, or short: then of any namespace.
    """
    for known, reason in REFUSED.items():
        if name in (known, known.partition(".")[2]):
            return reason
    for prefix, reason in _PREFIXES.items():
        if name.startswith((prefix, prefix.partition(".")[2])):
            return reason
    return ""
