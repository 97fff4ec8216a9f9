"""One daemon a store, on a socket that is nobody else's."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from peer.local import AlreadyRunningError, DaemonPlace, NoDaemonError, status
from peer.local.place import NOTE, noted_socket
from peer.local.server import Reply
from tests.peer.local.conftest import Serve


def _silent(_request: object, _reply: Reply) -> None:
    pass


def test_a_second_daemon_of_a_store_is_refused_with_the_pid_of_the_first(
    store_path: Path,
) -> None:
    place = DaemonPlace(store_path, "id")
    with pytest.raises(
        AlreadyRunningError, match=f"already running, pid {os.getpid()}"
    ):
        DaemonPlace(store_path, "id")
    place.leave()
    DaemonPlace(store_path, "id").leave()


def test_the_socket_and_its_folder_are_private(serve: Serve, store_path: Path) -> None:
    serve(_silent)
    socket = noted_socket(store_path)
    assert socket is not None
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


def test_a_process_with_another_runtime_folder_finds_the_daemon(
    serve: Serve, store_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(_silent)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "elsewhere"))
    assert noted_socket(store_path) is not None


def test_a_socket_where_others_may_write_is_not_trusted(
    serve: Serve, store_path: Path
) -> None:
    serve(_silent)
    socket = noted_socket(store_path)
    assert socket is not None
    socket.parent.chmod(0o777)
    assert noted_socket(store_path) is None
    socket.parent.chmod(0o700)


KILLED = """
import os, signal, sys
from pathlib import Path
from peer.local.place import DaemonPlace

place = DaemonPlace(Path(sys.argv[1]), "an id")
place.socket_path.touch()
place.announce()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_daemon_left_is_no_obstacle(
    serve: Serve, store_path: Path
) -> None:
    subprocess.run([sys.executable, "-c", KILLED, store_path], check=False)
    assert (store_path / NOTE).exists()
    with pytest.raises(NoDaemonError):
        status(store_path)
    serve(_silent)
    assert noted_socket(store_path) is not None


def test_a_runtime_folder_with_a_long_path_is_passed_over(
    store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("long" * 30)))
    place = DaemonPlace(store_path, "id")
    assert len(os.fsencode(place.socket_path)) <= 100
    place.leave()


def test_after_a_clean_end_nothing_is_noted(store_path: Path) -> None:
    place = DaemonPlace(store_path, "id")
    place.announce()
    place.leave()
    assert not (store_path / NOTE).exists()
