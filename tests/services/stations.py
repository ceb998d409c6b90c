"""Charge points of a test fleet, as the connect process would name them."""

import uuid

from ampyard.domain.charge_points import OcppVersion
from ampyard.repositories.charge_points import ChargePoints
from ampyard.services import charge_points
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station


async def online(backend: Backend, tenant_id: uuid.UUID) -> dict[str, Station]:
    """Connect every charge point of a tenant; returns them by identity."""
    async with backend.database.snapshot(tenant_id) as snapshot:
        known = await ChargePoints(snapshot).where()
    stations = {cp.identity: Station(tenant_id, cp.id, cp.identity, uuid.uuid4()) for cp in known}
    for charge_point in known:
        version = charge_point.ocpp_version or OcppVersion.V16
        await charge_points.connected(backend, stations[charge_point.identity], version)
    return stations
