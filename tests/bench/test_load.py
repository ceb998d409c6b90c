"""The load generator must count what servers really answered, or every ratio is wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.load import Order, apply

REQUESTS = ["POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\na", "POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\nb"]


class Toy:
    """Answers each request with one answer, in the pieces given; remembers the bodies it was sent."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.bodies: list[bytes] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            self.bodies.append(await reader.readexactly(1))
            for piece in self.pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.001)
        writer.close()


def answer(body: bytes, *, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("cut", [0, 10, 40, 75])
async def test_every_answer_is_counted_once_however_it_arrives(cut: int) -> None:
    whole = answer(b'{"data":{"name":"x"}}')
    toy = Toy(whole[:cut], whole[cut:]) if cut else Toy(whole)
    async with toy.serving() as port:
        load = await apply(Order(port, REQUESTS, connections=3, seconds=0.2))

    assert load.answers == len(toy.bodies)
    assert load.answers >= 6
    # Each connection sends the requests in turn, from the first on.
    assert 0 <= toy.bodies.count(b"a") - toy.bodies.count(b"b") <= 3
    assert 1.0 <= load.median_ms <= load.p99_ms
    assert load.per_second <= load.answers / 0.2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (answer(b'{"data":null,"errors":[{"message":"no"}]}'), "An answer with errors"),
        (answer(b"{}", status=b"503 Service Unavailable"), "Not 200"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "no Content-Length"),
    ],
)
async def test_an_answer_that_is_none_ends_the_measuring(wrong: bytes, reason: str) -> None:
    async with Toy(wrong).serving() as port:
        with pytest.raises(RuntimeError, match=reason):
            await apply(Order(port, REQUESTS, connections=2, seconds=5.0))
