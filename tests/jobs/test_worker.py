"""The worker as a whole: its loops run, come back after failures, and end when told to."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.engine import make_url

from ampyard.domain.access import system_principal
from ampyard.domain.charge_points import OcppVersion
from ampyard.domain.commands import CommandKind, CommandState
from ampyard.jobs import relay, work_queue, worker
from ampyard.jobs.worker import run_worker
from ampyard.migrations import upgrade
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.commands import Commands
from ampyard.repositories.database import Database, connect_asyncpg
from ampyard.repositories.depots import Depots
from ampyard.repositories.files import FileStore
from ampyard.repositories.reports import Reports
from ampyard.server.embedded import EmbeddedServers
from ampyard.services import charge_points, commands, reports
from ampyard.services.backend import Backend
from tests.charging import charge, station_of
from tests.fleet import new_fleet, user
from tests.patience import eventually, until
from tests.published import arrived, write
from tests.queued import queued_days

DAY = date(2026, 11, 1)
NOON = datetime(2026, 11, 1, 11, 0, tzinfo=UTC)

Running = Callable[[Backend], AbstractAsyncContextManager["asyncio.Task[None]"]]


async def tick(backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> None:
    """Share no power: the planner has tests of its own."""


@dataclass(frozen=True)
class Place:
    """Where the database is that the workers of these tests work on."""

    database_url: str
    database_owner_url: str


@pytest.fixture(scope="module")
async def place(servers: EmbeddedServers) -> AsyncIterator[Place]:
    """A database of its own: a worker works for all tenants, and would have those of all other tests to see to first."""
    name = f"worker_{uuid.uuid4().hex[:8]}"
    urls = (make_url(url).set(database=name) for url in (servers.database_url, servers.database_owner_url))
    admin = await connect_asyncpg(servers.database_owner_url)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        made = Place(*(url.render_as_string(hide_password=False) for url in urls))
        await upgrade(made.database_owner_url, print)
        yield made
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture(scope="module", name="backend")
async def own_backend(backend: Backend, place: Place) -> AsyncIterator[Backend]:
    """The ports as ever, on the database of these tests."""
    database = Database(place.database_url)
    yield replace(backend, database=database)
    await database.dispose()


@pytest.fixture
def running(place: Place) -> Running:
    """Run a worker for a while; it must end by itself within 5 seconds of being told."""

    @asynccontextmanager
    async def run(backend: Backend) -> AsyncIterator["asyncio.Task[None]"]:
        stop = asyncio.Event()
        task = asyncio.create_task(run_worker(backend, place.database_url, tick=tick, stop=stop))
        try:
            yield task
            assert not task.done()
        finally:
            stop.set()
            await asyncio.wait_for(task, 5)

    return run


async def depot_of(backend: Backend, tenant_id: uuid.UUID) -> uuid.UUID:
    async with backend.database.snapshot(tenant_id) as snapshot:
        return (await Depots(snapshot).where())[0].id


async def request(backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> None:
    async with backend.unit_of_work(system_principal(tenant_id, "test")) as work:
        assert await reports.request_daily_energy(work, depot_id, DAY)
        await work.commit()


async def report_days(backend: Backend, tenant_id: uuid.UUID) -> list[date]:
    async with backend.database.snapshot(tenant_id) as snapshot:
        return [report.day for report in await Reports(snapshot).where(order_by=[Reports.table.c.day])]


async def comes_to(look: Callable[[], Awaitable[object]], wanted: object, *, timeout_s: float = 8.0) -> None:
    await eventually(look, lambda seen: seen == wanted, timeout_s)


async def test_a_worker_relays_plans_and_sweeps(backend: Backend, place: Place) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    depot_id = await depot_of(backend, tenant_id)
    minutes_ago = replace(backend, clock=lambda: datetime.now(UTC) - timedelta(minutes=2))
    cp = await station_of(backend, tenant_id)
    await charge_points.connected(minutes_ago, cp, OcppVersion.V16)
    async with minutes_ago.unit_of_work(user(tenant_id)) as work:
        command = await commands.give(work, cp.charge_point_id, CommandKind.SET_DEFAULT_LIMIT, {})
        await work.commit()
    ticked: set[uuid.UUID] = set()

    async def remember(_: Backend, __: uuid.UUID, depot: uuid.UUID) -> None:
        ticked.add(depot)

    async def state() -> tuple[bool, CommandState]:
        async with backend.database.snapshot(tenant_id) as snapshot:
            charge_point = await ChargePoints(snapshot).by_id(cp.charge_point_id)
            given = await Commands(snapshot).by_id(command.id)
        assert charge_point is not None
        assert given is not None
        return charge_point.connected, given.state

    assert await state() == (True, CommandState.PENDING)
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(backend, place.database_url, tick=remember, stop=stop))
    stream = backend.events.stream
    try:
        await comes_to(state, (False, CommandState.EXPIRED))
        await until(lambda: depot_id in ticked)
        kinds = [event.kind for event in await arrived(stream, tenant_id, 3)]
        assert sorted(kinds) == ["charge_point.updated", "charge_point.updated", "command.updated"]
    finally:
        # Else it would go on below the tests that come after, and take away what theirs publish.
        stop.set()
        await asyncio.wait_for(task, 5)
    await write(backend, tenant_id, 1)
    with pytest.raises(TimeoutError):
        await arrived(stream, tenant_id, 4, timeout_s=0.2)


async def test_a_requested_report_is_written(backend: Backend, place: Place, running: Running) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    depot_id = await depot_of(backend, tenant_id)
    await charge(backend, await station_of(backend, tenant_id), (NOON, 0.0), end=(NOON + timedelta(hours=1), 5000.0))
    await request(backend, tenant_id, depot_id)

    async with running(backend):
        await comes_to(lambda: report_days(backend, tenant_id), [DAY])
        # Requested again while the worker runs, it is written again.
        await comes_to(lambda: queued_days(place.database_url, depot_id), [])
        await comes_to(lambda: _try_request(backend, tenant_id, depot_id), wanted=True)
        await comes_to(lambda: queued_days(place.database_url, depot_id), [])

    assert await report_days(backend, tenant_id) == [DAY]


async def _try_request(backend: Backend, tenant_id: uuid.UUID, depot_id: uuid.UUID) -> bool:
    async with backend.unit_of_work(system_principal(tenant_id, "test")) as work:
        requested = await reports.request_daily_energy(work, depot_id, DAY)
        await work.commit()
    return requested


class _Faulty:
    """A file store that fails, or hangs, when one tenant's file is written."""

    def __init__(self, files: FileStore, tenant_id: uuid.UUID, fault: Callable[[], Awaitable[None]]) -> None:
        self._files = files
        self._tenant = str(tenant_id)
        self._fault = fault

    async def write(self, key: str, content: bytes, content_type: str) -> None:
        if key.startswith(self._tenant):
            await self._fault()
        await self._files.write(key, content, content_type)

    async def read(self, key: str) -> bytes | None:
        return await self._files.read(key)


async def test_a_report_that_fails_is_tried_again(backend: Backend, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "_FIRST_RETRY", timedelta(milliseconds=100))
    monkeypatch.setattr(work_queue, "_POLL", timedelta(milliseconds=100))
    tenant_id = (await new_fleet(backend)).tenant_id
    await request(backend, tenant_id, await depot_of(backend, tenant_id))
    failures = iter(range(2))

    async def fail_twice() -> None:
        if next(failures, None) is not None:
            raise OSError("The bucket is out of reach.")

    async with running(replace(backend, files=_Faulty(backend.files, tenant_id, fail_twice))):
        await comes_to(lambda: report_days(backend, tenant_id), [DAY])

    assert next(failures, None) is None


async def test_due_reports_are_requested_and_written_by_schedule(backend: Backend, place: Place, running: Running) -> None:
    set_up = replace(backend, clock=lambda: NOON)
    tenant_id = (await new_fleet(set_up)).tenant_id
    owner = await connect_asyncpg(place.database_owner_url)

    async def schedules() -> dict[str, str]:
        return {row["entrypoint"]: row["expression"] for row in await owner.fetch("SELECT * FROM pgqueuer_schedules")}

    try:
        async with running(backend):
            await comes_to(schedules, {"due_reports": "*/10 * * * *", "retention": "15 * * * *", "shared_retention": "45 * * * *"})
        assert await report_days(backend, tenant_id) == []

        # The next turn has come while no worker ran.
        await owner.execute("UPDATE pgqueuer_schedules SET next_run = now() - interval '1 second'")
        four_days_later = replace(backend, clock=lambda: NOON + timedelta(days=4))
        async with running(four_days_later):
            # The depots of all other tests' tenants have theirs due, too.
            await comes_to(lambda: report_days(backend, tenant_id), [DAY + timedelta(days=n) for n in range(4)], timeout_s=120.0)
    finally:
        await owner.close()


async def test_a_job_that_hangs_does_not_keep_the_worker_from_ending(
    backend: Backend, place: Place, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_FINISH_S", 0.3)
    tenant_id = (await new_fleet(backend)).tenant_id
    await request(backend, tenant_id, await depot_of(backend, tenant_id))
    writing = asyncio.Event()

    async def hang() -> None:
        writing.set()
        await asyncio.Event().wait()

    async with running(replace(backend, files=_Faulty(backend.files, tenant_id, hang))):
        await asyncio.wait_for(writing.wait(), 8)
        told = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - told < 2.5
    assert await report_days(backend, tenant_id) == []


async def test_a_job_that_runs_when_the_worker_is_to_end_is_finished(backend: Backend, running: Running) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    await request(backend, tenant_id, await depot_of(backend, tenant_id))
    writing = asyncio.Event()

    async def take_a_while() -> None:
        writing.set()
        await asyncio.sleep(0.3)

    async with running(replace(backend, files=_Faulty(backend.files, tenant_id, take_a_while))):
        await asyncio.wait_for(writing.wait(), 8)

    assert await report_days(backend, tenant_id) == [DAY]


async def test_a_loop_that_fails_is_started_again_and_the_others_go_on(
    backend: Backend, running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "_SETTLED_S", 0.2)
    caplog.set_level(logging.INFO, "ampyard.jobs.worker")
    starts: list[float] = []

    async def fail_twice(*ports: object) -> None:
        starts.append(asyncio.get_running_loop().time())
        if len(starts) < 3:
            raise RuntimeError("Something nobody thought of.")
        await relay.run_relay(*ports)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(worker, "run_relay", fail_twice)
    tenant_id = (await new_fleet(backend)).tenant_id
    await request(backend, tenant_id, await depot_of(backend, tenant_id))
    await write(backend, tenant_id, 1)

    async with running(backend):
        await comes_to(lambda: report_days(backend, tenant_id), [DAY])
        await arrived(backend.events.stream, tenant_id, 1)
        await until(lambda: len(caplog.records) == 2)

    assert len(starts) == 3
    assert starts[2] - starts[1] > starts[1] - starts[0] >= 0.25
    assert caplog.messages == [
        "The outbox relay fails (Something nobody thought of.); it is tried again until it works.",
        "The outbox relay works again, after 2 failed tries.",
    ]
    assert caplog.records[0].exc_info is not None


async def test_the_job_queue_comes_back_when_its_connection_is_lost(
    backend: Backend, place: Place, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_queue, "_POLL", timedelta(seconds=0.3))
    tenant_id = (await new_fleet(backend)).tenant_id
    depot_id = await depot_of(backend, tenant_id)
    owner = await connect_asyncpg(place.database_owner_url)
    try:
        async with running(backend):
            listening = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ampyard job queue'"
            await eventually(lambda: owner.fetch(listening), bool)
            await request(backend, tenant_id, depot_id)
            await comes_to(lambda: report_days(backend, tenant_id), [DAY])
    finally:
        await owner.close()


async def test_a_worker_makes_missing_partitions_when_it_starts(backend: Backend, place: Place, running: Running) -> None:
    owner = await connect_asyncpg(place.database_owner_url)
    try:
        # The last of those that a worker makes; other tests may have made further ones.
        name = await owner.fetchval("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 months', '\"meter_sample_\"YYYY_MM')")
        there = f"SELECT to_regclass('public.{name}')::text"
        await owner.execute(f"DROP TABLE {name}")
        assert await owner.fetchval(there) is None
        async with running(backend):
            await comes_to(lambda: owner.fetchval(there), name)
    finally:
        await owner.close()
