"""From a problem to its plan."""

import time
import uuid
from collections.abc import Mapping

import numpy as np

from ampyard.domain.planning.layout import Floats, Flows, Layout, lay_out
from ampyard.domain.planning.model import Plan, PlanProblem, PlanStatus, Prediction, Shortfall, StayPlan
from ampyard.domain.planning.optimising import Best, optimise
from ampyard.domain.planning.predictions import planned_forecast, predict
from ampyard.domain.planning.remedies import raises, shortfall
from ampyard.domain.planning.shortfalls import situation
from ampyard.domain.planning.taper import bend

# Powers are told to a milliwatt: what a solver leaves behind is less.
_DECIMALS = 6


def solve(problem: PlanProblem, *, time_limit_s: float) -> Plan:
    """Return the plan of a depot, made within about `time_limit_s`; the same problem has the same plan, in whatever order its parts come.

    By the order of aims (ADR 0031): class by class as many stays as possible hold their minimum when they leave; then what lacks to
    minima, weighted, is least, class by class; then what lacks to targets; then what energy and the peak of the month cost; then
    vehicles charge early and in one go. When time is over, what was found until then is the plan, FEASIBLE, with its `gap`; NONE
    if nothing was.

    It is a function of values that can be pickled, so that it can run in a process of its own, and be killed there.

    Raises:
        ValueError: the problem contradicts itself: an unknown node or stay, a circle, or a list that is not as long as there are slots.
    """
    began = time.monotonic()
    if not problem.slots or not problem.stays:
        return _plan(problem, PlanStatus.OPTIMAL, 0.0, began, {})
    layout = lay_out(problem)
    best = optimise(layout, deadline=began + time_limit_s)
    if best is None:
        return _plan(problem, PlanStatus.NONE, 1.0, began, {})
    batteries, heaters = _powers(layout, best)
    predictions = _predictions(layout, batteries)
    plans = {
        stay.id: StayPlan(stay.id, tuple(kw.tolist()), predictions[stay.id])
        for stay, kw in zip(layout.stays, batteries + heaters, strict=True)
    }
    held = situation(layout, (batteries + heaters) * layout.hours, np.array([predictions[stay.id].final_kwh for stay in layout.stays]))
    short = held.short
    raised = raises(held, short, deadline=began + time_limit_s) if short else {}
    shortfalls = tuple(shortfall(held, number, raised.get(number)) for number in short)
    status = PlanStatus.OPTIMAL if best.gap == 0 else PlanStatus.FEASIBLE
    return _plan(problem, status, best.gap, began, plans, shortfalls)


def _powers(layout: Layout, best: Best) -> tuple[Floats, Floats]:
    """Return the mean power into batteries, and into heaters, of each stay in each slot, in kW at the plug."""
    columns, values = best.columns, best.found.values

    def spread(flows: Flows, kwh: Floats) -> Floats:
        energy = np.zeros((len(layout.stays), len(layout.hours)))
        energy[flows.stay, flows.slot] = np.clip(kwh, 0.0, flows.most)
        return energy

    planned = spread(layout.flows, values[: columns.heat])
    heated = spread(layout.preconditioning, values[columns.heat : columns.lacks_minimum])
    taken = bend(layout, planned, heated)
    return np.round(taken / layout.hours, _DECIMALS), np.round(heated / layout.hours, _DECIMALS)


def _predictions(layout: Layout, batteries: Floats) -> dict[uuid.UUID, Prediction]:
    """Return what becomes of each stay; of a chain each begins with what the one before leaves with, less what the run between takes."""
    slots, now = layout.problem.slots, layout.problem.now
    found: dict[uuid.UUID, Prediction] = {}
    for chain in sorted(layout.chains, key=len):
        stay = layout.stays[chain[-1]]
        energy_kwh = stay.energy_kwh if stay.previous is None else found[stay.previous].final_kwh - stay.used_kwh
        forecast = planned_forecast(stay, slots, batteries[chain[-1]].tolist(), now)
        found[stay.id] = predict(stay, forecast, energy_kwh=energy_kwh, now=now, until=slots[-1].ends_at)
    return found


def _plan(
    problem: PlanProblem,
    status: PlanStatus,
    gap: float,
    began: float,
    stays: Mapping[uuid.UUID, StayPlan],
    shortfalls: tuple[Shortfall, ...] = (),
) -> Plan:
    hours = np.array([slot.hours for slot in problem.slots])
    ordered = [stays[stay.id] for stay in problem.stays if stay.id in stays]
    # Added up in the order of ids, so that the order of the input does not show in the last digit.
    total = sum((np.array(stays[stay_id].power_kw) for stay_id in sorted(stays)), np.zeros(len(hours)))
    peak_kw = float((total + np.array(problem.unmanaged_kw or np.zeros(len(hours)))).max(initial=0.0))
    return Plan(
        made_at=problem.now,
        slots=problem.slots,
        status=status,
        gap=gap,
        solve_s=time.monotonic() - began,
        stays={plan.stay_id: plan for plan in ordered},
        shortfalls=shortfalls,
        energy_cost=float(total * hours @ np.array(problem.prices_per_kwh or np.zeros(len(hours)))),
        demand_cost=problem.demand_charge_per_kw * max(0.0, peak_kw - problem.peak_so_far_kw),
        peak_kw=peak_kw,
    )
