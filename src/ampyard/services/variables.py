"""Configuration variables, as charge points tell them."""

from collections.abc import Iterable

from ampyard.domain.variables import ReportedVariable
from ampyard.repositories.variables import keep
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station, locked_charge_point, publish_change, station_work


async def reported(backend: Backend, station: Station, variables: Iterable[ReportedVariable]) -> None:
    """Keep what a charge point tells of its variables. What it does not name stays as it was told before."""
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        await keep(work.session, work.tenant_id, charge_point.id, variables, at=work.now)
        publish_change(work, charge_point)
        await work.commit()
