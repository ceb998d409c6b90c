"""Why did it get that: kept where it is news, computed again, told line by line."""

import uuid
from dataclasses import replace

import pytest

from ampyard.domain.allocation import Allocation, BoundBy, Replay
from ampyard.domain.errors import NotFoundError
from ampyard.domain.priorities import PriorityLevel
from ampyard.domain.supply import MeterReading
from ampyard.repositories.allocations import Allocations, Steps
from ampyard.repositories.tenants import Tenants
from ampyard.services import power, priorities, site_meters
from ampyard.services.power.replaying import replay_now, told
from ampyard.services.priorities import NewPriority
from tests.fleet import user
from tests.services.power.yards import T0, Yard, later, root_of


async def allocations_of(yard: Yard) -> list[Allocation]:
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        column = Allocations.table.c
        return await Allocations(snapshot).where(order_by=[column.decided_at, column.id])


async def replays_of(yard: Yard, transaction_id: uuid.UUID) -> list[Replay | None]:
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        return [it.replay for it in await power.replay_transaction(snapshot, transaction_id)]


async def test_what_each_got_is_kept_where_it_changes_and_comes_out_again(yard: Yard) -> None:
    await yard.tick()
    first = await allocations_of(yard)
    evses = await yard.evses()
    assert {it.evse_id: it.power_kw for it in first} == {
        evses[key].id: kw
        for key, kw in {("CP-1", 1): 22.0, ("CP-2", 1): 52.0, ("CP-3", 1): 22.0, ("CP-4", 1): 52.0, ("CP-4", 2): 52.0}.items()
    }
    root = await root_of(yard)
    by_evse = {it.evse_id: it for it in first}
    assert by_evse[evses["CP-1", 1].id].bound_by is BoundBy.ABILITY
    limited = by_evse[evses["CP-2", 1].id]
    assert (limited.bound_by, limited.power_node_id, limited.planned_kw, limited.waiting_since) == (BoundBy.NODE, root.id, None, None)
    assert len({it.step_id for it in first}) == 1

    # Nothing has changed: nothing is added.
    await yard.settle()
    assert await allocations_of(yard) == first

    boosted = await yard.transaction("CP-2")
    await priorities.set_priority(yard.backend, user(yard.tenant_id), NewPriority(PriorityLevel.CRITICAL, transaction_id=boosted.id))
    await yard.settle()
    mine = [it for it in await allocations_of(yard) if it.transaction_id == boosted.id]
    assert [(it.power_kw, it.priority) for it in mine] == [(52.0, PriorityLevel.NORMAL), (120.0, PriorityLevel.CRITICAL)]
    replayed = await replays_of(yard, boosted.id)
    assert [(it.same, it.power_kw, it.explanation) for it in replayed if it is not None] == [
        (True, it.power_kw, it.explanation) for it in mine
    ]


async def test_what_is_not_kept_any_more_is_not_computed_again(yard: Yard) -> None:
    await yard.tick()
    (transaction,) = [await yard.transaction("CP-1")]
    async with yard.backend.unit_of_work(user(yard.tenant_id)) as work:
        for step in await Steps(work.session).where():
            await work.remove(Steps, step.id)
        await work.commit()
    assert await replays_of(yard, transaction.id) == [None]
    with pytest.raises(NotFoundError, match="There is no such transaction"):
        await replays_of(yard, uuid.uuid4())


async def test_a_person_is_told_line_by_line(yard: Yard) -> None:
    yard.wait_until(T0)
    await yard.tick()
    transaction = await yard.transaction("CP-2")
    async with yard.backend.database.snapshot(yard.tenant_id) as snapshot:
        (tenant,) = await Tenants(snapshot).where(Tenants.table.c.id == yard.tenant_id)

    (one,) = await replay_now(yard.backend, tenant.slug, transaction.id)

    kept = "2026-11-02T08:00:00+00:00  52 kW  Gets 52 kW, its share of what Grid can supply."
    assert told(one) == f"{kept}  [the same again]"
    assert told(replace(one, replay=None)) == f"{kept}  [what it was computed from is not kept any more]"
    assert one.replay is not None
    otherwise = replace(one.replay, same=False, power_kw=7.0, explanation="Because.")
    assert told(replace(one, replay=otherwise)) == f"{kept}  [now: 7 kW: Because.]"
    assert told(replace(one, replay=replace(otherwise, power_kw=None))) == f"{kept}  [now: nothing]"
    with pytest.raises(NotFoundError, match="nobody"):
        await replay_now(yard.backend, "nobody", transaction.id)


async def test_an_evse_that_gets_nothing_is_told_since_when_it_waits(yard: Yard) -> None:
    yard.wait_until(yard.backend.clock())
    began = yard.backend.clock()
    root = await root_of(yard)
    await site_meters.report_site_meter(yard.backend, user(yard.tenant_id), [(root.id, MeterReading(began, 199.0))])
    await yard.tick()
    later(yard, seconds=9)
    await site_meters.report_site_meter(yard.backend, user(yard.tenant_id), [(root.id, MeterReading(yard.backend.clock(), 195.5))])
    await yard.settle()
    assert {it.waiting_since for it in await allocations_of(yard) if it.power_kw == 0} == {began}
