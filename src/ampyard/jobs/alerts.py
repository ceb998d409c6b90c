"""The look-out: has every tenant with rules looked at, every few seconds and when something happens there."""

import asyncio
import logging
import uuid
from contextlib import suppress

from ampyard.jobs.listening import hear
from ampyard.repositories.unit_of_work import PLANNER_CHANNEL
from ampyard.services.alerts import looking
from ampyard.services.backend import Backend
from ampyard.services.notifications import delivering
from ampyard.services.outages import Outage
from ampyard.services.tasks import end

_log = logging.getLogger(__name__)

_INTERVAL_S = 5.0
# What happens all the time in a busy tenant is looked at together.
_PAUSE_S = 1.0


class LookOut:
    """Looks at tenants. Any number of processes may: one at a time looks at a tenant.

    Args:
        backend: the ports.
        interval_s: how long after one look at all tenants the next begins.
    """

    def __init__(self, backend: Backend, *, interval_s: float = _INTERVAL_S) -> None:
        self._backend = backend
        self._interval_s = interval_s
        self._woken: set[uuid.UUID] = set()
        self._wake = asyncio.Event()
        self._outages: dict[uuid.UUID, Outage] = {}

    async def run(self) -> None:
        """Look for ever."""
        # What has the power shared anew is what alerts are about, too: plug-ins, losses, changes of status.
        listener = asyncio.create_task(hear(self._backend.database, PLANNER_CHANNEL, self._hear), name="alerts listener")
        try:
            while True:
                for tenant_id in await looking.tenants_with_rules(self._backend):
                    await self._look(tenant_id)
                await self._watch(asyncio.get_running_loop().time() + self._interval_s)
        finally:
            await end([listener])

    async def _watch(self, until: float) -> None:
        """Look at tenants in which something happens, until it is time to look at all."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._wake.wait()
            self._wake.clear()
            woken, self._woken = self._woken, set()
            for tenant_id in woken:
                await self._look(tenant_id)
            await asyncio.sleep(min(_PAUSE_S, max(0.0, until - loop.time())))

    def _hear(self, payload: str) -> None:
        with suppress(ValueError):
            self._woken.add(uuid.UUID(payload.partition(":")[0]))
            self._wake.set()

    async def _look(self, tenant_id: uuid.UUID) -> None:
        outage = self._outages.setdefault(tenant_id, Outage(f"Looking for alerts of tenant {tenant_id}", _log, unexpected=True))
        try:
            await looking.look(self._backend, tenant_id)
        except Exception as error:  # noqa: BLE001 - one tenant's failure, whatever it is, must not stop the others
            outage.failed(error)
        else:
            outage.over()


async def reschedule_overdue(backend: Backend) -> None:
    """Have the deliveries of all tenants tried whose jobs were lost."""
    for tenant_id in await looking.tenants_with_rules(backend):
        await delivering.reschedule_overdue(backend, tenant_id)
