"""Solvers for tests: those for a process of their own, by name, and `Greedy`, which solves here and remembers what it was asked."""

import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from ampyard.domain.planning import (
    Plan,
    PlanProblem,
    PlanStatus,
    Prediction,
    Remedy,
    RemedyKind,
    Shortfall,
    ShortfallCause,
    Stay,
    StayPlan,
)
from ampyard.services.planning.solving import NoPlanError


@dataclass(eq=False)
class Greedy:
    """Gives each stay in turn all that its nodes leave, from the first slot on: enough to see that answers come through as they are."""

    asked: list[PlanProblem] = field(default_factory=list)
    finds: PlanStatus = PlanStatus.OPTIMAL
    fails: bool = False

    async def solve(self, problem: PlanProblem, *, time_limit_s: float) -> Plan:
        self.asked.append(problem)
        if self.fails:
            raise NoPlanError("The planner failed; the log tells more.")
        return solve(problem, time_limit_s=time_limit_s, status=self.finds)

    async def close(self) -> None:
        """Nothing is open."""


def solve(problem: PlanProblem, *, time_limit_s: float, status: PlanStatus = PlanStatus.OPTIMAL) -> Plan:
    """Return a plan that fills one stay after the other."""
    parents = {node.id: node.parent_id for node in problem.nodes}
    room = {node.id: list(node.limits_kw) for node in problem.nodes}
    stays: dict[uuid.UUID, StayPlan] = {}
    shortfalls = []
    for stay in problem.stays:
        stays[stay.id], shortfall = _filled(problem, stay, room, parents)
        shortfalls += [shortfall] if shortfall is not None else []
    totals = [sum(stay.power_kw[n] for stay in stays.values()) for n in range(len(problem.slots))]
    return Plan(
        made_at=problem.now,
        slots=problem.slots,
        status=status,
        gap=0.0,
        solve_s=0.01,
        stays=stays,
        shortfalls=tuple(shortfalls),
        energy_cost=sum(kw * slot.hours * price for kw, slot, price in zip(totals, problem.slots, problem.prices_per_kwh, strict=False)),
        demand_cost=0.0,
        peak_kw=max(total + other for total, other in zip(totals, problem.unmanaged_kw, strict=True)),
    )


def _filled(
    problem: PlanProblem, stay: Stay, room: dict[uuid.UUID, list[float | None]], parents: dict[uuid.UUID, uuid.UUID | None]
) -> tuple[StayPlan, Shortfall | None]:
    energy, powers, minimum_at, final_at = stay.energy_kwh, [], None, problem.now
    for number, slot in enumerate(problem.slots):
        is_there = stay.arrives_at <= slot.begins_at and (stay.departs_at is None or slot.ends_at <= stay.departs_at)
        kw = min(stay.max_kw, max(0.0, stay.target_kwh - energy) / stay.efficiency / slot.hours) if is_there else 0.0
        node: uuid.UUID | None = stay.node_id
        while node is not None:
            left = room[node][number]
            kw, node = (kw if left is None else min(kw, left)), parents[node]
        node = stay.node_id
        while node is not None:
            left = room[node][number]
            room[node][number], node = (None if left is None else left - kw), parents[node]
        energy += kw * slot.hours * stay.efficiency
        powers.append(kw)
        if minimum_at is None and energy >= stay.minimum_kwh:
            minimum_at = slot.ends_at
        final_at = slot.ends_at if kw > 0 else final_at
    expected = sum(kw * slot.hours for kw, slot in zip(powers, problem.slots, strict=True))
    prediction = Prediction(minimum_at, None, energy, final_at, expected)
    lacks = stay.minimum_kwh - energy
    if lacks <= 0 or stay.departs_at is None:
        return StayPlan(stay.id, tuple(powers), prediction), None
    remedy = Remedy(RemedyKind.DEPART_LATER, ends_at=stay.departs_at + timedelta(hours=1))
    shortfall = Shortfall(stay.id, lacks, stay.target_kwh - energy, ShortfallCause.NODE, stay.node_id, remedy.ends_at, (remedy,))
    return StayPlan(stay.id, tuple(powers), prediction), shortfall


def hang(problem: PlanProblem, *, time_limit_s: float) -> Plan:
    """Take no notice of any limit."""
    time.sleep(3600)
    raise AssertionError


def die(problem: PlanProblem, *, time_limit_s: float) -> Plan:
    """End the process."""
    os._exit(1)


def fail(problem: PlanProblem, *, time_limit_s: float) -> Plan:
    """Fail, with a word that is nobody's business."""
    raise RuntimeError("secret")


def chat(problem: PlanProblem, *, time_limit_s: float) -> Plan:
    """Print on the way."""
    sys.stdout.write("Solving …")
    sys.stdout.flush()
    return solve(problem, time_limit_s=time_limit_s)
