"""What a step knows of needs and departures: by the plan, and where there is no fresh one by what is asked for and assigned."""

from datetime import time, timedelta

import pytest

from ampyard.domain.allocation import ChargingFacts
from ampyard.domain.charging_forecast import EFFICIENCY
from ampyard.domain.plans import FRESH
from ampyard.repositories.plans import keep_plan
from ampyard.services.backend import Backend
from ampyard.services.charging_requests import NewChargingRequest, request_charging
from ampyard.services.planning.running import make_plan
from ampyard.services.power.reading import read_state
from tests.days.planning import plan_of, stay_of
from tests.sent import statements_sent
from tests.services.dispatching import NOW
from tests.services.planning.yards import MINUTE, PlannedYard, planned_yard

HOUR = timedelta(hours=1)


@pytest.fixture
async def yard(backend: Backend) -> PlannedYard:
    return await planned_yard(backend)


async def facts_of(yard: PlannedYard) -> tuple[ChargingFacts, int]:
    """Return what a step would know of the one transaction, and how many statements were sent for it."""
    async with yard.yard.work() as work:
        with statements_sent() as sent:
            state = await read_state(work, yard.depot_id)
    (charging,) = [evse.charging for evse in state.facts.evses if evse.charging is not None]
    return charging, len(sent)


async def test_a_run_is_what_is_needed_where_there_is_no_plan_and_a_plan_takes_two_statements_less(yard: PlannedYard) -> None:
    run = await yard.run(departure_time=time(11), return_time=time(22), energy_kwh=150.0)
    await yard.plugged(soc=10.0)

    without, more = await facts_of(yard)

    # 150 kWh and a tenth of 300 kept; the battery holds 30.
    assert without.needed_kwh == pytest.approx((150.0 + 30.0 - 30.0) / EFFICIENCY)
    assert without.wanted_kwh == pytest.approx(270.0 / EFFICIENCY)
    assert (without.departs_at, without.planned_kw) == (run.departs_at, None)

    await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id)
    planned, fewer = await facts_of(yard)
    assert planned.needed_kwh == pytest.approx(without.needed_kwh)
    assert planned.departs_at == run.departs_at
    assert planned.planned_kw is not None
    assert more - fewer == 2


async def test_what_was_delivered_since_the_plan_was_made_is_needed_no_more(yard: PlannedYard) -> None:
    await yard.run(departure_time=time(11), return_time=time(22), energy_kwh=150.0)
    await yard.plugged(soc=10.0)
    await make_plan(yard.backend, yard.yard.tenant_id, yard.depot_id)
    later = yard.at(NOW + 10 * MINUTE)
    await later.told("Bus 1", 20.0)

    known, _ = await facts_of(later)

    assert known.planned_kw is not None
    assert known.needed_kwh == pytest.approx(120.0 / EFFICIENCY)


async def test_a_departure_that_only_a_stale_plan_knows_counts(yard: PlannedYard) -> None:
    transaction = await yard.plugged(soc=40.0)
    plan = plan_of(yard.yard.tenant_id, yard.depot_id, NOW)
    async with yard.yard.work() as work:
        node = await yard.named_node("Feeder 1")
        await keep_plan(work.session, plan, [stay_of(plan, transaction, node.id, None, short_at=None)])
        await work.commit()

    known, _ = await facts_of(yard.at(NOW + FRESH))

    assert (known.planned_kw, known.departs_at) == (None, NOW + 2 * HOUR)
    # Once it should have left, nobody knows when it will.
    over, _ = await facts_of(yard.at(NOW + 2 * HOUR))
    assert over.departs_at is None


async def test_of_a_vehicle_whose_charge_nobody_knows_nothing_is_known(yard: PlannedYard) -> None:
    await yard.run(departure_time=time(11), return_time=time(22), energy_kwh=150.0)
    await yard.plugged(soc=10.0)
    known, _ = await facts_of(yard.at(NOW + timedelta(hours=24, minutes=1)))
    assert (known.needed_kwh, known.departs_at) == (0.0, None)


@pytest.mark.parametrize(("at_once", "leaves_after"), [(False, 3 * HOUR), (True, None)])
async def test_what_is_asked_for_goes_before_the_run_and_nobody_waits_who_is_to_be_charged_at_once(
    yard: PlannedYard, *, at_once: bool, leaves_after: timedelta | None
) -> None:
    await yard.run(departure_time=time(11), return_time=time(22), energy_kwh=150.0)
    transaction = await yard.plugged(soc=10.0)
    assert transaction.vehicle_id is not None
    wish = NewChargingRequest(transaction.vehicle_id, 80.0, 90.0, NOW + 3 * HOUR, ad_hoc=at_once)
    await request_charging(yard.backend, yard.yard.principal, wish)

    known, _ = await facts_of(yard)

    assert [known.needed_kwh, known.wanted_kwh] == pytest.approx([210.0 / EFFICIENCY, 240.0 / EFFICIENCY])
    assert known.departs_at == (None if leaves_after is None else NOW + leaves_after)
