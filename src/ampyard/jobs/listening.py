import asyncio
import logging
from collections.abc import Callable

import asyncpg

from ampyard.repositories.database import Database
from ampyard.services.outages import Outage

_log = logging.getLogger(__name__)


async def hear(database: Database, channel: str, heard: Callable[[str], None]) -> None:
    """Call `heard` with the payload of every NOTIFY on a channel, for ever.

    Also calls it with `""` each time the connection has been made: what was sent before that has not been heard.
    """
    outage = Outage(f"Listening on {channel}", _log)
    while True:
        try:
            async with database.listen(channel) as notifications:
                outage.over()
                heard("")
                while (notification := await notifications.get())[0]:
                    heard(notification[1])
            raise ConnectionError("the connection was lost")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await asyncio.sleep(outage.failed(error))
