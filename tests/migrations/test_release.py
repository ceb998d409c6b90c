"""From release 0.1.0 to the present and back, with rows in the tables and a fleet that goes on charging."""

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from ampyard.domain.errors import InvalidInputError
from ampyard.migrations import describe, downgrade, upgrade
from ampyard.migrations.describing import plans_up
from ampyard.migrations.errors import NoWayDownError
from ampyard.migrations.waiting import LOCK_WAIT_S
from ampyard.repositories.database import connect_asyncpg
from tests.migrations import release
from tests.migrations.release import TRANSACTIONS, as_application, catalogue, release_0_1_0, writer
from tests.migrations.revisions import REVISIONS


async def _revision(owner_url: str) -> str:
    connection = await connect_asyncpg(owner_url)
    revision = str(await connection.fetchval("SELECT version_num FROM alembic_version"))
    await connection.close()
    return revision


async def _catalogue(owner_url: str) -> set[str]:
    connection = await connect_asyncpg(owner_url)
    found = await catalogue(connection)
    await connection.close()
    return found


async def test_a_fleet_goes_on_charging_while_its_database_is_migrated(owner_url: str) -> None:
    await release_0_1_0(owner_url)
    async with writer(owner_url) as writing:
        await upgrade(owner_url, lambda _: None)

    connection = await as_application(owner_url)
    transactions = await connection.fetchval("SELECT count(*) FROM transaction")
    unfinished = await connection.fetchval("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
    unchecked = await connection.fetchval("SELECT count(*) FROM pg_constraint WHERE NOT convalidated")
    await connection.close()
    assert writing.rounds > 0
    # The wait for all the locks of a revision has a bound; the second is for the revision itself, which touches no rows.
    assert writing.longest_wait_s < LOCK_WAIT_S + 1
    assert (transactions, unfinished, unchecked) == (TRANSACTIONS, 0, 0)


async def test_no_revision_goes_through_a_table_while_writers_have_to_wait(owner_url: str) -> None:
    await release_0_1_0(owner_url)
    engine = create_async_engine(owner_url)
    async with engine.connect() as connection:
        plans = await connection.run_sync(plans_up)
    await engine.dispose()

    unknown = [f"{plan.revision}: {planned.sql}" for plan in plans for planned in (*plan.statements, *plan.afterwards) if not planned.known]
    # The locks are held until the end of the revision, whichever statement took them.
    held = [f"{plan.revision}: {planned.sql}" for plan in plans if plan.locks for planned in plan.statements if planned.whole]
    later = [
        f"{plan.revision}: {planned.sql}"
        for plan in plans
        for planned in plan.afterwards
        if planned.whole and any(mode.stops_writers for mode in planned.locks.values())
    ]
    assert (unknown, held, later) == ([], [], [])


async def test_what_is_undone_can_be_done_again(owner_url: str) -> None:
    await release_0_1_0(owner_url)
    at_release = await _catalogue(owner_url)
    await upgrade(owner_url, lambda _: None)
    at_head = await _catalogue(owner_url)

    await downgrade(owner_url, lambda _: None, to=release.REVISION)
    assert (await _revision(owner_url), await _catalogue(owner_url)) == (release.REVISION, at_release)
    connection = await as_application(owner_url)
    assert await connection.fetchval("SELECT count(*) FROM transaction") == TRANSACTIONS
    await connection.close()

    await upgrade(owner_url, lambda _: None)
    assert await _catalogue(owner_url) == at_head


async def test_each_revision_is_undone_by_itself(owner_url: str) -> None:
    await release_0_1_0(owner_url)
    engine = create_async_engine(owner_url)
    async with engine.connect() as connection:
        revisions = [plan.revision for plan in await connection.run_sync(plans_up)]
    await engine.dispose()

    before = release.REVISION
    for revision in revisions:
        here = await _catalogue(owner_url)
        await upgrade(owner_url, lambda _: None, to=revision)
        there = await _catalogue(owner_url)
        await downgrade(owner_url, lambda _: None, to=before)
        assert await _catalogue(owner_url) == here, revision
        await upgrade(owner_url, lambda _: None, to=revision)
        assert await _catalogue(owner_url) == there, revision
        before = revision


async def test_what_cannot_be_undone_is_refused_with_the_reason_before_anything_is_changed(owner_url: str) -> None:
    await upgrade(owner_url, lambda _: None)
    before = await _catalogue(owner_url), await _revision(owner_url)

    with pytest.raises(NoWayDownError) as first:
        await downgrade(owner_url, lambda _: None, to="base")
    with pytest.raises(InvalidInputError) as unknown:
        await downgrade(owner_url, lambda _: None, to="9999")

    assert str(first.value) == "Revision 0001 has no way down: before it there is nothing; drop the database instead."
    assert str(unknown.value).startswith("The database is not beyond a revision '9999'; it has 0001, 0002, ")
    assert (await _catalogue(owner_url), await _revision(owner_url)) == before


async def test_a_plan_tells_what_would_be_done_and_changes_nothing(owner_url: str) -> None:
    empty = await describe(owner_url)
    assert await _catalogue(owner_url) == set()
    await upgrade(owner_url, lambda _: None)
    before = await _catalogue(owner_url)
    down = await describe(owner_url, down_to="0009")

    assert [line.split(":")[0] for line in empty if not line.startswith(" ")] == [f"Migrating to {revision}" for revision in REVISIONS]
    assert empty[2] == "  has no way down: before it there is nothing; drop the database instead"
    assert [line.split(":")[0] for line in down if not line.startswith(" ")] == [
        f"Undoing {revision}" for revision in reversed(REVISIONS) if revision > "0009"
    ]
    assert "Undoing 0010: Alerts: rules, alerts, notifications." in down
    assert await describe(owner_url) == ["The database schema is up to date."]
    assert await _catalogue(owner_url) == before
