"""Images as pictures: a mosaic of slices in a folder, to be opened with any viewer."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from primitives.errors import PrimitivesError
from primitives.values import Value


class Pictures:
    """Makes pictures of values; use as a context manager.

    Args:
        folder: where they are left; None is a folder that nobody else can read and
            that is removed in the end, since pictures show patients.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._chosen = folder
        self._made: Path | None = None

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was made, unless its folder was chosen."""
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)
            self._made = None

    def draw(self, value: Value, name: str) -> Path:
        """Write the picture of an image, a mask or an overlay; return where it is.

        Args:
            value: 2-D, or 3-D to be shown as a mosaic of its axial slices.
            name: of the file, without suffix; an older picture of it is replaced.

        Raises:
            PrimitivesError: there can be no picture of it, or it cannot be written.
        """
        from primitives.formats.write import write_value

        path = self._folder() / f"{name}.png"
        write_value(value, path)
        return path

    def _folder(self) -> Path:
        if self._chosen is not None:
            return self._chosen
        if self._made is None:
            try:
                self._made = Path(tempfile.mkdtemp(prefix="voxpeer-pictures-"))
            except OSError as error:
                raise PrimitivesError(f"no folder for pictures: {error}") from None
        return self._made
