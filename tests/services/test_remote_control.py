"""Remote start and stop: to the charge point and back, with what came of it; refusals ask nobody and leave nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import Evse
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.domain.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.transactions import Transaction, TransactionState
from ampyard.jobs.relay import run_relay
from ampyard.repositories import tables
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.commands import Commands
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.server.embedded import EmbeddedServers
from ampyard.services import charge_points, commands, remote_control, transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.events import EventHub
from ampyard.services.remote_control import start_transaction, stop_transaction
from ampyard.services.transactions import Report
from tests.charging import charge
from tests.connecting import charge_points as answering
from tests.fleet import new_fleet, user
from tests.gate import gate_to
from tests.patience import eventually
from tests.services.stations import online

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Yard:
    """A tenant whose charge points are on the line."""

    backend: Backend
    stations: dict[str, Station]

    @property
    def cp(self) -> Station:
        return self.stations["CP-1"]

    @property
    def operator(self) -> Principal:
        return user(self.cp.tenant_id)

    async def evse(self, identity: str = "CP-1") -> Evse:
        async with self.backend.database.snapshot(self.cp.tenant_id) as snapshot:
            station = self.stations[identity]
            return (await Evses(snapshot).of_charge_points([station.charge_point_id]))[station.charge_point_id][0]

    async def vehicle_id(self, name: str) -> uuid.UUID:
        async with self.backend.database.snapshot(self.cp.tenant_id) as snapshot:
            return (await Vehicles(snapshot).where(Vehicles.table.c.name == name))[0].id

    async def commands(self) -> list[Command]:
        async with self.backend.database.snapshot(self.cp.tenant_id) as snapshot:
            given = await Commands(snapshot).where(order_by=[Commands.table.c.id])
        # Fall-backs are told to whoever connects.
        return [command for command in given if command.kind is not CommandKind.SET_DEFAULT_LIMIT]

    async def audited(self) -> list[tuple[str, str, uuid.UUID, dict[str, Any]]]:
        column = tables.audit_record.c
        async with self.backend.database.snapshot(self.cp.tenant_id) as snapshot:
            rows = await snapshot.fetch(
                select(column.author, column.action, column.target_id, column.detail).where(column.action != "tenant.seed")
            )
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    async def begins(self, command: Command) -> tuple[CommandState, str]:
        """Do as a charge point does that is told to start, or to stop: accept, and report that it has."""
        if command.kind is CommandKind.START_TRANSACTION:
            report = Report(at=T0, evse_no=command.payload["evse_no"], id_tag=command.payload["id_tag"], register_wh=0.0)
            await transactions.start(self.backend, self.cp, report)
        else:
            report = Report(
                at=T0 + timedelta(hours=1),
                ocpp_transaction_id=command.payload["ocpp_transaction_id"],
                register_wh=9.0,
                stop_reason="Remote",
            )
            await transactions.end(self.backend, self.cp, report)
        return CommandState.ACCEPTED, "Accepted"


@pytest.fixture
async def yard(backend: Backend) -> AsyncIterator[Yard]:
    """The tenant, with a relay that takes its events to whoever waits."""
    seeded = await new_fleet(backend)
    relaying = asyncio.create_task(run_relay(backend.database, backend.events.stream))
    yield Yard(backend, await online(backend, seeded.tenant_id))
    relaying.cancel()
    await asyncio.wait([relaying])


async def test_a_start_for_a_vehicle_comes_back_with_the_transaction(yard: Yard) -> None:
    evse, vehicle_id = await yard.evse(), await yard.vehicle_id("Bus 2")

    async with answering(yard.backend, yard.cp.tenant_id, yard.begins) as taken:
        outcome = await start_transaction(yard.backend, yard.operator, evse.id, vehicle_id=vehicle_id)

    (command,) = taken
    assert command.payload.pop("remote_start_id") > 0
    assert (command.kind, command.payload) == (CommandKind.START_TRANSACTION, {"evse_no": 1, "id_tag": "TAG-2"})
    assert (command.charge_point_id, command.author) == (yard.cp.charge_point_id, "user:tester")
    assert (outcome.command.id, outcome.command.state, outcome.command.outcome) == (command.id, CommandState.ACCEPTED, "Accepted")
    assert outcome.transaction is not None
    assert (outcome.transaction.evse_id, outcome.transaction.vehicle_id) == (evse.id, vehicle_id)
    assert await yard.audited() == [("user:tester", "transaction.start", evse.id, {"command_id": str(command.id), "id_tag": "TAG-2"})]


async def test_a_start_for_an_id_tag_uses_it_as_it_is_known(yard: Yard) -> None:
    evse = await yard.evse()

    async with answering(yard.backend, yard.cp.tenant_id, yard.begins) as taken:
        outcome = await start_transaction(yard.backend, yard.operator, evse.id, id_tag="tag-3")

    assert [command.payload["id_tag"] for command in taken] == ["TAG-3"]
    assert outcome.transaction is not None
    assert outcome.transaction.vehicle_id == await yard.vehicle_id("Bus 3")


async def test_a_stop_comes_back_with_the_ended_transaction(yard: Yard) -> None:
    running = await charge(yard.backend, yard.cp, (T0, 0.0))

    async with answering(yard.backend, yard.cp.tenant_id, yard.begins) as taken:
        outcome = await stop_transaction(yard.backend, yard.operator, running.id)

    assert [(c.kind, c.payload) for c in taken] == [(CommandKind.STOP_TRANSACTION, {"ocpp_transaction_id": running.ocpp_transaction_id})]
    assert outcome.command.state is CommandState.ACCEPTED
    assert outcome.transaction is not None
    assert (outcome.transaction.id, outcome.transaction.state, outcome.transaction.stop_reason) == (
        running.id,
        TransactionState.ENDED,
        "Remote",
    )
    assert await yard.audited() == [("user:tester", "transaction.stop", running.id, {"command_id": str(taken[0].id)})]


async def says_no(_command: Command) -> tuple[CommandState, str]:
    return CommandState.REJECTED, "Rejected"


async def test_a_refusal_of_the_charge_point_is_the_outcome(yard: Yard) -> None:
    running = await charge(yard.backend, yard.stations["CP-2"], (T0, 0.0), id_tag="TAG-4")

    async with answering(yard.backend, yard.cp.tenant_id, says_no):
        started = await start_transaction(yard.backend, yard.operator, (await yard.evse()).id, id_tag="TAG-1")
        stopped = await stop_transaction(yard.backend, yard.operator, running.id)

    assert (started.command.state, started.command.outcome, started.transaction) == (CommandState.REJECTED, "Rejected", None)
    assert stopped.command.state is CommandState.REJECTED
    assert stopped.transaction == running_as_it_is(running, stopped.transaction)


def running_as_it_is(running: Transaction, stored: Transaction | None) -> Transaction:
    assert stored is not None
    return replace(running, created_at=stored.created_at, updated_at=stored.updated_at)


async def test_an_accepted_start_that_waits_for_the_cable_has_no_transaction_yet(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_control, "_EFFECT_S", 0.2)

    async with answering(yard.backend, yard.cp.tenant_id):
        outcome = await start_transaction(yard.backend, yard.operator, (await yard.evse()).id, id_tag="TAG-1")

    assert (outcome.command.state, outcome.transaction) == (CommandState.ACCEPTED, None)


async def test_another_transaction_that_begins_meanwhile_is_not_taken_for_the_one_asked_for(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_control, "_EFFECT_S", 0.2)

    async def plugs_in(_command: Command) -> tuple[CommandState, str]:
        await charge(yard.backend, yard.cp, (T0, 0.0), id_tag="TAG-5")
        return CommandState.ACCEPTED, "Accepted"

    async with answering(yard.backend, yard.cp.tenant_id, plugs_in):
        outcome = await start_transaction(yard.backend, yard.operator, (await yard.evse()).id, id_tag="TAG-1")

    assert (outcome.command.state, outcome.transaction) == (CommandState.ACCEPTED, None)


async def test_an_accepted_stop_that_takes_its_time_shows_the_transaction_as_it_is(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_control, "_EFFECT_S", 0.2)
    running = await charge(yard.backend, yard.cp, (T0, 0.0))

    async with answering(yard.backend, yard.cp.tenant_id):
        outcome = await stop_transaction(yard.backend, yard.operator, running.id)

    assert outcome.command.state is CommandState.ACCEPTED
    assert outcome.transaction == running_as_it_is(running, outcome.transaction)


async def test_a_command_nobody_takes_expires_and_that_is_the_outcome(yard: Yard) -> None:
    asked = asyncio.create_task(start_transaction(yard.backend, yard.operator, (await yard.evse()).id, id_tag="TAG-1"))
    given = await eventually(yard.commands, bool)
    late = replace(yard.backend, clock=lambda: given[0].expires_at)

    assert await commands.claim(late, yard.cp.tenant_id, given[0].id) is None
    await commands.expire_overdue(late)
    outcome = await asyncio.wait_for(asked, 5)

    assert (outcome.command.state, outcome.command.outcome) == (CommandState.EXPIRED, "The charge point did not answer in time.")
    assert outcome.transaction is None


async def test_who_waits_is_answered_even_if_nobody_ends_the_command(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_ANSWER_S", 0.2)
    outcome = await start_transaction(yard.backend, yard.operator, (await yard.evse()).id, id_tag="TAG-1")
    assert (outcome.command.state, outcome.transaction) == (CommandState.PENDING, None)


async def test_an_answer_arrives_while_the_event_streams_are_away(
    yard: Yard, servers: EmbeddedServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is kept in the streams alone: a caller is only told a little later.
    monkeypatch.setattr(commands, "_LOOK_S", 0.1)
    async with gate_to(servers.redis_url) as gate:
        await gate.shut()
        redis = connect_redis(f"redis://127.0.0.1:{gate.port}")
        hub = EventHub(EventStream(redis))
        cut_off = replace(yard.backend, events=hub)
        async with asyncio.timeout(5), answering(yard.backend, yard.cp.tenant_id, yard.begins):
            outcome = await start_transaction(cut_off, yard.operator, (await yard.evse()).id, id_tag="TAG-1")
        await hub.close()
        await redis.aclose()

    assert outcome.command.state is CommandState.ACCEPTED
    assert outcome.transaction is not None


REFUSALS: list[tuple[str, type[DomainError], str]] = [
    ("neither", InvalidInputError, "Give either a vehicle or an id tag."),
    ("both", InvalidInputError, "Give either a vehicle or an id tag."),
    ("no evse", NotFoundError, "There is no such EVSE."),
    ("no vehicle", NotFoundError, "There is no such vehicle."),
    ("no tag", NotFoundError, "There is no id tag 'TAG-99'."),
    ("another tenant's tag", NotFoundError, "There is no id tag 'THEIRS'."),
    ("offline", ConflictError, "Charge point CP-1 is offline since "),
    ("occupied", ConflictError, "EVSE 1 of CP-1 has an open transaction; stop it first."),
    ("blocked tag", ConflictError, "Vehicle Bus 1 has no id tag that is valid now."),
    ("expired tag", ConflictError, "Vehicle Bus 1 has no id tag that is valid now."),
]


@pytest.mark.parametrize(("case", "error", "message"), REFUSALS)
async def test_a_start_that_cannot_be_is_refused_and_nobody_is_asked(yard: Yard, case: str, error: type[DomainError], message: str) -> None:
    await happens(yard, case)
    evse_id = uuid.uuid4() if case == "no evse" else (await yard.evse()).id
    vehicle: dict[str, Any] = {"vehicle_id": await yard.vehicle_id("Bus 1")}
    others: dict[str, dict[str, Any]] = {
        "neither": {},
        "both": vehicle | {"id_tag": "TAG-1"},
        "no vehicle": {"vehicle_id": uuid.uuid4()},
        "no tag": {"id_tag": "TAG-99"},
        "another tenant's tag": {"id_tag": "THEIRS"},
    }
    asked = others.get(case, vehicle)

    with pytest.raises(error) as refused:
        await start_transaction(yard.backend, yard.operator, evse_id, **asked)

    assert str(refused.value).startswith(message)
    assert (await yard.commands(), await yard.audited()) == ([], [])


async def happens(yard: Yard, case: str) -> None:
    """Bring about what is in the way of a start."""
    match case:
        case "another tenant's tag":
            await set_tag(yard.backend, (await new_fleet(yard.backend)).tenant_id, value="THEIRS")
        case "offline":
            await charge_points.disconnected(yard.backend, yard.cp)
        case "occupied":
            await charge(yard.backend, yard.cp, (T0, 0.0), id_tag="TAG-5")
        case "blocked tag":
            await set_tag(yard.backend, yard.cp.tenant_id, blocked=True)
        case "expired tag":
            await set_tag(yard.backend, yard.cp.tenant_id, valid_until=T0 - timedelta(days=30))


async def set_tag(backend: Backend, tenant_id: uuid.UUID, **values: Any) -> None:
    """Set columns of a tenant's TAG-1."""
    async with backend.unit_of_work(user(tenant_id)) as work:
        await work.session.execute(update(tables.id_tag).where(tables.id_tag.c.value == "TAG-1").values(**values))
        await work.commit()


@pytest.mark.parametrize("case", ["unknown", "ended", "offline"])
async def test_a_stop_that_cannot_be_is_refused_and_nobody_is_asked(yard: Yard, case: str) -> None:
    transaction = await charge(yard.backend, yard.cp, (T0, 0.0), end=(T0 + timedelta(hours=1), 1.0) if case == "ended" else None)
    if case == "offline":
        await charge_points.disconnected(yard.backend, yard.cp)
    error, message = {
        "unknown": (NotFoundError, "There is no such transaction."),
        "ended": (ConflictError, "The transaction has ended."),
        "offline": (ConflictError, "Charge point CP-1 is offline since "),
    }[case]

    with pytest.raises(error) as refused:
        await stop_transaction(yard.backend, yard.operator, uuid.uuid4() if case == "unknown" else transaction.id)

    assert str(refused.value).startswith(message)
    assert (await yard.commands(), await yard.audited()) == ([], [])


async def test_the_scope_is_needed_whoever_calls(yard: Yard) -> None:
    running = await charge(yard.backend, yard.cp, (T0, 0.0))
    reader = user(yard.cp.tenant_id, *(scope for scope in Scope if scope is not Scope.TRANSACTIONS_CONTROL))

    with pytest.raises(ForbiddenError, match="transactions:control"):
        await start_transaction(yard.backend, reader, (await yard.evse("CP-2")).id, id_tag="TAG-2")
    with pytest.raises(ForbiddenError, match="transactions:control"):
        await stop_transaction(yard.backend, reader, running.id)

    assert (await yard.commands(), await yard.audited()) == ([], [])
    async with yard.backend.database.snapshot(yard.cp.tenant_id) as snapshot:
        assert [t.state for t in await Transactions(snapshot).where()] == [TransactionState.ACTIVE]
