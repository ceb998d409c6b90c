"""A tenant of one's own whose clock the test moves, and what became of its alerts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from ampyard.domain.access import Principal
from ampyard.domain.alerts import Alert, AlertKind, AlertRule, AlertSeverity
from ampyard.domain.charge_points import ConnectorStatus
from ampyard.repositories.alerts import AlertChanges, Alerts
from ampyard.services import charge_points
from ampyard.services.alerts.looking import look
from ampyard.services.alerts.rules import NewAlertRule, create_alert_rule
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from tests.fleet import new_fleet, user
from tests.services.stations import online

BEGIN = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@dataclass
class Watch:
    """The tenant; `pass_time` moves its clock."""

    everywhere: Backend
    tenant_id: UUID
    stations: dict[str, Station] = field(default_factory=dict)
    now: datetime = BEGIN

    @property
    def backend(self) -> Backend:
        return replace(self.everywhere, clock=lambda: self.now)

    @property
    def admin(self) -> Principal:
        return user(self.tenant_id)

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    async def rule(self, kind: AlertKind, **wanted: object) -> AlertRule:
        """Make a rule, by default of no delays."""
        parameters = {"after_s": 0, "clear_after_s": 0, **wanted.pop("parameters", {})}  # type: ignore[dict-item]  # a mapping
        new = NewAlertRule(f"{kind.value} {uuid4().hex[:6]}", kind, AlertSeverity.WARNING, parameters=parameters, **wanted)  # type: ignore[arg-type]  # its fields
        return await create_alert_rule(self.backend, self.admin, new)

    async def look(self) -> list[Alert]:
        """Look once; returns all alerts, oldest first."""
        assert await look(self.backend, self.tenant_id)
        return await self.alerts()

    async def alerts(self) -> list[Alert]:
        async with self.everywhere.database.snapshot(self.tenant_id) as snapshot:
            return await Alerts(snapshot).where(order_by=[Alerts.table.c.id])

    async def changes(self, alert: Alert) -> Sequence[tuple[str, str | None, str | None]]:
        """Return what became of an alert: kind, author, note."""
        async with self.everywhere.database.snapshot(self.tenant_id) as snapshot:
            found = (await AlertChanges(snapshot).of_alerts([alert.id]))[alert.id]
        return [(change.kind.value, change.author, change.note) for change in found]

    async def status(self, identity: str, status: ConnectorStatus, error_code: str | None = None) -> None:
        """Have a charge point tell the status of its first connector."""
        await charge_points.status_changed(self.backend, self.stations[identity], 1, 1, status, error_code=error_code, at=self.now)


async def watch(backend: Backend) -> Watch:
    """Make the tenant; its charge points are on the line."""
    watching = Watch(backend, UUID(int=0))
    seeded = await new_fleet(watching.backend)
    watching.tenant_id = seeded.tenant_id
    watching.stations = await online(watching.backend, seeded.tenant_id)
    return watching
