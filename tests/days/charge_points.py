"""Charge points of both depots tell of themselves: hardware, variables, firmware, faults; downtimes are planned, templates kept."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ampyard.domain.charge_points import ConnectorStatus, CurrentType
from ampyard.domain.layouts import ConnectorFormat, ConnectorLayout, ConnectorStandard, EvseLayout, PowerType
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.variables import ReportedVariable, VariableName
from ampyard.services import charge_points, downtimes, firmware, life_cycle, station_events, templates, variables
from ampyard.services.charge_points import BootInfo
from ampyard.services.station_events import StationEvent
from ampyard.services.templates import NewTemplate
from tests.fleet import user

if TYPE_CHECKING:
    from tests.busy import Busy

PLUG = ConnectorLayout(1, ConnectorStandard.IEC_62196_T2, ConnectorFormat.SOCKET, PowerType.AC_3_PHASE, 230, 32)
WALLBOX = EvseLayout(1, CurrentType.AC, 22.0, 4.14, 3, 0.0, (PLUG,))
BOOT = BootInfo("Alpina", "AC22", "S-1", "1.4.2", iccid="8949", imsi="2620", meter_type="MID", meter_serial_number="M-1")


async def happen(busy: "Busy") -> None:
    early = replace(busy.backend, clock=lambda: busy.backend.clock() - timedelta(hours=4))
    principal = user(busy.tenant_id)
    for prefix in ("", "N-"):
        old, new = busy.stations[f"{prefix}CP-2"], busy.stations[f"{prefix}CP-3"]
        for station in (old, new):
            await charge_points.booted(early, station, BOOT)
            await firmware.status_changed(early, station, "Downloading", request_id=7)
            await firmware.status_changed(early, station, "Installed", request_id=7)
        keys = [ReportedVariable(VariableName("", key), "60", read_only=key == "NumberOfConnectors") for key in KEYS]
        await variables.reported(early, old, keys)
        at = early.clock()
        for code in ("GroundFailure", "OverTemperature"):
            await charge_points.status_changed(
                early, old, 1, 1, ConnectorStatus.FAULTED, error_code=code, at=at, vendor_id="alpina", vendor_error_code="E7", info="hot"
            )
        power = VariableName("EVSE", "Power", "main", 1, 0, "sum")
        await variables.reported(early, new, [ReportedVariable(power, "7", True, unit="W", data_type="decimal", allowed_values="1,7")])
        problem = VariableName("Connector", "Problem", "", 1, 1)
        event = StationEvent(at, problem, "true", alerting=True, cleared=False, tech_code="T1", tech_info="wet")
        await station_events.events_reported(early, new, [event])
    both = [busy.stations[identity].charge_point_id for identity in ("CP-1", "N-CP-1")]
    await downtimes.plan_downtime(busy.backend, principal, both, ends_at=busy.backend.clock() + timedelta(hours=2), reason="Cleaning.")
    planned = await downtimes.plan_downtime(
        early, principal, both, starts_at=busy.backend.clock(), ends_at=busy.backend.clock() + timedelta(hours=1), reason="A new cable."
    )
    for downtime in planned:
        await downtimes.cancel_downtime(early, principal, downtime.id)
    for name in ("Wallbox", "Double wallbox"):
        evses = (WALLBOX,) if name == "Wallbox" else (WALLBOX, replace(WALLBOX, number=2))
        await templates.create_template(early, principal, NewTemplate(name, "Alpina", "AC22", evses))
    await life_cycle.change_states(early, principal, both, ChargePointState.OUT_OF_SERVICE, reason="Its cable is worn.")
    await life_cycle.change_states(early, principal, both, ChargePointState.IN_SERVICE, reason="It has a new cable.")


KEYS = ("HeartbeatInterval", "NumberOfConnectors")
