"""A load generator in a process of its own, so cheap that the server is what is measured: `python -m bench.load`.

Reads one order a line from stdin and answers each with one line on stdout, both JSON (see `Order` and `Load`).
"""

import asyncio
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import cast

import uvloop

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Order:
    """Send these requests, as they are, in turn, over so many connections; each sends its next when it has read an answer."""

    port: int
    requests: list[str]
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What came of an order: answers, how many a second, and their latency, in ms."""

    answers: int
    per_second: float
    median_ms: float
    p99_ms: float


class _Client(asyncio.Protocol):
    """One connection: a request, its answer, the next request, until the time is over."""

    def __init__(self, requests: list[bytes], until: float) -> None:
        self._requests = cycle(requests)
        self._until = until
        self._received = bytearray()
        self._end = 0  # of the answer being received, in bytes; 0 until its head is there
        self.latencies: list[float] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its classes
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._end:
            head_end = self._received.find(_HEAD_END)
            if head_end < 0:
                return
            head = bytes(self._received[:head_end]).lower()
            length_at = head.find(_LENGTH)
            if not head.startswith(b"http/1.1 200") or length_at < 0:
                self._fail(f"Not 200, or no Content-Length: {head[:300]!r}")
                return
            self._end = head_end + len(_HEAD_END) + int(head[length_at + len(_LENGTH) :].split(b"\r", 1)[0])
        if len(self._received) < self._end:
            return
        now = time.perf_counter()
        self.latencies.append(now - self._sent_at)
        if b'"errors"' in self._received:
            self._fail(f"An answer with errors: {bytes(self._received[:600])!r}")
            return
        self._received.clear()
        self._end = 0
        if now < self._until:
            self._send()
        else:
            self.done.set_result(now)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"The server closed the connection: {error}")

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(reason))
            self._transport.close()


async def apply(order: Order) -> Load:
    """Carry out an order.

    Raises:
        RuntimeError: an answer other than 200 without errors, or a connection was closed.
    """
    requests = [request.encode() for request in order.requests]
    begin = time.perf_counter()
    clients = [
        (await asyncio.get_running_loop().create_connection(lambda: _Client(requests, begin + order.seconds), "127.0.0.1", order.port))[1]
        for _ in range(order.connections)
    ]
    end = max(await asyncio.gather(*(client.done for client in clients)))
    latencies = [latency * 1000 for client in clients for latency in client.latencies]
    return Load(
        answers=len(latencies),
        per_second=len(latencies) / (end - begin),
        median_ms=statistics.median(latencies),
        p99_ms=statistics.quantiles(latencies, n=100)[98] if len(latencies) > 1 else latencies[0],
    )


def main() -> None:
    """Carry out orders until stdin ends."""
    for line in sys.stdin:
        print(json.dumps(asdict(uvloop.run(apply(Order(**json.loads(line)))))), flush=True)


if __name__ == "__main__":
    main()
