"""Orders of people: seen through to the charge point's answer, refused where they cannot be, audited."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from ampyard.domain.access import Role, Scope
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.orders import ResetKind, TriggeredMessage
from ampyard.domain.variables import ReportedVariable, VariableName
from ampyard.repositories import tables
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.services import charge_point_control as control
from ampyard.services import charge_points, commands, variables
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from tests.connecting import charge_points as answering
from tests.fleet import new_fleet, user
from tests.grants import confined, group_of
from tests.services.stations import online

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HEARTBEAT = VariableName("", "HeartbeatInterval")
Deed = Callable[["Yard"], Awaitable[Command]]


class Yard:
    """A fleet on the line: CP-1 and CP-2 speak 1.6, CP-3 and CP-4 2.0.1."""

    def __init__(
        self, backend: Backend, stations: dict[str, Station], evses: dict[str, list[uuid.UUID]], connectors: list[uuid.UUID]
    ) -> None:
        self.backend = backend
        self.stations = stations
        self.evses = evses
        self.connectors = connectors
        self.tenant_id = stations["CP-1"].tenant_id
        self.by: tuple[Any, Any] = (backend, user(self.tenant_id))

    def point(self, identity: str) -> uuid.UUID:
        return self.stations[identity].charge_point_id


@pytest.fixture
async def yard(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Yard:
    monkeypatch.setattr(commands, "_LOOK_S", 0.05)  # there is no relay here that would tell of the outcome
    seeded = await new_fleet(backend)
    stations = await online(backend, seeded.tenant_id)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        points = {cp.id: cp.identity for cp in await ChargePoints(snapshot).where()}
        of_point = await Evses(snapshot).of_charge_points(list(points))
        connectors = await Connectors(snapshot).of_evses([evse.id for evse in of_point[stations["CP-4"].charge_point_id]])
    evses = {points[point]: [evse.id for evse in of_one] for point, of_one in of_point.items()}
    return Yard(backend, stations, evses, [c.id for of_one in connectors.values() for c in of_one])


ORDERS: list[tuple[Deed, CommandKind, dict[str, Any]]] = [
    (lambda y: control.reset_charge_point(*y.by, y.point("CP-1"), ResetKind.SOFT), CommandKind.RESET, {"reset": "SOFT", "evse_no": None}),
    (
        lambda y: control.reset_charge_point(*y.by, y.point("CP-4"), ResetKind.HARD, evse_id=y.evses["CP-4"][1]),
        CommandKind.RESET,
        {"reset": "HARD", "evse_no": 2},
    ),
    (
        lambda y: control.change_availability(*y.by, y.point("CP-1"), operative=False, evse_id=y.evses["CP-1"][0]),
        CommandKind.CHANGE_AVAILABILITY,
        {"operative": False, "evse_no": 1},
    ),
    (lambda y: control.unlock_connector(*y.by, y.connectors[1]), CommandKind.UNLOCK_CONNECTOR, {"evse_no": 2, "connector_no": 1}),
    (
        lambda y: control.trigger_message(*y.by, y.point("CP-1"), TriggeredMessage.HEARTBEAT),
        CommandKind.TRIGGER_MESSAGE,
        {"message": "Heartbeat", "evse_no": None},
    ),
]


@pytest.mark.parametrize(("deed", "kind", "payload"), ORDERS, ids=lambda value: getattr(value, "value", None))
async def test_an_order_is_seen_through_to_its_answer_and_audited(
    yard: Yard, deed: Deed, kind: CommandKind, payload: dict[str, Any]
) -> None:
    async def refuse(command: Command) -> tuple[CommandState, str]:
        return CommandState.REJECTED, f"no {command.kind}"

    async with answering(yard.backend, yard.tenant_id, refuse) as taken:
        command = await deed(yard)

    assert (command.kind, command.payload, command.state, command.outcome) == (kind, payload, CommandState.REJECTED, f"no {kind}")
    assert [one.id for one in taken] == [command.id]
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        column = tables.audit_record.c
        rows = await snapshot.fetch(select(column.author, column.detail).where(column.action == f"charge_point.{kind.value.lower()}"))
    assert [(row.author, row.detail) for row in rows] == [("user:tester", {"command_id": str(command.id), **payload})]


async def test_variables_and_firmware_carry_a_number_of_their_own(yard: Yard) -> None:
    async with answering(yard.backend, yard.tenant_id):
        asked = await control.read_variables(*yard.by, yard.point("CP-1"), [HEARTBEAT])
        every = await control.read_variables(*yard.by, yard.point("CP-3"))
        update = await control.update_firmware(*yard.by, yard.point("CP-1"), "https://x.example/2.bin", retrieve_at=NOON, retries=3)
    assert [variable["variable"] for variable in asked.payload["variables"]] == ["HeartbeatInterval"]
    assert every.payload["variables"] == []
    assert every.payload["request_id"] != asked.payload["request_id"]
    assert update.payload | {"request_id": 0} == {
        "location": "https://x.example/2.bin",
        "retrieve_at": NOON.isoformat(),
        "request_id": 0,
        "retries": 3,
    }


async def test_a_variable_that_was_set_is_known_at_once(yard: Yard) -> None:
    async with answering(yard.backend, yard.tenant_id):
        await control.set_variable(*yard.by, yard.point("CP-1"), HEARTBEAT, "90")
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        column = tables.charge_point_variable.c
        assert [tuple(row) for row in await snapshot.fetch(select(column.variable, column.value, column.read_only))] == [
            ("HeartbeatInterval", "90", False)
        ]


REFUSALS: list[tuple[Deed, type[DomainError], str]] = [
    (
        lambda y: control.reset_charge_point(*y.by, y.point("CP-1"), ResetKind.SOFT, evse_id=y.evses["CP-1"][0]),
        InvalidInputError,
        "speaks OCPP 1.6, in which only a whole charge point can be reset",
    ),
    (
        lambda y: control.change_availability(*y.by, y.point("CP-1"), operative=True, evse_id=y.evses["CP-2"][0]),
        InvalidInputError,
        "This EVSE is not one of CP-1",
    ),
    (lambda y: control.reset_charge_point(*y.by, uuid.uuid4(), ResetKind.SOFT), NotFoundError, "There is no such charge point"),
    (lambda y: control.unlock_connector(*y.by, uuid.uuid4()), NotFoundError, "There is no such connector"),
    (
        lambda y: control.set_variable(*y.by, y.point("CP-1"), VariableName("OCPPCommCtrlr", "HeartbeatInterval"), "1"),
        InvalidInputError,
        "OCPP 1.6 has keys alone",
    ),
    (lambda y: control.set_variable(*y.by, y.point("CP-3"), HEARTBEAT, "1"), InvalidInputError, "OCPP 2.0.1 needs one"),
    (
        lambda y: control.set_variable(*y.by, y.point("CP-1"), VariableName("", "AuthorizationKey"), "x" * 20),
        InvalidInputError,
        "is a password, and what is ordered is kept",
    ),
    (
        lambda y: control.set_variable(*y.by, y.point("CP-3"), VariableName("SecurityCtrlr", "BasicAuthPassword"), "x" * 20),
        InvalidInputError,
        "is a password, and what is ordered is kept",
    ),
    (lambda y: control.set_variable(*y.by, y.point("CP-1"), HEARTBEAT, "x" * 501), InvalidInputError, "OCPP 1.6 allows 500"),
    (
        lambda y: control.set_variable(*y.by, y.point("CP-1"), VariableName("", "NumberOfConnectors"), "2"),
        InvalidInputError,
        "NumberOfConnectors is read-only at CP-1",
    ),
    (lambda y: control.read_variables(*y.by, y.point("CP-1"), [VariableName("", "")]), InvalidInputError, "has 0 characters; give 1 to 50"),
    (lambda y: control.update_firmware(*y.by, y.point("CP-1"), "file:///x"), InvalidInputError, "is no address of a file"),
    (lambda y: control.reset_charge_point(*y.by, y.point("CP-2"), ResetKind.SOFT), ConflictError, "CP-2 is offline since"),
]


@pytest.mark.parametrize(("deed", "error", "words"), REFUSALS, ids=lambda value: value if isinstance(value, str) else "")
async def test_what_cannot_be_ordered_is_refused_and_nothing_given(yard: Yard, deed: Deed, error: type[DomainError], words: str) -> None:
    await charge_points.disconnected(yard.backend, yard.stations["CP-2"])
    known = ReportedVariable(VariableName("", "NumberOfConnectors"), "1", read_only=True)
    await variables.reported(yard.backend, yard.stations["CP-1"], [known])
    with pytest.raises(error, match=words) as refused:
        await deed(yard)
    assert "x" * 20 not in str(refused.value)
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        # Fall-backs are told to whoever connects.
        assert await snapshot.fetch(select(tables.command.c.id).where(tables.command.c.kind != CommandKind.SET_DEFAULT_LIMIT)) == []


async def test_who_may(yard: Yard) -> None:
    point = yard.point("CP-1")
    with pytest.raises(ForbiddenError, match="charge_points:control"):
        await control.reset_charge_point(yard.backend, user(yard.tenant_id, Scope.CHARGE_POINTS_WRITE), point, ResetKind.SOFT)
    viewer = confined(yard.tenant_id, await group_of(yard.backend, yard.tenant_id, charge_point_id=point), role=Role.VIEWER)
    with pytest.raises(ForbiddenError, match="charge_points:control"):
        await control.reset_charge_point(yard.backend, viewer, point, ResetKind.SOFT)
    elsewhere = confined(yard.tenant_id, await group_of(yard.backend, yard.tenant_id, charge_point_id=yard.point("CP-2")))
    with pytest.raises(NotFoundError):
        await control.reset_charge_point(yard.backend, elsewhere, point, ResetKind.SOFT)
