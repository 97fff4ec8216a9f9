"""Measures in physical units."""

from __future__ import annotations

from primitives.registry import Cost, Determinism, Primitive, Table

from ._tables import by_short_name


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    return by_short_name(
        (
            Primitive(
                "voxpeer.voxelvolume",
                1,
                "image: image -> double",
                "primitives.kernels.statistics:voxel_volume_mm3",
                Determinism.EXACT,
                Cost.TRIVIAL,
                "Volume of one voxel in mm³ (area in mm² for a 2-D image).",
            ),
            Primitive(
                "voxpeer.volumeml",
                1,
                "region: mask -> double",
                "primitives.kernels.statistics:volume_ml",
                Determinism.EXACT,
                Cost.CHEAP,
                "Volume of a region in millilitres.",
                details="A millilitre is 1000 mm³; the image must be 3-D.",
            ),
        )
    )
