"""A tenant whose alerts are told, and the jobs that tell them, run when the test says so."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import orjson

from ampyard.domain.alerts import Alert, AlertKind, AlertSeverity
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.notifications.channels import ChannelKind, NotificationChannel
from ampyard.domain.notifications.deliveries import NotificationDelivery
from ampyard.repositories.mail import Mailer, SmtpSecurity, SmtpServer
from ampyard.repositories.notifications import Deliveries
from ampyard.repositories.webhooks import WebhookSender
from ampyard.services import charge_points
from ampyard.services.backend import Backend
from ampyard.services.notifications.channels import NewChannel, NewRoute, create_channel
from ampyard.services.notifications.delivering import deliver_requested
from ampyard.services.notifications.notifier import Notifier
from ampyard.services.notifications.queueing import DELIVER_JOB
from ampyard.services.vault import Vault
from tests.receivers import LOCALHOST
from tests.services.alerts.watch import Watch, watch

ALL = (NewRoute(min_severity=AlertSeverity.INFO, tells_resolved=True),)


@dataclass
class Telling(Watch):
    """As `Watch`, with what is needed to notify."""

    notifier: Notifier | None = None

    @property
    def backend(self) -> Backend:
        return replace(self.everywhere, clock=lambda: self.now, notifier=self.notifier)

    async def channel(self, **wanted: object) -> NotificationChannel:
        """Make a channel, told of everything unless said otherwise; of mail unless it has a URL."""
        kind = ChannelKind.WEBHOOK if "url" in wanted else ChannelKind.EMAIL
        given: dict[str, object] = {"addresses": ("ops@example.org",), "routes": ALL} if kind is ChannelKind.EMAIL else {"routes": ALL}
        new = NewChannel(f"Channel {wanted.get('url', '')}".strip(), kind)
        return (await create_channel(self.backend, self.admin, replace(new, **{**given, **wanted})))[0]  # type: ignore[arg-type]  # its fields

    async def lose(self, *identities: str) -> list[Alert]:
        """Lose charge points, and look."""
        for identity in identities:
            await charge_points.disconnected(self.backend, self.stations[identity])
        return await self.look()

    async def find(self, *identities: str) -> None:
        """Have charge points come back, and look."""
        for identity in identities:
            await charge_points.connected(self.backend, self.stations[identity], OcppVersion.V16)
        await self.look()

    async def work(self) -> list[NotificationDelivery]:
        """Do all deliveries that are queued and due by the tenant's clock, as a worker does; returns all there are, oldest first."""
        for job in await self._take_jobs():
            await deliver_requested(self.backend, job)
        return await self.deliveries()

    async def deliveries(self) -> list[NotificationDelivery]:
        async with self.everywhere.database.snapshot(self.tenant_id) as snapshot:
            return await Deliveries(snapshot).where(order_by=[Deliveries.table.c.id])

    async def _take_jobs(self) -> list[bytes]:
        async with self.everywhere.database.session(self.tenant_id) as session:
            async with session.driver() as connection:
                rows = await connection.fetch("SELECT id, payload FROM pgqueuer WHERE entrypoint = $1 ORDER BY id", DELIVER_JOB)
            due = {delivery.id for delivery in await Deliveries(session).where() if delivery.due_at <= self.now}
            mine = [row for row in rows if UUID(orjson.loads(row["payload"])["delivery_id"]) in due]
            async with session.driver() as connection:
                await connection.execute("DELETE FROM pgqueuer WHERE id = ANY($1)", [row["id"] for row in mine])
            await session.commit()
        return [row["payload"] for row in mine]


async def telling(backend: Backend, smtp_port: int | None = None, *, private_allowed: bool = True) -> Telling:
    """Make the tenant; with a rule for charge points that are offline."""
    watching = await watch(backend)
    server = None if smtp_port is None else SmtpServer(LOCALHOST, smtp_port, SmtpSecurity.NONE, "alerts@example.org")
    notifier = Notifier(
        vault=Vault(b"a secret key"),
        webhooks=WebhookSender(private_allowed=private_allowed),
        mailer=Mailer(server) if server is not None else None,
        alerts_url="https://ampyard.example.org",
    )
    told = Telling(backend, watching.tenant_id, watching.stations, watching.now, notifier)
    await told.rule(AlertKind.OFFLINE)
    return told


MINUTE = timedelta(minutes=1)
