"""Each name of VoxLogicA 1 gives what its definition says, in three and two axes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import SimpleITK as sitk

import voxpeer
from primitives.namespaces import vox1
from tests.peer.conftest import Bench

from .files import read, write
from .slow import Picture
from .vox1_names import INEXACT, ROWS, World, is_close

HEAD = """
load i = "i.nii"
load jFile = "j.mha"
load tFile = "t.nii"
load bFile = "b.nii"
load cFile = "c.nii"
load m = "m.mha"
load n = "n.mha"
let j = intensity(jFile)
let t = intensity(tFile)
let b = intensity(bFile) >. 0
let c = intensity(cFile) >. 0
"""

OWN = frozenset(["load", "aligned", "extract"])
"""Names that have tests of their own."""


def make_world(size: tuple[int, ...], spacing: tuple[float, ...]) -> World:
    """Return images of few different numbers, and regions of several parts."""
    chance = random.Random(len(size))
    count = 1
    for length in size:
        count *= length

    def numbers(least: int, most: int, step: float = 1) -> Picture:
        drawn = (chance.randint(least, most) * step for _ in range(count))
        return Picture(size, spacing, tuple(drawn))

    def region(share: float) -> Picture:
        drawn = (float(chance.random() < share) for _ in range(count))
        return Picture(size, spacing, tuple(drawn))

    sparse = 0.06 if len(size) == 3 else 0.15
    colours = [numbers(0, 255) for _ in range(4)]
    return World(
        numbers(0, 40, 0.25),
        numbers(-2, 3, 0.5),
        numbers(1, 9),
        region(sparse),
        region(sparse * 3),
        *colours,
    )


class Answers:
    """What a run of all expressions gave, for one number of axes."""

    def __init__(self, folder: Path, world: World) -> None:
        self.world = world
        bench = Bench(folder)
        images = {"i": world.i, "t": world.t, "b": world.b, "c": world.c}
        for name, picture in images.items():
            kind = sitk.sitkUInt8 if name in "bc" else sitk.sitkFloat32
            write(folder / f"{name}.nii", picture, pixel_type=kind)
        write(folder / "j.mha", world.j)
        colours = [world.red, world.green, world.blue, world.alpha]
        write(folder / "m.mha", *colours[:3], pixel_type=sitk.sitkUInt8)
        write(folder / "n.mha", *colours, pixel_type=sitk.sitkUInt8)
        lines = [HEAD]
        for number, (expression, expect) in enumerate(ROWS):
            is_image = isinstance(expect(world), Picture | tuple)
            command = f'save "r{number}.mha"' if is_image else f'print "r{number}"'
            lines.append(f"{command} {expression}")
        done = bench.run("\n".join(lines), "--json")
        assert done.returncode == 0, done.stderr
        self.printed = {
            goal["label"]: goal["value"] for goal in json.loads(done.stdout)["goals"]
        }
        self.folder = folder


@pytest.fixture(scope="module", params=[2, 3], ids=["2-D", "3-D"])
def answers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Answers:
    size = (6, 5, 4) if request.param == 3 else (9, 7)
    spacing = (1.0, 1.5, 2.0)[: request.param]
    return Answers(tmp_path_factory.mktemp("names"), make_world(size, spacing))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "expression"),
    [(number, expression) for number, (expression, _) in enumerate(ROWS)],
)
def test_a_name_gives_what_it_means(
    answers: Answers, number: int, expression: str
) -> None:
    expected = ROWS[number][1](answers.world)
    if isinstance(expected, Picture):
        expected = (expected,)
    if not isinstance(expected, tuple):
        same(expression, (answers.printed[f"r{number}"],), (expected,))
        return
    found = read(answers.folder / f"r{number}.mha")
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert (one.size, one.spacing) == (other.size, other.spacing)
        same(expression, one.values, other.values)


def same(
    expression: str, found: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    """Compare numbers, but for rounding where the sums may be in another order."""
    if expression.startswith(INEXACT):
        assert all(map(is_close, found, expected))
    else:
        assert found == expected


def test_every_name_has_an_expression() -> None:
    text = " ".join(expression for expression, _ in ROWS)
    library = Path(voxpeer.__file__).parent / "language" / "library" / "vox1.imgql"
    defined = [
        line.removeprefix("let ").partition("(")[0]
        for line in library.read_text(encoding="utf-8").splitlines()
        if line.startswith("let ")
    ]
    kernels = [name for name in vox1.table() if name not in OWN]
    used = set(text.replace("(", " ").replace("vox1.", " ").replace("~[", "~ ").split())
    used |= {"!"} if "!b" in text else set()
    assert [name for name in (*defined, *kernels) if name not in used] == []
