"""Settings: which source wins, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from peer.config import KEYS, Config, LoadedConfig, load_config
from peer.errors import ConfigError


def load(
    folder: Path,
    *,
    user: str = "",
    project: str = "",
    environment: dict[str, str] | None = None,
    flags: dict[str, object] | None = None,
) -> LoadedConfig:
    user_file = folder / "user.toml"
    user_file.write_text(user)
    work = folder / "project" / "deep" / "down"
    work.mkdir(parents=True)
    (folder / "project" / "voxpeer.toml").write_text(project)
    return load_config(
        flags, environment=environment or {}, directory=work, user_file=user_file
    )


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert loaded.config == Config()
    assert loaded.origins == dict.fromkeys(KEYS, "default")


def test_each_source_wins_over_those_before_it(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        user='jobs = 1\nstore_policy = "all"\nstore_cap = "1GB"\ntimeout = "90s"',
        project='jobs = 2\nstore_policy = "goals"\nstore_cap = "2GB"',
        environment={"VOXPEER_JOBS": "3", "VOXPEER_STORE_POLICY": "none"},
        flags={"jobs": 4, "timeout": None},
    )
    assert loaded.config.jobs == 4
    assert loaded.config.store_policy == "none"
    assert loaded.config.store_cap == 2 * 10**9
    assert loaded.config.timeout == 90.0
    assert loaded.origins["jobs"] == "--jobs"
    assert loaded.origins["store_policy"] == "VOXPEER_STORE_POLICY"
    assert loaded.origins["store_cap"] == str(tmp_path / "project" / "voxpeer.toml")
    assert loaded.origins["timeout"] == str(tmp_path / "user.toml")


def test_a_store_in_a_file_is_relative_to_that_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, project='store = "results"')
    assert loaded.config.store == str(tmp_path / "project" / "results")


def test_an_unknown_setting_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'job'; did you mean 'jobs'\?"):
        load(tmp_path, project="job = 2")


def test_a_misspelt_variable_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'VOXPEER_STORE'"):
        load(tmp_path, environment={"VOXPEER_STOR": "x"})


def test_variables_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    environment = {"VOXPEER_DEBUG": "1", "VOXPEER_UNRELATED_THING": "x", "HOME": "/"}
    assert load(tmp_path, environment=environment).config == Config()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("jobs = 0", "whole number of at least 1"),
        ("jobs = 1.5", "whole number of at least 1"),
        ('store_policy = "worthy"', "did you mean 'worth'"),
        ('store_cap = "big"', "is not a size"),
        ("store_cap = 0", "more than nothing"),
        ('timeout = "soon"', "is not a duration"),
        ('progress = "perhaps"', "neither true nor false"),
        ("store = 3", "path of a folder"),
        ("jobs = ", "cannot be read as TOML"),
    ],
)
def test_an_unusable_value_is_refused_with_its_origin(
    tmp_path: Path, line: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, project=line)
    assert "voxpeer.toml" in str(caught.value)
