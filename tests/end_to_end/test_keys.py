"""Node keys and digests are the same wherever and however a run happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .workplace import EXAMPLE, PROJECT, Outcome, Workplace

pytestmark = pytest.mark.slow

CIRCUMSTANCES = {
    "locale": {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LANGUAGE": "de"},
    "plain locale": {"LC_ALL": "C"},
    "time zone": {"TZ": "Pacific/Chatham"},
    "hash seed": {"PYTHONHASHSEED": "4711"},
}


@pytest.fixture(scope="module")
def usual(small_brain: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return Workplace(tmp_path_factory.mktemp("usual") / "work", small_brain).run()


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES)
def test_keys_and_digests_do_not_depend_on(
    circumstance: str, usual: Outcome, small_brain: Path, tmp_path: Path
) -> None:
    place = Workplace(tmp_path / "some" / "other folder", small_brain)
    other = place.run(EXAMPLE, **CIRCUMSTANCES[circumstance])
    assert other.executed == usual.executed
    assert other.results == usual.results


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES)
def test_golden_keys_do_not_depend_on(circumstance: str, tmp_path: Path) -> None:
    program = (
        "import json; from tests.scheduler.test_keys import golden;"
        "print(json.dumps(golden()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "PYTHONIOENCODING": "utf-8",
            **CIRCUMSTANCES[circumstance],
        },
        capture_output=True,
        check=True,
    )
    golden = PROJECT / "tests" / "scheduler" / "golden_keys.json"
    assert json.loads(done.stdout) == json.loads(golden.read_text("utf-8"))
