"""Orders of people, in the words of both versions, and what charge points answer and tell because of them."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.commands import CommandState
from ampyard.domain.orders import (
    ChangeAvailability,
    Order,
    ReadVariables,
    Reset,
    ResetKind,
    SetVariable,
    TriggeredMessage,
    TriggerMessage,
    UnlockConnector,
    UpdateFirmware,
)
from ampyard.domain.variables import VariableName
from ampyard.repositories.variables import Variables
from ampyard.services import commands
from ampyard.services.backend import Backend
from tests.connect.points import Point, Wire, new_point, wired
from tests.connect.test_commands import outcome
from tests.fleet import user

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HEARTBEAT = VariableName("OCPPCommCtrlr", "HeartbeatInterval")
POWER = VariableName("EVSE", "Power", "main", 1, 2, "sum")
POWER_PATH = {
    "component": {"name": "EVSE", "instance": "main", "evse": {"id": 1, "connectorId": 2}},
    "variable": {"name": "Power", "instance": "sum"},
}
HEARTBEAT_PATH = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
FIRMWARE = UpdateFirmware("https://firmware.example/2.bin", NOON, 7, retries=2)


async def give(point: Point, order: Order) -> uuid.UUID:
    async with point.backend.unit_of_work(user(point.tenant_id)) as work:
        command = await commands.give(work, (await point.charge_point()).id, order.kind, order.payload())
        await work.commit()
    return command.id


async def ask(
    point: Point, wire: Wire, order: Order, action: str, reply: dict[str, Any]
) -> tuple[dict[str, Any], CommandState, str | None]:
    """Return what was sent for an order, and how it ended when answered with `reply`."""
    wire.replies[action] = reply
    state, text = await outcome(point, await give(point, order))
    # It is also asked which profiles it takes, whenever it comes on the line.
    (sent,) = [payload for name, payload in wire.orders if name == action and "PhaseRotation" not in str(payload)]
    wire.orders.clear()
    return sent, state, text


async def variables(point: Point) -> dict[str, tuple[str | None, bool]]:
    """Return value and whether it is read-only of each variable that is known."""
    async with point.backend.database.snapshot(point.tenant_id) as snapshot:
        found = await Variables(snapshot).where()
    names = [VariableName(v.component, v.variable, v.component_instance, v.evse_no, v.connector_no, v.variable_instance) for v in found]
    return {str(name): (variable.value, variable.read_only) for name, variable in zip(names, found, strict=True)}


@pytest.mark.parametrize(
    ("order", "action", "sent", "reply", "ended"),
    [
        (Reset(ResetKind.SOFT), "Reset", {"type": "Soft"}, {"status": "Accepted"}, (CommandState.ACCEPTED, "Accepted")),
        (Reset(ResetKind.HARD), "Reset", {"type": "Hard"}, {"status": "Rejected"}, (CommandState.REJECTED, "Rejected")),
        (
            ChangeAvailability(operative=False),
            "ChangeAvailability",
            {"connectorId": 0, "type": "Inoperative"},
            {"status": "Scheduled"},
            (CommandState.ACCEPTED, "Scheduled"),
        ),
        (
            ChangeAvailability(operative=True, evse_no=1),
            "ChangeAvailability",
            {"connectorId": 1, "type": "Operative"},
            {"status": "Accepted"},
            (CommandState.ACCEPTED, "Accepted"),
        ),
        (UnlockConnector(1, 1), "UnlockConnector", {"connectorId": 1}, {"status": "Unlocked"}, (CommandState.ACCEPTED, "Unlocked")),
        (UnlockConnector(1, 1), "UnlockConnector", {"connectorId": 1}, {"status": "UnlockFailed"}, (CommandState.REJECTED, "UnlockFailed")),
        (
            FIRMWARE,
            "UpdateFirmware",
            {"location": "https://firmware.example/2.bin", "retrieveDate": "2026-11-02T12:00:00.000Z", "retries": 2},
            {},
            (CommandState.ACCEPTED, "Accepted"),
        ),
        (
            TriggerMessage(TriggeredMessage.METER_VALUES, 1),
            "TriggerMessage",
            {"requestedMessage": "MeterValues", "connectorId": 1},
            {"status": "NotImplemented"},
            (CommandState.REJECTED, "NotImplemented"),
        ),
        (
            SetVariable(VariableName("", "HeartbeatInterval"), "90"),
            "ChangeConfiguration",
            {"key": "HeartbeatInterval", "value": "90"},
            {"status": "NotSupported"},
            (CommandState.REJECTED, "NotSupported"),
        ),
    ],
)
async def test_orders_in_the_words_of_1_6(
    server: ConnectServer,
    backend: Backend,
    order: Order,
    action: str,
    sent: dict[str, Any],
    reply: dict[str, Any],
    ended: tuple[CommandState, str],
) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        assert await ask(point, wire, order, action, reply) == (sent, *ended)


@pytest.mark.parametrize(
    ("order", "action", "sent", "reply", "ended"),
    [
        (Reset(ResetKind.SOFT), "Reset", {"type": "OnIdle"}, {"status": "Scheduled"}, (CommandState.ACCEPTED, "Scheduled")),
        (
            Reset(ResetKind.HARD, 1),
            "Reset",
            {"type": "Immediate", "evseId": 1},
            {"status": "Rejected", "statusInfo": {"reasonCode": "NoEvseReset"}},
            (CommandState.REJECTED, "Rejected: NoEvseReset"),
        ),
        (
            ChangeAvailability(operative=False),
            "ChangeAvailability",
            {"operationalStatus": "Inoperative"},
            {"status": "Accepted"},
            (CommandState.ACCEPTED, "Accepted"),
        ),
        (
            ChangeAvailability(operative=True, evse_no=1),
            "ChangeAvailability",
            {"operationalStatus": "Operative", "evse": {"id": 1}},
            {"status": "Accepted"},
            (CommandState.ACCEPTED, "Accepted"),
        ),
        (
            UnlockConnector(1, 2),
            "UnlockConnector",
            {"evseId": 1, "connectorId": 2},
            {"status": "OngoingAuthorizedTransaction"},
            (CommandState.REJECTED, "OngoingAuthorizedTransaction"),
        ),
        (
            FIRMWARE,
            "UpdateFirmware",
            {
                "requestId": 7,
                "firmware": {"location": "https://firmware.example/2.bin", "retrieveDateTime": "2026-11-02T12:00:00.000Z"},
                "retries": 2,
            },
            {"status": "AcceptedCanceled"},
            (CommandState.ACCEPTED, "AcceptedCanceled"),
        ),
        (
            TriggerMessage(TriggeredMessage.STATUS_NOTIFICATION, 1),
            "TriggerMessage",
            {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}},
            {"status": "Accepted"},
            (CommandState.ACCEPTED, "Accepted"),
        ),
        (
            TriggerMessage(TriggeredMessage.HEARTBEAT),
            "TriggerMessage",
            {"requestedMessage": "Heartbeat"},
            {"status": "Accepted"},
            (CommandState.ACCEPTED, "Accepted"),
        ),
        (
            SetVariable(POWER, "7"),
            "SetVariables",
            {"setVariableData": [{"attributeValue": "7", **POWER_PATH}]},
            {"setVariableResult": [{"attributeStatus": "UnknownVariable", **POWER_PATH}]},
            (CommandState.REJECTED, "UnknownVariable"),
        ),
        (
            ReadVariables((), 41),
            "GetBaseReport",
            {"requestId": 41, "reportBase": "FullInventory"},
            {"status": "NotSupported"},
            (CommandState.REJECTED, "NotSupported"),
        ),
    ],
)
async def test_orders_in_the_words_of_2_0_1(
    server: ConnectServer,
    backend: Backend,
    order: Order,
    action: str,
    sent: dict[str, Any],
    reply: dict[str, Any],
    ended: tuple[CommandState, str],
) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with wired(server, point) as wire:
        assert await ask(point, wire, order, action, reply) == (sent, *ended)


async def test_a_configuration_is_read_and_changed_in_1_6(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    entries = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
        {"key": "NumberOfConnectors", "readonly": True, "value": "1"},
        {"key": "AuthorizationKey", "readonly": False},
    ]
    async with wired(server, point) as wire:
        asked = await ask(point, wire, ReadVariables((), 1), "GetConfiguration", {"configurationKey": entries, "unknownKey": []})
        assert asked == ({}, CommandState.ACCEPTED, "Accepted")
        assert await variables(point) == {
            "HeartbeatInterval": ("60", False),
            "NumberOfConnectors": ("1", True),
            "AuthorizationKey": (None, False),
        }

        # one alone, and one that it does not know
        names = (VariableName("", "HeartbeatInterval"), VariableName("", "Nonsense"))
        one = {"configurationKey": [entries[0] | {"value": "61"}], "unknownKey": ["Nonsense"]}
        assert await ask(point, wire, ReadVariables(names, 2), "GetConfiguration", one) == (
            {"key": ["HeartbeatInterval", "Nonsense"]},
            CommandState.ACCEPTED,
            "Accepted: not known: Nonsense",
        )
        none = await ask(point, wire, ReadVariables(names[1:], 3), "GetConfiguration", {"unknownKey": ["Nonsense"]})
        assert none[1:] == (CommandState.REJECTED, "Unknown: Nonsense")

        # what it takes at once holds, what needs a reboot does not hold yet
        change = SetVariable(names[0], "90")
        assert (await ask(point, wire, change, "ChangeConfiguration", {"status": "RebootRequired"}))[1:] == (
            CommandState.ACCEPTED,
            "RebootRequired",
        )
        assert (await variables(point))["HeartbeatInterval"] == ("61", False)
        assert (await ask(point, wire, change, "ChangeConfiguration", {"status": "Accepted"}))[1] is CommandState.ACCEPTED
    assert (await variables(point))["HeartbeatInterval"] == ("90", False)


async def test_a_configuration_is_reported_and_changed_in_2_0_1(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    characteristics = {"dataType": "decimal", "supportsMonitoring": False, "unit": "W", "valuesList": "1,7"}
    power = {
        **POWER_PATH,
        "variableAttribute": [{"value": "7", "mutability": "ReadOnly"}, {"type": "MaxSet", "value": "11"}],
        "variableCharacteristics": characteristics,
    }
    heartbeat = {**HEARTBEAT_PATH, "variableAttribute": [{"type": "Actual", "value": "60", "mutability": "ReadWrite"}]}
    async with wired(server, point) as wire:
        asked = await ask(point, wire, ReadVariables((), 41), "GetBaseReport", {"status": "Accepted"})
        assert asked[1:] == (CommandState.ACCEPTED, "Accepted")
        for seq_no, data in enumerate((power, heartbeat)):
            part = {"requestId": 41, "generatedAt": "2026-11-02T08:00:00Z", "seqNo": seq_no, "tbc": seq_no == 0, "reportData": [data]}
            assert await wire.call("NotifyReport", **part) == {}
        assert await variables(point) == {"EVSE(main)[1][2].Power(sum)": ("7", True), "OCPPCommCtrlr.HeartbeatInterval": ("60", False)}

        # values alone leave what else is known
        results = [
            {"attributeStatus": "Accepted", "attributeValue": "8", **POWER_PATH},
            {"attributeStatus": "UnknownComponent", **HEARTBEAT_PATH},
        ]
        asked = await ask(point, wire, ReadVariables((POWER, HEARTBEAT), 42), "GetVariables", {"getVariableResult": results})
        assert asked == (
            {"getVariableData": [POWER_PATH, HEARTBEAT_PATH]},
            CommandState.ACCEPTED,
            "Accepted: OCPPCommCtrlr.HeartbeatInterval UnknownComponent",
        )
        assert (await variables(point))["EVSE(main)[1][2].Power(sum)"] == ("8", True)

        info = {"attributeStatusInfo": {"reasonCode": "Later", "additionalInfo": "after a boot"}}
        result = {"setVariableResult": [{"attributeStatus": "RebootRequired", **HEARTBEAT_PATH, **info}]}
        assert (await ask(point, wire, SetVariable(HEARTBEAT, "90"), "SetVariables", result))[1:] == (
            CommandState.ACCEPTED,
            "RebootRequired: Later after a boot",
        )
        assert (await variables(point))["OCPPCommCtrlr.HeartbeatInterval"] == ("60", False)
        result = {"setVariableResult": [{"attributeStatus": "Accepted", **HEARTBEAT_PATH}]}
        assert (await ask(point, wire, SetVariable(HEARTBEAT, "90"), "SetVariables", result))[1] is CommandState.ACCEPTED
    assert (await variables(point))["OCPPCommCtrlr.HeartbeatInterval"] == ("90", False)
