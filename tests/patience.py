"""Waiting in tests for what happens elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_LOOK_AGAIN_S = 0.01


async def until(condition: Callable[[], bool], timeout_s: float = 8.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout_s):
        while True:
            if condition():
                return
            await asyncio.sleep(_LOOK_AGAIN_S)


async def eventually(look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], timeout_s: float = 8.0) -> T:
    """Look again and again until one sees what is wanted; returns it."""
    async with asyncio.timeout(timeout_s):
        while True:
            seen = await look()
            if wanted(seen):
                return seen
            await asyncio.sleep(_LOOK_AGAIN_S)
