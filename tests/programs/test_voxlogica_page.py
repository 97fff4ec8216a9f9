"""Each line of the page for users of VoxLogicA says what voxpeer does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import SimpleITK as sitk

import voxpeer
from primitives.values import Image
from voxpeer import ProgramError

from .files import read, write
from .slow import Picture

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "voxlogica.md"
ROW = re.compile(r"^\| (.+?) \| .+ \|$", re.MULTILINE)

pytestmark = pytest.mark.slow


class Shown(NamedTuple):
    """What a program prints or saves; ``error`` and ``warning`` are parts of texts."""

    text: str
    value: Any = None
    dialect: str = "imgql"
    error: str = ""
    warning: str = ""


V1, GREATEST = "vox1", 3.4028234663852886e38
LOAD = 'load a = "a.nii"\n'
BOTH = f'{LOAD}load b = "b.nii"\n'
OLD = 'import "vox1"\n'
A = 'a = intensity(ReadImage("a.nii"))\n'

CHECKS: dict[str, list[Shown]] = {
    "`10 .-. 3 .-. 2`": [
        Shown(f'{OLD}print "v" 10 .-. 3 .-. 2', 5.0),
        Shown('print "v" 10 .-. 3 .-. 2', 9.0, V1),
        Shown(f'{LOAD}print "v" 10 .-. 3 .-. 2', 5.0, warning="before '.-.' here"),
    ],
    "`!a & b`": [
        Shown(f'{BOTH}print "v" volume(!a & b)', 4.0, warning="applies '&' before '!'"),
        Shown(f'{BOTH}print "v" volume(!a & b)', 22.0, V1),
    ],
    "`10-3`, `j+1`": [Shown('j = 2\nprint "v" [10-3, j+1]', (7.0, 3.0))],
    "`let x=-1`": [Shown('let x=-1\nprint "v" x', -1.0)],
    "capital letters": [
        Shown('Half(x) = x / 2\nlet <N>(p, q) = p + q\nprint "v" Half(3) <N> 1', 2.5),
        Shown('import "ops.imgql"\nprint "v" 5 A+ 1', 4.0),
    ],
    "`Nb`": [
        Shown('Nb = 3\nprint "v" Nb', 3.0),
        Shown(f'{BOTH}print "v" volume(Nb)', 16.0, V1),
    ],
    "`filter`, `fold`, `for`, `in`, `do`": [
        Shown('let fold = 2\nlet for(in) = in\nprint "v" for(fold)', 2.0, V1),
        Shown("let fold = 2", error="cannot be a name"),
    ],
    "`a ~[3,20] b`": [
        Shown(f'{BOTH}print "v" min(a ~[3,20] b) >= -1', True),
    ],
    "`0x1F`, `inf`, `nan`": [
        Shown('print "v" [0x1F, inf > 1, nan == nan]', (31.0, True, False)),
        Shown('inf = 3\nprint "v" inf', 3.0),
    ],
    "a string over several lines": [
        Shown(f'{LOAD}print "v" "p\nq"', "p\nq"),
        Shown('print "v" "p\nq"', error="no end on its line"),
    ],
    "a backslash in a string": [
        Shown(r'print "v" "p\"q"', r"p\"q"),
        Shown('print "v" "p\\"', "p\\", V1),
    ],
    "`fold + xs` before the next `let` or `y = …`": [
        Shown('xs = [1, 2]\nlet t = fold + xs\ny = 3\nlet z = 4\nprint "v" t', 3.0),
    ],
    "`f(x, 3)` where the second parameter is called `n`": [
        Shown('f(x, n) = x - n\nprint "v" [f(5, 3), f(5, n = 3)]', (2.0, 2.0)),
    ],
    "the operators of VoxLogicA 1": [
        Shown(f'{OLD}print "v" 1 .+. 2', 3.0),
        Shown('import "stdlib.imgql"\nprint "v" 1 .+. 2', 3.0),
        Shown(f'{LOAD}print "v" 1 .+. 2', 3.0),
        Shown('print "v" 1 .+. 2', 3.0, V1),
        Shown('print "v" 1 .+. 2', error='import "vox1"'),
    ],
    '`import "RegionCalculus.imgql"`': [
        Shown(f'import "RegionCalculus.imgql"\n{BOTH}print "v" eq(a, b)', False),
    ],
    "where a file is looked for": [
        Shown('import "sub/outer.imgql"\nprint "v" here', "sub"),
        Shown('import "ops"\nimport "RegionCalculus"\nprint "v" 5 A+ 1', 4.0),
    ],
    "`distlt`, `distgt`, `flt`, `dice`": [
        Shown(f'{BOTH}print "v" dice(b, b)', 1.0),
        Shown(f'{BOTH}let dice(p, q) = 7\nprint "v" dice(b, b)', 7.0),
    ],
    "a mistake in a definition that nothing uses": [
        Shown(f'{LOAD}let u = no\nprint "v" 1', 1.0, warning="in a value never used"),
        Shown('f(x) = no\nprint "v" 1', 1.0, warning="in a function never called"),
        Shown('u = no\nprint "v" 1', error="'no' is not defined"),
    ],
    "`B+ b`": [Shown(f'{BOTH}print "v" volume(B+ b)', 10.0)],
    '`load x = "f"`': [
        Shown('load g = "g.png"\nprint "v" g', "uint8"),
        Shown('load g = "g.png"\nprint "v" intensity(g)', "float32"),
    ],
    "a single slice, such as 256 x 256 x 1": [
        Shown('load s = "s.nii"\nprint "v" volume(border)', 14.0),
        Shown('s = load("s.nii")\nprint "v" volume(border(base = s))', 20.0),
    ],
    "a second image at another place, of the same size": [
        Shown(f'{LOAD}load m = "moved.nii"\nprint "v" volume(a & m)', 16.0),
        Shown(
            f'{A}print "v" volume(vox1.and(a, load("moved.nii")))', error="same grid"
        ),
    ],
    "a second image of another size": [
        Shown(f'{LOAD}load s = "s.nii"\nprint "v" volume(a & s)', error="same grid"),
    ],
    "`border`, `tt`, `x`": [
        Shown(f'{LOAD}load s = "s.nii"\nprint "v" volume(tt)', 24.0),
        Shown(f'{A}s = load("s.nii")\nprint "v" volume(vox1.and(s, tt))', 20.0),
    ],
    "`red`, `green`, `blue` of a grey image": [
        Shown(f'{LOAD}print "v" max(red(a))', 4.0),
    ],
    "`save` of a region as a picture": [
        Shown('load g = "g.png"\nsave "p.png" x >=. 1', (0.0, 255.0) * 3),
    ],
    "`save` of numbers as a picture": [
        Shown('load g = "g.png"\nsave "p.png" x +. 0.75', (1.0, 2.0) * 3),
        Shown('load g = "g.png"\nsave "p.png" x *. 510', (0.0, 255.0) * 3),
    ],
    "`save` of a volume as a picture": [Shown(f'{LOAD}save "p.png" intensity(a)', ...)],
    "transparency in `.jpg` or `.bmp`": [
        Shown('load g = "g.png"\nsave "p.jpg" rgba(g,g,g,g)', error="no transparency"),
    ],
    "range of a saved image": [],
    "a mask with values other than 1, such as 255": [
        Shown(f'{BOTH}print "v" volume(near(b * 255))', 16.0),
    ],
    "`crossCorrelation`": [
        Shown(f'{LOAD}print "v" max(a ~[1, 4] a) <= 1', True),
    ],
    "`percentiles` outside the region": [
        Shown(f'{BOTH}print "v" min(percentiles(a, b, 0.5))', -1.0),
    ],
    "an image divided by 0": [Shown(f'{A}print "v" max(a / 0)', GREATEST)],
    "a number divided by 0": [
        Shown('d = ReadImage("a.nii")\nprint "v" 1 / min(d)', error="division by zero"),
    ],
    "`i /. n`": [
        Shown(f'{LOAD}print "v" max(intensity(a) /. 3) == max(div_vs(a, 3))', True),
        Shown(f'{A}print "v" max(a / 3)', 1.3333333730697632),
    ],
    "a number and an image of bytes": [
        Shown('g = ReadImage("g.png")\nprint "v" max(g * 1.5)', 7.5),
    ],
    "`!image` outside of loops": [Shown(f'{LOAD}print "v" volume(!a)', 8.0)],
    "`collect(b, c)`": [
        Shown(f'{BOTH}print "v" [collect(b, tt), collect(ff, b), collect(tt, b)]',
              (True, True, False)),
    ],
    "`subsequence(s, n)`": [Shown('print "v" subsequence([1, 2, 3], 2)', (1.0, 2.0))],
    "`print` of a truth value": [Shown('print "v" 1 < 2', True)],
    "a truth value beside `&` and `\\|`": [
        Shown(f'{BOTH}print "v" [volume(b & true), volume(false | b)] == volume(b)',
              (True, True)),
        Shown(f'{LOAD}print "v" [true & false, true | false]', (False, True)),
    ],
    "the mean over an empty region": [
        Shown(f'{LOAD}print "v" avg(a, ff)', error="empty region"),
        Shown(f'{LOAD}print "v" avg0(a, ff)', 0.0),
    ],
}  # fmt: skip
"""Row of the page to what shows that it is true; "range of a saved image" is shown in
``test_conventions``, on the command line."""


def rows() -> Iterator[str]:
    """Yield the first cell of each row that has one."""
    for match in ROW.finditer(PAGE.read_text(encoding="utf-8")):
        if not match[1].startswith("|"):
            yield match[1]


def test_every_row_is_checked() -> None:
    assert list(rows()) == list(CHECKS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page")
    cube = Picture(
        (3, 4, 2), (1.0, 1.0, 1.0), tuple(float(n % 6 % 5) for n in range(24))
    )
    write(made / "a.nii", cube)
    corner = cube.region({p for p in cube.places() if p[0] == 0 and p[1] < 3})
    write(made / "b.nii", corner)
    write(made / "moved.nii", cube, origin=(5.0, 0.0, 0.0))
    slice_ = Picture((5, 4, 1), (1.0, 1.0, 1.0), (1.0,) * 20)
    write(made / "s.nii", slice_)
    grey = Picture((2, 3), (1.0, 1.0), (0.0, 1.0, 2.0, 3.0, 4.0, 5.0))
    write(made / "g.png", grey, pixel_type=sitk.sitkUInt8)
    (made / "ops.imgql").write_text("let A+(p, q) = p - q")
    (made / "inner.imgql").write_text('here = "current"')
    (made / "sub").mkdir()
    (made / "sub" / "inner.imgql").write_text('here = "sub"')
    (made / "sub" / "outer.imgql").write_text('import "inner.imgql"')
    return made


@pytest.mark.parametrize(
    ("row", "number"),
    [(row, number) for row, shown in CHECKS.items() for number in range(len(shown))],
)
def test_a_row_says_what_happens(
    folder: Path, row: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = CHECKS[row][number]
    monkeypatch.chdir(folder)
    program = Path("program.imgql")
    program.write_text(shown.text, encoding="utf-8")
    dialect: Any = shown.dialect
    try:
        compiled = voxpeer.compile_program(program, dialect=dialect)
    except ProgramError as error:
        found_error = str(error)
    else:
        found_error = ""
    if found_error:
        assert shown.error
        assert shown.error in found_error
        return
    warnings = " ".join(warning.message for warning in compiled.warnings)
    assert shown.warning in warnings
    assert bool(shown.warning) == bool(warnings)
    report = voxpeer.run(program, dialect=dialect, store="store", network="off")
    (goal,) = report.goals
    if goal.failure is not None:
        assert shown.error
        assert shown.error in goal.failure.message
        return
    assert not shown.error
    if shown.value is ...:
        return
    if isinstance(goal.value, Image):
        assert goal.value.pixel_type.name == shown.value
    elif goal.saved is not None:
        assert read(goal.saved)[0].values == shown.value
    else:
        assert goal.value == shown.value
