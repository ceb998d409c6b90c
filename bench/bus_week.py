"""A week of the bus depot: the plan and the now step against plain rules, and against who knew everything beforehand."""

import uuid
from collections.abc import AsyncIterator

from ampyard.domain.charging_forecast import EFFICIENCY
from bench.bus_depot import DEMAND_CHARGE_PER_KW, NIGHT_PRICE, Bus, buses
from bench.bus_policies import Engine, EqualShare, earliest_departure, first_come, optimum
from bench.bus_yard import FULL_KWH, Outcome, week
from bench.lab import Lab
from bench.measure import Result

_DAYS, _QUICK_DAYS = 7, 1


async def run(lab: Lab) -> AsyncIterator[Result]:
    """Yield how many leave ready, of those that could, then cost and peak against each rule, then against the optimum."""
    days = _DAYS if lab.rounds > 2 else _QUICK_DAYS
    fleet = buses(days)
    engine = Engine()
    ours = week(fleet, engine, days)
    best, possible = _optimum(fleet, days)
    kept = sum(ours.ready[run_id] for run_id in possible)
    late = sorted(engine.seconds)
    notes = (
        f"{sum(ours.ready.values())} of {len(ours.ready)} departures hold their minimum; {ours.moves} buses moved, {ours.starts} starts; "
        f"{len(engine.seconds)} plans, {late[len(late) // 2] * 1000:.0f} ms at the median, {late[-1] * 1000:.0f} at worst"
    )
    yield Result("bus-depot-ready", kept, "runs", kept / len(possible), "those the optimum has ready", len(possible), 1.0, notes)
    for name, rule in (("first come", first_come()), ("equal share", EqualShare()), ("earliest departure", earliest_departure())):
        theirs = week(fleet, rule, days)
        notes = f"{sum(theirs.ready[run_id] for run_id in possible)} of these ready; {theirs.moves} moved, {theirs.starts} starts"
        yield Result("bus-depot-cost", ours.cost, "EUR", theirs.cost / ours.cost, name, theirs.cost, None, notes)
        yield Result("bus-depot-peak", ours.peak_kw, "kW", theirs.peak_kw / ours.peak_kw, name, theirs.peak_kw)
    yield Result("bus-depot-cost", ours.cost, "EUR", best.cost / ours.cost, "the optimum", best.cost)
    yield Result("bus-depot-peak", ours.peak_kw, "kW", best.peak_kw / ours.peak_kw, "the optimum", best.peak_kw)


def _optimum(fleet: list[Bus], days: int) -> tuple[Outcome, list[uuid.UUID]]:
    """Return what the week comes to for who knows it beforehand, and which runs it has ready."""
    problem, plan = optimum(fleet, days)
    short = {one.stay_id for one in plan.shortfalls if one.lacks_minimum_kwh > FULL_KWH}
    used_kwh = sum(run.used_kwh for bus in fleet for run in bus.runs if run.takes_place and run.departs_at <= problem.slots[-1].ends_at)
    charged_kwh = sum(kw * slot.hours for one in plan.stays.values() for kw, slot in zip(one.power_kw, plan.slots, strict=True))
    missing_cost = (used_kwh / EFFICIENCY - charged_kwh) * NIGHT_PRICE
    best = Outcome(energy_kwh=charged_kwh, energy_cost=plan.energy_cost + missing_cost, peak_kw=plan.peak_kw)
    assert abs(plan.demand_cost - DEMAND_CHARGE_PER_KW * plan.peak_kw) < 1e-6 * plan.demand_cost
    return best, [stay.id for stay in problem.stays if stay.id not in short]
