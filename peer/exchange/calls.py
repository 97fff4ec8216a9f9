"""From a gRPC call to a function of bytes, and from what it raises to a status.

Every method is registered as one that takes a stream of requests, which looks the same
on the wire.  So a call reaches us before its request does, and whoever opens calls and
sends nothing can be counted, limited and ended.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Generic, NoReturn, TypeAlias, TypeVar

import grpc

from peer.wire import WireError, limits

from .admission import busy
from .counters import Counters
from .errors import Refusal
from .monitor import Monitor
from .pace import Patience
from .slots import Slots

Requests: TypeAlias = Iterator[bytes]
Context: TypeAlias = grpc.ServicerContext
Caller = TypeVar("Caller")
Admit: TypeAlias = Callable[[Context, str], tuple[str, Caller]]
"""Says who calls a method, by name for the slots and as its function needs it."""

Unary: TypeAlias = Callable[[Caller, bytes], bytes]
Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"
Stream: TypeAlias = Callable[[Caller, bytes, grpc.ServicerContext], Iterator[bytes]]

REQUEST_S = 5.0
"""A caller that sends no request for so long is cut off."""

RETRY_MS = 100

_log = logging.getLogger(__name__)


_Answer: TypeAlias = tuple[grpc.StatusCode, str, int | None]
"""Status, text and milliseconds to wait of a refusal."""


class SilentCallerError(Exception):
    """A caller opened a call and did not ask for anything."""


class GoneCallerError(Exception):
    """A call has ended, on whatever side, before its request could be taken.

    Its deadline is over, the connection is lost, or the request is longer than anything
    that gRPC takes here: from within a call the three look the same.
    """


class Calls(Generic[Caller]):
    """Makes handlers out of functions.

    Args:
        admit: tells who may call.
        slots: how many calls there are at a time, those with slots of their own apart.
        counters: count calls under ``served_NAME`` and refusals under the name of
            their status.
        monitor: ends calls whose request does not come.
    """

    def __init__(
        self,
        admit: Admit[Caller],
        slots: Slots,
        counters: Counters,
        monitor: Monitor,
    ) -> None:
        self._admit = admit
        self._slots = slots
        self._counters = counters
        self._monitor = monitor

    def unary(
        self, name: str, serve: Unary[Caller], slots: Slots | None = None
    ) -> Handler:
        """Return the handler of a method with one answer.

        Args:
            name: of the method.
            serve: takes the caller and the request, returns the answer.
            slots: how many of them at a time; None: as all other calls.
        """
        places = slots or self._slots

        def behave(requests: Requests, context: Context) -> bytes:
            try:
                with self._call(name, places, requests, context) as (caller, request):
                    return serve(caller, request)
            except Exception as error:
                answer = self._answer_to(name, error)
            _refuse(context, answer)

        return grpc.stream_unary_rpc_method_handler(behave)

    def stream(
        self, name: str, serve: Stream[Caller], slots: Slots | None = None
    ) -> Handler:
        """Return the handler of a method with many answers; else as :meth:`unary`."""
        places = slots or self._slots

        def behave(requests: Requests, context: Context) -> Iterator[bytes]:
            try:
                with self._call(name, places, requests, context) as (caller, request):
                    yield from serve(caller, request, context)
                return
            except Exception as error:
                answer = self._answer_to(name, error)
            _refuse(context, answer)

        return grpc.stream_stream_rpc_method_handler(behave)

    @contextmanager
    def _call(
        self, name: str, slots: Slots, requests: Requests, context: Context
    ) -> Iterator[tuple[Caller, bytes]]:
        who, caller = self._admit(context, name)
        if not slots.take(who):
            raise busy(f"too many {name} calls at a time", RETRY_MS)
        try:
            request = self._request(requests, context)
            self._counters.add(f"served_{name.lower()}")
            yield caller, request
        finally:
            slots.free(who)

    def _request(self, requests: Requests, context: Context) -> bytes:
        patience = Patience(REQUEST_S)
        patience.wait(time.monotonic())
        request: bytes | None = None

        def check(now: float) -> None:
            if patience.is_over(now):
                context.cancel()

        with self._monitor.watching(check), suppress(grpc.RpcError):
            request = next(requests, None)
        if request is None:
            if patience.is_over(time.monotonic()):
                raise SilentCallerError
            raise GoneCallerError
        if len(request) > limits.REQUEST_BYTES:
            raise WireError("a request that is too long")
        if not context.is_active():
            raise GoneCallerError  # nobody would get the answer
        return request

    def _answer_to(self, name: str, failure: Exception) -> _Answer:
        """Count what went wrong, and return what the caller is told.

        The failure itself must not be kept: it knows the frame that keeps it, and the
        call, whose stream would then be open until the next collection of garbage.
        """
        refusal = self._refusal_of(name, failure)
        return refusal.status, refusal.text, refusal.retry_ms

    def _refusal_of(self, name: str, failure: Exception) -> Refusal:
        match failure:
            case Refusal():
                self._counters.add(f"refused_{failure.status.name.lower()}")
                return failure
            case WireError():
                self._counters.add("bad_requests")
                invalid = grpc.StatusCode.INVALID_ARGUMENT
                return Refusal(invalid, failure.reason)
            case SilentCallerError():
                self._counters.add("silent_callers")
                return Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "no request came")
            case GoneCallerError():
                # Honest callers do not wait longer than they can use the answer.
                self._counters.add("abandoned_calls")
                return Refusal(grpc.StatusCode.CANCELLED, "no request, or too late")
        self._counters.add("failed_calls")
        # Where, and not with what: the text may name what is nobody's business.
        where = traceback.extract_tb(failure.__traceback__)[-1]
        place = f"{Path(where.filename).name}, line {where.lineno}"
        kind = type(failure).__name__
        _log.error("%s of a neighbour failed: %s in %s", name, kind, place)
        return Refusal(grpc.StatusCode.INTERNAL, "this peer could not answer")


def _refuse(context: Context, answer: _Answer) -> NoReturn:
    status, text, retry_ms = answer
    if retry_ms is not None:
        context.set_trailing_metadata((("retry-ms", str(retry_ms)),))
    context.abort(status, text)
