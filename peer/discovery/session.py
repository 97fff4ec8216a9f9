"""One open multicast DNS responder: it says who we are and hears the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from random import Random

from zeroconf import Error, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from .ear import Ear, Hearer
from .errors import MulticastError
from .queries import SERVICE, host_name, instance_name, probe
from .rdata import to_rdata

PROBES_S = (0.0, 0.1, 0.15)
"""Waits before the probes of our name, and after the last.  A name is the hash of a
key, so this is not to resolve conflicts but to notice a copy of the key."""


def open_zeroconf(addresses: Sequence[str]) -> AsyncZeroconf:
    """Open multicast sockets on the interfaces with these addresses.

    Raises:
        MulticastError: that cannot be done here just now.
    """
    # What it has to say is about other people's packets, and not for our users.
    logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
    with _explained():
        return AsyncZeroconf(interfaces=list(addresses))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, Error) as error:
        raise MulticastError(f"multicast cannot be used here: {error}") from error


class Session:
    """A responder on some interfaces; used on one event loop."""

    def __init__(
        self, own: str, addresses: Sequence[str], hearer: Hearer, random: Random
    ) -> None:
        """Begin to listen.

        Args:
            own: our node id.
            addresses: one of each interface to use.
            hearer: who is told what is heard.
            random: for the moment of the first question.

        Raises:
            MulticastError: multicast cannot be used here just now.
        """
        self._own = own
        self._interfaces = tuple(addresses)
        self._zeroconf = open_zeroconf(addresses)
        self.ear = Ear(self._zeroconf.zeroconf, hearer, random, own)
        self._is_announced = False
        self._sendings: set[asyncio.Future[object]] = set()

    async def use(self, addresses: Sequence[str]) -> None:
        """Change to the interfaces with these addresses.

        Raises:
            MulticastError: multicast cannot be used here any more, also below.
        """
        if tuple(addresses) != self._interfaces:
            with _explained():
                await self._zeroconf.async_update_interfaces(list(addresses))
            self._interfaces = tuple(addresses)

    async def probe(self) -> None:
        """Ask whether somebody else has our name; the hearer is told the answers."""
        with _explained():
            await self._zeroconf.zeroconf.async_wait_for_start()
        for wait_s in PROBES_S:
            probe(self._zeroconf.zeroconf, self._service(1, (), {}))
            await asyncio.sleep(wait_s)

    async def announce(
        self, port: int, addresses: Sequence[str], properties: Mapping[bytes, bytes]
    ) -> None:
        """Say who we are, or what has changed; it is sent three times in half a second.

        Args:
            port: TCP port at which we are dialled.
            addresses: IP addresses at which we are dialled.
            properties: keys and values of the TXT record.
        """
        info = self._service(port, addresses, properties)
        with _explained():
            if self._is_announced:
                sending = await self._zeroconf.async_update_service(info)
            else:
                # Without the library's own probing, which takes a second.
                sending = await self._zeroconf.async_register_service(
                    info, cooperating_responders=True
                )
        self._is_announced = True
        future: asyncio.Future[object] = asyncio.ensure_future(sending)
        self._sendings.add(future)
        future.add_done_callback(self._was_sent)

    async def close(self) -> None:
        """Say goodbye, and close the sockets."""
        self.ear.close()
        with suppress(Error, OSError):
            await self._zeroconf.async_close()

    def _was_sent(self, sending: asyncio.Future[object]) -> None:
        self._sendings.discard(sending)
        if not sending.cancelled():
            sending.exception()  # Lost packets are what multicast is like.

    def _service(
        self, port: int, addresses: Sequence[str], properties: Mapping[bytes, bytes]
    ) -> ServiceInfo:
        return ServiceInfo(
            SERVICE,
            instance_name(self._own),
            port,
            properties=to_rdata(properties),
            server=host_name(self._own),
            parsed_addresses=list(addresses),
        )
