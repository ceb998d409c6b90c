"""What charge points tell of themselves beyond their status: faults with vendor codes, firmware steps, hardware."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.domain.faults import Fault
from ampyard.repositories.faults import Faults
from ampyard.repositories.firmware import FirmwareStatuses
from ampyard.services.backend import Backend
from tests.connect.points import Point, new_point, wired

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def faults(point: Point) -> list[Fault]:
    async with point.backend.database.snapshot(point.tenant_id) as snapshot:
        return await Faults(snapshot).where(order_by=[Faults.table.c.id])


def told(fault: Fault) -> tuple[str, str | None, str | None, float, float | None]:
    """Return code, vendor's code and info of a fault, and the minutes in which it was raised and cleared."""
    cleared = None if fault.cleared_at is None else (fault.cleared_at - T0) / MINUTE
    return fault.code, fault.vendor_code, fault.info, (fault.raised_at - T0) / MINUTE, cleared


async def steps(point: Point) -> list[tuple[str, int | None]]:
    async with point.backend.database.snapshot(point.tenant_id) as snapshot:
        return [(step.status, step.request_id) for step in await FirmwareStatuses(snapshot).where(order_by=[FirmwareStatuses.table.c.id])]


async def test_status_notifications_of_1_6_raise_and_clear_faults(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, evses=2)
    async with wired(server, point) as wire:

        async def status(minute: int, status: str, error_code: str, connector: int = 1, **more: str) -> None:
            moment = f"2026-11-02T08:{minute:02}:00Z"
            await wire.call("StatusNotification", connectorId=connector, status=status, errorCode=error_code, timestamp=moment, **more)

        await status(1, "Faulted", "OtherError", vendorId="alpina", vendorErrorCode="E42", info="door open")
        await status(2, "Faulted", "OtherError", vendorId="alpina", vendorErrorCode="E42", info="door wide open")
        await status(3, "Charging", "HighTemperature")  # a warning: it charges all the same
        await status(4, "Faulted", "GroundFailure", connector=2)
        await status(5, "Faulted", "PowerMeterFailure", connector=0)
        await status(6, "Available", "NoError")
        await status(7, "Available", "NoError", connector=0)

    found = await faults(point)
    assert [told(fault) for fault in found] == [
        ("OtherError", "E42", "door wide open", 1, 3),
        ("HighTemperature", None, None, 3, 6),
        ("GroundFailure", None, None, 4, None),
        ("PowerMeterFailure", None, None, 5, 7),
    ]
    assert found[0].vendor_id == "alpina"
    assert [(fault.evse_id is None, fault.connector_id is None) for fault in found] == [(False, False)] * 3 + [(True, True)]
    assert (await point.charge_point()).status is ConnectorStatus.AVAILABLE


def event(name: str, variable: str, value: str, minute: int, **more: Any) -> dict[str, Any]:
    evse = {} if name == "ChargingStation" else {"evse": {"id": 1, "connectorId": 1}}
    return {
        "eventId": minute,
        "timestamp": f"2026-11-02T08:{minute:02}:00Z",
        "trigger": "Alerting",
        "actualValue": value,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": name, **evse},
        "variable": {"name": variable},
    } | more


async def test_events_of_2_0_1_raise_and_clear_faults(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:

        async def notify(*events: dict[str, Any]) -> None:
            await wire.call("NotifyEvent", generatedAt="2026-11-02T09:00:00Z", seqNo=0, eventData=list(events))

        await notify(
            event("Connector", "Problem", "true", 1, techCode="T7", techInfo="latch"),
            event("PowerContactor", "Temperature", "90", 2, eventNotificationType="CustomMonitor"),
            event("Clock", "DateTime", "2026-11-02T08:02:00Z", 2, trigger="Periodic"),
        )
        await notify(
            event("Connector", "Problem", "false", 3, trigger="Delta"), event("PowerContactor", "Temperature", "40", 4, cleared=True)
        )
        await notify(event("ChargingStation", "AvailabilityState", "Faulted", 5, trigger="Delta", techCode="S1"))
        assert (await point.charge_point()).status is ConnectorStatus.FAULTED
        # a component of an EVSE that is not configured is named all the same
        far = event("Connector", "Tripped", "true", 6) | {"component": {"name": "Connector", "evse": {"id": 9}}}
        await notify(far)
        # and a Faulted connector says so itself
        await wire.call("StatusNotification", timestamp="2026-11-02T08:07:00Z", connectorStatus="Faulted", evseId=1, connectorId=1)

    found = await faults(point)
    assert [told(fault) for fault in found] == [
        ("Connector[1][1].Problem", "T7", "latch", 1, 3),
        ("PowerContactor[1][1].Temperature", None, "90", 2, 4),
        ("Faulted", "S1", None, 5, None),
        ("Connector[9].Tripped", None, "true", 6, None),
        ("Faulted", None, None, 7, None),
    ]
    assert [(fault.component, fault.variable) for fault in found[:2]] == [
        ("Connector[1][1]", "Problem"),
        ("PowerContactor[1][1]", "Temperature"),
    ]
    assert [fault.connector_id is None for fault in found] == [False, False, True, True, False]


async def test_firmware_steps_are_kept_once_each(server: ConnectServer, backend: Backend) -> None:
    ours, theirs = await new_point(backend), await new_point(backend, OcppVersion.V201)
    async with wired(server, ours) as wire16, wired(server, theirs) as wire201:
        for status in ("Downloading", "Downloading", "Downloaded", "Installing", "Installed"):
            await wire16.call("FirmwareStatusNotification", status=status)
            await wire201.call("FirmwareStatusNotification", status=status, requestId=7)
        await wire16.call("SignedFirmwareStatusNotification", status="Installed", requestId=8)
        await wire201.call("FirmwareStatusNotification", status="Idle")
    words = ["Downloading", "Downloaded", "Installing", "Installed"]
    assert await steps(ours) == [*((word, None) for word in words), ("Installed", 8)]
    assert await steps(theirs) == [*((word, 7) for word in words), ("Idle", None)]


async def test_a_boot_tells_the_hardware(server: ConnectServer, backend: Backend) -> None:
    ours, theirs = await new_point(backend), await new_point(backend, OcppVersion.V201)
    async with wired(server, ours) as wire16, wired(server, theirs) as wire201:
        more = {"iccid": "8949", "imsi": "2620", "meterType": "MID", "meterSerialNumber": "M-1"}
        await wire16.call("BootNotification", chargePointVendor="V", chargePointModel="M", chargeBoxSerialNumber="B-1", **more)
        station = {"vendorName": "V", "model": "M", "serialNumber": "S-1", "modem": {"iccid": "8949", "imsi": "2620"}}
        await wire201.call("BootNotification", reason="PowerUp", chargingStation=station)
    point = await ours.charge_point()
    assert (point.iccid, point.imsi, point.meter_type, point.meter_serial_number, point.serial_number) == (
        "8949",
        "2620",
        "MID",
        "M-1",
        "B-1",
    )
    point = await theirs.charge_point()
    assert (point.iccid, point.imsi, point.meter_type, point.meter_serial_number, point.serial_number) == (
        "8949",
        "2620",
        None,
        None,
        "S-1",
    )
