"""Texts of GraphQL documents that clients name by their hash, shared by all api processes. Everything in it can be lost."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

_log = logging.getLogger(__name__)

_LIFETIME = timedelta(days=1)
# Without an answer in this time we do without: the client sends the text itself.
_ANSWER_S = 0.25
# After that the server is left alone for a while, so that its absence does not slow down every request.
_PAUSE_S = 5.0


class SharedDocuments:
    """Documents on one server, each kept for `lifetime` since it was put or found. While the server is away nothing is found."""

    def __init__(self, redis: Redis, *, lifetime: timedelta = _LIFETIME) -> None:
        self._redis = redis
        self._lifetime = lifetime
        self._paused_until = 0.0

    async def get(self, hash_: str) -> str | None:
        """Return the text with this SHA-256 (hexadecimal), if it is kept."""
        found = await self._answer(lambda: self._redis.getex(_key(hash_), px=self._lifetime))
        return found.decode() if isinstance(found, bytes) else None

    async def put(self, hash_: str, text: str) -> None:
        """Keep a text under its SHA-256 (hexadecimal)."""
        await self._answer(lambda: self._redis.set(_key(hash_), text, px=self._lifetime))

    async def _answer(self, ask: Callable[[], Awaitable[object]]) -> object:
        if time.monotonic() < self._paused_until:
            return None
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await ask()
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = time.monotonic() + _PAUSE_S
            _log.warning("Documents are not shared for now: the Redis-protocol server does not answer (%r).", error)
            return None


def _key(hash_: str) -> str:
    return f"ampyard:document:{hash_}"
