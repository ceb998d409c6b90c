"""Tenants with several depots, and what happens in them."""

import uuid
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import update

from ampyard.domain.access import system_principal
from ampyard.domain.charge_points import ConnectorStatus
from ampyard.domain.clock import utc_now
from ampyard.repositories import tables
from ampyard.services import charge_points
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.seeding import DepotSpec, Seeded, seed
from tests.fleet import fleet_spec


def depot_named(name: str) -> DepotSpec:
    """Return a depot with one charge point, CP-1 of that depot."""
    depot = fleet_spec("any").depots[0]
    feeder = depot.supply.children[0]
    charge_point = replace(feeder.charge_points[0], identity=f"{name.upper()}-1")
    supply = replace(depot.supply, children=(replace(feeder, charge_points=(charge_point,)),))
    return replace(depot, name=name, supply=supply, vehicles=())


async def new_depots(backend: Backend, count: int) -> Seeded:
    """Seed a tenant with so many small depots, d-0, d-1 and so on."""
    depots = tuple(depot_named(f"d-{n}") for n in range(count))
    return await seed(backend, replace(fleet_spec(f"t-{uuid.uuid4().hex[:12]}"), depots=depots), lambda _: None)


async def set_status(backend: Backend, station: Station, status: ConnectorStatus, *, evse_no: int = 1) -> None:
    """Report the status of the only connector of an EVSE."""
    await charge_points.status_changed(backend, station, evse_no, 1, status, error_code=None, at=utc_now())


@dataclass(frozen=True)
class Edit:
    """Changes of rows for which there is no use case yet."""

    backend: Backend
    tenant_id: uuid.UUID

    async def update(self, table_name: str, **values: Any) -> None:
        """Set columns of every row of the tenant's table."""
        async with self.backend.unit_of_work(system_principal(self.tenant_id, "test")) as work:
            await work.session.execute(update(tables.metadata.tables[table_name]).values(**values))
            await work.commit()
