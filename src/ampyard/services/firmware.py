"""Firmware updates, as charge points tell of them."""

from ampyard.domain.firmware import FirmwareStatus
from ampyard.domain.ids import new_id
from ampyard.repositories.firmware import FirmwareStatuses
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station, locked_charge_point, publish_change, station_work


async def status_changed(backend: Backend, station: Station, status: str, *, request_id: int | None) -> None:
    """Keep a step of a firmware update; the same step told again is the same."""
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        latest = await FirmwareStatuses(work.session).latest_of(charge_point.id)
        if latest is not None and (latest.status, latest.request_id) == (status, request_id):
            return
        step = FirmwareStatus(new_id(), work.tenant_id, charge_point.id, status, request_id, reported_at=work.now)
        await work.add(FirmwareStatuses, step)
        publish_change(work, charge_point)
        await work.commit()
