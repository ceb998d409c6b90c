"""What charge points tell of themselves, and what is made of their silence."""

import asyncio
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.charge_points import ChargePoint, Connector, ConnectorStatus, Evse, OcppVersion
from ampyard.domain.commands import CommandKind, CommandState
from ampyard.domain.errors import NotFoundError
from ampyard.domain.transactions import ChargingState
from ampyard.repositories.charge_points import ChargePoints, Connectors, Evses
from ampyard.repositories.commands import Commands
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import COMMAND_CHANNEL, SOCKET_CHANNEL
from ampyard.services import charge_points, commands, transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import SILENCE, BootInfo, Station, station_work
from ampyard.services.secrets import hash_password, verify_password
from ampyard.services.transactions import Report
from tests.fleet import new_fleet, user
from tests.services.stations import confirm_defaults, online

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


async def charge_point_of(backend: Backend, station: Station) -> ChargePoint:
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        found = await ChargePoints(snapshot).by_id(station.charge_point_id)
    assert found is not None
    return found


async def evses_of(backend: Backend, station: Station) -> list[Evse]:
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        return (await Evses(snapshot).of_charge_points([station.charge_point_id]))[station.charge_point_id]


async def connector_of(backend: Backend, station: Station, evse_no: int = 1) -> Connector:
    evse = (await evses_of(backend, station))[evse_no - 1]
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        (connector,) = (await Connectors(snapshot).of_evses([evse.id]))[evse.id]
    return connector


async def new_stations(backend: Backend) -> dict[str, Station]:
    return await online(backend, (await new_fleet(backend, password=f"pw-{uuid.uuid4()}")).tenant_id)


def at_time(backend: Backend, moment: datetime) -> Backend:
    return replace(backend, clock=lambda: moment)


async def renamed(backend: Backend, tenant_id: uuid.UUID, identity: str, password: str) -> None:
    """Give CP-1 of a tenant an identity and a password that no other test uses."""
    async with backend.unit_of_work(user(tenant_id)) as work:
        (charge_point,) = await ChargePoints(work.session).where(ChargePoints.table.c.identity == "CP-1")
        await work.change(ChargePoints, charge_point.id, identity=identity, password_hash=hash_password(password))
        await work.commit()


async def test_the_password_decides_which_tenant_speaks(backend: Backend) -> None:
    # given two tenants whose charge points share an identity
    identity = f"CP-{uuid.uuid4()}"
    tenants = [(await new_fleet(backend)).tenant_id for _ in range(2)]
    for tenant_id, password in zip(tenants, ("one", "two"), strict=True):
        await renamed(backend, tenant_id, identity, password)

    found = [await charge_points.log_in(backend, identity, password) for password in ("one", "two", "three", "")]
    assert [login and login.tenant_id for login in found] == [*tenants, None, None]

    # when both have the same password, neither is let in
    await renamed_again(backend, tenants[1], identity, "one")
    assert await charge_points.log_in(backend, identity, "one") is None


async def renamed_again(backend: Backend, tenant_id: uuid.UUID, identity: str, password: str) -> None:
    async with backend.unit_of_work(user(tenant_id)) as work:
        (charge_point,) = await ChargePoints(work.session).where(ChargePoints.table.c.identity == identity)
        await work.change(ChargePoints, charge_point.id, password_hash=hash_password(password))
        await work.commit()


async def test_a_charge_point_without_a_password_is_not_let_in(backend: Backend) -> None:
    identity, tenant_id = f"CP-{uuid.uuid4()}", (await new_fleet(backend)).tenant_id
    await renamed(backend, tenant_id, identity, "one")
    async with backend.unit_of_work(user(tenant_id)) as work:
        (charge_point,) = await ChargePoints(work.session).where(ChargePoints.table.c.identity == identity)
        await work.change(ChargePoints, charge_point.id, password_hash=None)
        await work.commit()
    assert [await charge_points.log_in(backend, identity, password) for password in ("one", "", "None")] == [None] * 3


async def test_an_unknown_identity_takes_as_long_to_refuse_as_a_wrong_password(backend: Backend) -> None:
    some_hash = hash_password("one")
    checks, refusals = [], []
    for _ in range(5):
        began = time.perf_counter()
        assert not await verify_password("two", some_hash)
        checks.append(time.perf_counter() - began)
        began = time.perf_counter()
        assert await charge_points.log_in(backend, f"CP-{uuid.uuid4()}", "two") is None
        refusals.append(time.perf_counter() - began)
    assert min(refusals) > 0.8 * min(checks)


async def test_connecting_forgets_the_limits_and_calls_off_an_older_socket(backend: Backend) -> None:
    station = (await new_stations(backend))["CP-4"]
    async with backend.unit_of_work(user(station.tenant_id)) as work:
        for evse in await evses_of(backend, station):
            await work.change(Evses, evse.id, limit_kw=50.0, limit_at=T0)
        await work.commit()
    newer = replace(station, socket_id=uuid.uuid4())

    async with backend.database.listen(SOCKET_CHANNEL) as queue:
        await charge_points.connected(at_time(backend, T0), newer, OcppVersion.V16)
        assert await queue.get() == (SOCKET_CHANNEL, f"{newer.charge_point_id}:{newer.socket_id}")

    known = await charge_point_of(backend, station)
    assert (known.connected, known.connected_at, known.last_seen_at, known.ocpp_version) == (True, T0, T0, OcppVersion.V16)
    assert [(evse.limit_kw, evse.limit_at) for evse in await evses_of(backend, station)] == [(None, None)] * 2


async def test_only_the_newest_socket_can_say_goodbye(backend: Backend) -> None:
    older = (await new_stations(backend))["CP-1"]
    newer = replace(older, socket_id=uuid.uuid4())
    await charge_points.connected(backend, newer, OcppVersion.V16)

    await charge_points.disconnected(backend, older)
    assert (await charge_point_of(backend, older)).connected
    await charge_points.disconnected(at_time(backend, T0), newer)
    known = await charge_point_of(backend, older)
    assert (known.connected, known.disconnected_at) == (False, T0)


async def test_who_is_seen_is_not_swept_and_who_is_silent_is(backend: Backend) -> None:
    stations = await new_stations(backend)
    seen, silent = stations["CP-1"], stations["CP-2"]
    later = datetime.now(UTC) + SILENCE + timedelta(seconds=5)
    others = [stations["CP-3"], stations["CP-4"]]

    assert await charge_points.seen(at_time(backend, later), [seen, *others]) == charge_points.Presence(frozenset(), frozenset())
    assert await charge_points.sweep_silent(at_time(backend, later)) >= 1

    assert [(await charge_point_of(backend, each)).connected for each in (seen, *others, silent)] == [True, True, True, False]
    assert (await charge_point_of(backend, silent)).disconnected_at == later
    # and its process, should it live on, is told
    assert await charge_points.seen(backend, [seen, silent]) == charge_points.Presence(frozenset(), frozenset({silent}))


async def test_a_replaced_socket_and_a_deleted_charge_point_are_told_of(backend: Backend) -> None:
    station = (await new_stations(backend))["CP-1"]
    newer = replace(station, socket_id=uuid.uuid4())
    nobody = replace(station, charge_point_id=uuid.uuid4())
    await charge_points.connected(at_time(backend, T0), newer, OcppVersion.V16)

    presence = await charge_points.seen(backend, [station, nobody])

    assert presence == charge_points.Presence(frozenset({station, nobody}), frozenset())
    assert (await charge_point_of(backend, station)).last_seen_at == T0
    assert await charge_points.seen(backend, []) == charge_points.Presence(frozenset(), frozenset())


async def test_seeing_crosses_no_tenant(backend: Backend) -> None:
    ours, theirs = (await new_stations(backend))["CP-1"], (await new_stations(backend))["CP-1"]
    intruder = replace(theirs, tenant_id=ours.tenant_id)
    presence = await charge_points.seen(at_time(backend, T0), [ours, intruder])
    assert presence.replaced == {intruder}
    assert (await charge_point_of(backend, theirs)).last_seen_at != T0


async def test_a_boot_is_recorded(backend: Backend) -> None:
    station = (await new_stations(backend))["CP-1"]
    await charge_points.booted(at_time(backend, T0), station, BootInfo("V", "M", None, "1.0"))
    known = await charge_point_of(backend, station)
    assert (known.vendor, known.model, known.serial_number, known.firmware_version, known.booted_at) == ("V", "M", None, "1.0", T0)


async def test_each_evse_gets_its_default_profile(backend: Backend) -> None:
    station = (await new_stations(backend))["CP-4"]
    async with backend.database.listen(COMMAND_CHANNEL) as queue:
        await charge_points.install_defaults(backend, station)
        heard = {(await queue.get())[1] for _ in range(2)}

    pending = await commands.pending(backend, [station.charge_point_id])
    assert heard == {":".join(map(str, ids)) for ids in pending}
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        given = [await Commands(snapshot).by_id(command_id) for _, _, command_id in pending]
    told = [(c.kind, c.state, c.payload["evse_no"], c.payload["limit_kw"], c.payload["profile"]["periods"]) for c in given if c is not None]
    assert told == [(CommandKind.SET_DEFAULT_LIMIT, CommandState.PENDING, number, 10.0, [[0, 10_000.0]]) for number in (1, 2)]


@pytest.mark.parametrize(
    ("before_kw", "state", "kept_kw"),
    [
        (None, CommandState.ACCEPTED, 10.0),
        # Who has never confirmed any may draw what it can; nothing but its word changes that.
        (None, CommandState.REJECTED, None),
        (None, CommandState.EXPIRED, None),
        (4.0, CommandState.ACCEPTED, 10.0),
        (4.0, CommandState.REJECTED, 4.0),
        # A raise may have come through, a reduction may not have.
        (4.0, CommandState.FAILED, 10.0),
        (16.0, CommandState.FAILED, 16.0),
    ],
)
async def test_the_default_profile_that_may_be_in_force_is_kept(
    backend: Backend, before_kw: float | None, state: CommandState, kept_kw: float | None
) -> None:
    station = (await new_stations(backend))["CP-2"]
    (evse,) = await evses_of(backend, station)
    async with station_work(backend, station) as work:
        await work.change(Evses, evse.id, fallback_in_force_kw=before_kw)
        await work.commit()

    await confirm_defaults(backend, station, state)

    assert [it.fallback_in_force_kw for it in await evses_of(backend, station)] == [kept_kw]


async def test_pending_commands_are_those_that_still_may_be_sent_to_these_charge_points(backend: Backend) -> None:
    stations = await new_stations(backend)
    station, other = stations["CP-1"], stations["CP-2"]
    ids = []
    for at in (station, station, station, other):
        async with backend.unit_of_work(user(station.tenant_id)) as work:
            command = await commands.give(work, at.charge_point_id, CommandKind.SET_DEFAULT_LIMIT, {"evse_no": 1, "limit_kw": 4.2})
            await work.commit()
        ids.append(command.id)
    await commands.claim(backend, station.tenant_id, ids[1])

    pending = await commands.pending(backend, [station.charge_point_id])
    assert pending == [(station.tenant_id, station.charge_point_id, ids[0]), (station.tenant_id, station.charge_point_id, ids[2])]
    assert await commands.pending(at_time(backend, datetime.now(UTC) + commands.LIFETIME), [station.charge_point_id]) == []


async def test_a_status_is_recorded_and_an_older_one_ignored(backend: Backend) -> None:
    station = (await new_stations(backend))["CP-1"]
    for minutes, status, error_code in ((5, ConnectorStatus.FAULTED, "GroundFailure"), (4, ConnectorStatus.CHARGING, None)):
        at = T0 + timedelta(minutes=minutes)
        await charge_points.status_changed(backend, station, 1, 1, status, error_code=error_code, at=at)

    connector = await connector_of(backend, station)
    assert (connector.status, connector.error_code) == (ConnectorStatus.FAULTED, "GroundFailure")
    assert connector.status_at == T0 + timedelta(minutes=5)
    assert [evse.status for evse in await evses_of(backend, station)] == [ConnectorStatus.FAULTED]


@pytest.mark.parametrize(
    ("evse_no", "connector_no", "words"), [(3, 1, "CP-4 has no EVSE 3; known: 1, 2."), (2, 2, "has no connector 2; known: 1.")]
)
async def test_a_status_of_what_is_not_there_is_refused(backend: Backend, evse_no: int, connector_no: int, words: str) -> None:
    station = (await new_stations(backend))["CP-4"]
    with pytest.raises(NotFoundError, match=words):
        await charge_points.status_changed(backend, station, evse_no, connector_no, ConnectorStatus.AVAILABLE, error_code=None, at=T0)
    assert [evse.status for evse in await evses_of(backend, station)] == [ConnectorStatus.UNKNOWN] * 2


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (ConnectorStatus.CHARGING, ChargingState.CHARGING),
        (ConnectorStatus.SUSPENDED_EV, ChargingState.SUSPENDED_EV),
        (ConnectorStatus.SUSPENDED_EVSE, ChargingState.SUSPENDED_EVSE),
        (ConnectorStatus.FINISHING, ChargingState.EV_CONNECTED),
    ],
)
async def test_a_status_tells_the_charging_state_before_and_after_the_start(
    backend: Backend, status: ConnectorStatus, state: ChargingState
) -> None:
    stations = await new_stations(backend)
    before, after = stations["CP-1"], stations["CP-2"]
    start = Report(at=T0, evse_no=1, id_tag="TAG-1", register_wh=0.0)
    await charge_points.status_changed(backend, before, 1, 1, status, error_code=None, at=T0)
    for station in (before, after):
        await transactions.start(backend, station, start)
    await charge_points.status_changed(backend, after, 1, 1, status, error_code=None, at=T0)

    async with backend.database.snapshot(before.tenant_id) as snapshot:
        assert [t.charging_state for t in await Transactions(snapshot).where()] == [state] * 2


async def test_the_status_of_an_earlier_transaction_tells_nothing_of_a_2_0_1_start(backend: Backend) -> None:
    station = (await new_stations(backend))["CP-3"]
    await charge_points.status_changed(backend, station, 1, 1, ConnectorStatus.CHARGING, error_code=None, at=T0)
    outcome = await transactions.start(backend, station, Report(at=T0, evse_no=1, ocpp_transaction_id="tx-1"))
    assert outcome.transaction.charging_state is ChargingState.EV_CONNECTED


async def test_a_new_socket_and_the_planner_do_not_wait_for_each_other(backend: Backend) -> None:
    # given: two EVSEs that neither lie nor count in the order of their ids, of which the planner has locked the first
    station = (await new_stations(backend))["CP-4"]
    first, second = sorted(await evses_of(backend, station), key=lambda evse: evse.id)
    async with backend.unit_of_work(user(station.tenant_id)) as work:
        await work.change(Evses, first.id, evse_no=9)
        await work.commit()
    async with backend.unit_of_work(user(station.tenant_id)) as planner:
        await planner.lock(Evses, first.id)

        # when: the charge point connects anew
        connecting = asyncio.create_task(charge_points.connected(backend, station, OcppVersion.V201))
        await asyncio.sleep(0.2)
        assert not connecting.done()

        # then: the second is still the planner's to lock
        assert await planner.lock(Evses, second.id) == second
    await connecting
    assert [evse.limit_kw for evse in await evses_of(backend, station)] == [None, None]
