"""Routing between processes: commands to the one that holds the socket, and older sockets to their end."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable

from ampyard.connect.link import Link
from ampyard.connect.options import ConnectOptions
from ampyard.connect.sockets import NORMAL_CLOSURE, POLICY_VIOLATION, Sockets
from ampyard.repositories.unit_of_work import COMMAND_CHANNEL, SOCKET_CHANNEL, SUSPENSION_CHANNEL
from ampyard.services import charge_points, commands, tenants
from ampyard.services.backend import Backend
from ampyard.services.outages import Outage

_log = logging.getLogger(__name__)


class Router:
    """Brings what other processes notify of to the sockets of this one.

    Notifications are heard while the listening connection lives. Whatever was missed meanwhile is found by the regular
    look at the database, which alone would do, a little later.
    """

    def __init__(self, backend: Backend, sockets: Sockets, options: ConnectOptions) -> None:
        self._backend = backend
        self._sockets = sockets
        self._options = options

    async def run(self) -> None:
        """Route until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="connect: listen")
            group.create_task(_every(self._options.poll_interval_s, "Looking for commands", self.offer_pending), name="connect: poll")
            group.create_task(
                _every(self._options.presence_interval_s, "Recording presence", self.record_presence), name="connect: presence"
            )

    async def offer_pending(self) -> None:
        """Have the commands sent that wait for a charge point of this process."""
        held = [link.station.charge_point_id for link in self._sockets]
        if not held:
            return
        for _, charge_point_id, command_id in await commands.pending(self._backend, held):
            self._offer(charge_point_id, command_id)

    async def record_presence(self) -> None:
        """Record that the charge points of this process are there, and settle what is recorded otherwise."""
        await self._close_suspended()
        await self._settle(list(self._sockets))

    async def _listen(self) -> None:
        outage = Outage("Hearing of commands", _log, unexpected=True)
        while True:
            try:
                async with self._backend.database.listen(COMMAND_CHANNEL, SOCKET_CHANNEL, SUSPENSION_CHANNEL) as queue:
                    await self.offer_pending()
                    await self.record_presence()
                    outage.over()
                    while (notification := await queue.get()) != ("", ""):
                        await self._hear(*notification)
                _log.warning("The connection that hears of commands was lost; connecting again.")
            except Exception as error:  # noqa: BLE001 - whatever ended the listening, it begins again
                await asyncio.sleep(outage.failed(error))

    async def _hear(self, channel: str, payload: str) -> None:
        if channel == COMMAND_CHANNEL:
            _, charge_point_id, command_id = payload.split(":")
            self._offer(uuid.UUID(charge_point_id), uuid.UUID(command_id))
            return
        if channel == SUSPENSION_CHANNEL:
            await self._close_suspended()
            return
        charge_point_id, socket_id = payload.split(":")
        link = self._sockets.get(uuid.UUID(charge_point_id))
        if link is not None and link.station.socket_id != uuid.UUID(socket_id):
            # Perhaps an old notification, and ours the newer socket: what is recorded decides.
            await self._settle([link])

    def _offer(self, charge_point_id: uuid.UUID, command_id: uuid.UUID) -> None:
        link = self._sockets.get(charge_point_id)
        if link is not None:
            link.offer(command_id)

    async def _close_suspended(self) -> None:
        """Let go of the charge points of suspended tenants; they are not let in again."""
        suspended = await tenants.suspended_among(self._backend, {link.station.tenant_id for link in self._sockets})
        for link in self._sockets:
            if link.station.tenant_id in suspended:
                link.close(POLICY_VIOLATION, "suspended")

    async def _settle(self, links: list[Link]) -> None:
        presence = await charge_points.seen(self._backend, [link.station for link in links])
        for link in links:
            if link.station in presence.replaced:
                link.close(NORMAL_CLOSURE, "replaced")
            elif link.station in presence.lost and self._sockets.get(link.station.charge_point_id) is link:
                _log.warning("%s was taken for lost but is here.", link.station.identity)
                await charge_points.connected(self._backend, link.station, link.endpoint.version)


async def _every(interval_s: float, what: str, work: Callable[[], Awaitable[None]]) -> None:
    outage = Outage(what, _log, unexpected=True)
    while True:
        try:
            await work()
            outage.over()
        except Exception as error:  # noqa: BLE001 - one failure, whatever it is, must not stop the routing
            outage.failed(error)
        await asyncio.sleep(interval_s)
