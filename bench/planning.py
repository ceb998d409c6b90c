"""The plan of a depot over 96 quarter-hours: the whole of `solve`, against a model built row by row, and against the time it may take."""

import gc
import random
import statistics
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import highspy

from ampyard.domain.planning import Plan, PlanNode, PlanProblem, PlanStatus, Slot, Stay, solve
from bench.lab import Lab
from bench.measure import Result

_NOW = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)
_SLOTS = 96
# Prices by the hour of the day, as a fleet's tariff might have them: a cheap night, a dear evening.
_CHEAP, _DEAR = (22, 23, 0, 1, 2, 3, 4, 5), (16, 17, 18, 19)
_LIMITS_S = {200: 0.2, 1_000: 2.0}
_PATIENCE_S = 120.0


async def run(lab: Lab) -> AsyncIterator[Result]:
    """Yield, for each size, the median against its limit; for the smaller the plain model, too; then a night with too little power."""
    solve(night(20), time_limit_s=_PATIENCE_S)  # loads what is loaded once
    for vehicles, limit_s in _LIMITS_S.items():
        median_s, plan = _median(night(vehicles), lab.rounds)
        notes = f"{plan.status}, peak {plan.peak_kw:.0f} kW; 80 to 95 % wanted, hence with taper"
        yield Result(
            f"plan-{vehicles}", median_s * 1000, "ms", limit_s / median_s, f"the {limit_s:g} s it may take", limit_s * 1000, 1.0, notes
        )
    # Below 80 % nothing tapers, so that the plain model, which knows of no taper, must come to the same cost.
    plain = night(200, target=0.8)
    median_s, plan = _median(plain, lab.rounds)
    begin = time.perf_counter()
    cost = _row_by_row(plain)
    baseline_s = time.perf_counter() - begin
    assert abs(cost - plan.energy_cost - plan.demand_cost) < 1e-4 * cost, (
        f"The plain model costs {cost}, not {plan.energy_cost + plan.demand_cost}."
    )
    yield Result("plan-plain-200", median_s * 1000, "ms", baseline_s / median_s, "HiGHS, row by row, cost alone", baseline_s * 1000)
    scarce = night(200, grid=0.1)
    begin = time.perf_counter()
    plan = solve(scarce, time_limit_s=10.0)
    taken_s = time.perf_counter() - begin
    notes = f"{plan.status}, gap {plan.gap:.1%}, {len(plan.shortfalls)} short, with remedies"
    yield Result("plan-scarce-200", taken_s * 1000, "ms", 10.0 / taken_s, "the 10 s it was given", 10_000.0, None, notes)


def night(vehicles: int, *, grid: float = 0.45, target: float = 0.95) -> PlanProblem:
    """Return a depot that fills over an evening and leaves over a morning; `grid` is the connection as a share of all plugs together.

    There is a feeder for 20 vehicles; one in four has priority. They come with 15 to 50 %, and need 80 % to leave.
    """
    draw = random.Random(1)

    def fresh() -> uuid.UUID:
        return uuid.UUID(int=draw.getrandbits(128))

    plugs_kw = [draw.choice([75.0, 100.0, 150.0]) for _ in range(vehicles)]
    feeders = max(1, vehicles // 20)
    connection = PlanNode(fresh(), None, (grid * sum(plugs_kw),) * _SLOTS)
    below = [PlanNode(fresh(), connection.id, (0.6 * sum(plugs_kw) / feeders,) * _SLOTS) for _ in range(feeders)]
    hours = [(_NOW + number * _QUARTER).hour for number in range(_SLOTS)]
    return PlanProblem(
        now=_NOW,
        slots=tuple(Slot(_NOW + number * _QUARTER, _NOW + (number + 1) * _QUARTER) for number in range(_SLOTS)),
        nodes=(connection, *below),
        stays=tuple(_stay(draw, fresh(), fresh(), draw.choice(below).id, kw, target) for kw in plugs_kw),
        prices_per_kwh=tuple(0.12 if hour in _CHEAP else 0.34 if hour in _DEAR else 0.22 for hour in hours),
        demand_charge_per_kw=4.0,
        unmanaged_kw=tuple(20.0 + draw.uniform(0, 5) for _ in range(_SLOTS)),
    )


def _stay(draw: random.Random, stay_id: uuid.UUID, vehicle_id: uuid.UUID, node_id: uuid.UUID, kw: float, target: float) -> Stay:
    capacity_kwh = draw.choice([300.0, 350.0, 450.0])
    return Stay(
        id=stay_id,
        vehicle_id=vehicle_id,
        node_id=node_id,
        priority=draw.choice([1, 1, 1, 2]),
        arrives_at=_NOW + timedelta(minutes=draw.randint(60, 480)),
        departs_at=datetime(2026, 11, 3, 4, tzinfo=UTC) + timedelta(minutes=draw.randint(0, 180)),
        capacity_kwh=capacity_kwh,
        minimum_kwh=min(target, 0.8) * capacity_kwh,
        target_kwh=target * capacity_kwh,
        max_kw=kw,
        energy_kwh=draw.uniform(0.15, 0.5) * capacity_kwh,
    )


def _median(problem: PlanProblem, rounds: int) -> tuple[float, Plan]:
    times = []
    for _ in range(rounds):
        gc.collect()
        begin = time.perf_counter()
        plan = solve(problem, time_limit_s=_PATIENCE_S)
        times.append(time.perf_counter() - begin)
    assert plan.status is PlanStatus.OPTIMAL
    return statistics.median(times), plan


def _row_by_row(problem: PlanProblem) -> float:
    """Return the least cost, as one would write it down first: a variable a vehicle and quarter-hour, a row at a time."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # its stub leaves it out
    highs.setOptionValue("output_flag", False)
    infinity = highspy.kHighsInf
    count = len(problem.stays) * len(problem.slots)
    for stay in problem.stays:
        for slot, price in zip(problem.slots, problem.prices_per_kwh, strict=True):
            assert stay.departs_at is not None
            there = max(timedelta(0), min(slot.ends_at, stay.departs_at) - max(slot.begins_at, stay.arrives_at)) / timedelta(hours=1)
            highs.addCol(price, 0.0, stay.max_kw * there, 0, [], [])
    highs.addCol(problem.demand_charge_per_kw, problem.peak_so_far_kw, infinity, 0, [], [])
    for number, stay in enumerate(problem.stays):
        needed = (stay.target_kwh - stay.energy_kwh) / stay.efficiency
        own = range(number * len(problem.slots), (number + 1) * len(problem.slots))
        highs.addRow(needed, infinity, len(own), list(own), [1.0] * len(own))
    for node in problem.nodes:
        members = [number for number, stay in enumerate(problem.stays) if node.parent_id is None or stay.node_id == node.id]
        for place, slot in enumerate(problem.slots):
            limit, columns = node.limits_kw[place], [number * len(problem.slots) + place for number in members]
            assert limit is not None
            highs.addRow(-infinity, limit * slot.hours, len(columns), columns, [1.0] * len(columns))
    for place, slot in enumerate(problem.slots):
        columns = [*range(place, count, len(problem.slots)), count]
        rest = -problem.unmanaged_kw[place] * slot.hours
        highs.addRow(-infinity, rest, len(columns), columns, [1.0] * (len(columns) - 1) + [-slot.hours])
    highs.run()
    return float(highs.getInfo().objective_function_value)
