"""The outbox relay: takes committed events to the streams, in order, at least once. Any number may run; one works."""

import asyncio
import logging
from contextlib import suppress

import asyncpg
from redis.exceptions import RedisError

from ampyard.jobs.listening import hear
from ampyard.repositories import outbox
from ampyard.repositories.database import Database
from ampyard.repositories.streams import EventStream
from ampyard.repositories.unit_of_work import OUTBOX_CHANNEL
from ampyard.services.outages import Outage
from ampyard.services.tasks import end

_log = logging.getLogger(__name__)

_BATCH = 500
# A safety net: a relay that died leaves its events to one that was not woken for them.
_POLL_S = 1.0
# The transaction, and with it every other relay, waits for the stream no longer than this.
_PUBLISH_S = 5.0


async def run_relay(database: Database, stream: EventStream) -> None:
    """Relay events for ever: at once when they are committed, and later when they cannot be published now."""
    woken = asyncio.Event()
    listener = asyncio.create_task(hear(database, OUTBOX_CHANNEL, lambda _: woken.set()), name="outbox listener")
    outage = Outage("Relaying events", _log)
    try:
        while True:
            woken.clear()
            try:
                relayed = await relay(database, stream)
            except (OSError, RedisError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                await asyncio.sleep(outage.failed(error))
                continue
            outage.over()
            if relayed < _BATCH:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):
                        await woken.wait()
    finally:
        await end([listener])


async def relay(database: Database, stream: EventStream) -> int:
    """Publish the oldest waiting events and remove them; returns how many, 0 when another relay is at work.

    They are removed after they have been published: what fails in between publishes them again.
    """
    async with database.system_session() as session:
        entries = await outbox.take(session, _BATCH)
        if not entries:
            return 0
        async with asyncio.timeout(_PUBLISH_S):
            await stream.publish(entries)
        await outbox.remove(session, entries)
        await session.commit()
    return len(entries)
