"""Configuration variables, as charge points tell them."""

from collections.abc import Iterable

from ampyard.domain.variables import ReportedVariable
from ampyard.repositories.variables import keep, told_of_smart_charging
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station, locked_charge_point, publish_change, station_work
from ampyard.services.equipment import take_over


async def reported(backend: Backend, station: Station, variables: Iterable[ReportedVariable]) -> None:
    """Keep what a charge point tells of its variables. What it does not name stays as it was told before."""
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        before = await told_of_smart_charging(work.session, [charge_point.id])
        await keep(work.session, work.tenant_id, charge_point.id, variables, at=work.now)
        await take_over(work, charge_point, before[charge_point.id])
        publish_change(work, charge_point)
        await work.commit()
