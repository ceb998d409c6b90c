"""Documents that processes share: kept for a while, and done without when their server is away."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256

import pytest
from redis.asyncio import Redis

from ampyard.repositories import documents
from ampyard.repositories.documents import SharedDocuments
from ampyard.repositories.streams import connect_redis
from ampyard.server.embedded import EmbeddedServers
from tests.gate import gate_to


@pytest.fixture
async def redis(servers: EmbeddedServers) -> AsyncIterator[Redis]:
    redis = connect_redis(servers.redis_url)
    yield redis
    await redis.aclose()


def text(number: int) -> tuple[str, str]:
    """Return a document that nobody else has, and its hash."""
    it = f"{{ depots {{ ä{number}: totalCount }} }} # {id(object())}"
    return sha256(it.encode()).hexdigest(), it


async def test_what_one_process_puts_another_finds(redis: Redis, servers: EmbeddedServers) -> None:
    hash_, it = text(1)
    other = connect_redis(servers.redis_url)
    assert await SharedDocuments(other).get(hash_) is None

    await SharedDocuments(redis).put(hash_, it)

    assert await SharedDocuments(other).get(hash_) == it
    await other.aclose()


async def test_what_nobody_asks_for_is_forgotten_after_a_day(redis: Redis) -> None:
    hash_, it = text(2)
    shared = SharedDocuments(redis)
    await shared.put(hash_, it)
    day_ms = timedelta(days=1) // timedelta(milliseconds=1)
    key = f"ampyard:document:{hash_}"
    assert day_ms - 10_000 < await redis.pttl(key) <= day_ms

    await redis.pexpire(key, 5_000)
    await shared.get(hash_)

    assert day_ms - 10_000 < await redis.pttl(key) <= day_ms
    brief = SharedDocuments(redis, lifetime=timedelta(milliseconds=1))
    await brief.put(hash_, it)
    await asyncio.sleep(0.01)
    assert await brief.get(hash_) is None


async def test_without_its_server_nothing_is_found_and_nothing_fails(
    servers: EmbeddedServers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(documents, "_PAUSE_S", 0.05)
    hash_, it = text(3)
    async with gate_to(servers.redis_url) as gate:
        redis = connect_redis(f"redis://127.0.0.1:{gate.port}")
        shared = SharedDocuments(redis)
        await shared.put(hash_, it)
        await gate.shut()
        with caplog.at_level(logging.WARNING, "ampyard.repositories.documents"):
            for _ in range(5):
                assert await shared.get(hash_) is None
                await shared.put(hash_, it)
        assert len(caplog.records) == 1  # once for each time it was tried, and it was left alone after that
        await gate.open()
        await asyncio.sleep(0.06)
        assert await shared.get(hash_) == it
        await redis.aclose()


async def test_a_server_that_does_not_answer_is_waited_for_briefly_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_ANSWER_S", 0.05)
    asked = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    redis = connect_redis(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    shared = SharedDocuments(redis)
    async with asyncio.timeout(1):
        for _ in range(100):
            assert await shared.get(text(4)[0]) is None
    assert asked == 1
    await redis.aclose()
    server.close()
