"""The folder ``realm`` of a store: keys and certificates, for its owner alone."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from store.errors import explain_os_error
from store.place import LOCK, locked

from .errors import IdentityError
from .realm_keys import Secret, select

NODE_KEY = "node.key"
SIGN_KEY = "sign.key"
NODE_CHAIN = "node.crt"
ROOT = "root.crt"
SECRETS = "secrets"
SPONSOR_KEY = "sponsor.key"
SPONSOR = "sponsor.crt"
ROOT_KEY = "root.key"
SEQUENCE = "sequence"

OTHERS = stat.S_IRWXG | stat.S_IRWXO


class RealmFolder:
    """Files that are replaced whole, and refused when others may read them."""

    def __init__(self, store_path: Path) -> None:
        self.path = store_path / "realm"

    @property
    def is_complete(self) -> bool:
        """Whether there is an identity; its certificate is written last."""
        return (self.path / NODE_CHAIN).exists()

    def has(self, name: str) -> bool:
        """Return whether there is such a file."""
        return (self.path / name).exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and hold it against other processes that change it."""
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise explain_os_error(error, self.path) from error
        with locked(self.path):
            yield

    def read(self, name: str) -> bytes:
        """Return what is in a file.

        Raises:
            IdentityError: it is missing, or others may read or change it.
            StoreUnusableError: it cannot be read.
        """
        path = self.path / name
        try:
            self._require_private(self.path, self.path.stat())
            with path.open("rb") as file:
                self._require_private(path, os.fstat(file.fileno()))
                return file.read()
        except FileNotFoundError:
            raise IdentityError(
                f"{path} is missing, and with it the identity of this store; put it"
                " back from a copy, or run `voxpeer leave` and join again"
            ) from None
        except OSError as error:
            raise explain_os_error(error, path) from error

    def write(self, name: str, data: bytes) -> None:
        """Replace a file; a crash leaves the old one or the new one."""
        path = self.path / name
        unfinished = self.path / f"{name}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            unfinished.unlink(missing_ok=True)
            with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            self._sync()
        except OSError as error:
            raise explain_os_error(error, path) from error

    def merge_secrets(self, secrets: list[Secret]) -> list[Secret]:
        """Keep the realm's secrets with those that another process has kept."""
        with self.locked():
            kept = secrets_of(self.read(SECRETS), self.path / SECRETS)
            merged = select([*kept, *secrets])
            if merged != kept:
                self.write(SECRETS, secrets_text(merged))
            return merged

    def begin(self) -> None:
        """Remove what an identity that was never completed has left."""
        try:
            for file in self.path.iterdir():
                if file.name != LOCK:
                    file.unlink()
        except OSError as error:
            raise explain_os_error(error, self.path) from error

    def remove(self) -> None:
        """Remove everything, the certificate first: without it there is no identity."""
        try:
            (self.path / NODE_CHAIN).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.rmtree(self.path)
        except OSError as error:
            raise explain_os_error(error, self.path) from error

    def _sync(self) -> None:
        handle = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _require_private(self, path: Path, status: os.stat_result) -> None:
        if status.st_mode & OTHERS:
            mode = "700" if stat.S_ISDIR(status.st_mode) else "600"
            raise IdentityError(
                f"{path}: other users of this machine may read or change it (mode"
                f" {stat.S_IMODE(status.st_mode):03o}), so it is not used; run `chmod"
                f" {mode} {path}`. If somebody may have copied the keys, run `voxpeer"
                " leave`, join again, and have the old identity revoked"
            )


def secrets_text(secrets: list[Secret]) -> bytes:
    """Return secrets as lines of an epoch and hexadecimal digits."""
    return "".join(f"{epoch} {secret.hex()}\n" for epoch, secret in secrets).encode()


def secrets_of(text: bytes, path: Path) -> list[Secret]:
    """Return the secrets that :func:`secrets_text` wrote.

    Raises:
        IdentityError: these are none.
    """
    try:
        lines = [line.split() for line in text.decode("ascii").splitlines()]
        return select([(int(epoch), bytes.fromhex(key)) for epoch, key in lines])
    except ValueError as error:
        raise IdentityError(
            f"{path} is damaged ({error}); put it back from a copy, or run `voxpeer"
            " leave` and join again"
        ) from None
