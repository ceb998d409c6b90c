"""Commands, from the row to the charge point and back."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from ampyard.connect.options import ConnectOptions
from ampyard.connect.server import ConnectServer
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.commands import Command, CommandKind, CommandState
from ampyard.domain.ids import new_id
from ampyard.repositories.commands import Commands
from ampyard.repositories.unit_of_work import COMMAND_CHANNEL, SOCKET_CHANNEL, SUSPENSION_CHANNEL
from ampyard.server.embedded import EmbeddedServers
from ampyard.services import commands
from ampyard.services.backend import Backend
from tests.connect.points import Point, Wire, eventually, new_point, serving, wired
from tests.connect.stations import station16, station201
from tests.fleet import user
from tests.patience import eventually as until_found

START = {"evse_no": 1, "id_tag": "TAG-1", "remote_start_id": 7}


@pytest.fixture(scope="module")
async def hasty(backend: Backend) -> AsyncIterator[ConnectServer]:
    """A connect process that waits for answers only briefly, and does not look for commands by itself."""
    options = ConnectOptions(boot_grace_s=0.1, limit_timeout_s=0.2, command_timeout_s=0.4, poll_interval_s=3600)
    async with serving(backend, options) as running:
        yield running


async def give(point: Point, kind: CommandKind, payload: dict[str, Any], *, lifetime_s: float = 30.0) -> uuid.UUID:
    async with point.backend.unit_of_work(user(point.tenant_id)) as work:
        charge_point_id = (await point.charge_point()).id
        command = await commands.give(work, charge_point_id, kind, payload, lifetime=timedelta(seconds=lifetime_s))
        await work.commit()
    return command.id


async def stored(point: Point, command_id: uuid.UUID) -> Command:
    async with point.backend.database.snapshot(point.tenant_id) as snapshot:
        command = await Commands(snapshot).by_id(command_id)
    assert command is not None
    return command


async def outcome(point: Point, command_id: uuid.UUID) -> tuple[CommandState, str | None]:
    async def ended() -> bool:
        return (await stored(point, command_id)).state.final

    await eventually(ended)
    command = await stored(point, command_id)
    assert command.finished_at is not None
    return command.state, command.outcome


async def sent(wire: Wire, action: str, count: int = 1) -> list[dict[str, Any]]:
    """Return the orders of an action, once there are so many."""

    async def there() -> bool:
        return len([name for name, _ in wire.orders if name == action]) >= count

    await eventually(there)
    return [payload for name, payload in wire.orders if name == action]


async def limit_of(point: Point, limit_kw: float) -> dict[str, Any]:
    (transaction,) = await point.transactions()
    (evse,) = await point.evses()
    return {
        "evse_id": str(evse.id),
        "evse_no": 1,
        "transaction_id": str(transaction.id),
        "ocpp_transaction_id": transaction.ocpp_transaction_id,
        "depot_id": str(transaction.depot_id),
        "limit_kw": limit_kw,
        "before_kw": evse.fallback_kw,
    }


async def start16(wire: Wire) -> int:
    start = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 0, "timestamp": "2026-11-02T08:00:00Z"}
    return int((await wire.call("StartTransaction", **start))["transactionId"])


async def start201(wire: Wire) -> None:
    info = {"transactionId": "tx-1", "chargingState": "Charging"}
    event = {"eventType": "Started", "timestamp": "2026-11-02T08:00:00Z", "triggerReason": "Authorized", "seqNo": 0}
    await wire.call("TransactionEvent", **event, transactionInfo=info, evse={"id": 1, "connectorId": 1})


def profile16(profile_id: int, purpose: str, limit: float, unit: str = "W", **more: Any) -> dict[str, Any]:
    schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    return {
        "chargingProfileId": profile_id,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
        **more,
    }


def profile201(profile_id: int, purpose: str, limit: float, unit: str = "W", **more: Any) -> dict[str, Any]:
    schedule = {"id": profile_id, "chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    return {
        "id": profile_id,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": [schedule],
        **more,
    }


async def test_commands_in_the_words_of_1_6(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with station16(server, point) as station:
        results = [
            await outcome(point, await give(point, kind, payload))
            for kind, payload in (
                (CommandKind.START_TRANSACTION, START),
                (CommandKind.STOP_TRANSACTION, {"ocpp_transaction_id": "41"}),
            )
        ]
    assert results == [(CommandState.ACCEPTED, "Accepted"), (CommandState.REJECTED, "Rejected")]
    assert station.of("RemoteStartTransaction") == [{"id_tag": "TAG-1", "connector_id": 1}]
    assert station.of("RemoteStopTransaction") == [{"transaction_id": 41}]


async def test_commands_in_the_words_of_2_0_1(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, OcppVersion.V201)
    async with station201(server, point) as station:
        results = [
            await outcome(point, await give(point, kind, payload))
            for kind, payload in (
                (CommandKind.START_TRANSACTION, START),
                (CommandKind.STOP_TRANSACTION, {"ocpp_transaction_id": "tx-41"}),
            )
        ]
    assert results == [
        (CommandState.ACCEPTED, "Accepted"),
        (CommandState.REJECTED, "Rejected: TxNotFound no such transaction"),
    ]
    token = {"id_token": "TAG-1", "type": "Central"}
    assert station.of("RequestStartTransaction") == [{"id_token": token, "remote_start_id": 7, "evse_id": 1}]
    assert station.of("RequestStopTransaction") == [{"transaction_id": "tx-41"}]


@pytest.mark.parametrize(("limit_kw", "watts"), [(4.14, 4140.0), (11.0407, 11040.0), (0.0, 0.0), (7.36, 7360.0)])
async def test_a_limit_is_a_profile_of_the_transaction_in_whole_watts(
    server: ConnectServer, backend: Backend, limit_kw: float, watts: float
) -> None:
    ours, theirs = await new_point(backend), await new_point(backend, OcppVersion.V201)
    async with wired(server, ours) as wire16, wired(server, theirs) as wire201:
        transaction_id = await start16(wire16)
        await start201(wire201)
        ids = [await give(point, CommandKind.SET_LIMIT, await limit_of(point, limit_kw)) for point in (ours, theirs)]
        results = [await outcome(point, command_id) for point, command_id in zip((ours, theirs), ids, strict=True)]

    assert results == [(CommandState.ACCEPTED, "Accepted")] * 2
    profile = profile16(2001, "TxProfile", watts, transactionId=transaction_id)
    assert ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}) in wire16.orders
    profile = profile201(2001, "TxProfile", watts, transactionId="tx-1")
    assert ("SetChargingProfile", {"evseId": 1, "chargingProfile": profile}) in wire201.orders
    for point in (ours, theirs):
        assert [(evse.limit_kw, evse.limit_at is not None) for evse in await point.evses()] == [(limit_kw, True)]


async def test_a_refused_limit_is_not_in_force(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        wire.replies["SetChargingProfile"] = {"status": "NotSupported"}
        await start16(wire)
        command_id = await give(point, CommandKind.SET_LIMIT, await limit_of(point, 9.0))
        assert await outcome(point, command_id) == (CommandState.REJECTED, "NotSupported")
    assert [evse.limit_kw for evse in await point.evses()] == [None]


async def test_the_default_profiles_are_set_after_a_boot(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend, evses=2)
    async with wired(server, point) as wire:
        await wire.call("BootNotification", chargePointVendor="V", chargePointModel="M")
        profiles = await sent(wire, "SetChargingProfile", 2)
        assert profiles == [
            {"connectorId": number, "csChargingProfiles": profile16(1000 + number, "TxDefaultProfile", 6.0, "A")} for number in (1, 2)
        ]
        await wire.call("Heartbeat")
        await wire.call("BootNotification", chargePointVendor="V", chargePointModel="M")
        assert (await sent(wire, "SetChargingProfile", 4))[2:] == profiles


async def test_the_default_profiles_are_set_when_only_the_link_was_lost(backend: Backend) -> None:
    speaking, silent = await new_point(backend, OcppVersion.V201, evses=2), await new_point(backend)
    patient = serving(backend, ConnectOptions(boot_grace_s=0.6))
    async with patient as server, wired(server, speaking) as wire, wired(server, silent) as quiet:
        # one that speaks of something else has booted before; one that does not speak is given time
        await wire.call("Heartbeat")
        profiles = await sent(wire, "SetChargingProfile", 2)
        assert quiet.orders == []
        assert len(await sent(quiet, "SetChargingProfile")) == 1
    assert profiles == [{"evseId": n, "chargingProfile": profile201(1000 + n, "TxDefaultProfile", 6.0, "A")} for n in (1, 2)]


async def test_commands_wait_until_the_charge_point_has_booted(backend: Backend) -> None:
    point = await new_point(backend)
    async with serving(backend, ConnectOptions(boot_grace_s=30)) as server, wired(server, point) as wire:
        command_id = await give(point, CommandKind.START_TRANSACTION, START)
        await wire.refused("BootNotification")
        await asyncio.sleep(0.2)
        assert wire.orders == []
        await wire.call("BootNotification", chargePointVendor="V", chargePointModel="M")
        assert await outcome(point, command_id) == (CommandState.ACCEPTED, "Accepted")


async def test_what_waited_for_a_charge_point_is_sent_when_it_comes_back(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    waiting = await give(point, CommandKind.START_TRANSACTION, START)
    late = await give(point, CommandKind.STOP_TRANSACTION, {"ocpp_transaction_id": "1"}, lifetime_s=0)
    async with wired(server, point) as wire:
        await wire.call("Heartbeat")
        assert await outcome(point, waiting) == (CommandState.ACCEPTED, "Accepted")
    assert [action for action, _ in wire.orders if action.startswith("Remote")] == ["RemoteStartTransaction"]
    assert (await stored(point, late)).state is CommandState.PENDING


async def test_a_command_that_nobody_was_notified_of_is_found(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point):
        now = datetime.now(UTC)
        charge_point_id = (await point.charge_point()).id
        command = Command(
            id=new_id(),
            tenant_id=point.tenant_id,
            charge_point_id=charge_point_id,
            kind=CommandKind.START_TRANSACTION,
            payload=START,
            state=CommandState.PENDING,
            outcome=None,
            author="tester",
            created_at=now,
            sent_at=None,
            finished_at=None,
            expires_at=now + timedelta(seconds=30),
        )
        async with backend.unit_of_work(user(point.tenant_id)) as work:
            await work.add(Commands, command)
            await work.commit()
        assert await outcome(point, command.id) == (CommandState.ACCEPTED, "Accepted")


@pytest.mark.parametrize(
    ("kind", "payload", "reply", "words"),
    [
        (CommandKind.START_TRANSACTION, START, None, "No answer within 0.4 s."),
        (CommandKind.SET_LIMIT, None, None, "No answer within 0.2 s."),
        (CommandKind.START_TRANSACTION, START, ("InternalError",), "InternalError: not today"),
        (CommandKind.START_TRANSACTION, START, ("RpcFrameworkError",), "RpcFrameworkError: not today"),
        (CommandKind.START_TRANSACTION, START, {}, "'status' is a required property"),
        (CommandKind.START_TRANSACTION, START, {"status": "Perhaps"}, "is not one of ['Accepted', 'Rejected']"),
        (CommandKind.START_TRANSACTION, START | {"id_tag": "x" * 21}, {"status": "Accepted"}, "is too long"),
        (CommandKind.STOP_TRANSACTION, {"ocpp_transaction_id": "tx-1"}, {"status": "Accepted"}, "Internal error, reference"),
    ],
)
async def test_a_command_that_came_to_nothing_says_why(
    hasty: ConnectServer,
    backend: Backend,
    kind: CommandKind,
    payload: dict[str, Any] | None,
    reply: dict[str, Any] | tuple[str] | None,
    words: str,
) -> None:
    point = await new_point(backend)
    async with wired(hasty, point) as wire:
        await start16(wire)
        await sent(wire, "SetChargingProfile")
        wire.replies = dict.fromkeys(("RemoteStartTransaction", "SetChargingProfile"), reply)
        state, text = await outcome(point, await give(point, kind, payload or await limit_of(point, 9.0)))
        assert (state, words in (text or "")) == (CommandState.FAILED, True), text
        # and the next one is sent
        wire.replies = {}
        assert (await outcome(point, await give(point, CommandKind.START_TRANSACTION, START)))[0] is CommandState.ACCEPTED


async def test_a_command_is_over_when_the_socket_is(server: ConnectServer, backend: Backend) -> None:
    point = await new_point(backend)
    async with wired(server, point) as wire:
        await wire.call("Heartbeat")
        wire.replies["RemoteStartTransaction"] = None
        command_id = await give(point, CommandKind.START_TRANSACTION, START)
        await sent(wire, "RemoteStartTransaction")
    assert await outcome(point, command_id) == (CommandState.FAILED, "The connection was lost before the charge point answered.")


async def test_one_after_another_at_one_charge_point_and_side_by_side_at_two(server: ConnectServer, backend: Backend) -> None:
    slow, quick = await new_point(backend), await new_point(backend)
    async with wired(server, slow) as slow_wire, wired(server, quick) as quick_wire:
        await slow_wire.call("Heartbeat")
        await sent(slow_wire, "SetChargingProfile")
        slow_wire.replies["RemoteStartTransaction"] = None
        first = await give(slow, CommandKind.START_TRANSACTION, START)
        second = await give(slow, CommandKind.STOP_TRANSACTION, {"ocpp_transaction_id": "1"})
        other = await give(quick, CommandKind.START_TRANSACTION, START)

        assert await outcome(quick, other) == (CommandState.ACCEPTED, "Accepted")
        assert [(await stored(slow, each)).state for each in (first, second)] == [CommandState.SENT, CommandState.PENDING]
        assert "RemoteStopTransaction" not in [action for action, _ in slow_wire.orders]
        assert "currentTime" in await slow_wire.call("Heartbeat")
    assert "RemoteStartTransaction" in [action for action, _ in quick_wire.orders]


async def test_commands_are_heard_of_again_after_the_listening_connection_was_lost(
    hasty: ConnectServer, backend: Backend, servers: EmbeddedServers
) -> None:
    point = await new_point(backend)
    async with wired(hasty, point) as wire:
        await wire.call("Heartbeat")
        dsn = make_url(servers.database_owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
        owner = await asyncpg.connect(dsn)
        # Shown is the last channel that a connection began to listen on.
        listening = f"query ~ '^LISTEN.*({COMMAND_CHANNEL}|{SOCKET_CHANNEL}|{SUSPENSION_CHANNEL})'"
        end_them = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {listening}"  # noqa: S608 - names of our own
        lost = await until_found(lambda: owner.fetch(end_them), bool)
        await owner.close()
        assert lost
        command_id = await give(point, CommandKind.START_TRANSACTION, START)
        assert await outcome(point, command_id) == (CommandState.ACCEPTED, "Accepted")
