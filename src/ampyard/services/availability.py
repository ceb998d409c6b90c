"""Availability, written where it changes."""

import uuid

from ampyard.domain.availability import Availability, AvailabilityInterval, availability_of
from ampyard.domain.ids import new_id
from ampyard.repositories.availability import AvailabilityIntervals, forget
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.unit_of_work import UnitOfWork


async def note_availability(work: UnitOfWork, charge_point_id: uuid.UUID) -> None:
    """Record the availability of a charge point's EVSEs as of now, where it is another than was recorded.

    Called by everything that changes what it depends on, with the charge point's row locked or just changed. The time is ours:
    what a charge point says it was at some time does not change when we knew.
    """
    charge_point = await ChargePoints(work.session).by_id(charge_point_id)
    assert charge_point is not None
    evses = (await Evses(work.session).of_charge_points([charge_point_id])).get(charge_point_id, [])
    recorded = await AvailabilityIntervals(work.session).open_of(charge_point_id)
    for evse in evses:
        wanted = availability_of(charge_point.state, connected=charge_point.connected, overall=charge_point.status, status=evse.status)
        await _record(work, charge_point_id, evse.id, recorded.get(evse.id), wanted)


async def _record(
    work: UnitOfWork, charge_point_id: uuid.UUID, evse_id: uuid.UUID, recorded: AvailabilityInterval | None, wanted: Availability | None
) -> None:
    if wanted is (None if recorded is None else recorded.availability):
        return
    if recorded is not None and recorded.began_at >= work.now:
        # It had no length: two changes of one moment, or the clock of another process is ahead.
        if wanted is None:
            await forget(work.session, recorded.id)
        else:
            await work.change(AvailabilityIntervals, recorded.id, availability=wanted)
        return
    if recorded is not None:
        await work.change(AvailabilityIntervals, recorded.id, ended_at=work.now)
    if wanted is not None:
        interval = AvailabilityInterval(new_id(), work.tenant_id, charge_point_id, evse_id, wanted, began_at=work.now, ended_at=None)
        await work.add(AvailabilityIntervals, interval)
