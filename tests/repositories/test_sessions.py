"""Sessions whose statements are cut short."""

import asyncio

import pytest
from sqlalchemy import text

from ampyard.domain.ids import new_id
from ampyard.services.backend import Backend


async def test_a_cancelled_statement_ends_as_a_cancellation(backend: Backend) -> None:
    async def sleep_long() -> None:
        async with backend.database.session(new_id()) as session:
            await session.fetch(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(sleep_long())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await backend.database.reachable()


async def test_a_commit_after_a_cancelled_statement_is_never_taken_for_one(backend: Backend) -> None:
    async with backend.database.session(new_id()) as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await session.fetch(text("SELECT pg_sleep(30)"))
        with pytest.raises(Exception, match="invalid transaction"):
            await session.commit()
