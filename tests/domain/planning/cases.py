"""Depots for the tests of planning: short builders, random cases, exact sums, and an oracle that knows no linear programme."""

import uuid
from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ampyard.domain.planning import Plan, PlanNode, PlanProblem, Slot, Stay

NOW = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GRID, FEEDER_A, FEEDER_B = (uuid.UUID(int=number) for number in (1, 2, 3))

on_random_depots = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def hours(count: int) -> tuple[Slot, ...]:
    return tuple(Slot(NOW + number * HOUR, NOW + (number + 1) * HOUR) for number in range(count))


def node(node_id: uuid.UUID, kw: float | Sequence[float | None] | None, count: int, parent_id: uuid.UUID | None = None) -> PlanNode:
    return PlanNode(node_id, parent_id, tuple(kw) if isinstance(kw, Sequence) else (kw,) * count)


def stay(
    number: int,
    *,
    arrives: float = 0.0,
    departs: float | None = 4.0,
    minimum: float = 0.0,
    target: float = 0.0,
    max_kw: float = 10.0,
    energy: float = 0.0,
    node_id: uuid.UUID = GRID,
    priority: int = 1,
    **others: object,
) -> Stay:
    """Stay `number`, with a battery of 1,000 kWh that loses nothing, so that kWh are kWh; times are hours from now."""
    return Stay(
        id=uuid.UUID(int=100 + number),
        vehicle_id=uuid.UUID(int=500 + number),
        node_id=node_id,
        priority=priority,
        arrives_at=NOW + arrives * HOUR,
        departs_at=None if departs is None else NOW + departs * HOUR,
        minimum_kwh=minimum,
        target_kwh=max(minimum, target),
        max_kw=max_kw,
        energy_kwh=energy,
        **({"capacity_kwh": 1000.0, "efficiency": 1.0} | others),  # type: ignore[arg-type]  # what is named is a field of a stay
    )


def problem(
    stays: Iterable[Stay],
    *,
    slots: int = 4,
    kw: float | Sequence[float | None] | None = 10.0,
    prices: Sequence[float] = (),
    nodes: Sequence[PlanNode] = (),
    **others: object,
) -> PlanProblem:
    """A depot with a grid connection of so many kW, in slots of an hour, unless told otherwise."""
    return PlanProblem(
        NOW,
        hours(slots),
        tuple(nodes) or (node(GRID, kw, slots),),
        tuple(stays),
        tuple(prices),
        **others,  # type: ignore[arg-type]  # as above
    )


def power(plan: Plan, number: int) -> tuple[float, ...]:
    """The power of stay `number` in each slot, to a watt."""
    return tuple(round(kw, 3) + 0.0 for kw in plan.stays[uuid.UUID(int=100 + number)].power_kw)


def final_kwh(given: PlanProblem, plan: Plan) -> dict[uuid.UUID, float]:
    """What the batteries hold at the ends of the stays, by adding up; without preconditioning, and below the knee."""
    by_id = {one.id: one for one in given.stays}
    found: dict[uuid.UUID, float] = {}

    def final(one: Stay) -> float:
        if one.id not in found:
            before = one.energy_kwh if one.previous is None else final(by_id[one.previous]) - one.used_kwh
            taken = sum(kw * slot.hours for kw, slot in zip(plan.stays[one.id].power_kw, plan.slots, strict=True))
            found[one.id] = before + taken * one.efficiency
        return found[one.id]

    for one in given.stays:
        final(one)
    return found


def lacking(given: PlanProblem, plan: Plan, *, minimum: bool = True) -> dict[uuid.UUID, float]:
    """What lacks at departure, in kWh, of those whose departure is known and within the horizon."""
    final = final_kwh(given, plan)
    return {
        one.id: max(0.0, (one.minimum_kwh if minimum else one.target_kwh) - final[one.id])
        for one in given.stays
        if one.departs_at is not None and one.departs_at <= given.slots[-1].ends_at
    }


def under(given: PlanProblem, node_id: uuid.UUID) -> set[uuid.UUID]:
    """The ids of the node and all below it."""
    found = {node_id}
    while True:
        more = {one.id for one in given.nodes if one.parent_id in found} - found
        if not more:
            return found
        found |= more


def deliverable(given: PlanProblem, needs: Mapping[uuid.UUID, int]) -> bool:
    """Whether all these needs, in whole kWh, can be met together: a flow from slots over nodes to stays.

    Slots last an hour, limits and powers are whole, and nobody comes or goes within a slot.
    """
    room = _network(given, needs)
    flow = 0
    while (path := _way(room)) is not None:
        pushed = min(room[tail][head] for head, tail in pairwise(path))
        for head, tail in pairwise(path):
            room[tail][head] -= pushed
            room[head][tail] += pushed
        flow += pushed
    return flow == sum(needs.values())


_Room: TypeAlias = dict[Hashable, dict[Hashable, int]]


def _network(given: PlanProblem, needs: Mapping[uuid.UUID, int]) -> _Room:
    room: _Room = {"source": {}, "sink": {}}

    def edge(tail: Hashable, head: Hashable, most: int) -> None:
        room.setdefault(tail, {})[head] = most
        room.setdefault(head, {}).setdefault(tail, 0)

    for number, slot in enumerate(given.slots):
        for one in given.nodes:
            limit = one.limits_kw[number]
            edge((one.parent_id, number) if one.parent_id else "source", (one.id, number), 10**6 if limit is None else int(limit))
        for guest in given.stays:
            if guest.arrives_at <= slot.begins_at and (guest.departs_at is None or slot.ends_at <= guest.departs_at):
                edge((guest.node_id, number), guest.id, int(guest.max_kw))
    for guest in given.stays:
        edge(guest.id, "sink", needs.get(guest.id, 0))
    return room


def _way(room: _Room) -> list[Hashable] | None:
    """Return the shortest way with room left, from the sink back to the source (Edmonds and Karp)."""
    came: dict[Hashable, Hashable] = {"source": "source"}
    queue = deque[Hashable](["source"])
    while queue and "sink" not in came:
        tail = queue.popleft()
        for head, most in room[tail].items():
            if most > 0 and head not in came:
                came[head] = tail
                queue.append(head)
    if "sink" not in came:
        return None
    path: list[Hashable] = ["sink"]
    while path[-1] != "source":
        path.append(came[path[-1]])
    return path


@st.composite
def depots(draw: st.DrawFn, *, most_stays: int = 6, priced: bool = True, chained: bool = False) -> PlanProblem:
    """A depot with a grid connection and two feeders, in whole kW, kWh and hours."""
    count = draw(st.integers(1, 6))
    nodes = [
        node(GRID, draw(st.lists(st.none() | st.integers(0, 40), min_size=count, max_size=count)), count),
        node(FEEDER_A, draw(st.lists(st.none() | st.integers(0, 20), min_size=count, max_size=count)), count, GRID),
        node(FEEDER_B, draw(st.integers(0, 20)), count, FEEDER_A if draw(st.booleans()) else GRID),
    ]
    stays = []
    for number in range(draw(st.integers(0, most_stays))):
        arrives = draw(st.integers(-1, count))
        stays.append(
            stay(
                number,
                arrives=arrives,
                departs=draw(st.none() | st.integers(arrives, count + 1)),
                minimum=(minimum := draw(st.integers(0, 40))),
                target=minimum + draw(st.integers(0, 30)),
                max_kw=draw(st.integers(0, 20)),
                energy=draw(st.integers(0, 20)),
                node_id=draw(st.sampled_from([GRID, FEEDER_A, FEEDER_B])),
                priority=draw(st.integers(1, 2)),
                weight=draw(st.sampled_from([1.0, 2.0])),
            )
        )
    if chained and stays:
        stays.append(
            stay(
                most_stays,
                arrives=count - 1,
                departs=count,
                minimum=draw(st.integers(0, 40)),
                node_id=FEEDER_A,
                previous=stays[0].id,
                used_kwh=float(draw(st.integers(0, 20))),
            )
        )
    return problem(
        stays,
        slots=count,
        nodes=nodes,
        prices=draw(st.lists(st.sampled_from([-0.1, 0.0, 0.1, 0.2, 0.4]), min_size=count, max_size=count)) if priced else (),
        demand_charge_per_kw=draw(st.sampled_from([0.0, 2.0])) if priced else 0.0,
        peak_so_far_kw=float(draw(st.integers(0, 20))) if priced else 0.0,
        unmanaged_kw=tuple(float(kw) for kw in draw(st.lists(st.integers(0, 5), min_size=count, max_size=count))) if priced else (),
    )
