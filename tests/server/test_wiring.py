"""Processes that go on until they are stopped tell all the while that they run, and take it back when they end."""

import os
from datetime import UTC, datetime
from pathlib import Path

from ampyard.repositories.presence import Presence
from ampyard.repositories.streams import connect_redis
from ampyard.server.embedded import EmbeddedServers
from ampyard.server.settings import Settings
from ampyard.server.wiring import running
from tests.patience import eventually


async def test_a_process_is_present_while_it_runs(servers: EmbeddedServers, tmp_path: Path) -> None:
    redis = connect_redis(servers.redis_url)

    async def present() -> set[tuple[str, bool]]:
        found = await Presence(redis).processes(at=datetime.now(UTC))
        return {(one.role, one.name.endswith(f":{os.getpid()}")) for one in found if one.role == "tested"}

    settings = Settings(home=tmp_path, database_url=servers.database_url, redis_url=servers.redis_url)
    async with running(settings, "tested") as backend:
        assert backend.presence is not None
        await eventually(present, lambda seen: seen == {("tested", True)})
    assert await present() == set()
    await redis.aclose()
