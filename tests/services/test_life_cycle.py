"""The life of a charge point, its socket, and what is recorded of its availability on the way."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.access import Role, Scope
from ampyard.domain.availability import Availability, AvailabilityInterval
from ampyard.domain.charge_points import ChargePoint, ConnectorStatus, OcppVersion
from ampyard.domain.commands import CommandKind
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.life_cycle import ChargePointState
from ampyard.repositories.availability import AvailabilityIntervals
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.commands import Commands
from ampyard.repositories.faults import Faults
from ampyard.repositories.unit_of_work import SOCKET_CHANNEL
from ampyard.services import charge_points, life_cycle, transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import BootInfo, Station
from ampyard.services.transactions import Report
from tests.fleet import new_fleet, user
from tests.grants import confined, group_of
from tests.services.stations import online

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OUT, IN, RETIRED = ChargePointState.OUT_OF_SERVICE, ChargePointState.IN_SERVICE, ChargePointState.RETIRED


def at(backend: Backend, minutes: float) -> Backend:
    return replace(backend, clock=lambda: T0 + minutes * MINUTE)


@pytest.fixture
async def station(backend: Backend) -> Station:
    """CP-1 of a tenant of its own, on the line since T0, its connector available a minute later."""
    seeded = await new_fleet(at(backend, 0), password=f"pw-{uuid.uuid4()}")
    station = (await online(at(backend, 0), seeded.tenant_id))["CP-1"]
    await charge_points.status_changed(at(backend, 1), station, 1, 1, ConnectorStatus.AVAILABLE, error_code=None, at=T0)
    return station


async def stored(backend: Backend, station: Station) -> ChargePoint:
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        found = await ChargePoints(snapshot).by_id(station.charge_point_id)
    assert found is not None
    return found


async def intervals(backend: Backend, station: Station) -> list[tuple[Availability, float, float | None]]:
    """Return the intervals of a charge point with one EVSE: what, and from which minute until which."""

    def minutes(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - T0) / MINUTE

    async with backend.database.snapshot(station.tenant_id) as snapshot:
        column = AvailabilityIntervals.table.c
        found: list[AvailabilityInterval] = await AvailabilityIntervals(snapshot).where(
            column.charge_point_id == station.charge_point_id, order_by=[column.began_at]
        )
    return [(one.availability, (one.began_at - T0) / MINUTE, minutes(one.ended_at)) for one in found]


async def go(backend: Backend, station: Station, *states: ChargePointState) -> None:
    for state in states:
        await life_cycle.change_states(backend, user(station.tenant_id), [station.charge_point_id], state, reason="test")


async def test_availability_is_recorded_where_it_changes(backend: Backend, station: Station) -> None:
    async def status(minutes: float, status: ConnectorStatus, evse_no: int = 1) -> None:
        now = at(backend, minutes)
        await charge_points.status_changed(now, station, evse_no, 1, status, error_code=None, at=now.clock())

    await status(2, ConnectorStatus.CHARGING)
    await status(3, ConnectorStatus.FAULTED)
    await status(4, ConnectorStatus.AVAILABLE)
    await status(5, ConnectorStatus.UNAVAILABLE, evse_no=0)  # the charge point as a whole
    await status(6, ConnectorStatus.AVAILABLE, evse_no=0)
    await charge_points.disconnected(at(backend, 7), station)
    await charge_points.connected(at(backend, 8), station, OcppVersion.V16)
    await go(at(backend, 9), station, OUT)
    await go(at(backend, 10), station, RETIRED)

    assert await intervals(backend, station) == [
        (Availability.UNAVAILABLE, 0, 1),  # it had not told its status yet
        (Availability.USABLE, 1, 3),
        (Availability.FAULTED, 3, 4),
        (Availability.USABLE, 4, 5),
        (Availability.UNAVAILABLE, 5, 6),
        (Availability.USABLE, 6, 7),
        (Availability.OFFLINE, 7, 8),
        (Availability.USABLE, 8, 9),
        (Availability.UNAVAILABLE, 9, 10),
    ]


async def test_two_changes_of_one_moment_leave_no_interval_without_length(backend: Backend, station: Station) -> None:
    for status in (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE, ConnectorStatus.FAULTED):
        await charge_points.status_changed(at(backend, 5), station, 1, 1, status, error_code=None, at=T0 + 5 * MINUTE)
    # and a process whose clock is behind
    await charge_points.disconnected(at(backend, 4), station)
    assert (await intervals(backend, station))[1:] == [(Availability.USABLE, 1, 5), (Availability.OFFLINE, 5, None)]


async def test_the_silent_are_offline(backend: Backend, station: Station) -> None:
    await charge_points.sweep_silent(at(backend, 30))
    assert (await intervals(backend, station))[1:] == [(Availability.USABLE, 1, 30), (Availability.OFFLINE, 30, None)]


async def test_a_first_boot_commissions_what_was_planned(backend: Backend, station: Station) -> None:
    async with backend.unit_of_work(user(station.tenant_id)) as work:
        await work.change(ChargePoints, station.charge_point_id, state=ChargePointState.PLANNED, state_at=None)
        await work.commit()
    info = BootInfo("V", "M", "S", "1", iccid="89", imsi="26", meter_type="MID", meter_serial_number="42")
    await charge_points.booted(at(backend, 3), station, info)
    known = await stored(backend, station)
    assert (known.state, known.state_at, known.state_reason) == (
        ChargePointState.COMMISSIONED,
        T0 + 3 * MINUTE,
        "It has booted for the first time.",
    )
    assert (known.iccid, known.imsi, known.meter_type, known.meter_serial_number) == ("89", "26", "MID", "42")
    # the next boot leaves it as it is
    await go(at(backend, 4), station, IN)
    await charge_points.booted(at(backend, 5), station, info)
    assert (await stored(backend, station)).state is IN


async def test_out_of_service_and_back_it_is_told(backend: Backend, station: Station) -> None:
    await go(at(backend, 2), station, OUT, IN)
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        given = await Commands(snapshot).where(order_by=[Commands.table.c.id])
    ordered = [c for c in given if c.kind is not CommandKind.SET_DEFAULT_LIMIT]
    assert [(c.kind, c.payload, c.expires_at - c.created_at) for c in ordered] == [
        (CommandKind.CHANGE_AVAILABILITY, {"operative": operative, "evse_no": None}, timedelta(days=7)) for operative in (False, True)
    ]


async def test_a_retired_one_is_gone_for_good(backend: Backend, station: Station) -> None:
    await charge_points.status_changed(at(backend, 2), station, 1, 1, ConnectorStatus.FAULTED, error_code="GroundFailure", at=T0)
    await go(at(backend, 3), station, OUT)
    async with backend.database.listen(SOCKET_CHANNEL) as queue:
        await go(at(backend, 4), station, RETIRED)
        _, told = await queue.get()
    charge_point_id, nobody = map(uuid.UUID, told.split(":"))

    # its socket is taken for replaced, it may say nothing and come back never
    assert charge_point_id == station.charge_point_id
    assert nobody != station.socket_id
    assert (await charge_points.seen(backend, [station])).replaced == {station}
    known = await stored(backend, station)
    assert (known.state, known.connected, known.disconnected_at) == (RETIRED, False, T0 + 4 * MINUTE)
    for refused in (
        charge_points.connected(backend, station, OcppVersion.V16),
        charge_points.booted(backend, station, BootInfo("V", "M", None, None)),
        charge_points.status_changed(backend, station, 1, 1, ConnectorStatus.AVAILABLE, error_code=None, at=T0),
    ):
        with pytest.raises(NotFoundError, match=r"Charge point CP-1 has been retired\."):
            await refused
    with pytest.raises(ConflictError, match="CP-1 is RETIRED, which is final"):
        await go(backend, station, IN)
    # what was wrong with it is no longer, and the day's faults stay known
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        (fault,) = await Faults(snapshot).where()
        listed = await ChargePoints(snapshot).of_depot(known.depot_id)
    assert (fault.code, fault.cleared_at) == ("GroundFailure", T0 + 4 * MINUTE)
    assert sorted(cp.identity for cp in listed) == ["CP-2", "CP-3", "CP-4"]


async def test_a_retired_one_may_not_log_in(backend: Backend) -> None:
    password = f"pw-{uuid.uuid4()}"
    seeded = await new_fleet(backend, password=password)
    login = await charge_points.log_in(backend, "CP-1", password)
    assert login is not None
    for state in (OUT, RETIRED):
        await life_cycle.change_states(backend, user(seeded.tenant_id), [login.charge_point_id], state, reason="Scrapped.")
    assert await charge_points.log_in(backend, "CP-1", password) is None


async def test_nobody_retires_what_vehicles_charge_at(backend: Backend, station: Station) -> None:
    await transactions.start(backend, station, Report(at=T0, evse_no=1, id_tag="TAG-1", register_wh=0.0))
    await go(backend, station, OUT)
    with pytest.raises(ConflictError, match="Vehicles charge at CP-1; stop their transactions"):
        await go(backend, station, RETIRED)
    assert (await stored(backend, station)).state is OUT


async def test_all_or_none(backend: Backend, station: Station) -> None:
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        ids = {cp.identity: cp.id for cp in await ChargePoints(snapshot).where()}
    await go(backend, station, OUT)
    with pytest.raises(ConflictError, match="CP-1 is OUT_OF_SERVICE and cannot become OUT_OF_SERVICE"):
        await life_cycle.change_states(backend, user(station.tenant_id), [ids["CP-2"], ids["CP-1"]], OUT, reason="x")
    async with backend.database.snapshot(station.tenant_id) as snapshot:
        assert {cp.identity for cp in await ChargePoints(snapshot).where() if cp.state is OUT} == {"CP-1"}


@pytest.mark.parametrize(("reason", "path"), [("", "reason"), ("   ", "reason"), ("x" * 501, "reason")])
async def test_a_reason_is_needed(backend: Backend, station: Station, reason: str, path: str) -> None:
    with pytest.raises(InvalidInputError, match="give 1 to 500") as refused:
        await life_cycle.change_states(backend, user(station.tenant_id), [station.charge_point_id], OUT, reason=reason)
    assert refused.value.path == ("input", path)


async def test_who_may(backend: Backend, station: Station) -> None:
    ids = [station.charge_point_id]
    with pytest.raises(ForbiddenError, match="charge_points:write"):
        await life_cycle.change_states(backend, user(station.tenant_id, Scope.FLEET_READ), ids, OUT, reason="x")
    group = await group_of(backend, station.tenant_id, charge_point_id=station.charge_point_id)
    elsewhere = await group_of(backend, station.tenant_id)
    with pytest.raises(NotFoundError):
        await life_cycle.change_states(backend, confined(station.tenant_id, elsewhere, role=Role.INSTALLER), ids, OUT, reason="x")
    (changed,) = await life_cycle.change_states(backend, confined(station.tenant_id, group, role=Role.INSTALLER), ids, OUT, reason="x")
    assert changed.state is OUT
