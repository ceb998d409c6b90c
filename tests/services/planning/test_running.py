"""Plans as they are made: kept, told of and noted; what fails leaves the last plan as it was, until it is stale."""

from dataclasses import replace
from datetime import time

import pytest

from ampyard.domain.job_runs import JobRunState
from ampyard.domain.planning import PlanStatus, ShortfallCause
from ampyard.domain.plans import FRESH, ArrivalSource, ChargeSource, DepartureSource
from ampyard.repositories.job_runs import JobRuns
from ampyard.repositories.plans import DepotPlans, PlannedStays, planned, try_lock
from ampyard.services.planning.running import make_plan
from ampyard.services.planning.solving import NoPlanError
from tests.services.dispatching import NOW
from tests.services.planning.yards import MINUTE, PlannedYard


async def test_a_plan_is_kept_with_its_stays(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(11), return_time=time(22), energy_kwh=250.0)
    transaction = await yard.plugged(soc=10.0)

    made = await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id)

    assert made is not None
    async with yard.backend.snapshot(yard.yard.principal) as snapshot:
        assert (await DepotPlans(snapshot).newest([yard.depot_id], at=NOW))[yard.depot_id] == made
        stay, back = (await PlannedStays(snapshot).of_plans([made.id]))[made.id]
        power = (await planned(snapshot, yard.depot_id, at=NOW))[transaction.id]
    assert (made.made_at, made.fresh_until, made.status) == (NOW, NOW + FRESH, PlanStatus.OPTIMAL)
    # 120 kW for two hours; feeder 1 has 150 kW, and CP-1 keeps its fall-back.
    assert (made.power_kw[0], made.limits_kw[0]) == (120.0, 200.0)
    assert [(step.begins_at, step.kw) for step in stay.steps] == [(NOW, 120.0), (run.departs_at, 0.0)]
    assert (stay.transaction_id, stay.assignment_id, stay.departure_source) == (transaction.id, run.id, DepartureSource.ASSIGNMENT)
    assert [stay.energy_kwh, stay.minimum_kwh] == pytest.approx([30.0, 280.0])
    assert stay.final_kwh == pytest.approx(30.0 + 120.0 * 2 * 0.92)
    assert stay.cause is ShortfallCause.NODE
    assert stay.lacks_minimum_kwh == pytest.approx(280.0 - 250.8)
    assert (stay.is_expected, stay.arrival_source, stay.energy_source) == (False, None, ChargeSource.READING)
    # It comes back at night; what is left then depends on what it leaves with.
    assert (back.vehicle_id, back.arrives_at, back.departs_at, back.energy_kwh) == (run.vehicle_id, run.returns_at, None, None)
    assert (back.is_expected, back.arrival_source, back.energy_source) == (True, ArrivalSource.ASSIGNMENT, None)
    assert power.kw == 120.0
    assert power.minimum_kwh == pytest.approx(280.0)


async def test_each_run_is_noted_and_each_plan_told_of(yard: PlannedYard) -> None:
    await yard.plugged()
    await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id)
    async with yard.backend.snapshot(yard.yard.principal) as snapshot:
        (noted,) = await JobRuns(snapshot).where(JobRuns.table.c.kind == "plan")
    assert noted.state is JobRunState.SUCCEEDED


async def test_where_there_is_nobody_nothing_is_planned_or_noted(yard: PlannedYard) -> None:
    assert await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id) is None
    assert await make_plan(replace(yard.backend, solver=None), yard.yard.tenant_id, yard.depot_id) is None
    async with yard.backend.snapshot(yard.yard.principal) as snapshot:
        assert await JobRuns(snapshot).where(JobRuns.table.c.kind == "plan") == []
    assert yard.solver.asked == []


@pytest.mark.parametrize("how", ["finds nothing", "fails"])
async def test_without_an_answer_the_last_plan_goes_on_until_it_is_stale(yard: PlannedYard, how: str) -> None:
    transaction = await yard.plugged()
    first = await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id)
    assert first is not None
    later = yard.at(NOW + 5 * MINUTE)
    if how == "fails":
        yard.solver.fails = True
    else:
        yard.solver.finds = PlanStatus.NONE

    with pytest.raises(NoPlanError):
        await make_plan(later.backend, yard.yard.tenant_id, yard.depot_id)

    async with yard.backend.snapshot(yard.yard.principal) as snapshot:
        assert [plan.id for plan in await DepotPlans(snapshot).where()] == [first.id]
        failed = [run for run in await JobRuns(snapshot).where(JobRuns.table.c.kind == "plan") if run.state is JobRunState.FAILED]
        assert set(await planned(snapshot, yard.depot_id, at=NOW + 5 * MINUTE)) == {transaction.id}
        assert await planned(snapshot, yard.depot_id, at=NOW + FRESH) == {}
    assert len(failed) == 1


async def test_one_process_at_a_time_plans_a_depot(yard: PlannedYard) -> None:
    await yard.plugged()
    async with yard.yard.work() as other:
        assert await try_lock(other.session, yard.depot_id)
        assert await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id) is None
    assert await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id) is not None
