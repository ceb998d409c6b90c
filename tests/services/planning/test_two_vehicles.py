"""Two vehicles, one feeder, one cheap window: both are ready, or it is said hours ahead who will not be; with the real solver."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time
from decimal import Decimal

import pytest

from ampyard.domain.local_time import Weekday
from ampyard.domain.planning import PlanStatus, ShortfallCause
from ampyard.domain.plans import DepotPlan, PlannedStay
from ampyard.domain.pricing import PriceWindow
from ampyard.repositories.plans import PlannedStays
from ampyard.repositories.vehicles import Vehicles
from ampyard.services.energy_prices import NewEnergyPrice, set_energy_price
from ampyard.services.planning.running import make_plan
from ampyard.services.planning.solving import SolverProcess
from ampyard.services.power_nodes import edit_power_node
from tests.services.dispatching import HOUR, NOW
from tests.services.planning.yards import PlannedYard


@pytest.fixture
async def solver() -> AsyncIterator[SolverProcess]:
    made = SolverProcess()
    yield made
    await made.close()


async def night(yard: PlannedYard, *, feeder_kw: float) -> None:
    """Given two buses with 60 of 300 kWh that leave at 18:00 and need 150 each, and power that is cheap from 12:00 to 15:00 (Berlin).

    Feeder 1 keeps nothing for others: both of its EVSEs are taken.
    """
    window = PriceWindow(frozenset(Weekday), time(12), time(15), Decimal("0.10"))
    await set_energy_price(yard.backend, yard.yard.principal, NewEnergyPrice(yard.depot_id, "EUR", Decimal("0.40"), [window]))
    await edit_power_node(yard.backend, yard.yard.principal, (await yard.named_node("Feeder 2")).id, limit_kw=feeder_kw)
    for number, (bus, evse_no) in enumerate((("Bus 1", 1), ("Bus 2", 2)), start=1):
        await yard.run(bus, name=str(number), departure_time=time(18), return_time=time(22), energy_kwh=120.0)
        await yard.plugged(bus, "CP-4", soc=20.0, evse_no=evse_no)
        # Below the taper, so that all that is planned can be taken.
        async with yard.yard.work() as work:
            await work.change(Vehicles, yard.yard.vehicles[bus].id, target_soc_percent=70.0)
            await work.commit()


async def planned(yard: PlannedYard, solver: SolverProcess) -> tuple[DepotPlan, list[PlannedStay]]:
    made = await make_plan(replace(yard.backend, solver=solver), yard.yard.tenant_id, yard.depot_id)
    assert made is not None
    async with yard.backend.snapshot(yard.yard.principal) as snapshot:
        stays = (await PlannedStays(snapshot).of_plans([made.id]))[made.id]
    # Both come back at night, and stay until nobody knows when.
    return made, [stay for stay in stays if not stay.is_expected]


def kwh_between(stay: PlannedStay, begin: int, end: int) -> float:
    """Return what flows at the plug between so many hours from now."""
    steps, ends = stay.steps, [*(step.begins_at for step in stay.steps[1:]), NOW + 48 * HOUR]
    spans = [
        (max(step.begins_at, NOW + begin * HOUR), min(until, NOW + end * HOUR), step.kw) for step, until in zip(steps, ends, strict=True)
    ]
    return sum(kw * ((until - since) / HOUR) for since, until, kw in spans if since < until)


async def test_both_are_ready_by_the_cheap_window_where_that_is_enough(yard: PlannedYard, solver: SolverProcess) -> None:
    # 98 kWh each to the minimum, 163 to the target: more than the 300 that 3 hours of 100 kW are.
    await night(yard, feeder_kw=104.14)

    made, stays = await planned(yard, solver)

    assert made.status is PlanStatus.OPTIMAL
    assert [stay.cause for stay in stays] == [None, None]
    assert all(stay.final_kwh >= stay.minimum_kwh - 0.01 for stay in stays)
    # The window is used up to the limit, by both together.
    assert sum(kwh_between(stay, 3, 6) for stay in stays) == pytest.approx(300.0, abs=1.0)
    for begins_at, kw, limit_kw in zip(made.begins_at, made.power_kw, made.limits_kw, strict=True):
        assert limit_kw is not None
        assert kw <= min(limit_kw, 100.0 if begins_at < NOW + 9 * HOUR else 200.0) + 0.01


async def test_who_will_be_short_is_said_hours_ahead(yard: PlannedYard, solver: SolverProcess) -> None:
    # In nine hours 15 kW are 135 kWh, of which 124 arrive: not the 180 that both lack.
    await night(yard, feeder_kw=24.14)

    _, stays = await planned(yard, solver)

    (short,) = [stay for stay in stays if stay.cause is not None]
    assert short.cause is ShortfallCause.NODE
    assert short.binding_node_id == (await yard.named_node("Feeder 2")).id
    assert short.lacks_minimum_kwh == pytest.approx(short.minimum_kwh - short.final_kwh, abs=0.1)
    # One of them is ready: the more that are, the better.
    assert [stay.final_kwh >= stay.minimum_kwh - 0.01 for stay in stays if stay is not short] == [True]
    assert short.remedies
