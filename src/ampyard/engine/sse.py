"""GraphQL over Server-Sent Events, distinct connections mode (graphql-sse PROTOCOL.md)."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from typing import Any

from starlette.types import Receive, Scope, Send
from strawberry.types.execution import ExecutionResult

from ampyard.engine import wire
from ampyard.engine.endpoint import Endpoint, P
from ampyard.engine.errors import PublicError, UnauthenticatedError

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back until its buffer is full
]
_COMPLETE = b"event: complete\ndata:\n\n"  # browsers drop an event without a data field
_PING = b": ping\n\n"


class EventStream:
    """The response that sends `results` as they come, until they end, the client leaves or stalls, or may no longer see them.

    Whatever ends it, the results are closed before it returns.
    """

    def __init__(
        self,
        results: AsyncGenerator[ExecutionResult, None],
        endpoint: Endpoint[P],
        *,
        expires_in_s: float | None,
        standing: "Callable[[], AbstractAsyncContextManager[asyncio.Future[PublicError]]] | None" = None,
    ) -> None:
        self._results = results
        self._ping_interval_s = endpoint.ping_interval_s
        self._send_timeout_s = endpoint.send_timeout_s
        self._max_response_bytes = endpoint.max_response_bytes
        self._expires_in_s = expires_in_s
        self._standing = standing

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        if self._standing is None:
            await self._serve(receive, send, asyncio.get_running_loop().create_future())
            return
        async with self._standing() as lapsed:
            await self._serve(receive, send, lapsed)

    async def _serve(self, receive: Receive, send: Send, lapsed: "asyncio.Future[PublicError]") -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        tasks = [
            asyncio.create_task(self._events(send)),
            asyncio.create_task(self._pings(send)),
            asyncio.create_task(_disconnect(receive)),
        ]
        ended: set[asyncio.Future[Any]] = set()
        last = b""
        try:
            async with asyncio.timeout(self._expires_in_s):
                first: list[asyncio.Future[Any]] = [*tasks, lapsed]
                ended, _ = await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if lapsed in ended:
                last = _next(wire.refusal(lapsed.result())) + _COMPLETE
        except TimeoutError:
            last = _next(wire.refusal(UnauthenticatedError("The credential has expired."))) + _COMPLETE
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError, OSError):  # the client stalled, or left: there is nobody to tell
            for it in ended:
                it.result()
            await self._write(send, last, more=False)

    async def _events(self, send: Send) -> None:
        async with aclosing(self._results) as results:
            async for result in results:
                await self._write(send, _next(result, self._max_response_bytes))
        await self._write(send, _COMPLETE)

    async def _pings(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._ping_interval_s)
            await self._write(send, _PING)

    async def _write(self, send: Send, chunk: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._send_timeout_s):
            await send({"type": "http.response.body", "body": chunk, "more_body": more})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _next(result: ExecutionResult, max_bytes: int | None = None) -> bytes:
    # The id is what a browser's EventSource sends as Last-Event-ID when it reconnects.
    event_id = b"id: " + result.event_id.encode() + b"\n" if isinstance(result, wire.Written) and result.event_id else b""
    return b"event: next\n" + event_id + b"data: " + wire.response(result, max_bytes) + b"\n\n"
