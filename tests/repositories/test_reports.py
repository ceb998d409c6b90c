"""Energy of a time span, out of meter registers: whatever is reported, the parts of a transaction add up to its whole."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ampyard.domain.reports import EnergyRow, day_bounds
from ampyard.domain.transactions import Transaction
from ampyard.repositories.depots import Depots
from ampyard.repositories.reports import energy_between
from ampyard.repositories.transactions import Transactions
from ampyard.services import transactions
from ampyard.services.backend import Backend
from ampyard.services.charge_points import Station
from ampyard.services.transactions import Report
from tests.charging import charge, finish, measure, station_of
from tests.fleet import new_fleet

# 1 November in Berlin begins at 23:00 UTC.
MIDNIGHT = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def cp(backend: Backend) -> Station:
    return await station_of(backend, (await new_fleet(backend)).tenant_id)


async def energies(backend: Backend, cp: Station, start: datetime, end: datetime) -> list[EnergyRow]:
    async with backend.database.snapshot(cp.tenant_id) as snapshot:
        (depot,) = await Depots(snapshot).where()
        return await energy_between(snapshot, depot.id, start, end)


async def by_day(backend: Backend, cp: Station, *starts: datetime) -> list[list[float]]:
    return [[row.energy_wh for row in await energies(backend, cp, start, start + DAY)] for start in starts]


async def stored(backend: Backend, transaction: Transaction) -> Transaction:
    async with backend.database.snapshot(transaction.tenant_id) as snapshot:
        found = await Transactions(snapshot).by_id(transaction.id)
    assert found is not None
    return found


async def test_a_transaction_within_the_day_has_all_its_energy_there(backend: Backend, cp: Station) -> None:
    transaction = await charge(backend, cp, (MIDNIGHT + HOUR, 1000.0), end=(MIDNIGHT + 2 * HOUR, 9000.0))

    (row,) = await energies(backend, cp, MIDNIGHT, MIDNIGHT + DAY)

    assert row == EnergyRow(transaction.id, "CP-1", 1, "Bus 1", "TAG-1", MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR, 8000.0)
    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT + DAY) == [[], []]


async def test_midnight_splits_a_transaction_at_the_last_register_before_it(backend: Backend, cp: Station) -> None:
    registers = [(MIDNIGHT - timedelta(minutes=1), 4000.0), (MIDNIGHT + timedelta(minutes=1), 4100.0)]
    await charge(backend, cp, (MIDNIGHT - HOUR, 1000.0), *registers, end=(MIDNIGHT + HOUR, 6000.0))

    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT) == [[3000.0], [2000.0]]


async def test_a_register_read_at_midnight_closes_the_day_before(backend: Backend, cp: Station) -> None:
    await charge(backend, cp, (MIDNIGHT - HOUR, 0.0), (MIDNIGHT, 500.0), end=(MIDNIGHT + HOUR, 600.0))

    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT) == [[500.0], [100.0]]


async def test_an_open_transaction_has_what_was_reported_so_far(backend: Backend, cp: Station) -> None:
    transaction = await charge(backend, cp, (MIDNIGHT - HOUR, 0.0), (MIDNIGHT - timedelta(seconds=1), 700.0))
    before = await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT)
    await measure(backend, cp, transaction.ocpp_transaction_id, [(MIDNIGHT + HOUR, 900.0)])

    assert before == [[700.0], [0.0]]
    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT, MIDNIGHT + DAY) == [[700.0], [200.0], [0.0]]


async def test_without_samples_the_energy_is_known_at_the_end_alone(backend: Backend, cp: Station) -> None:
    transaction = await charge(backend, cp, (MIDNIGHT - HOUR, 1000.0))
    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT) == [[0.0], [0.0]]

    await finish(backend, cp, transaction, (MIDNIGHT + HOUR, 3000.0))

    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT) == [[0.0], [2000.0]]


async def test_without_a_begin_register_energy_counts_from_the_first_one(backend: Backend, cp: Station) -> None:
    transaction = await charge(backend, cp, (MIDNIGHT - 2 * HOUR, None))
    assert await by_day(backend, cp, MIDNIGHT - DAY) == [[0.0]]

    await measure(backend, cp, transaction.ocpp_transaction_id, [(MIDNIGHT - HOUR, 50_000.0), (MIDNIGHT + HOUR, 50_400.0)])
    await finish(backend, cp, transaction, (MIDNIGHT + 2 * HOUR, 51_000.0))

    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT) == [[0.0], [1000.0]]
    assert (await stored(backend, transaction)).energy_wh == 1000.0


async def test_a_transaction_nobody_ever_measured_has_no_energy(backend: Backend, cp: Station) -> None:
    transaction = await charge(backend, cp, (MIDNIGHT - HOUR, None))
    await finish(backend, cp, transaction, (MIDNIGHT + HOUR, None))

    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT) == [[0.0], [0.0]]


async def test_a_meter_that_goes_back_makes_no_negative_day(backend: Backend, cp: Station) -> None:
    registers = [(MIDNIGHT - HOUR, 5000.0), (MIDNIGHT - timedelta(minutes=1), 4000.0), (MIDNIGHT + HOUR, 4500.0)]
    await charge(backend, cp, (MIDNIGHT - 2 * HOUR, 1000.0), *registers, end=(MIDNIGHT + 2 * HOUR, 5200.0))

    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT) == [[4000.0], [200.0]]


async def test_registers_measured_in_the_vehicle_do_not_count(backend: Backend, cp: Station) -> None:
    transaction = await charge(backend, cp, (MIDNIGHT - HOUR, 0.0), (MIDNIGHT - timedelta(minutes=2), 100.0))
    await measure(backend, cp, transaction.ocpp_transaction_id, [(MIDNIGHT - timedelta(minutes=1), 150.0)], location="EV")
    await finish(backend, cp, transaction, (MIDNIGHT + HOUR, 200.0))

    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT) == [[100.0], [100.0]]


async def test_one_that_ends_at_midnight_is_of_the_day_before_and_one_that_begins_then_of_the_day(backend: Backend, cp: Station) -> None:
    await charge(backend, cp, (MIDNIGHT - HOUR, 0.0), end=(MIDNIGHT, 300.0))
    await charge(backend, cp, (MIDNIGHT, 300.0), end=(MIDNIGHT, 310.0))
    await charge(backend, cp, (MIDNIGHT, 310.0), end=(MIDNIGHT + HOUR, 350.0))

    assert await by_day(backend, cp, MIDNIGHT - DAY, MIDNIGHT) == [[300.0], [10.0, 40.0]]


async def test_a_day_of_25_hours_has_the_energy_of_25_hours(backend: Backend, cp: Station) -> None:
    start, end = day_bounds(date(2026, 10, 25), "Europe/Berlin")
    hourly = [(start + n * HOUR, 100.0 * n) for n in range(27)]
    await charge(backend, cp, (start - HOUR, 0.0), *hourly, end=(end + 3 * HOUR, 2800.0))

    (row,) = await energies(backend, cp, start, end)
    assert row.energy_wh == 2500.0


async def test_rows_are_of_the_depot_alone_and_in_order(backend: Backend) -> None:
    seeded = await new_fleet(backend)
    first, last = [await station_of(backend, seeded.tenant_id, identity) for identity in ("CP-1", "CP-4")]
    other = await station_of(backend, (await new_fleet(backend)).tenant_id)
    await charge(backend, other, (MIDNIGHT, 0.0), end=(MIDNIGHT + HOUR, 1.0))
    await charge(backend, last, (MIDNIGHT, 0.0), end=(MIDNIGHT + HOUR, 42.0), evse_no=2, id_tag="NOBODY")
    await charge(backend, last, (MIDNIGHT, 0.0), end=(MIDNIGHT + HOUR, 41.0), evse_no=1)
    await charge(backend, first, (MIDNIGHT, 0.0), end=(MIDNIGHT + HOUR, 11.0))

    rows = await energies(backend, first, MIDNIGHT, MIDNIGHT + DAY)

    assert [(r.charge_point_identity, r.evse_no, r.vehicle_name, r.energy_wh) for r in rows] == [
        ("CP-1", 1, "Bus 1", 11.0),
        ("CP-4", 1, "Bus 1", 41.0),
        ("CP-4", 2, None, 42.0),
    ]


turns = itertools.count()
minutes = st.integers(0, 3 * 24 * 60)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    samples=st.lists(st.tuples(minutes, st.integers(0, 50_000)), max_size=6),
    begin=st.none() | st.integers(0, 20_000),
    last=st.none() | st.integers(0, 60_000),
    length=minutes,
)
async def test_the_days_of_a_transaction_add_up_to_it(
    backend: Backend, cp: Station, samples: list[tuple[int, int]], begin: int | None, last: int | None, length: int
) -> None:
    # A time of its own for each example: a charge point measures one register at a time.
    started = MIDNIGHT - DAY + 7 * HOUR - next(turns) * 10 * DAY
    at = [(started + timedelta(minutes=minute), float(wh)) for minute, wh in samples]
    transaction = await charge(backend, cp, (started, None if begin is None else float(begin)), *at)
    whole = (await stored(backend, transaction)).energy_wh
    assert await _sum(backend, cp, transaction, started) == whole

    report = Report(at=started + timedelta(minutes=length), ocpp_transaction_id=transaction.ocpp_transaction_id, register_wh=last)
    ended = (await transactions.end(backend, cp, report)).transaction
    assert await _sum(backend, cp, transaction, started) == ended.energy_wh


async def _sum(backend: Backend, cp: Station, transaction: Transaction, started: datetime) -> float:
    first = started.replace(hour=23) - DAY
    spans = [await energies(backend, cp, first + n * DAY, first + (n + 1) * DAY) for n in range(6)]
    parts = [row.energy_wh for span in spans for row in span if row.transaction_id == transaction.id]
    assert min(parts) >= 0
    return sum(parts)
