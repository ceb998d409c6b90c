"""Readiness by the plan: what is planned to flow is what is foreseen, while the plan is fresh; without one, what flows now."""

from datetime import time

import pytest

from ampyard.domain.assignments import Assignment
from ampyard.domain.charging_forecast import EFFICIENCY
from ampyard.domain.readiness import Readiness, Risk
from ampyard.repositories.charge_points import Evses
from ampyard.services.planning.running import make_plan
from ampyard.services.readiness import foresee
from tests.services.dispatching import NOW
from tests.services.planning.yards import MINUTE, PlannedYard


async def seen(yard: PlannedYard, *assignments: Assignment) -> list[Readiness]:
    async with yard.backend.snapshot(yard.yard.principal) as snapshot:
        found = await foresee(snapshot, assignments, now=yard.backend.clock())
    return [found[one.id] for one in assignments]


async def limited(yard: PlannedYard, limit_kw: float) -> None:
    """Plug Bus 1 in, at a limit that was confirmed a moment ago."""
    transaction = await yard.plugged(soc=20.0)
    async with yard.yard.work() as work:
        await work.change(Evses, transaction.evse_id, limit_kw=limit_kw, limit_at=NOW)
        await work.commit()


async def test_the_plan_is_the_forecast_while_it_is_fresh(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(11), return_time=time(14), energy_kwh=120.0)
    await limited(yard, 1.0)
    (without,) = await seen(yard, run)
    await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id)
    (by_plan,) = await seen(yard, run)
    (stale,) = await seen(yard.at(NOW + 16 * MINUTE), run)

    # It is on 1 kW, and planned to have 120.
    assert without.expected_kwh == pytest.approx(60.0 + 2 * 1.0 * EFFICIENCY)
    assert without.risk is Risk.AT_RISK
    assert by_plan.expected_kwh is not None
    assert by_plan.expected_kwh > 250.0
    assert by_plan.risk is Risk.ON_TRACK
    assert stale.risk is Risk.AT_RISK


async def test_the_second_run_counts_on_what_is_planned_between_the_two(yard: PlannedYard) -> None:
    first = await yard.run(name="12", departure_time=time(11), return_time=time(13), energy_kwh=100.0)
    second = await yard.run(name="13", departure_time=time(14), return_time=time(20), energy_kwh=270.0)
    await limited(yard, 10.0)
    before = await seen(yard, first, second)
    await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id)
    after = await seen(yard, first, second)

    # Whoever comes back is taken to get the weakest plug, unless the plan says better.
    assert [one.risk for one in before] == [Risk.AT_RISK, Risk.NOT_READY]
    assert after[0].risk is Risk.ON_TRACK
    assert before[1].expected_kwh is not None
    assert after[1].expected_kwh is not None
    assert after[1].expected_kwh > before[1].expected_kwh + 50.0
