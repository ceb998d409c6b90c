"""The planner: has the power of every depot shared anew, every few seconds and whenever something changes."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import asyncpg
from redis.exceptions import RedisError

from ampyard.jobs.listening import hear
from ampyard.repositories.directory import Directory
from ampyard.repositories.unit_of_work import PLANNER_CHANNEL
from ampyard.services.backend import Backend
from ampyard.services.outages import Outage
from ampyard.services.tasks import end

_log = logging.getLogger(__name__)

Tick: TypeAlias = Callable[[Backend, uuid.UUID, uuid.UUID], Awaitable[None]]
DepotKey: TypeAlias = tuple[uuid.UUID, uuid.UUID]  # tenant, depot

_CONCURRENT = 4
_REFRESH_S = 10.0
# A tick takes milliseconds; one that hangs must not keep the others from running.
_TICK_S = 30.0
_TELL_S = 0.5


class Planner:
    """Calls `tick(backend, tenant_id, depot_id)` for all depots of all tenants.

    Ticks of one depot never overlap in this process; a wake-up during a tick causes exactly one more. Ticks of
    different depots run side by side, `_CONCURRENT` at a time.

    Args:
        backend: the ports.
        tick: what to do for a depot. It keeps processes apart by itself; its failures are logged and change nothing.
        interval_s: time from the begin of one tick to the next.
    """

    def __init__(self, backend: Backend, tick: Tick, *, interval_s: float = 3.0) -> None:
        self._backend = backend
        self._tick = tick
        self._interval_s = interval_s
        self._slots = asyncio.Semaphore(_CONCURRENT)
        self._wakes: dict[DepotKey, asyncio.Event] = {}
        self._tasks: dict[DepotKey, asyncio.Task[None]] = {}
        self._refresh = asyncio.Event()

    async def run(self) -> None:
        """Plan for ever."""
        listener = asyncio.create_task(hear(self._backend.database, PLANNER_CHANNEL, self._wake), name="planner listener")
        outage = Outage("Listing the depots", _log)
        try:
            while True:
                self._refresh.clear()
                try:
                    await self._follow_depots()
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    await asyncio.sleep(outage.failed(error))
                    continue
                outage.over()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_REFRESH_S):
                        await self._refresh.wait()
        finally:
            await end([listener, *self._tasks.values()])

    def _wake(self, payload: str) -> None:
        if not payload:
            # Newly connected: what was sent before has not been heard.
            for wake in self._wakes.values():
                wake.set()
            return
        try:
            tenant, depot = payload.split(":")
            key = uuid.UUID(tenant), uuid.UUID(depot)
        except ValueError:
            _log.warning("%s: %r is not <tenant id>:<depot id>; ignored.", PLANNER_CHANNEL, payload)
            return
        if key in self._wakes:
            self._wakes[key].set()
        else:
            self._refresh.set()

    async def _tell(self, key: DepotKey) -> None:
        """Note for `systemHealth` that a depot's power was shared. Nothing depends on it, so nothing waits for it."""
        if self._backend.presence is None:
            return
        with suppress(OSError, RedisError, TimeoutError):
            async with asyncio.timeout(_TELL_S):
                await self._backend.presence.planned(*key, at=self._backend.clock())

    async def _follow_depots(self) -> None:
        async with self._backend.database.system_snapshot() as snapshot:
            depots = {(depot.tenant_id, depot.depot_id): depot.name for depot in await Directory(snapshot).depots()}
        for key in self._tasks.keys() - depots.keys():
            del self._wakes[key]
            self._tasks.pop(key).cancel()
        for key, name in depots.items():
            if key not in self._tasks:
                self._wakes[key] = asyncio.Event()
                self._tasks[key] = asyncio.create_task(self._plan(key, self._wakes[key], name), name=f"planner of {name}")

    async def _plan(self, key: DepotKey, wake: asyncio.Event, name: str) -> None:
        loop = asyncio.get_running_loop()
        outage = Outage(f"Sharing the power of depot {name} ({key[1]})", _log, unexpected=True)
        while True:
            async with self._slots:
                # Cleared here, not earlier: what happened while waiting for a slot, this tick already sees.
                wake.clear()
                started = loop.time()
                shared = False
                try:
                    async with asyncio.timeout(_TICK_S):
                        await self._tick(self._backend, *key)
                    outage.over()
                except Exception as error:  # noqa: BLE001 - one depot's failure, whatever it is, must not stop the others
                    outage.failed(error)
                else:
                    shared = True
            if shared:
                await self._tell(key)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(started + self._interval_s):
                    await wake.wait()
