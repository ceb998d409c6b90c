"""Faults: opened and cleared by what charge points report."""

from collections.abc import Iterable
from datetime import datetime

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.events import Event, EventKind
from ampyard.domain.faults import Fault, FaultScope, ReportedFault, fault_changes
from ampyard.domain.ids import new_id
from ampyard.repositories.faults import Faults
from ampyard.repositories.unit_of_work import UnitOfWork


async def note(work: UnitOfWork, charge_point: ChargePoint, scope: FaultScope, reported: ReportedFault | None, *, at: datetime) -> None:
    """Record what a report says is wrong within its scope, or that nothing is; the charge point's row is locked."""
    changes = fault_changes(await Faults(work.session).open_of(charge_point.id), scope, reported)
    await _clear(work, charge_point, changes.over, at)
    if changes.goes_on is not None and reported is not None and changes.goes_on.info != reported.info:
        await work.change(Faults, changes.goes_on.id, info=reported.info)
        _publish(work, charge_point, changes.goes_on)
    if changes.is_new and reported is not None:
        fault = Fault(
            id=new_id(),
            tenant_id=work.tenant_id,
            charge_point_id=charge_point.id,
            evse_id=scope.evse_id,
            connector_id=scope.connector_id,
            source=scope.source,
            code=reported.code,
            vendor_id=reported.vendor_id,
            vendor_code=reported.vendor_code,
            info=reported.info,
            component=scope.component,
            variable=scope.variable,
            raised_at=at,
            cleared_at=None,
        )
        await work.add(Faults, fault)
        _publish(work, charge_point, fault)


async def clear_all(work: UnitOfWork, charge_point: ChargePoint) -> None:
    """Clear what is open of a charge point that is no longer there to clear it."""
    await _clear(work, charge_point, await Faults(work.session).open_of(charge_point.id), work.now)


async def _clear(work: UnitOfWork, charge_point: ChargePoint, over: Iterable[Fault], at: datetime) -> None:
    for fault in over:
        # By a charge point's own clock a fault may seem to be over before it began.
        await work.change(Faults, fault.id, cleared_at=max(at, fault.raised_at))
        _publish(work, charge_point, fault)


def _publish(work: UnitOfWork, charge_point: ChargePoint, fault: Fault) -> None:
    payload = {"charge_point_id": str(charge_point.id)}
    work.publish(Event(EventKind.CHARGE_POINT_FAULT_UPDATED, fault.id, charge_point.depot_id, payload))
