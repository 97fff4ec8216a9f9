"""Writing artifacts against hashing alone: raw SHA-256 on all cores is the limit."""

from __future__ import annotations

from pathlib import Path

from .measure import PYTHON, run, table

_HASH = """
import os, time, hashlib
from concurrent.futures import ThreadPoolExecutor
data = os.urandom(64 << 20) * 8
view = memoryview(data)
pieces = [view[at:at + (1 << 20)] for at in range(0, len(data), 1 << 20)]
started = time.perf_counter()
with ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(lambda piece: hashlib.sha256(piece).digest(), pieces))
print(len(data) / 1e9 / (time.perf_counter() - started))
"""
_STORE = """
import os, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from store import open_store
data = [os.urandom(64 << 20) for _ in range(8)]
with tempfile.TemporaryDirectory() as folder:
    store = open_store(Path(folder) / "store", cap_bytes=4 << 30)
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = list(pool.map(lambda part: store.put([part]), data))
    wrote = time.perf_counter() - started
    started = time.perf_counter()
    for digest in digests:
        # Touch every page: what is mapped is not read before.
        sum(store.open(digest).view()[::4096])
    read = time.perf_counter() - started
    store.close()
    assert len(set(digests)) == len(data)
print(512 * 2**20 / 1e9 / wrote, 512 * 2**20 / 1e9 / read)
"""


def throughput(rounds: int) -> None:
    """512 MiB in artifacts of 64 MiB, written and read, against hashing them."""
    raw, wrote, read = [], [], []
    for _ in range(rounds):
        raw.append(float(_output(_HASH)[0]))
        each = _output(_STORE)
        wrote.append(float(each[0]))
        read.append(float(each[1]))
    hashing, writing, reading = (sorted(x)[len(x) // 2] for x in (raw, wrote, read))
    table(
        "Store: 512 MiB in artifacts of 64 MiB",
        ["SHA-256, all cores GB/s", "write + hash GB/s", "of it", "read GB/s"],
        [[hashing, writing, writing / hashing, reading]],
    )


def _output(program: str) -> list[str]:
    return run([PYTHON, "-c", program], Path.cwd()).stdout.split()
