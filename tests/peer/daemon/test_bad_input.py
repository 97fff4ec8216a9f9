"""A running daemon is fed what is wrong, wherever it listens.

Each time another member goes on fetching from it, its memory hardly grows, and
``voxpeer status`` shows what was refused.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from base64 import b32encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import grpc
import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from peer.exchange import Credentials, ExchangeError, enrol
from peer.exchange.credentials import dial
from peer.identity import (
    EnrolmentRefused,
    Joiner,
    Token,
    found_realm,
    invite,
    open_identity,
)
from peer.identity.authority import SPONSOR_NAME, issue_front_door, new_key
from peer.identity.certificates import pem_of
from peer.identity.identity import private_pem
from peer.local import NoDaemonError, client, messages
from peer.local.server import MAX_CONNECTIONS
from peer.wire import limits
from peer.wire.v1 import enrol_pb2, peer_pb2
from tests.peer.daemon.attacks import (
    MIB,
    at_least,
    attacked,
    fill,
    local_socket,
    meet,
    nudge,
    open_half,
    speak_junk,
    throw_junk,
    unharmed,
)
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Asker, Peer, eventually, key_of, new_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc"),
]

PEER = "/voxpeer.v1.Peer"
ENROL = "/voxpeer.v1.Enrol"
PROJECT = Path(__file__).parents[3]
NAMESPACE = ["unshare", "--net", "--map-root-user"]


def say(
    channel: grpc.Channel, method: str, data: bytes, timeout: float = 10
) -> grpc.StatusCode:
    """Send bytes as a request; return how the call ended."""
    call: grpc.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(method)
    try:
        list(call(data, timeout=timeout))
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def shown_by(peer: Peer, folder: Path) -> tuple[Path, Path]:
    """Write the certificate and the key of a member to files."""
    paths = folder / "shown.crt", folder / "shown.key"
    for path, data in zip(
        paths, (peer.identity.chain_pem, peer.identity.key_pem), strict=True
    ):
        path.write_bytes(data)
    return paths


def test_strangers_at_the_port_for_members_disturb_nobody(
    realm: Realm, tmp_path: Path
) -> None:
    anna, bert, mall = realm("anna", "bert", "mall")
    keys = fill(anna, 5)
    with attacked(anna) as victim, ExitStack() as ends:
        meet(victim, bert)
        with unharmed(victim, bert, keys) as work:
            open_half(victim.place, 200, ends)
            work.goes_on()
            throw_junk(victim.place, 60)
            speak_junk(victim.place, 12)
            speak_junk(victim.place, 12, shown_by(mall, tmp_path))
            work.goes_on()
        at_least(victim, connections=285, connections_used=1)
        assert victim.counters["connections_used"] < 10


def test_members_that_break_the_contract_disturb_nobody(realm: Realm) -> None:
    anna, bert, mall = realm("anna", "bert", "mall")
    keys = fill(anna, 5)
    large = key_of(1)
    digest = anna.keep(large, os.urandom(64 * MIB))
    with attacked(anna) as victim:
        meet(victim, bert)
        asked = peer_pb2.FetchRequest(key=large, digest=digest)
        with victim.channel(mall) as channel, unharmed(victim, bert, keys) as work:
            records = peer_pb2.RecordsRequest(keys=large).SerializeToString()
            assert say(channel, f"{PEER}/Records", records) is grpc.StatusCode.OK
            fetch: grpc.UnaryStreamMultiCallable[bytes, bytes]
            fetch = channel.unary_stream(f"{PEER}/Fetch")
            readers = [fetch(asked.SerializeToString()) for _ in range(4)]
            for reader in readers:
                next(reader)  # and no more
            work.goes_on()
            flood(channel)
            work.goes_on()
            silent: grpc.StreamUnaryMultiCallable[bytes, bytes]
            silent = channel.stream_unary(f"{PEER}/Locate")
            gates = [threading.Event() for _ in range(12)]
            calls = [silent.future(nothing_until(gate)) for gate in gates]
            eventually(lambda: all(call.done() for call in calls))
            for gate in gates:
                gate.set()
            at_least(
                victim,
                bad_requests=12,
                unknown_methods=3,
                refused_resource_exhausted=4,
                silent_callers=8,
                slow_readers=4,
            )
            for reader in readers:
                reader.cancel()


def nothing_until(gate: threading.Event) -> Iterator[bytes]:
    """Yield requests that never come."""
    gate.wait(20)
    yield from ()


def flood(channel: grpc.Channel) -> None:
    """Say what is malformed, too long, unknown, or too much."""
    bodies = (
        b"\xff" * 100,
        b"\x0a\xff\xff\xff\xff\x0f",
        os.urandom(2000),
        bytes(limits.REQUEST_BYTES + 1),
    )
    methods = ("Sync", "Locate", "Records", "Fetch", "Inventory", "Renew", "Hello")
    for body in bodies:
        for method in methods:
            say(channel, f"{PEER}/{method}", body)
    for method in ("Format", "", "../Fetch"):
        say(channel, f"{PEER}/{method}", b"")
    say(channel, f"{PEER}/Locate", bytes(limits.MESSAGE_BYTES - 1000))
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            pool.submit(say, channel, f"{PEER}/Hello", b"")


def test_a_member_that_answers_nonsense_disturbs_nobody(realm: Realm) -> None:
    anna, bert, mall, nina = realm("anna", "bert", "mall", "nina")
    keys = fill(anna, 5)
    with (
        serving(mall, Nonsense(is_known=True)) as known,
        serving(nina, Nonsense(is_known=False)) as unknown,
        attacked(anna, known, unknown) as victim,
    ):
        meet(victim, bert)
        eventually(lambda: status_of(anna, "mall") in ("live", "suspect"))
        run = Asker(anna)
        with unharmed(victim, bert, keys) as work:
            for number in range(20):
                run.locate(*(key_of(5000 + 100 * number + it) for it in range(100)))
            work.goes_on()
            at_least(victim, asking_brokenpeer=5)
        run.close()
        assert status_of(anna, "nina") == "gone"


def status_of(peer: Peer, name: str) -> str:
    """Return the state in which a daemon shows a member."""
    shown = {it.name: it.state for it in client.status(peer.store.path).peers}
    return shown.get(name, "gone")


class Nonsense(grpc.GenericRpcHandler):
    """Answers what cannot be; introduces itself as it should, or not even that."""

    def __init__(self, *, is_known: bool) -> None:
        self._is_known = is_known
        self._said = 0

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        method = handler_call_details.method.rpartition("/")[2]
        return grpc.unary_stream_rpc_method_handler(
            lambda request, context: self._answer(method)
        )

    def _answer(self, method: str) -> Iterator[bytes]:
        self._said += 1
        if method == "Hello" and self._is_known:
            yield introduction()
        elif method == "Inventory":
            yield from endless_inventory(self._said)
        else:
            yield NONSENSE[self._said % len(NONSENSE)]


def introduction() -> bytes:
    """Return a good answer to Hello; what it says of itself is new each time."""
    me = peer_pb2.HelloRequest(
        protocol=1,
        boot_id=bytes(16),
        name="mall",
        version="1",
        inventory=peer_pb2.InventoryState(id=os.urandom(8), sequence=9, count=9),
        statements_digest=os.urandom(32),
    )
    return peer_pb2.HelloReply(me=me).SerializeToString()


def endless_inventory(number: int) -> Iterator[bytes]:
    """Yield changes, or blocks of a filter that are empty, and never end."""
    state = peer_pb2.InventoryState(id=bytes(8), sequence=9, count=9)
    index = 0
    while True:
        part = peer_pb2.InventoryPart(state=state)
        if number % 2:
            part.added = os.urandom(8 * limits.INVENTORY_IDS)
        else:
            part.block.MergeFrom(
                peer_pb2.FilterBlock(index=index, blocks=1 << 16, items=0, p=8)
            )
        index += 1
        yield part.SerializeToString()


NONSENSE = (
    b"\xff" * 1000,
    bytes(limits.MESSAGE_BYTES - 100),
    bytes(limits.MESSAGE_BYTES + 100),
    b"",
    os.urandom(100_000),
)


@contextmanager
def serving(member: Peer, handler: grpc.GenericRpcHandler) -> Iterator[str]:
    """Serve as a member; yields where."""
    mine = Credentials.of(member.identity)
    with ThreadPoolExecutor(8) as pool:
        options = [("grpc.max_send_message_length", -1)]
        server = grpc.server(pool, [handler], options=options)
        pair = (mine.key_pem, mine.chain_pem)
        shown = grpc.ssl_server_credentials([pair], mine.root_pem, True)
        port = server.add_secure_port("127.0.0.1:0", shown)
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(0).wait()


def test_whoever_is_at_the_port_to_join_at_without_a_token_keeps_nobody_out(
    realm: Realm, tmp_path: Path
) -> None:
    anna, bert = realm("anna", "bert")
    keys = fill(anna, 5)
    with attacked(anna) as victim, ExitStack() as ends:
        meet(victim, bert)
        token = invite(anna.store, anna.identity, uses=3)
        nudge(anna)
        host, port = victim.enrol_place
        at = f"{host}:{port}"
        with unharmed(victim, bert, keys) as work:
            open_half((host, port), 200, ends)
            throw_junk((host, port), 30)
            speak_junk((host, port), 12)
            work.goes_on()
            store = ends.enter_context(new_store(tmp_path / "cora"))
            assert enrol(token, "cora", store, [at]).name == "cora"
            replay_and_flood(anna, token, at, tmp_path)
            work.goes_on()
        at_least(
            victim,
            enrol_connections=230,
            enrol_connections_used=1,
            enrolled=2,
            bad_requests=5,
            refused_enrolments_denied=2,
            refused_enrolments_busy=5,
        )


def replay_and_flood(anna: Peer, token: Token, at: str, folder: Path) -> None:
    """Join once, say the same again, and then whatever else."""
    shown = ssl_of(at)
    with new_store(folder / "dora") as store:
        joiner = Joiner(token, "dora", store)
        joiner.check_leaf(shown)
        trusted = grpc.ssl_channel_credentials(joiner.root_pem)
        with dial(at, SPONSOR_NAME, trusted) as channel:
            begin = enrol_pb2.EnrolBegin(token_id=token.token_id).SerializeToString()
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes]
            call = channel.unary_unary(f"{ENROL}/Begin")
            nonce = enrol_pb2.EnrolChallenge.FromString(call(begin, timeout=10)).nonce
            finish = joiner.finish_request(nonce, shown).SerializeToString()
            assert say(channel, f"{ENROL}/Finish", finish) is grpc.StatusCode.OK
            for _ in range(2):
                again = say(channel, f"{ENROL}/Finish", finish)
                assert again is grpc.StatusCode.PERMISSION_DENIED
            for _ in range(20):
                say(channel, f"{ENROL}/Begin", begin)
            for size in (0, 10, 3000):
                say(channel, f"{ENROL}/Begin", os.urandom(size))
                say(channel, f"{ENROL}/Finish", os.urandom(size))
            assert say(channel, f"{ENROL}/Finish", bytes(70_000)) in (
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                grpc.StatusCode.INVALID_ARGUMENT,
            )


def ssl_of(at: str) -> bytes:
    """Return the certificate that is shown at an address, DER."""
    host, _, port = at.rpartition(":")
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))


def test_junk_at_the_private_socket_ends_its_own_connection_alone(
    realm: Realm,
) -> None:
    anna, bert = realm("anna", "bert")
    keys = fill(anna, 5)
    beginnings = (b"", b"\xff\xff", b"\0\0\0\x01", b"\x40\0\0\0ab")
    with attacked(anna) as victim:
        meet(victim, bert)
        with unharmed(victim, bert, keys) as work:
            for frame in (b"\xff" * 4, *map(framed, LOCAL_JUNK)):
                with local_socket(anna) as connection:
                    connection.sendall(frame)
                    assert connection.recv(1) == b""
            for question, answer in LOCAL_MISTAKES:
                with local_socket(anna) as connection:
                    connection.sendall(framed(msgspec.msgpack.encode(question)))
                    assert answer in connection.recv(1000)
            with ExitStack() as ends:
                for number in range(MAX_CONNECTIONS + 40):
                    connection = ends.enter_context(local_socket(anna))
                    with suppress(OSError):  # one too many
                        connection.sendall(beginnings[number % 4])
                work.goes_on()
            eventually(lambda: is_answered(anna))
        at_least(victim, local_junk=4, local_versions=1, local_crowd=30)


def is_answered(peer: Peer) -> bool:
    """Say whether a daemon answers its own processes."""
    try:
        return bool(client.status(peer.store.path).name)
    except NoDaemonError:
        return False


def framed(message: bytes) -> bytes:
    """Return a message as it is sent over the private socket."""
    return len(message).to_bytes(4, "little") + message


LOCAL_JUNK = (
    os.urandom(500),
    b"\xdd\xff\xff\xff\xff",
    b"\x81\xa4type\xa6Format",
    b"\x91" * 4000,
)
"""No MessagePack, a list of four thousand million things, no message, deep nesting."""

LOCAL_MISTAKES = (
    (messages.Greet(id=3, version=99), b"another version"),
    (messages.Locate(id=4, keys=b"short"), b"not understood"),
)


def test_ten_thousand_names_on_the_link_disturb_nobody() -> None:
    """On a link of its own, for others that are tested would hear them too."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("needs the commands unshare and ip")
    probe = [*NAMESPACE, "ip", "link", "set", "lo", "up"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-m", "tests.peer.daemon.flooded_link"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("is_copied", [False, True], ids=["own root", "copied root"])
def test_who_stands_between_at_joining_learns_nothing_of_the_token(
    realm: Realm, tmp_path: Path, is_copied: bool
) -> None:
    """A root of its own is seen at once; behind a copied one TLS does not come about,
    for who shows it cannot sign with its key."""
    (anna,) = realm("anna")
    with new_store(tmp_path / "mall") as store, new_store(tmp_path / "cora") as mine:
        mall = found_realm(store, "mall")
        assert mall.sponsor is not None
        root = anna.identity.root if is_copied else mall.root
        key = new_key()
        leaf = issue_front_door(mall.sponsor, key.public_key(), root, datetime.now(UTC))
        chain = pem_of([leaf.public_bytes(Encoding.DER), mall.sponsor.der])
        for path, data in (("crt", chain), ("key", private_pem(key))):
            (tmp_path / path).write_bytes(data)
        token = invite(anna.store, anna.identity)
        with (
            Between(tmp_path / "crt", tmp_path / "key") as between,
            pytest.raises((EnrolmentRefused, ExchangeError)),
        ):
            enrol(token, "cora", mine, [between.address])
        assert between.met >= (2 if is_copied else 1)
        assert open_identity(mine) is None
        for secret in (token.secret, token.token_id, token.encode().encode()):
            for text in (secret, secret.hex().encode(), b32encode(secret)):
                assert text not in between.wire
                assert text not in between.plain
        assert b"Begin" not in between.plain
        assert b"Finish" not in between.plain


class Between:
    """Takes connections with a certificate of its own, and notes what is said."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.set_alpn_protocols(["h2"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.wire = b""
        """What came over the wire, as it came."""
        self.plain = b""
        """... and what it was without TLS."""
        self.met = 0

    def __enter__(self) -> Between:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.met += 1
            connection.settimeout(1)
            with connection, suppress(OSError):
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        """Speak TLS by hand, so that both sides of it are seen."""
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        channel = self._context.wrap_bio(came, goes, server_side=True)
        is_shaken = False
        while data := connection.recv(65_536):
            self.wire += data
            came.write(data)
            with suppress(ssl.SSLWantReadError):
                if not is_shaken:
                    channel.do_handshake()
                    is_shaken = True
                while part := channel.read(65_536):
                    self.plain += part
            connection.sendall(goes.read())
