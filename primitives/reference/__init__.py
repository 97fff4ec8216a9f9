"""What the reference page of a primitive says beyond its table entry.

The texts lie beside this module, one file a namespace, in the order of the page::

    # geom

    What the namespace is for, in a sentence or two.

    ## circle

    - `image`: the picture to draw on
    - `radius`: in voxels
    - result: a copy of the picture with the disc drawn
    - units: coordinates and radius in voxels

    ```imgql
    print "voxels" volume(circle(blank(8, 8), 4, 4, 2, 1) > 0)
    ```

    ```text
    voxels=13.0
    ```

A section is called as the primitive in its table (``addition``, not ``+``).  Each
parameter of the signature has its line; ``result`` is what comes out; ``units`` must be
there when a number or an image comes out.  Text between the lines and the example is
for what is neither (when to use it, what to be careful about).  An example is a whole
program, run in ``docs/examples/small``, whose images are listed in ``README.md`` there;
the block after it is what it prints ("…" stands for anything within a line).  There may
be several.  ``imgql needs=nnunetv2`` marks one that is only run where that Python
module is installed, ``imgql fails`` one that fails with the message in the block after
it, ``imgql checked`` one that needs more than is there and is only checked.

``tests/primitives/test_reference.py`` holds the files against the registry and runs the
examples; ``scripts/generate_reference.py`` writes the pages.  Nothing of this is read
before somebody asks for a page.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from .pages import Example, NamespaceTexts, Reference, ReferenceTextError, parse

if TYPE_CHECKING:
    from primitives.registry import Primitive

__all__ = [
    "Example",
    "NamespaceTexts",
    "Reference",
    "ReferenceTextError",
    "namespace_texts",
    "reference_of",
]


@cache
def namespace_texts(namespace: str) -> NamespaceTexts:
    """Return the texts of one namespace; empty ones if it has no file.

    Raises:
        ReferenceTextError: the file is not written as this module describes.
    """
    file = resources.files(__name__).joinpath(f"{namespace}.md")
    if not file.is_file():
        return NamespaceTexts("", {})
    return parse(file.read_text(encoding="utf-8"), f"{namespace}.md")


def reference_of(primitive: Primitive) -> Reference:
    """Return the reference text of a primitive; an empty one if none is written."""
    written = namespace_texts(primitive.namespace).sections.get(primitive.short_name)
    if written is not None:
        return written
    if primitive.namespace == "simpleitk":
        from .filters import filter_reference

        return filter_reference(primitive)
    return Reference()
