"""Daily energy reports: written once a day and depot, made up for when missed, corrected when late news comes, read by scope."""

import csv
import io
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ampyard.domain.access import Scope, system_principal
from ampyard.domain.errors import ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.reports import Report
from ampyard.domain.supply import PowerNodeKind
from ampyard.repositories.depots import Depots
from ampyard.repositories.reports import Reports
from ampyard.server.embedded import EmbeddedServers
from ampyard.services import reports
from ampyard.services.backend import Backend
from ampyard.services.seeding import DepotSpec, NodeSpec, Seeded, seed
from tests.charging import charge, finish, measure, station_of
from tests.fleet import fleet_spec, new_fleet, user
from tests.queued import queued_days

# The fleet's depot is in Berlin; it was set up at noon of 1 November (UTC+1).
SET_UP = datetime(2026, 11, 1, 11, 0, tzinfo=UTC)
FIRST = date(2026, 11, 1)
MIDNIGHT = datetime(2026, 11, 1, 23, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(backend: Backend, moment: datetime) -> Backend:
    return replace(backend, clock=lambda: moment)


async def new_depot(backend: Backend) -> tuple[Seeded, uuid.UUID]:
    seeded = await new_fleet(at(backend, SET_UP))
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        (depot,) = await Depots(snapshot).where()
    return seeded, depot.id


async def all_reports(backend: Backend, tenant_id: uuid.UUID) -> list[Report]:
    async with backend.database.snapshot(tenant_id) as snapshot:
        return await Reports(snapshot).where(order_by=[Reports.table.c.day])


async def due_days(backend: Backend, tenant_id: uuid.UUID, moment: datetime) -> list[date]:
    return [due.day for due in await reports.due_reports(at(backend, moment), tenant_id)]


def kwh(content: bytes) -> list[str]:
    return [line["energy_kwh"] for line in csv.DictReader(io.StringIO(content.decode(), newline=""))]


async def test_a_report_is_written_stored_and_read(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)
    cp = await station_of(backend, seeded.tenant_id)
    await charge(backend, cp, (SET_UP, 1000.0), end=(SET_UP + HOUR, 8500.0))
    await charge(backend, cp, (MIDNIGHT - HOUR, 8500.0), (MIDNIGHT, 9000.0), end=(MIDNIGHT + HOUR, 9900.0))

    written = await reports.write_daily_energy(at(backend, MIDNIGHT + HOUR), seeded.tenant_id, depot_id, FIRST)
    report, content = await reports.read_report(backend, user(seeded.tenant_id, Scope.REPORTS_READ), written.id)

    assert report == written
    assert (report.depot_id, report.day, report.energy_wh) == (depot_id, FIRST, 8000.0)
    assert report.file_key == f"{seeded.tenant_id}/daily-energy/{depot_id}/2026-11-01.csv"
    assert (report.file_name, report.content_type) == ("daily-energy-central-2026-11-01.csv", "text/csv; charset=utf-8; header=present")
    assert report.size_bytes == len(content)
    assert kwh(content) == ["7.500", "0.500"]


async def test_a_day_without_transactions_has_a_report_with_the_header_alone(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)

    written = await reports.write_daily_energy(backend, seeded.tenant_id, depot_id, FIRST)
    _, content = await reports.read_report(backend, user(seeded.tenant_id), written.id)

    assert (written.energy_wh, kwh(content), content.count(b"\r\n")) == (0.0, [], 1)


async def test_written_again_it_keeps_its_id_and_has_the_new_content(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)
    cp = await station_of(backend, seeded.tenant_id)
    first = await reports.write_daily_energy(at(backend, MIDNIGHT + HOUR), seeded.tenant_id, depot_id, FIRST)
    await charge(backend, cp, (SET_UP, 0.0), end=(SET_UP + HOUR, 400.0))

    second = await reports.write_daily_energy(at(backend, MIDNIGHT + 2 * HOUR), seeded.tenant_id, depot_id, FIRST)

    assert (second.id, second.created_at) == (first.id, first.created_at)
    assert (second.energy_wh, second.updated_at) == (400.0, MIDNIGHT + 2 * HOUR)
    assert await all_reports(backend, seeded.tenant_id) == [second]
    assert kwh((await reports.read_report(backend, user(seeded.tenant_id), first.id))[1]) == ["0.400"]


async def test_a_day_that_has_not_begun_there_is_refused_and_nothing_is_kept(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)
    # 2 November has begun in Berlin, not yet in Greenwich; 3 November in neither.
    now = at(backend, MIDNIGHT + timedelta(minutes=30))

    await reports.write_daily_energy(now, seeded.tenant_id, depot_id, date(2026, 11, 2))
    with pytest.raises(InvalidInputError, match=r"2026-11-03 has not begun at depot Central \(Europe/Berlin\), where it is 2026-11-02"):
        await reports.write_daily_energy(now, seeded.tenant_id, depot_id, date(2026, 11, 3))

    assert [report.day for report in await all_reports(backend, seeded.tenant_id)] == [date(2026, 11, 2)]


async def test_an_unknown_depot_is_refused(backend: Backend) -> None:
    seeded, _ = await new_depot(backend)
    _, foreign = await new_depot(backend)
    for depot_id in (uuid.uuid4(), foreign):
        with pytest.raises(NotFoundError, match=f"There is no depot {depot_id}"):
            await reports.write_daily_energy(backend, seeded.tenant_id, depot_id, FIRST)


async def test_reading_needs_the_scope_the_tenant_the_row_and_the_file(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)
    other = await new_fleet(backend)
    report = await reports.write_daily_energy(backend, seeded.tenant_id, depot_id, FIRST)

    with pytest.raises(ForbiddenError, match="reports:read"):
        await reports.read_report(backend, user(seeded.tenant_id, Scope.FLEET_READ), report.id)
    for principal, report_id in ((user(other.tenant_id), report.id), (user(seeded.tenant_id), uuid.uuid4())):
        with pytest.raises(NotFoundError, match=f"There is no report {report_id}"):
            await reports.read_report(backend, principal, report_id)
    without_file = replace(backend, files=_NoFiles())
    with pytest.raises(NotFoundError, match="There is no report"):
        await reports.read_report(without_file, user(seeded.tenant_id), report.id)


class _NoFiles:
    async def write(self, *_: object) -> None:
        raise OSError("The store is out of reach.")

    async def read(self, _: str) -> None:
        return None


async def test_a_file_that_cannot_be_stored_leaves_no_row(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)

    with pytest.raises(OSError, match="out of reach"):
        await reports.write_daily_energy(replace(backend, files=_NoFiles()), seeded.tenant_id, depot_id, FIRST)

    assert await all_reports(backend, seeded.tenant_id) == []


async def test_complete_days_without_a_report_are_due_from_the_first_on(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)

    assert await due_days(backend, seeded.tenant_id, MIDNIGHT - timedelta(seconds=1)) == []
    assert await due_days(backend, seeded.tenant_id, MIDNIGHT) == [FIRST]

    await reports.write_daily_energy(at(backend, MIDNIGHT), seeded.tenant_id, depot_id, FIRST)
    assert await due_days(backend, seeded.tenant_id, MIDNIGHT) == []
    assert await due_days(backend, seeded.tenant_id, MIDNIGHT + 2 * timedelta(days=1)) == [date(2026, 11, 2), date(2026, 11, 3)]
    a_month_later = await due_days(backend, seeded.tenant_id, MIDNIGHT + timedelta(days=30))
    assert a_month_later == [date(2026, 11, 25) + timedelta(days=n) for n in range(7)]


async def test_a_report_of_the_running_day_is_due_again_when_it_is_over(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)
    await reports.write_daily_energy(at(backend, MIDNIGHT - HOUR), seeded.tenant_id, depot_id, FIRST)

    assert await due_days(backend, seeded.tenant_id, MIDNIGHT) == [FIRST]


async def test_what_ends_or_comes_late_makes_the_days_it_touches_due_once_more(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)
    second = date(2026, 11, 2)
    next_midnight = MIDNIGHT + timedelta(days=1)
    cp = await station_of(backend, seeded.tenant_id)

    async def write(day: date, moment: datetime) -> float:
        return (await reports.write_daily_energy(at(backend, moment), seeded.tenant_id, depot_id, day)).energy_wh

    # Over midnight a charge point is offline; what it measured before comes when it is back, after the report.
    over = await charge(at(backend, SET_UP), cp, (MIDNIGHT - HOUR, 0.0))
    assert await write(FIRST, MIDNIGHT) == 0.0
    back = at(backend, MIDNIGHT + 3 * HOUR)
    await measure(back, cp, over.ocpp_transaction_id, [(MIDNIGHT - timedelta(minutes=5), 600.0), (MIDNIGHT + HOUR, 700.0)])
    assert await due_days(backend, seeded.tenant_id, MIDNIGHT + 4 * HOUR) == []
    await finish(back, cp, over, (MIDNIGHT + 2 * HOUR, 900.0))
    assert await due_days(backend, seeded.tenant_id, MIDNIGHT + 4 * HOUR) == [FIRST]

    assert await write(FIRST, MIDNIGHT + 4 * HOUR) == 600.0
    assert await write(second, next_midnight) == 300.0
    assert await due_days(backend, seeded.tenant_id, next_midnight) == []

    # A whole transaction of the day before is delivered two days late.
    late = at(backend, next_midnight + HOUR)
    await charge(late, cp, (MIDNIGHT + 5 * HOUR, 900.0), end=(MIDNIGHT + 6 * HOUR, 1000.0))
    assert await due_days(backend, seeded.tenant_id, next_midnight + HOUR) == [second]
    assert await write(second, next_midnight + 2 * HOUR) == 400.0
    assert await due_days(backend, seeded.tenant_id, next_midnight + 2 * HOUR) == []


async def test_a_report_is_queued_with_the_commit_or_not_at_all(backend: Backend, servers: EmbeddedServers) -> None:
    seeded, depot_id = await new_depot(backend)
    principal = system_principal(seeded.tenant_id, "test")

    async with backend.unit_of_work(principal) as work:
        assert await reports.request_daily_energy(work, depot_id, FIRST)
    assert await queued_days(servers.database_url, depot_id) == []

    async with backend.unit_of_work(principal) as work:
        assert await reports.request_daily_energy(work, depot_id, FIRST)
        assert not await reports.request_daily_energy(work, depot_id, FIRST)
        await work.commit()
    assert await queued_days(servers.database_url, depot_id) == [FIRST]


async def test_due_reports_are_requested_once_while_they_wait(backend: Backend, servers: EmbeddedServers) -> None:
    seeded, depot_id = await new_depot(backend)
    later = at(backend, MIDNIGHT + timedelta(days=2))
    three_days = [FIRST + timedelta(days=n) for n in range(3)]

    assert await reports.request_due_reports(later, seeded.tenant_id) == 3
    assert await queued_days(servers.database_url, depot_id) == three_days
    assert await reports.request_due_reports(later, seeded.tenant_id) == 0
    assert await queued_days(servers.database_url, depot_id) == three_days


async def test_a_request_says_what_to_write(backend: Backend) -> None:
    seeded, depot_id = await new_depot(backend)
    payload = f'{{"tenant_id": "{seeded.tenant_id}", "depot_id": "{depot_id}", "day": "2026-11-01"}}'

    report = await reports.write_requested(backend, payload.encode())

    assert await all_reports(backend, seeded.tenant_id) == [report]
    assert (report.depot_id, report.day) == (depot_id, FIRST)


async def two_depots(backend: Backend) -> tuple[str, uuid.UUID]:
    slug = f"t-{uuid.uuid4().hex[:12]}"
    spec = fleet_spec(slug)
    far = DepotSpec("Waikiki", "Pacific/Honolulu", "Ala Moana 1", "96815", "Honolulu", "USA", 21.28, -157.83, _SUPPLY)
    seeded = await seed(at(backend, SET_UP), replace(spec, depots=(*spec.depots, far)), lambda _: None)
    return slug, seeded.tenant_id


_SUPPLY = NodeSpec("Grid", PowerNodeKind.GRID_CONNECTION, 100.0)


async def test_run_now_writes_the_last_complete_local_day_of_every_depot(backend: Backend) -> None:
    slug, tenant_id = await two_depots(backend)

    # In Berlin 5 November has just begun, in Honolulu it is noon of the 4th.
    written = await reports.run_daily_energy_now(at(backend, datetime(2026, 11, 4, 23, 0, tzinfo=UTC)), slug)

    assert [(report.file_name, report.tenant_id) for report in written] == [
        ("daily-energy-central-2026-11-04.csv", tenant_id),
        ("daily-energy-waikiki-2026-11-03.csv", tenant_id),
    ]


async def test_run_now_writes_one_depot_and_day(backend: Backend) -> None:
    slug, tenant_id = await two_depots(backend)

    written = await reports.run_daily_energy_now(backend, slug, "Waikiki", FIRST)

    assert [report.file_name for report in written] == ["daily-energy-waikiki-2026-11-01.csv"]
    assert await all_reports(backend, tenant_id) == written


async def test_run_now_says_what_is_wrong_and_what_would_be_right(backend: Backend) -> None:
    slug, tenant_id = await two_depots(backend)

    with pytest.raises(NotFoundError, match=rf"There is no tenant 'nobody'; known: .*{slug}"):
        await reports.run_daily_energy_now(backend, "nobody")
    with pytest.raises(NotFoundError, match=rf"Tenant '{slug}' has no depot 'East'; known: Central, Waikiki\."):
        await reports.run_daily_energy_now(backend, slug, "East")
    with pytest.raises(InvalidInputError, match="2026-11-04 has not begun at depot Central"):
        await reports.run_daily_energy_now(at(backend, MIDNIGHT), slug, None, date(2026, 11, 4))
    assert await all_reports(backend, tenant_id) == []
