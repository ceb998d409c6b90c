"""What has served its time goes, and nothing else; what will be needed is there in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.commands import CommandKind, CommandState
from ampyard.repositories.commands import Commands
from ampyard.repositories.database import connect_asyncpg
from ampyard.repositories.requests import Request, answered
from ampyard.server.embedded import EmbeddedServers
from ampyard.services import commands, retention
from ampyard.services.backend import Backend
from tests.charging import station_of
from tests.fleet import new_fleet, user

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def at(backend: Backend, moment: datetime) -> Backend:
    return replace(backend, clock=lambda: moment)


async def test_commands_go_a_week_after_they_ended(backend: Backend) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    cp = await station_of(backend, tenant_id)
    ended_before = {"open": None, "old": timedelta(days=7, seconds=1), "young": timedelta(days=6, hours=23)}
    for name, age in ended_before.items():
        async with at(backend, NOW - timedelta(days=20)).unit_of_work(user(tenant_id)) as work:
            command = await commands.give(work, cp.charge_point_id, CommandKind.SET_DEFAULT_LIMIT, {"name": name})
            await work.commit()
        if age is not None:
            assert await commands.finish(at(backend, NOW - age), tenant_id, command.id, CommandState.ACCEPTED, "done") is not None

    removed = await retention.remove_outdated(at(backend, NOW), tenant_id)

    assert removed == 1
    async with backend.database.snapshot(tenant_id) as snapshot:
        assert {command.payload["name"] for command in await Commands(snapshot).where()} == {"open", "young"}


async def test_answers_to_idempotency_keys_are_kept_for_a_week(backend: Backend) -> None:
    tenant_id = (await new_fleet(backend)).tenant_id
    for name, age in {"old": timedelta(days=7, seconds=1), "young": timedelta(days=6, hours=23)}.items():
        async with replace(at(backend, NOW - age), request=Request(name, "test", "digest")).unit_of_work(user(tenant_id)) as work:
            work.answers()
            await work.commit()

    await retention.remove_outdated(at(backend, NOW), tenant_id)

    async with backend.database.snapshot(tenant_id) as snapshot:
        assert await answered(snapshot, "user:tester", "old") is None
        assert await answered(snapshot, "user:tester", "young") is not None


async def test_the_job_queues_log_goes_after_30_days(backend: Backend, servers: EmbeddedServers) -> None:
    owner = await connect_asyncpg(servers.database_owner_url)
    try:
        for days in (29, 31):
            insert = "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint) VALUES ($1, 1, 'successful', 0, $2)"
            await owner.execute(insert, NOW - timedelta(days=days), "retention test")

        await retention.remove_shared(at(backend, NOW))

        left = await owner.fetch("SELECT created FROM pgqueuer_log WHERE entrypoint = 'retention test'")
        assert [row["created"] for row in left] == [NOW - timedelta(days=29)]
    finally:
        await owner.close()


@pytest.mark.parametrize("table", ["meter_sample", "node_load", "site_meter_reading"])
async def test_partitions_of_the_coming_two_months_are_made_where_missing(backend: Backend, servers: EmbeddedServers, table: str) -> None:
    owner = await connect_asyncpg(servers.database_owner_url)
    months = f"SELECT relname FROM pg_class WHERE relname ~ '^{table}_[0-9]{{4}}_[0-9]{{2}}$' AND relkind = 'r' ORDER BY relname"  # noqa: S608 - a name of our own
    try:
        await retention.make_partitions(backend)
        before = [row["relname"] for row in await owner.fetch(months)]
        assert len(before) >= 4
        # The last of those that are made; other tests may have made further ones.
        last = await owner.fetchval(f"SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 months', '\"{table}_\"YYYY_MM')")
        assert last in before
        await owner.execute(f"DROP TABLE {last}")

        assert await retention.make_partitions(backend) == 1

        assert [row["relname"] for row in await owner.fetch(months)] == before
        assert await retention.make_partitions(backend) == 0
    finally:
        await owner.close()


async def test_loads_and_readings_go_by_months_once_they_are_old_enough(backend: Backend, servers: EmbeddedServers) -> None:
    owner = await connect_asyncpg(servers.database_owner_url)
    names = "'^(node_load|site_meter_reading|meter_sample)_20(20|21)'"
    shared = f"SELECT relname FROM pg_class WHERE relname ~ {names} AND relkind = 'r' ORDER BY relname"  # noqa: S608 - names of our own
    try:
        for table in ("node_load", "site_meter_reading", "meter_sample"):
            for year, month, following in ((2020, "2020-12-01", "2021-01-01"), (2021, "2021-01-01", "2021-02-01")):
                part = f"{table}_{year}_{month[5:7]}"
                await owner.execute(f"CREATE TABLE {part} PARTITION OF {table} FOR VALUES FROM ('{month}') TO ('{following}')")

        # 400 days after the last of December 2020, and a day less.
        await retention.remove_shared(at(backend, datetime(2022, 2, 4, tzinfo=UTC)))
        assert len(await owner.fetch(shared)) == 6
        await retention.remove_shared(at(backend, datetime(2022, 2, 5, tzinfo=UTC)))

        left = [row["relname"] for row in await owner.fetch(shared)]
        # Samples are what is billed by: they stay.
        assert left == ["meter_sample_2020_12", "meter_sample_2021_01", "node_load_2021_01", "site_meter_reading_2021_01"]
    finally:
        await owner.execute(
            "DROP TABLE IF EXISTS meter_sample_2020_12, meter_sample_2021_01, node_load_2021_01, site_meter_reading_2021_01"
        )
        await owner.close()
