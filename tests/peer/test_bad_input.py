"""Bad input of every kind: one clear message with its place, the right exit code,
no traceback, and a store that is as it was."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Bench, ImageMaker

pytestmark = pytest.mark.slow


def expect(
    done: subprocess.CompletedProcess[str], code: int, *parts: str
) -> subprocess.CompletedProcess[str]:
    """Check exit code and message of a command that failed."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    for part in parts:
        assert part in done.stderr
    return done


def test_missing_program(bench: Bench) -> None:
    expect(bench.voxpeer("run", "no.imgql"), 2, "no.imgql", "does not exist")


def test_folder_instead_of_a_program(bench: Bench) -> None:
    expect(bench.voxpeer("run", "."), 2, "is a directory")


def test_program_that_is_no_text(bench: Bench) -> None:
    (bench.folder / "p.imgql").write_bytes(b"print \xff\xfe")
    expect(bench.voxpeer("run", "p.imgql"), 3, "UTF-8")


def test_empty_program(bench: Bench) -> None:
    done = expect(bench.run(""), 0)
    assert done.stdout == ""


def test_missing_input_file(bench: Bench) -> None:
    done = bench.run('load i = "brain.nii.gz"\nprint "v" i')
    expect(done, 3, "program.imgql:1:", "brain.nii.gz", "^")


def test_folder_instead_of_an_input(bench: Bench) -> None:
    (bench.folder / "brain.nii.gz").mkdir()
    done = bench.run('load i = "brain.nii.gz"\nprint "v" i')
    expect(done, 3, "program.imgql:1:", "brain.nii.gz")


@pytest.mark.parametrize("name", ["image.nii.gz", "image.nii"])
def test_truncated_nifti(bench: Bench, image: ImageMaker, name: str) -> None:
    path = bench.folder / image(name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = bench.run(f'load i = "{name}"\nprint "v" i\nprint "ok" 1')
    expect(done, 8, "program.imgql:1:", name)
    assert done.stdout == "ok=1.0\n"


def test_nifti_that_is_none(bench: Bench) -> None:
    (bench.folder / "image.nii.gz").write_text("hello")
    done = bench.run('load i = "image.nii.gz"\nprint "v" i')
    expect(done, 8, "program.imgql:1:", "image.nii.gz")


def test_image_of_four_dimensions(bench: Bench, image: ImageMaker) -> None:
    image(frames=3)
    done = bench.run('load i = "image.nii.gz"\nprint "v" volume(near(i > 0))')
    expect(done, 8, "program.imgql:2:", "volumes")


def test_vector_image_where_a_scalar_is_needed(bench: Bench, image: ImageMaker) -> None:
    image("image.nrrd", components=3)
    done = bench.run('load i = "image.nrrd"\nprint "v" volume(near(i))')
    expect(done, 8, "program.imgql:2:", "component")


def test_images_on_different_grids(bench: Bench, image: ImageMaker) -> None:
    image("a.nii.gz", size=8)
    image("b.nii.gz", size=9)
    done = bench.run(
        'load a = "a.nii.gz"\nload b = "b.nii.gz"\n'
        'print "v" volume((a >=. 1) & (b >=. 1))'
    )
    expect(done, 8, "program.imgql:3:", "same grid", "8x8x8", "9x9x9")


def test_unknown_suffix_of_a_saved_file(bench: Bench, image: ImageMaker) -> None:
    image()
    done = bench.run('load i = "image.nii.gz"\nsave "out.xyz" i')
    expect(done, 3, "program.imgql:2:", "out.xyz")
    assert not (bench.folder / "out.xyz").exists()


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ('print "x" volume(1, 2)', 1, ("volume",)),
        ('print "x" 1 + "a"', 1, ("+",)),
        ('let y = 1\nprint "x" yy', 2, ("yy",)),
        ('print "x" voluem(1)', 1, ("voluem", "did you mean", "volume")),
        ('let f(a) = a\nprint "x" f(1, 2)', 2, ("f",)),
        ('print "x" (1 +', 1, ()),
        ('import "nowhere.imgql"', 1, ("nowhere.imgql",)),
        ('print "x" "open', 1, ()),
    ],
)
def test_mistakes_in_a_program(
    bench: Bench, text: str, line: int, parts: tuple[str, ...]
) -> None:
    done = bench.run(text)
    assert done.returncode in (3, 8), done.stderr
    expect(done, done.returncode, f"program.imgql:{line}:", "error", "^", *parts)
    assert done.stdout == ""


def test_import_cycles_end(bench: Bench) -> None:
    bench.program('import "b.imgql"\nlet f(x) = x', "a.imgql")
    bench.program('import "a.imgql"\nlet g(x) = x', "b.imgql")
    done = bench.run('import "a.imgql"\nprint "x" f(g(1))')
    assert done.returncode in (0, 3), done.stderr
    assert done.stdout == "x=1.0\n" or "cycle" in done.stderr


@pytest.mark.parametrize("path", ["../out.txt", "/tmp/out.txt", "sub/../../out.txt"])
def test_saving_outside_the_current_directory_is_refused(
    bench: Bench, path: str
) -> None:
    done = bench.run(f'print "x" 1\nsave "{path}" 1')
    expect(done, 3, "program.imgql:2:", path, "--allow-outside", "^")
    assert done.stdout == ""


def test_saving_outside_can_be_allowed(bench: Bench) -> None:
    (bench.folder / "work").mkdir()
    inner = Bench(bench.folder / "work")
    done = inner.run('save "../out.txt" 1', "--allow-outside")
    assert done.returncode == 0, done.stderr
    assert (bench.folder / "out.txt").read_text().strip() == "1.0"


def test_output_path_that_is_a_folder(bench: Bench) -> None:
    (bench.folder / "out.txt").mkdir()
    expect(bench.run('save "out.txt" 1'), 4, "program.imgql:1", "is a folder")


def test_output_below_a_file(bench: Bench) -> None:
    (bench.folder / "out").write_text("")
    expect(bench.run('save "out/a.txt" 1'), 4, "is a file, not a folder")


def test_two_saves_to_one_path(bench: Bench) -> None:
    done = bench.run('save "out.txt" 1\nsave "./out.txt" 2')
    expect(done, 3, "program.imgql:2:", "out.txt")


def test_two_runs_saving_to_one_path_leave_one_whole_file(
    bench: Bench, image: ImageMaker
) -> None:
    image()
    for number in (40, 60):
        bench.program(
            f'load i = "image.nii.gz"\nsave "out.nii.gz" intensity(i) >=. {number}',
            f"p{number}.imgql",
        )
    runs = [
        subprocess.Popen(
            bench.command("run", f"p{number}.imgql"),
            cwd=bench.folder,
            env=bench.environment,
            stderr=subprocess.PIPE,
        )
        for number in (40, 60)
    ]
    for process in runs:
        assert process.communicate()[1].count(b"Traceback") == 0
        assert process.returncode == 0
    done = bench.run('load o = "out.nii.gz"\nprint "v" volume(o >=. 1)')
    assert done.returncode == 0, done.stderr
    assert [path.name for path in bench.folder.glob("*out.nii.gz*")] == ["out.nii.gz"]


def run_on_full_disk(
    bench: Bench, text: str, limit_bytes: int
) -> subprocess.CompletedProcess[str]:
    """Run a program that can write no file beyond ``limit_bytes``."""
    path = bench.program(text)
    limit = f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({limit_bytes},) * 2)"
    start = f"{limit}; from peer.cli import main; raise SystemExit(main())"
    done = subprocess.run(
        [sys.executable, "-c", start, "run", path],
        cwd=bench.folder,
        env=bench.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def test_full_disk(bench: Bench, image: ImageMaker) -> None:
    image(size=80, noise=True)
    text = """
load image = "image.nii.gz"
let smooth = simpleitk.SmoothingRecursiveGaussian(image, 1.5)
print "max" max(smooth)
print "smooth" smooth
save "smooth.nii" smooth
"""
    done = run_on_full_disk(bench, text, 1_500_000)
    expect(done, 4, "program.imgql:6:", "smooth.nii", "could not be kept")
    assert done.stdout.startswith("max=")
    assert list(bench.folder.glob("*smooth.nii*")) == []
    assert bench.voxpeer("store", "check").returncode == 0
    assert bench.run(text).stdout == done.stdout


def test_store_that_may_hold_too_little(bench: Bench, image: ImageMaker) -> None:
    image(size=80, noise=True)
    bench.environment["VOXPEER_STORE_CAP"] = "50KB"
    done = bench.run(
        'load i = "image.nii.gz"\n'
        'print "s" simpleitk.SmoothingRecursiveGaussian(i, 1.5)'
    )
    expect(done, 4, "could not be kept", "cap")
    assert done.stdout.startswith("s=image 80x80x80")


def test_store_that_is_not_ours(bench: Bench) -> None:
    store = bench.folder / "store"
    store.mkdir()
    (store / "holiday.jpg").write_bytes(b"not a store")
    expect(bench.run('print "x" 1'), 4, str(store))
    assert [path.name for path in store.iterdir()] == ["holiday.jpg"]


def test_store_path_that_is_a_file(bench: Bench) -> None:
    (bench.folder / "store").write_text("not a store")
    expect(bench.run('print "x" 1'), 4, str(bench.folder / "store"))


def test_store_of_a_newer_version(bench: Bench) -> None:
    assert bench.run('print "x" 1').returncode == 0
    database = next(Path(bench.folder / "store").glob("store.db"))
    make_newer(database)
    before = database.read_bytes()
    expect(bench.run('print "x" 1'), 4, "newer")
    assert database.read_bytes() == before


def make_newer(database: Path) -> None:
    """Record a migration of a version that does not exist yet."""
    connection = sqlite3.connect(database)
    connection.execute(
        "INSERT INTO schema_migrations VALUES ('store', 1000, 'later', x'00', 0)"
    )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("runn", "p"), "did you mean 'run'"),
        (("run",), "Missing argument"),
        (("run", "program.imgql", "--jobs", "0"), "at least 1"),
        (("run", "program.imgql", "--store-policy", "most"), "most"),
        (("run", "program.imgql", "--timeout", "soon"), "is not a duration"),
        (("run", "program.imgql", "-p", "x"), "write NAME=VALUE"),
        (("run", "program.imgql", "-p", "x=1", "-p", "x=2"), "given twice"),
        (("run", "program.imgql", "--execution-engine", "dask"), "dask"),
    ],
)
def test_wrong_usage(bench: Bench, words: tuple[str, ...], part: str) -> None:
    bench.program('print "x" 1')
    expect(bench.voxpeer(*words), 2, part)


def test_unusable_configuration_file(bench: Bench) -> None:
    (bench.folder / "voxpeer.toml").write_text("jbos = 3")
    expect(bench.run('print "x" 1'), 2, "voxpeer.toml", "did you mean 'jobs'")
