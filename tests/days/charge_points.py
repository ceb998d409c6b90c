"""Charge points of both depots tell of themselves: hardware, variables, firmware, faults; downtimes are planned, templates kept."""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ampyard.domain.availability import PlannedDowntime
from ampyard.domain.charge_points import ChargePoint, Connector, ConnectorStatus, CurrentType, Evse
from ampyard.domain.layouts import ChargePointTemplate, ConnectorFormat, ConnectorLayout, ConnectorStandard, EvseLayout, PowerType
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.supply import PowerNode
from ampyard.domain.variables import ReportedVariable, VariableName
from ampyard.repositories.availability import PlannedDowntimes
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.templates import Templates
from ampyard.resolvers.ids import encode_id
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
        at, (broken, evse_no) = busy.backend.clock(), BROKEN[prefix]
        for code in ("GroundFailure", "OverTemperature"):
            await charge_points.status_changed(
                early,
                busy.stations[broken],
                evse_no,
                1,
                ConnectorStatus.FAULTED,
                error_code=code,
                at=at,
                vendor_id="alpina",
                vendor_error_code="E7",
                info="hot",
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


async def valid_inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    """Return what creates, changes and orders something, and fits the supply."""
    return {name: {"input": given} for name, given in (await _inputs(busy)).items()}


async def foreign_inputs(busy: "Busy", twin: "Busy") -> dict[tuple[str, str], dict[str, Any]]:
    """Return each input with one id of the other tenant's."""
    own, other = await _inputs(busy), await _inputs(twin)
    return {(name, key): given | {key: other[name][key]} for name, given in own.items() for key in given if key.endswith(("Id", "Ids"))} | {
        (name, "evseId"): own[name] | {"evseId": other["resetChargePoint"]["evseId"]} for name in ("changeAvailability", "triggerMessage")
    }


async def _inputs(busy: "Busy") -> dict[str, dict[str, Any]]:
    point = next(cp for cp in await busy.all(ChargePoints) if cp.identity == "CP-3")
    evse = next(evse for evse in await busy.all(Evses) if evse.charge_point_id == point.id)
    connector = next(connector for connector in await busy.all(Connectors) if connector.evse_id == evse.id)
    template = (await busy.all(Templates))[0]
    downtime = next(one for one in await busy.all(PlannedDowntimes) if one.cancelled_at is None)
    node = encode_id(PowerNode, point.power_node_id)
    here = {"chargePointId": encode_id(ChargePoint, point.id)}
    these = {"chargePointIds": [here["chargePointId"]]}
    plug = {"standard": "IEC_62196_T2", "format": "SOCKET", "powerType": "AC_3_PHASE", "maxVoltageV": 230, "maxAmperageA": 32}
    evses = [{"number": 1, "currentType": "AC", "maxPowerKw": 22.0, "fallbackKw": 0.0, "connectors": [plug]}]
    of_template = {"templateId": encode_id(ChargePointTemplate, template.id)}
    of_downtime = {"downtimeId": encode_id(PlannedDowntime, downtime.id)}
    heartbeat = {"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval"}
    return {
        "createChargePoint": {"powerNodeId": node, "identity": "NEW-1", "evses": evses},
        "editChargePoint": {**here, "name": "Bay 3", "powerNodeId": node},
        "editChargePoints": {**these, "patch": {"fallbackKw": 0.0}},
        "changeChargePointState": {**these, "state": "OUT_OF_SERVICE", "reason": "Its cable is worn."},
        "setChargePointPassword": here,
        "importChargePoints": {"content": base64.b64encode(FILE.encode()).decode(), "fileName": "points.csv"},
        "resetChargePoint": {**here, "kind": "SOFT", "evseId": encode_id(Evse, evse.id)},
        "changeAvailability": {**here, "operative": False},
        "unlockConnector": {"connectorId": encode_id(Connector, connector.id)},
        "refreshConfiguration": here,
        "setVariable": {**here, "variable": heartbeat, "value": "60"},
        "updateFirmware": {**here, "location": "https://firmware.example/2.bin"},
        "triggerMessage": {**here, "message": "HEARTBEAT"},
        "createChargePointTemplate": {"name": "Triple wallbox", "evses": evses},
        "editChargePointTemplate": {**of_template, "vendor": None},
        "deleteChargePointTemplate": of_template,
        "createChargePointsFromTemplate": {**of_template, "powerNodeId": node, "chargePoints": [{"identity": "NEW-2"}]},
        "planDowntime": {**these, "endsAt": (busy.backend.clock() + timedelta(hours=1)).isoformat(), "reason": "Cleaning."},
        "editDowntime": {**of_downtime, "reason": "Cleaning, again."},
        "cancelDowntime": of_downtime,
    }


KEYS = ("HeartbeatInterval", "NumberOfConnectors")
FILE = """identity,depot,power node,current type,max power kW,fall-back kW,standard
NEW-3,North,North Feeder 1,AC,22,0,IEC_62196_T2
"""
# By depot: an EVSE at which nothing charges.
BROKEN = {"": ("CP-4", 1), "N-": ("N-CP-4", 2)}
