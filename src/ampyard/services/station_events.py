"""Events of OCPP 2.0.1 (part 2, N07): what a charging station says has happened to a variable of one of its components."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ampyard.domain.charge_points import ChargePoint, ConnectorStatus
from ampyard.domain.faults import FaultScope, FaultSource, ReportedFault
from ampyard.domain.variables import VariableName
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services import faults
from ampyard.services.availability import note_availability
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station, locked_charge_point, publish_change, station_work

# Variables that say of themselves whether something is wrong (OCPP 2.0.1 part 2, appendix 3: standardized variables).
_TELLING = frozenset({"Fallback", "Overload", "Problem", "Tripped"})


@dataclass(frozen=True, slots=True)
class StationEvent:
    """One `EventDataType`. `alerting`: its trigger is Alerting, so a monitor has found its value out of bounds."""

    at: datetime
    name: VariableName
    value: str
    alerting: bool
    cleared: bool
    tech_code: str | None
    tech_info: str | None

    @property
    def is_wrong(self) -> bool | None:
        """Whether something is wrong with the variable; `None` where the event does not say."""
        if self.cleared:
            return False
        if self.name.variable in _TELLING:
            return self.value.lower() == "true"
        return True if self.alerting else None


async def events_reported(backend: Backend, station: Station, events: Iterable[StationEvent]) -> None:
    """Record what events say of faults, and of the state of the station as a whole (component ChargingStation)."""
    async with station_work(backend, station) as work:
        charge_point = await locked_charge_point(work, station)
        for event in events:
            await _record(work, charge_point, event)
        await note_availability(work, charge_point.id)
        publish_change(work, charge_point)
        await work.commit()


async def _record(work: UnitOfWork, charge_point: ChargePoint, event: StationEvent) -> None:
    if (event.name.component, event.name.variable) == ("ChargingStation", "AvailabilityState"):
        status = ConnectorStatus(event.value)
        await work.change(ChargePoints, charge_point.id, status=status, updated_at=work.now)
        reported = ReportedFault(status.value, None, event.tech_code, event.tech_info) if status is ConnectorStatus.FAULTED else None
        await faults.note(work, charge_point, FaultScope(FaultSource.STATUS, None, None), reported, at=event.at)
    elif event.is_wrong is not None:
        scope = await _scope(work, charge_point, event.name)
        reported = ReportedFault(str(event.name), None, event.tech_code, event.tech_info or event.value) if event.is_wrong else None
        await faults.note(work, charge_point, scope, reported, at=event.at)


async def _scope(work: UnitOfWork, charge_point: ChargePoint, name: VariableName) -> FaultScope:
    """Return what an event is about. An EVSE or connector that is not configured still has its number in the component's name."""
    component, _, variable = str(name).rpartition(".")
    evses = (await Evses(work.session).of_charge_points([charge_point.id])).get(charge_point.id, [])
    evse = next((evse for evse in evses if evse.evse_no == name.evse_no), None)
    connectors = [] if evse is None else (await Connectors(work.session).of_evses([evse.id])).get(evse.id, [])
    connector = next((connector for connector in connectors if connector.connector_no == name.connector_no), None)
    return FaultScope(
        FaultSource.EVENT, None if evse is None else evse.id, None if connector is None else connector.id, component, variable
    )
