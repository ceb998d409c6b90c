"""Thousands of watchers in one light process: `python -m bench.watchers`, which is told on standard input whom to watch.

Reads one JSON object a line: first `{"port", "path", "token", "document", "variables", "sockets"}`, answered once every socket has had its
first result; then `{"seconds"}`, answered with what arrived in that time. Latency is from the `at` of a result to its arrival.

Not on asyncio: the client must cost little beside the server that it measures on the same machine.
"""

import gc
import json
import os
import resource
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

_READ_BYTES = 262_144
_WAIT_S = 0.2
_SETTLE_S = 120.0
_MASK = b"\0\0\0\0"  # required of clients (RFC 6455, section 5.3); zeros leave the payload as it is


class Watchers:
    """The sockets, and what has arrived on them."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._receive: dict[int, Callable[[int], bytes]] = {}
        self._rests: dict[int, bytes] = {}
        self._moments: dict[bytes, float] = {}
        self.latencies_ms: dict[int, int] = {}
        self.results = 0
        self.closed = 0
        self.waiting: set[int] = set()
        for _ in range(order["sockets"]):
            self._open(order)

    def _open(self, order: dict[str, Any]) -> None:
        connection = socket.create_connection(("127.0.0.1", order["port"]))
        authorization = f"Bearer {order['token']}"
        connection.sendall(
            f"GET {order['path']} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
            f"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n"
            f"authorization: {authorization}\r\n\r\n".encode()
        )
        received = b""
        while b"\r\n\r\n" not in received:
            part = connection.recv(_READ_BYTES)
            if not part:
                raise ConnectionError(f"The server closed the connection after {received!r}.")
            received += part
        if not received.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"The server does not speak WebSocket: {received!r}")
        payload = {"query": order["document"], "variables": order["variables"]}
        # A client's ids are its own: as long as those that graphql-ws makes, and no two alike.
        subscribe = {"id": f"{connection.fileno():036d}", "type": "subscribe", "payload": payload}
        connection.sendall(_frame({"type": "connection_init", "payload": {"authorization": authorization}}) + _frame(subscribe))
        connection.setblocking(False)
        number = connection.fileno()
        self._sockets[number], self._receive[number] = connection, connection.recv
        self.waiting.add(number)
        self._rests[number] = received.partition(b"\r\n\r\n")[2]
        self._poll.register(number, select.EPOLLIN)
        self.read(0)

    def read(self, wait_s: float) -> None:
        """Take what has arrived, waiting for it no longer than this."""
        rests, latencies_ms, moments, waiting, clock = self._rests, self.latencies_ms, self._moments, self.waiting, time.time
        for number, _ in self._poll.poll(wait_s, 1024):
            try:
                data = self._receive[number](_READ_BYTES)
            except (BlockingIOError, ConnectionError):
                data = b""
            if not data:
                self.closed += 1
                self._poll.unregister(number)
                self._sockets.pop(number).close()
            elif data[0] == 0x81 and data[1] == 126 and not rests[number] and len(data) == 4 + (data[2] << 8 | data[3]) and not waiting:
                # What nearly all of them are: one result, whole. The others go the long way.
                at = data.find(b'"at":"') + 6
                moment = moments.get(data[at : at + 32])
                if moment is None:
                    self._frames(number, data)
                else:
                    late_ms = int((clock() - moment) * 1000)
                    latencies_ms[late_ms] = latencies_ms.get(late_ms, 0) + 1
                    self.results += 1
            else:
                self._frames(number, data)

    def _frames(self, number: int, data: bytes) -> None:
        rest = self._rests[number]
        if rest:
            data = rest + data
        now, at, end = time.time(), 0, len(data)
        while end - at >= 2:
            length, begin = data[at + 1], at + 2
            if length >= 126:
                if end - at < 10:
                    break
                length, begin = (struct.unpack_from("!H", data, begin)[0], at + 4) if length == 126 else (2**62, at + 10)
            if end < begin + length:
                break
            if data[at] == 0x89:
                self._sockets[number].send(struct.pack("!BB", 0x8A, 0x80 | length) + _MASK + data[begin : begin + length])
            elif data[at] == 0x81:
                self._message(number, data, begin, begin + length, now)
            at = begin + length
        self._rests[number] = data[at:]

    def _message(self, number: int, data: bytes, begin: int, end: int, now: float) -> None:
        found = data.find(b'"at":"', begin, end)
        if found < 0:
            if data.find(b"connection_ack", begin, end) < 0:
                raise RuntimeError(f"The server says {data[begin:end]!r}.")
            return
        key = data[found + 6 : data.index(b'"', found + 6)]
        moment = self._moments.get(key)
        if moment is None:
            moment = self._moments[key] = datetime.fromisoformat(key.decode()).timestamp()
        late_ms = int((now - moment) * 1000)
        self.latencies_ms[late_ms] = self.latencies_ms.get(late_ms, 0) + 1
        self.results += 1
        self.waiting.discard(number)

    def settle(self) -> None:
        """Wait until each socket has had a result.

        Raises:
            TimeoutError: some have had none.
        """
        until = time.monotonic() + _SETTLE_S
        while self.waiting:
            self.read(_WAIT_S)
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self.waiting)} sockets have had no result.")

    def watch(self, seconds: float) -> dict[str, Any]:
        """Return what arrives in some time: how many results, when each of their percentiles, of how many different moments."""
        self.results, self.latencies_ms = 0, {}
        self._moments.clear()
        begin, cpu_s = time.monotonic(), time.process_time()
        while (left := begin + seconds - time.monotonic()) > 0:
            self.read(left)
        took_s = time.monotonic() - begin
        return {
            "results": self.results,
            "per_s": self.results / took_s,
            "moments": len(self._moments),
            "closed": self.closed,
            "cpu": (time.process_time() - cpu_s) / took_s,
            **{f"p{share * 100:g}_ms": self._percentile(share) for share in (0.5, 0.95, 0.99, 1.0)},
        }

    def _percentile(self, share: float) -> int:
        reached = 0
        for late_ms in sorted(self.latencies_ms):
            reached += self.latencies_ms[late_ms]
            if reached >= share * self.results:
                return late_ms
        return 0


def _frame(message: object) -> bytes:
    payload = json.dumps(message).encode()
    head = struct.pack("!BB", 0x81, 0x80 | len(payload)) if len(payload) < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
    return head + _MASK + payload


def main() -> None:
    """Do as standard input says, until it ends."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    reader = os.fdopen(sys.stdin.fileno(), buffering=1)
    order = json.loads(reader.readline())
    begin = time.monotonic()
    watchers = Watchers(order)
    watchers.settle()
    gc.collect()
    gc.freeze()
    print(json.dumps({"ready": order["sockets"], "took_s": time.monotonic() - begin}), flush=True)
    # While it waits for orders it goes on reading, or the server would find its clients slow.
    while True:
        watchers.read(_WAIT_S)
        if select.select([reader], [], [], 0)[0]:
            line = reader.readline()
            if not line:
                return
            print(json.dumps(watchers.watch(json.loads(line)["seconds"])), flush=True)


if __name__ == "__main__":
    main()
