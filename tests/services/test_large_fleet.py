"""The large fleet, made small: whole, the same again, gone on with where it was cut off, and never another's."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Select, func, select

from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.transactions import TransactionState
from ampyard.repositories import tables
from ampyard.repositories.directory import Directory
from ampyard.services.backend import Backend
from ampyard.services.large_fleet import LargeFleet, Made, Size, make_large_fleet
from tests.fleet import new_fleet

NOW = datetime(2026, 11, 3, 17, 30, tzinfo=UTC)
SMALL = Size(depots=2, charge_points=3, vehicles=4, days=35)
FIRST, UNTIL = date(2026, 9, 29), date(2026, 11, 4)


def made(backend: Backend, slug: str, *, seed: int = 1, size: Size = SMALL) -> AsyncIterator[Made]:
    return make_large_fleet(replace(backend, clock=lambda: NOW), seed=seed, size=size, slug=slug)


async def rows(backend: Backend, slug: str, statement: Select[Any]) -> list[tuple[Any, ...]]:
    async with backend.database.system_snapshot() as system:
        tenant_id = await Directory(system).tenant_id(slug)
    assert tenant_id is not None
    async with backend.database.snapshot(tenant_id) as snapshot:
        return sorted((tuple(row) for row in await snapshot.fetch(statement)), key=repr)


@pytest.fixture
def slug() -> str:
    return f"t-{uuid.uuid4().hex[:12]}"


async def test_energy_is_the_same_wherever_it_is_kept(backend: Backend, slug: str) -> None:
    steps = [step async for step in made(backend, slug)]

    assert [(step.done, step.of) for step in steps] == [(n, 7) for n in range(1, 8)]
    tx, interval, sample = tables.transaction.c, tables.energy_interval.c, tables.meter_sample.c
    energy_wh = dict(await rows(backend, slug, select(tx.id, tx.energy_wh)))
    planned = {it.id: it.energy_wh for it in LargeFleet(slug, 1, NOW, SMALL).transactions(FIRST, UNTIL)}
    assert energy_wh == planned
    of_each = select(interval.transaction_id, func.sum(interval.energy_wh)).group_by(interval.transaction_id)
    assert dict(await rows(backend, slug, of_each)) == pytest.approx(energy_wh, abs=1e-3)
    for table in (tables.depot_rollup, tables.charge_point_rollup):
        of_days = select(func.sum(table.c.energy_wh)).where(*([table.c.of_day] if "of_day" in table.c else []))
        assert (await rows(backend, slug, of_days))[0][0] == pytest.approx(sum(energy_wh.values()))
    registers = select(sample.transaction_id, func.max(sample.value) - func.min(sample.value)).where(sample.measurand.like("Energy%"))
    sampled = await rows(backend, slug, registers.group_by(sample.transaction_id))
    assert len(sampled) > len(energy_wh) / 2
    assert all(difference_wh <= energy_wh[key] + 1e-3 for key, difference_wh in sampled)
    # Some charge now, and nobody is at two charge points at a time.
    running = select(tx.vehicle_id).where(tx.state == TransactionState.ACTIVE, tx.vehicle_id.is_not(None))
    vehicles = await rows(backend, slug, running)
    assert len(vehicles) == len(set(vehicles)) > 0
    nodes = select(func.count()).select_from(tables.node_rollup).where(tables.node_rollup.c.of_day.is_(False))
    assert (await rows(backend, slug, nodes))[0][0] >= 2 * 3 * 96 * 35


async def test_a_depot_whose_fall_backs_do_not_fit_is_not_made(backend: Backend, slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # No size makes such a depot; chargers of this kind would.
    fitting = LargeFleet._evse
    monkeypatch.setattr(LargeFleet, "_evse", lambda *args, **more: replace(fitting(*args, **more), fallback_kw=150.0))
    with pytest.raises(InvalidInputError, match="Lower the fall-backs or raise the limit"):
        await anext(made(backend, slug))
    async with backend.database.system_snapshot() as system:
        assert await Directory(system).tenant_id(slug) is None


async def test_what_was_cut_off_is_gone_on_with_and_what_is_there_is_not_made_again(backend: Backend, slug: str) -> None:
    count = select(func.count()).select_from(tables.transaction)
    async for step in made(backend, slug):
        if step.done == 2:
            break
    begun = await rows(backend, slug, count)

    whole = [step async for step in made(backend, slug)]
    first = await rows(backend, slug, count)
    again = [step async for step in made(backend, slug)]

    assert 0 < begun[0][0] < first[0][0] == len(list(LargeFleet(slug, 1, NOW, SMALL).transactions(FIRST, UNTIL)))
    assert [step.what for step in whole] == [step.what for step in again]
    assert await rows(backend, slug, count) == first


async def test_a_tenant_that_is_not_this_one_is_refused_and_left_as_it_is(backend: Backend, slug: str) -> None:
    seeded = await new_fleet(backend)
    async with backend.database.snapshot(seeded.tenant_id) as snapshot:
        (theirs,) = await snapshot.fetch(select(tables.tenant.c.slug))
    small = Size(1, 1, 1, 1)
    steps = [step async for step in made(backend, slug, size=small)]
    before = await rows(backend, slug, select(tables.transaction.c.id))

    for taken, seed, size in ((theirs[0], 1, small), (slug, 2, small), (slug, 1, SMALL)):
        with pytest.raises(ConflictError) as refused:
            await anext(made(backend, taken, seed=seed, size=size))
        assert str(refused.value).startswith(f"The tenant {taken!r} is there and was ")

    assert len(steps) == 4
    assert await rows(backend, slug, select(tables.transaction.c.id)) == before


def test_the_plan_is_the_same_for_the_same_seed_and_large_enough() -> None:
    one, same, other = (LargeFleet("large", seed, NOW, SMALL) for seed in (1, 1, 2))
    assert one.yards == same.yards != other.yards
    assert list(one.transactions(FIRST, UNTIL)) == list(same.transactions(FIRST, UNTIL)) != list(other.transactions(FIRST, UNTIL))
    whole = LargeFleet("large", 1, NOW)
    stand = [sum(len(getattr(yard, what)) for yard in whole.yards) for what in ("charge_points", "vehicles")]
    assert (len(whole.yards), *stand) == (50, 2000, 3000)
    # Of a day in each season, which are all alike: more than a million in a year.
    days = [date(2026, 2, 3), date(2026, 5, 5), date(2026, 8, 4)]
    daily = [sum(1 for _ in whole.transactions(day, date.fromordinal(day.toordinal() + 1))) for day in days]
    assert min(daily) * 365 > 1_000_000
