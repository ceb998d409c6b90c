"""What is done to tables in use after a revision: from nothing, from what an interrupted run has left, and again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from ampyard.migrations import describe, upgrade
from ampyard.migrations.steps import Step, StepKind, partition_index
from ampyard.migrations.waiting import LOCK_WAIT_S
from ampyard.repositories.database import connect_asyncpg
from tests.migrations.release import as_application, release_0_1_0, writer
from tests.patience import until

INDEX = Step(StepKind.CREATE_INDEX, "ix_transaction_try", "transaction", "USING btree (stop_reason) WHERE ended_at IS NOT NULL")
UNIQUE = Step(StepKind.CREATE_UNIQUE_INDEX, "uq_transaction_try", "transaction", "USING btree (charge_point_id, started_at)")
PARTS = Step(StepKind.CREATE_INDEX, "ix_meter_sample_try", "meter_sample", "USING btree (measurand, sampled_at)")
CHECK = Step(StepKind.ADD_CONSTRAINT, "ck_transaction_try", "transaction", "CHECK (energy_wh >= 0)")
KEY = Step(StepKind.ADD_CONSTRAINT, "fk_report_try", "report", "FOREIGN KEY (tenant_id) REFERENCES tenant (id) ON DELETE CASCADE")
CONSTRAINT = Step(StepKind.ADD_UNIQUE, "uq_vehicle_try", "vehicle", "(tenant_id, license_plate)")
ALL = (INDEX, UNIQUE, PARTS, CHECK, KEY, CONSTRAINT)


@pytest.fixture
async def owner(owner_url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    await release_0_1_0(owner_url)
    connection = await connect_asyncpg(owner_url)
    yield connection
    await connection.close()


async def leave(owner: "asyncpg.Connection[Any]", *steps: Step) -> None:
    """Leave steps behind as a run that was cut off after its revision does."""
    for step in steps:
        await owner.execute(
            "INSERT INTO migration_step (revision, kind, name, table_name, definition) VALUES ('0001', $1, $2, $3, $4)",
            step.kind.value,
            step.name,
            step.table,
            step.definition,
        )


async def finish(owner_url: str) -> list[str]:
    told: list[str] = []
    await upgrade(owner_url, told.append, to="0001")
    return told


async def indexes(owner: "asyncpg.Connection[Any]") -> dict[str, bool]:
    rows = await owner.fetch(
        "SELECT indexrelid::regclass::text AS name, indisvalid FROM pg_index WHERE indexrelid::regclass::text ~ '_try'"
    )
    return {row["name"]: row["indisvalid"] for row in rows}


async def constraints(owner: "asyncpg.Connection[Any]") -> dict[str, bool]:
    rows = await owner.fetch("SELECT conname, convalidated FROM pg_constraint WHERE conname ~ '_try$'")
    return {row["conname"]: row["convalidated"] for row in rows}


async def partitions(owner: "asyncpg.Connection[Any]") -> list[str]:
    rows = await owner.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'meter_sample'::regclass ORDER BY 1"
    )
    return [row["name"] for row in rows]


async def test_all_steps_are_carried_out_while_the_fleet_goes_on_charging(owner: "asyncpg.Connection[Any]", owner_url: str) -> None:
    await leave(owner, *ALL)
    planned = await describe(owner_url)
    async with writer(owner_url) as writing:
        told = await finish(owner_url)

    names = [INDEX.name, UNIQUE.name, PARTS.name, CONSTRAINT.name, *(partition_index(PARTS.name, part) for part in await partitions(owner))]
    assert await indexes(owner) == dict.fromkeys(names, True)
    assert await constraints(owner) == dict.fromkeys([CHECK.name, KEY.name, CONSTRAINT.name], True)
    assert planned[0] == "Left of revision 0001, afterwards: create index ix_transaction_try on transaction"
    assert told[0] == "  0001, afterwards: create index ix_transaction_try on transaction"
    assert await owner.fetchval("SELECT count(*) FROM migration_step") == 0
    assert writing.rounds > 0
    assert writing.longest_wait_s < 1


async def test_steps_that_have_been_done_are_left_as_they_are(owner: "asyncpg.Connection[Any]", owner_url: str) -> None:
    await leave(owner, *ALL)
    await finish(owner_url)
    before = await owner.fetch("SELECT oid FROM pg_class WHERE relname ~ '_try' ORDER BY 1")

    await leave(owner, *ALL)
    await finish(owner_url)

    assert await owner.fetch("SELECT oid FROM pg_class WHERE relname ~ '_try' ORDER BY 1") == before


async def test_an_index_that_an_interrupted_run_left_invalid_is_made_anew(owner: "asyncpg.Connection[Any]", owner_url: str) -> None:
    first = (await partitions(owner))[0]
    for table, name in (("transaction", INDEX.name), (first, partition_index(PARTS.name, first))):
        await _leave_invalid(owner_url, table, name)
    assert await indexes(owner) == {INDEX.name: False, partition_index(PARTS.name, first): False}

    await leave(owner, INDEX, PARTS)
    await finish(owner_url)

    names = [INDEX.name, PARTS.name, *(partition_index(PARTS.name, part) for part in await partitions(owner))]
    assert await indexes(owner) == dict.fromkeys(names, True)
    assert "(stop_reason)" in await owner.fetchval("SELECT pg_get_indexdef($1::regclass)", INDEX.name)


async def _leave_invalid(owner_url: str, table: str, name: str) -> None:
    """Have an index fail half made: it waits for somebody who writes to the table, and is cut off meanwhile."""
    writing, cut_off = await connect_asyncpg(owner_url), await connect_asyncpg(owner_url)
    await writing.execute(f"BEGIN; LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
    await cut_off.execute("SET statement_timeout = 300")
    with pytest.raises(asyncpg.QueryCanceledError):
        await cut_off.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} (id)")
    await writing.close()
    await cut_off.close()


async def test_a_partition_that_came_meanwhile_is_indexed_too(owner: "asyncpg.Connection[Any]", owner_url: str) -> None:
    # As an interrupted run leaves it: the index of the whole is there, those of the partitions are not.
    await owner.execute(PARTS.index_on_only())
    await owner.execute("CREATE TABLE meter_sample_2001_01 PARTITION OF meter_sample FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')")
    await leave(owner, PARTS)
    await finish(owner_url)

    assert await owner.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass", PARTS.name)
    indexed = await owner.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = $1::regclass", PARTS.name)
    assert indexed == len(await partitions(owner))


async def test_indexes_are_dropped_if_they_are_there(owner: "asyncpg.Connection[Any]", owner_url: str) -> None:
    await leave(owner, INDEX, PARTS)
    await finish(owner_url)
    drops = [Step(StepKind.DROP_INDEX, step.name, step.table, "") for step in (INDEX, PARTS)]
    await leave(owner, *drops, *drops)
    await finish(owner_url)
    assert await indexes(owner) == {}


async def test_rows_that_break_a_check_stop_the_run_which_can_be_gone_on_with(owner: "asyncpg.Connection[Any]", owner_url: str) -> None:
    old = await as_application(owner_url)
    await old.execute("UPDATE transaction SET energy_wh = -1 WHERE state = 'ACTIVE'")
    await leave(owner, CHECK, INDEX)

    with pytest.raises(asyncpg.CheckViolationError):
        await finish(owner_url)
    assert await constraints(owner) == {CHECK.name: False}
    # From now on no more such rows come.
    with pytest.raises(asyncpg.CheckViolationError):
        await old.execute("UPDATE transaction SET energy_wh = -2 WHERE state = 'ENDED'")

    await old.execute("UPDATE transaction SET energy_wh = 0 WHERE state = 'ACTIVE'")
    await finish(owner_url)
    assert await constraints(owner) == {CHECK.name: True}
    assert await indexes(owner) == {INDEX.name: True}
    await old.close()


async def test_who_is_waited_for_is_told(owner: "asyncpg.Connection[Any]", owner_url: str) -> None:
    old = await as_application(owner_url)
    await old.execute("BEGIN; UPDATE transaction SET energy_wh = 1")
    await leave(owner, INDEX)
    told: list[str] = []
    running = asyncio.create_task(upgrade(owner_url, told.append, to="0001"))
    await until(lambda: any(" waits " in line for line in told))
    await old.execute("COMMIT")
    await running

    waits = next(line for line in told if " waits " in line)
    assert waits == (
        "Revision 0001, create index ix_transaction_try on transaction, waits (for the transaction of release 0.1.0, "
        f"process {old.get_server_pid()})."
    )
    assert await indexes(owner) == {INDEX.name: True}
    await old.close()


async def test_a_lock_that_stops_writers_is_given_up_soon_and_tried_again(owner: "asyncpg.Connection[Any]", owner_url: str) -> None:
    reader = await as_application(owner_url)
    await reader.execute("BEGIN; SELECT count(*) FROM transaction")
    await leave(owner, CHECK)
    told: list[str] = []
    async with writer(owner_url) as writing:
        running = asyncio.create_task(upgrade(owner_url, told.append, to="0001"))
        await until(lambda: any("trying again" in line for line in told))
        await reader.execute("COMMIT")
        await running

    assert await constraints(owner) == {CHECK.name: True}
    assert writing.waited_for == {"transaction"}
    assert writing.longest_wait_s < LOCK_WAIT_S + 0.5
    await reader.close()


async def test_two_who_migrate_do_so_one_after_another(owner: "asyncpg.Connection[Any]", owner_url: str) -> None:
    await leave(owner, *ALL)
    await asyncio.gather(finish(owner_url), finish(owner_url))
    assert set(await constraints(owner)) == {CHECK.name, KEY.name, CONSTRAINT.name}
    assert all((await indexes(owner)).values())


def test_names_of_partitions_indexes_are_short_enough_and_differ() -> None:
    long = "ix_meter_sample_of_a_name_that_is_as_long_as_may_be"
    names = [partition_index(long, f"meter_sample_2026_{month:02}") for month in (1, 2)]
    assert partition_index("ix_a", "b") == "b_ix_a"
    assert [len(name) for name in names] == [63, 63]
    assert names[0] != names[1]
