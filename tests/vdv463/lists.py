"""What is known of what was asked over a link, and of what was said."""

import asyncio

from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.depot_links import LinkMessage
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.depot_links import LinkMessages
from tests.services.dispatching import Yard


async def asked(yard: Yard, *, withdrawn: bool = False) -> dict[str | None, ChargingRequest]:
    async with yard.backend.snapshot(yard.principal) as snapshot:
        found = await ChargingRequests(snapshot).where(order_by=[ChargingRequests.table.c.id])
    return {one.external_id: one for one in found if (one.withdrawn_at is not None) == withdrawn}


async def logged(yard: Yard, count: int) -> list[LinkMessage]:
    """Return what the message log holds, once there is so much."""
    async with asyncio.timeout(5):
        while True:
            async with yard.backend.snapshot(yard.principal) as snapshot:
                found = await LinkMessages(snapshot).where(order_by=[LinkMessages.table.c.at, LinkMessages.table.c.id])
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)
