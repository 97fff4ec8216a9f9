"""Opening: where a store may be, and what is left alone."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from store import (
    ForeignStoreError,
    Migrations,
    NetworkFileSystemError,
    StoreNewerError,
    StoreUnusableError,
    open_store,
)
from store.place import refuse_network
from tests.contracts.store import keep, key_of


def state_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_store_is_made_where_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store"
    with open_store(path) as store:
        assert store.path == path
    assert path.stat().st_mode & 0o077 == 0


def test_a_store_is_made_in_an_empty_folder(tmp_path: Path) -> None:
    open_store(tmp_path).close()


def test_the_default_place_is_the_users_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_store() as store:
        assert store.path.is_relative_to(tmp_path)
        assert store.path.parts[-2:] == ("voxpeer", "store")


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter one")
    before = state_of(tmp_path)
    with pytest.raises(ForeignStoreError, match=r"thesis\.txt.*nothing was changed"):
        open_store(tmp_path)
    assert state_of(tmp_path) == before


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    before = state_of(tmp_path)
    with pytest.raises(ForeignStoreError, match="not voxpeer's"):
        open_store(tmp_path)
    assert state_of(tmp_path) == before


def test_a_file_is_not_a_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ForeignStoreError):
            open_store(path)
    assert (tmp_path / "file").read_text() == "text"


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        keep(store, "a", b"one")
    connection = sqlite3.connect(store.path / "store.db")
    connection.execute(
        "INSERT INTO schema_migrations VALUES ('store', 9999, 'x', x'00', 0)"
    )
    connection.commit()
    connection.close()
    before = state_of(store.path)
    with pytest.raises(StoreNewerError, match="update voxpeer"):
        open_store(store.path)
    assert state_of(store.path) == before


def test_a_damaged_database_is_named_and_not_replaced(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        keep(store, "a", b"one")
    file = store.path / "store.db"
    with file.open("r+b") as database:
        database.seek(100)
        database.write(os.urandom(30_000))
    before = file.read_bytes()
    with pytest.raises(StoreUnusableError, match="damaged"):
        open_store(store.path)
    assert file.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnusableError, match="permission"):
        open_store(tmp_path / "store")


@pytest.mark.skipif(
    not Path("/proc/self/mounts").exists(), reason="needs a kernel file system"
)
def test_a_place_that_cannot_be_written_is_unusable() -> None:
    with pytest.raises(StoreUnusableError, match="permissions"):
        open_store(Path("/proc/self/store"))


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p", "smb3"])
def test_network_file_systems_are_refused_with_a_hint(kind: str) -> None:
    mounts = [("/", "ext4"), ("/mnt/share", kind), ("/mnt/share/local", "xfs")]
    with pytest.raises(NetworkFileSystemError, match="--store"):
        refuse_network(Path("/mnt/share/a/store"), mounts)
    refuse_network(Path("/mnt/share/local/store"), mounts)
    refuse_network(Path("/mnt/shared/store"), mounts)


# ---- migrations


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of another room's migrations."""
    name = f"room_{abs(hash(tmp_path)):x}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "0001_tasks.sql").write_text(
        "-- Tasks; with a trigger.\nCREATE TABLE tasks (x INTEGER) STRICT;\n"
        "CREATE TRIGGER added AFTER INSERT ON tasks BEGIN\n"
        "  UPDATE tasks SET x = x;\nEND;\nINSERT INTO tasks VALUES (1);\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_room_brings_its_own_tables(tmp_path: Path, room: Path) -> None:
    rooms = [Migrations("room", room.name)]
    for _ in range(2):
        with (
            open_store(tmp_path / "store", migrations=rooms) as store,
            store.database.read() as connection,
        ):
            assert connection.execute("SELECT x FROM tasks").fetchall() == [(1,)]
    with open_store(tmp_path / "store") as store:
        assert store.stats().results == 0


def test_a_migration_is_preceded_by_a_backup(tmp_path: Path, room: Path) -> None:
    rooms = [Migrations("room", room.name)]
    with open_store(tmp_path / "store", migrations=rooms) as store:
        keep(store, "a", b"one")
    assert not (store.path / "backups").exists()
    (room / "0002_more.sql").write_text("ALTER TABLE tasks ADD COLUMN y;\n")
    (room / "0002_more.sql").write_text("CREATE TABLE more (y INTEGER) STRICT;\n")
    with open_store(store.path, migrations=rooms) as store:
        assert key_of("a") in store.lookup([key_of("a")])
    (backup,) = (store.path / "backups").iterdir()
    connection = sqlite3.connect(backup)
    assert connection.execute("SELECT count(*) FROM results").fetchone() == (1,)
    connection.close()


def test_a_failing_migration_changes_nothing(tmp_path: Path, room: Path) -> None:
    rooms = [Migrations("room", room.name)]
    (room / "0002_bad.sql").write_text("CREATE TABLE good (x);\nCREATE TABLE bad (;\n")
    with pytest.raises(StoreUnusableError):
        open_store(tmp_path / "store", migrations=rooms)
    (room / "0002_bad.sql").unlink()
    with (
        open_store(tmp_path / "store", migrations=rooms) as store,
        store.database.read() as connection,
    ):
        query = "SELECT 1 FROM sqlite_schema WHERE name = 'good'"
        assert connection.execute(query).fetchone() is None


def test_a_changed_migration_is_refused(tmp_path: Path, room: Path) -> None:
    rooms = [Migrations("room", room.name)]
    open_store(tmp_path / "store", migrations=rooms).close()
    with (room / "0001_tasks.sql").open("a") as file:
        file.write("-- afterthought\n")
    with pytest.raises(StoreUnusableError, match="another 0001_tasks"):
        open_store(tmp_path / "store", migrations=rooms)
