"""Settings, and where each came from.

Later sources win: the built-in defaults, the user's file, the nearest project file
``voxpeer.toml`` upwards from the current directory, the environment, the command line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from scheduler.options import ExecutionEngine, OnFailure, StorePolicy

from .addresses import DEFAULT_PORT
from .errors import ConfigError
from .quantities import suggestion
from .setting_values import (
    one_of,
    read_boolean,
    read_count,
    read_duration,
    read_interfaces,
    read_listen,
    read_name,
    read_path,
    read_seeds,
    read_share,
    read_size,
)

StorageBackend = Literal["sqlite"]
Share = Literal["worth", "goals", "all", "none"]
NetworkUse = Literal["auto", "off", "required"]

PROJECT_FILE = "voxpeer.toml"
ENVIRONMENT_PREFIX = "VOXPEER_"
NOT_SETTINGS = frozenset({"VOXPEER_DEBUG"})
"""Variables with our prefix that are read elsewhere."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one command.

    Attributes:
        store: folder of the store; None is the user's own.
        store_cap: bytes that the store may take; None is a fifth of the free space.
        store_policy: which results are kept.
        storage_backend: how the store keeps its bytes.
        execution_engine: how nodes are run.
        jobs: cores to use; None is all there are.
        memory: bytes of values above which no further image job starts; None lets
            the scheduler choose.
        on_failure: whether a failed node stops the rest of the run.
        timeout: seconds after which a run is stopped, or None.
        progress: whether progress is shown.
        history: whether ``repl`` remembers what was typed.
        network: whether a run asks the daemon of its store: ``auto`` if there is
            one, ``off`` never, ``required`` or not at all.
        name: what people call this machine; None is its host name.
        listen: ``"host:port"`` at which the daemon listens; an empty host stands for
            all addresses of the allowed interfaces.
        seeds: peers to dial besides those that are heard, ``"host:port"``.
        mdns: whether the daemon speaks and listens by multicast DNS.
        interfaces: network interfaces to use; none named are those that lead to a
            local network.
        share: which results are offered to the realm.
        share_inputs: whether values that show an input's voxels are offered too.
        audit_share: part of the time of all cores in which results of others may be
            computed here as well, 0 to 1.
    """

    store: str | None = None
    store_cap: int | None = None
    store_policy: StorePolicy = "worth"
    storage_backend: StorageBackend = "sqlite"
    execution_engine: ExecutionEngine = "dynamic"
    jobs: int | None = None
    memory: int | None = None
    on_failure: OnFailure = "continue"
    timeout: float | None = None
    progress: bool = True
    history: bool = True
    network: NetworkUse = "auto"
    name: str | None = None
    listen: str = f":{DEFAULT_PORT}"
    seeds: tuple[str, ...] = ()
    mdns: bool = True
    interfaces: tuple[str, ...] = ()
    share: Share = "worth"
    share_inputs: bool = False
    audit_share: float = 0.02


class LoadedConfig(msgspec.Struct, frozen=True):
    """Settings with the origin of each: a file's path, a variable, or a word."""

    config: Config
    origins: dict[str, str]


def load_config(
    flags: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    directory: Path | None = None,
    user_file: Path | None = None,
) -> LoadedConfig:
    """Merge all sources of settings.

    Args:
        flags: settings of the command line; those that are None, or empty tuples of
            an option that may be repeated, were not given.
        environment: variables to read.
        directory: where the search for a project file begins; the current directory
            by default.
        user_file: the user's file; the platform's place by default.

    Raises:
        ConfigError: a file cannot be read, a key is unknown or a value is unusable.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(KEYS, "default")
    layers = [
        *_file_layers(directory or Path.cwd(), user_file or default_user_file()),
        *_environment_layers(environment),
    ]
    for origin, layer in layers:
        for key, value in layer.items():
            values[key] = _read(key, value, origin)
            origins[key] = origin
    for key, value in (flags or {}).items():
        if value is not None and value != ():
            flag = _FLAGS.get(key) or "--" + key.replace("_", "-")
            values[key] = _read(key, value, flag)
            origins[key] = flag
    return LoadedConfig(Config(**values), origins)


def default_user_file() -> Path:
    """Return the path of the user's own configuration file."""
    from platformdirs import user_config_path

    return user_config_path("voxpeer") / "config.toml"


def _file_layers(
    directory: Path, user_file: Path
) -> Iterator[tuple[str, dict[str, object]]]:
    project = _project_file(directory)
    for path in (user_file, project):
        if path is not None and path.is_file():
            yield str(path), _read_toml(path)


def _project_file(directory: Path) -> Path | None:
    for folder in (directory, *directory.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder / PROJECT_FILE
    return None


def _read_toml(path: Path) -> dict[str, object]:
    import tomllib

    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from error
    for key in settings:
        if key not in KEYS:
            raise ConfigError(
                f"{path}: there is no setting '{key}'{suggestion(key, KEYS)}; "
                f"there are {', '.join(KEYS)}"
            )
    store = settings.get("store")
    if isinstance(store, str):
        # A path in a file is meant from that file's folder.
        settings["store"] = str(path.parent / Path(store).expanduser())
    return settings


def _environment_layers(
    environment: Mapping[str, str],
) -> Iterator[tuple[str, dict[str, object]]]:
    for name, text in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name in NOT_SETTINGS:
            continue
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower()
        if key in KEYS:
            yield name, {key: text}
        elif suggestion(key, KEYS):
            # Other programs may use the prefix, but a slip of the pen must not pass.
            near = suggestion(name, VARIABLES)
            raise ConfigError(f"there is no setting {name}{near}")


def _read(key: str, value: object, origin: str) -> object:
    try:
        return _READERS[key](value)
    except ConfigError as error:
        # The name of an option or a variable is that of its setting already.
        is_file = not origin.startswith(("--", ENVIRONMENT_PREFIX))
        where = f"{origin}: {key}" if is_file else origin
        raise ConfigError(f"{where}: {error}") from error


_READERS: dict[str, Callable[[object], object]] = {
    "store": read_path,
    "store_cap": read_size,
    "store_policy": one_of(StorePolicy),
    "storage_backend": one_of(StorageBackend),
    "execution_engine": one_of(ExecutionEngine),
    "jobs": read_count,
    "memory": read_size,
    "on_failure": one_of(OnFailure),
    "timeout": read_duration,
    "progress": read_boolean,
    "history": read_boolean,
    "network": one_of(NetworkUse),
    "name": read_name,
    "listen": read_listen,
    "seeds": read_seeds,
    "mdns": read_boolean,
    "interfaces": read_interfaces,
    "share": one_of(Share),
    "share_inputs": read_boolean,
    "audit_share": read_share,
}
KEYS = tuple(_READERS)
"""Names of all settings."""

_FLAGS = {"seeds": "--seed"}
"""Options that are not called as their setting is."""

VARIABLES = tuple(ENVIRONMENT_PREFIX + key.upper() for key in KEYS)
"""The same as environment variables."""
