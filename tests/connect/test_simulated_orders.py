"""Orders from end to end: through the connect process to a simulated charge point, and back what comes of them."""

import json
from pathlib import Path

import pytest

from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import ConnectorStatus, OcppVersion
from ampyard.domain.commands import CommandState
from ampyard.domain.orders import ChangeAvailability, ReadVariables, Reset, ResetKind, SetVariable, UpdateFirmware
from ampyard.domain.variables import VariableName
from ampyard.repositories.firmware import FirmwareStatuses
from ampyard.services.backend import Backend
from tests.connect.points import Point, eventually, new_point
from tests.connect.test_commands import outcome
from tests.connect.test_orders import NOON, give, variables
from tests.simulator.conftest import fast_options, running

HEARTBEAT = {
    OcppVersion.V16: VariableName("", "HeartbeatInterval"),
    OcppVersion.V201: VariableName("OCPPCommCtrlr", "HeartbeatInterval"),
    OcppVersion.V21: VariableName("OCPPCommCtrlr", "HeartbeatInterval"),
}


def fleet_of(point: Point, folder: Path) -> Path:
    """Write a fleet of this charge point alone, with one EVSE and no vehicles."""
    spec = {
        "identity": point.identity,
        "password": point.password,
        "ocpp_version": point.version.value.removeprefix("ocpp"),
        "vendor": "Maker",
        "model": "Model",
        "serial_number": "S-1",
        "firmware_version": "1.0",
        "current_type": "AC",
        "fallback_kw": 4.2,
        "depot": "Yard",
        "evses": [{"evse_no": 1, "max_power_kw": 22.0, "phases": 3, "connector_type": "cType2"}],
    }
    path = folder / "fleet.json"
    path.write_text(json.dumps({"charge_points": [spec], "vehicles": []}))
    return path


@pytest.mark.parametrize("version", OcppVersion)
async def test_a_simulated_charge_point_obeys_and_tells(
    server: ConnectServer, backend: Backend, tmp_path: Path, version: OcppVersion
) -> None:
    point = await new_point(backend, version)
    heartbeat = HEARTBEAT[version]

    async def shows(status: ConnectorStatus) -> bool:
        return [evse.status for evse in await point.evses()] == [status]

    async def knows() -> bool:
        return str(heartbeat) in await variables(point)

    async def runs(firmware: str) -> bool:
        return (await point.charge_point()).firmware_version == firmware

    url = f"ws://127.0.0.1:{server.port}/ocpp"
    async with running(fast_options(url, fleet_of(point, tmp_path), speed=1000.0)):
        await eventually(lambda: shows(ConnectorStatus.AVAILABLE))

        assert await outcome(point, await give(point, ReadVariables((), 41))) == (CommandState.ACCEPTED, "Accepted")
        await eventually(knows)
        assert await outcome(point, await give(point, SetVariable(heartbeat, "75"))) == (CommandState.ACCEPTED, "Accepted")
        assert (await variables(point))[str(heartbeat)] == ("75", False)
        asked = ReadVariables((heartbeat,), 42)
        assert await outcome(point, await give(point, asked)) == (CommandState.ACCEPTED, "Accepted")
        assert (await variables(point))[str(heartbeat)] == ("75", False)

        assert (await outcome(point, await give(point, ChangeAvailability(operative=False))))[0] is CommandState.ACCEPTED
        await eventually(lambda: shows(ConnectorStatus.UNAVAILABLE))
        assert (await outcome(point, await give(point, ChangeAvailability(operative=True, evse_no=1))))[0] is CommandState.ACCEPTED
        await eventually(lambda: shows(ConnectorStatus.AVAILABLE))

        update = UpdateFirmware("https://firmware.example/2.1.0.bin", NOON, 7)
        assert (await outcome(point, await give(point, update)))[0] is CommandState.ACCEPTED
        await eventually(lambda: runs("2.1.0"))
        assert (await outcome(point, await give(point, Reset(ResetKind.HARD))))[0] is CommandState.ACCEPTED

    async with backend.database.snapshot(point.tenant_id) as snapshot:
        steps = await FirmwareStatuses(snapshot).where(order_by=[FirmwareStatuses.table.c.id])
    assert [step.status for step in steps] == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert {step.request_id for step in steps} == {None if version is OcppVersion.V16 else 7}
