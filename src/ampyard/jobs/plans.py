"""Plans: has every depot's plan made anew every few minutes, and soon after something happens that changes it."""

import asyncio
import logging
import uuid
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeAlias

from ampyard.jobs.listening import hear
from ampyard.repositories.directory import Directory
from ampyard.repositories.unit_of_work import PLANS_CHANNEL
from ampyard.services.backend import Backend
from ampyard.services.outages import Outage
from ampyard.services.planning.running import make_plan
from ampyard.services.tasks import end

_log = logging.getLogger(__name__)

DepotKey: TypeAlias = tuple[uuid.UUID, uuid.UUID]  # tenant, depot

_INTERVAL_S = 300.0
# What happens together is planned for together; and a depot in which something happens all the time is not planned for all the time.
_PAUSE_S = 2.0
_AT_MOST_EVERY_S = 20.0
_TICK_S = 1.0


class Plans:
    """Makes plans, one depot after the other: there is one solver. Any number of processes may; one at a time makes a depot's.

    Args:
        backend: the ports.
        interval_s: how long after one plan the next is due.
        at_most_every_s: how long it waits at least, whatever happens meanwhile.
        pause_s: how long after something has happened it is planned for.
    """

    def __init__(
        self, backend: Backend, *, interval_s: float = _INTERVAL_S, at_most_every_s: float = _AT_MOST_EVERY_S, pause_s: float = _PAUSE_S
    ) -> None:
        self._backend = backend
        self._interval_s = interval_s
        self._at_most_every_s = at_most_every_s
        self._pause_s = pause_s
        # When each depot is due, and when its last plan was begun, by the clock of the loop.
        self._due: dict[DepotKey, float] = {}
        self._begun: dict[DepotKey, float] = {}
        self._outages: dict[DepotKey, Outage] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Plan for ever."""
        listener = asyncio.create_task(hear(self._backend.database, PLANS_CHANNEL, self._hear), name="plans listener")
        loop = asyncio.get_running_loop()
        follow_at = loop.time()
        try:
            while True:
                if loop.time() >= follow_at:
                    await self._follow_depots()
                    follow_at = loop.time() + _TICK_S * 10
                for key in sorted((key for key, due in self._due.items() if due <= loop.time()), key=self._due.__getitem__):
                    await self._plan(key)
                await self._wait(min([follow_at, *self._due.values()]))
        finally:
            await end([listener])

    async def _wait(self, until: float) -> None:
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._wake.wait()

    def _hear(self, payload: str) -> None:
        tenant, _, depot = payload.partition(":")
        now = asyncio.get_running_loop().time()
        for key in self._named(tenant, depot):
            soonest = max(now + self._pause_s, self._begun.get(key, 0.0) + self._at_most_every_s)
            self._due[key] = min(self._due[key], soonest)
        self._wake.set()

    def _named(self, tenant: str, depot: str) -> Iterable[DepotKey]:
        """Return the depots that a notification is about: one, or all of a tenant; after a lost connection all, as some was not heard."""
        return [key for key in self._due if tenant in {"", str(key[0])} and depot in {"", str(key[1])}]

    async def _follow_depots(self) -> None:
        async with self._backend.database.system_snapshot() as snapshot:
            depots = {(depot.tenant_id, depot.depot_id): depot.name for depot in await Directory(snapshot).depots()}
        for key in self._due.keys() - depots.keys():
            del self._due[key]
        now = asyncio.get_running_loop().time()
        for key, name in depots.items():
            if key not in self._due:
                self._due[key] = now
                self._outages[key] = Outage(f"Planning depot {name} ({key[1]})", _log, unexpected=True)

    async def _plan(self, key: DepotKey) -> None:
        now = asyncio.get_running_loop().time()
        # Before it is made: what happens meanwhile it may not have seen.
        self._begun[key], self._due[key] = now, now + self._interval_s
        try:
            await make_plan(self._backend, *key)
        except Exception as error:  # noqa: BLE001 - one depot's failure, whatever it is, must not stop the others
            self._outages[key].failed(error)
        else:
            self._outages[key].over()
