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
    folder.mkdir(exist_ok=True)
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


def test_lists_come_from_files_variables_and_repeated_options(tmp_path: Path) -> None:
    project = 'seeds = ["lab-7", "10.0.0.8:4711"]\ninterfaces = "auto"'
    assert load(tmp_path / "a", project=project).config.seeds == (
        "lab-7:47800",
        "10.0.0.8:4711",
    )
    environment = {"VOXPEER_SEEDS": " [fd00::7]:1, fd00::8,", "VOXPEER_MDNS": "0"}
    loaded = load(tmp_path / "b", project=project, environment=environment)
    assert loaded.config.seeds == ("[fd00::7]:1", "[fd00::8]:47800")
    assert loaded.config.mdns is False
    flags: dict[str, object] = {"seeds": ("lab-9", "lab-9:47800")}
    loaded = load(tmp_path / "c", project=project, flags=flags)
    assert loaded.config.seeds == ("lab-9:47800",)
    assert loaded.origins["seeds"] == "--seed"


def test_an_option_that_was_not_repeated_even_once_was_not_given(
    tmp_path: Path,
) -> None:
    loaded = load(tmp_path, project='seeds = ["lab-7"]', flags={"seeds": ()})
    assert loaded.config.seeds == ("lab-7:47800",)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":0", ":0"),
        (":47900", ":47900"),
        ("10.0.0.7", "10.0.0.7:47800"),
        ("[::1]:5", "[::1]:5"),
        ("::1", "[::1]:47800"),
    ],
)
def test_the_daemon_listens_where_it_is_told(
    tmp_path: Path, text: str, address: str
) -> None:
    assert load(tmp_path, project=f'listen = "{text}"').config.listen == address


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('seeds = ["lab 7"]', "is not an address"),
        ('seeds = ["lab-7:70000"]', "from 1 to 65535"),
        ('seeds = ["lab-7:0"]', "from 1 to 65535"),
        ('seeds = [":47800"]', "names no host"),
        ('seeds = ["[fd00::x]:1"]', "is not an address"),
        ('seeds = ["[fd00::1"]', "is not an address"),
        ("seeds = [3]", "list of texts"),
        ("seeds = 3", "list of texts"),
        ('listen = "0.0.0.0:http"', "from 0 to 65535"),
        ("interfaces = []", "at least one interface"),
        ('name = ""', "cannot name a machine"),
        (f'name = "{"x" * 65}"', "cannot name a machine"),
        ('share = "some"', "is not offered"),
        ('share_inputs = "maybe"', "neither true nor false"),
        ('network = "autoo"', "did you mean 'auto'"),
    ],
)
def test_an_unusable_setting_of_the_network_is_refused(
    tmp_path: Path, line: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, project=line)


def test_an_option_or_variable_is_named_once_in_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        load_config({"listen": ":99999"}, environment={}, directory=tmp_path)
    assert str(wrong.value).startswith("--listen: ':99999'")
    with pytest.raises(ConfigError) as wrong:
        load_config(environment={"VOXPEER_MDNS": "maybe"}, directory=tmp_path)
    assert str(wrong.value).startswith("VOXPEER_MDNS: 'maybe'")
