"""Recording the packets of a network, and looking for something in them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

from .engine import Engine
from .waiting import wait_until

FILE = "/tmp/packets"
START_LIMIT_S = 15.0


class Capture:
    """A recording that goes on until it is asked for."""

    def __init__(
        self, engine: Engine, image: str, name: str, bridge: str, label: str
    ) -> None:
        self._engine = engine
        self._name = name
        command = ["run", "--detach", "--name", name, "--label", label]
        # The bridge is seen only from the network that the engine itself is in.
        command += ["--network", "host", "--cap-add", "NET_RAW", "--user", "root"]
        command += ["--entrypoint", "tcpdump", image]
        listening = ["--immediate-mode", "--packet-buffered", "--snapshot-length=0"]
        engine.docker(*command, *listening, "-Z", "root", "-i", bridge, "-w", FILE)
        wait_until(self._listens, "tcpdump listens", limit_s=START_LIMIT_S)

    def finish(self, folder: Path) -> bytes:
        """End the recording and return it whole, headers and all.

        Args:
            folder: where the file is put.
        """
        self._engine.docker("kill", "--signal", "INT", self._name)
        self._engine.docker("wait", self._name)
        file = folder / "packets.pcap"
        self._engine.docker("cp", f"{self._name}:{FILE}", str(file))
        return file.read_bytes()

    def _listens(self) -> bool:
        return "listening on" in self._engine.docker("logs", self._name).stderr


def found_in(recording: bytes, secrets: Iterable[bytes]) -> list[bytes]:
    """Return those 32-byte values that a recording shows, as they are or as text.

    A value may be cut in two by the end of a packet, so either half of it counts.
    """
    return [secret for secret in secrets if any(_seen(recording, secret))]


def _seen(recording: bytes, secret: bytes) -> Iterable[bool]:
    text = secret.hex().encode()
    for form in (secret, text, text.upper(), b64encode(secret)):
        middle = len(form) // 2
        yield form[:middle] in recording
        yield form[middle:] in recording
