"""Namespace ``geom``: drawing on 2-D images."""

from __future__ import annotations

from primitives.registry import Cost, Determinism, Primitive, Table

from ._tables import by_short_name

_CENTRE = "image: image, cx: number, cy: number, radius: number"


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    return by_short_name(
        (
            _drawing(
                "blank",
                "height: number, width: number, value: number = 0 -> image",
                "A 2-D canvas of one number, as Float32.",
                "Rows come first. Spacing is 1 and the origin 0.",
            ),
            _drawing(
                "circle",
                f"{_CENTRE}, value: number -> image",
                "The image with a filled circle drawn on it.",
                "A pixel is inside if (x - cx)² + (y - cy)² ≤ radius². The pixel type "
                "of the image is kept; what lies outside of the image is left out.",
            ),
            _drawing(
                "regular_polygon",
                f"{_CENTRE}, sides: number, value: number -> image",
                "The image with a filled regular polygon drawn on it.",
                "Its corners lie on a circle of this radius, one of them to the left "
                "of the centre; sides and corners belong to it. The pixel type of the "
                "image is kept; what lies outside of the image is left out.",
            ),
        )
    )


def _drawing(name: str, signature: str, summary: str, details: str) -> Primitive:
    return Primitive(
        name=f"geom.{name}",
        version=1,
        signature=signature,
        kernel=f"primitives.kernels.drawing:{name}",
        determinism=Determinism.EXACT,
        cost=Cost.LINEAR,
        summary=summary,
        # What is drawn on may be an image as it was read.
        reveals_input=name != "blank",
        details=details,
    )
