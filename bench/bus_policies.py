"""How to run a bus depot: by the plan and the now step, or by one of the plain rules that chargers come with."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ampyard.domain.charging_forecast import EFFICIENCY
from ampyard.domain.planning import Plan, PlanNode, PlanProblem, Slot, Stay, slots, solve
from ampyard.domain.power import Demand, Node, Tree, share_power
from bench.bus_depot import (
    BEGIN,
    DEMAND_CHARGE_PER_KW,
    FEEDER_KW,
    FEEDERS,
    GRID_KW,
    HOUR,
    PLUG_KW,
    Bus,
    Run,
    building_kw,
    price_per_kwh,
)
from bench.bus_yard import STEP, Standing

GRID = uuid.UUID(int=1)
FEEDER = [uuid.UUID(int=2 + number) for number in range(FEEDERS)]
_HORIZON = 36 * HOUR
_REPLAN = timedelta(minutes=15)
_SOON = timedelta(minutes=30)


@dataclass
class InOrder:
    """Who is first by an order gets all it can take, then the next; who gets nothing makes way to whoever would come before it."""

    order: Callable[[Standing], tuple[datetime, uuid.UUID]]

    def prepare(self, now: datetime, yard: Sequence[Standing]) -> None:
        """Look at nothing: the rule is the same whatever comes."""

    def claims_plug(self, one: Standing) -> bool:
        """Whoever has none claims one."""
        return bool(one.wants_kw)

    def yields_plug(self, one: Standing, to: Standing) -> bool:
        """Who gets nothing anyway, and would come later."""
        return one.kw == 0 and self.order(to) < self.order(one)

    def powers_kw(self, now: datetime, plugged: Sequence[Standing]) -> dict[uuid.UUID, float]:
        """Fill up one after the other."""
        room, feeders = GRID_KW - building_kw(now), [FEEDER_KW] * FEEDERS
        given = {}
        for one in sorted(plugged, key=self.order):
            kw = max(0.0, min(one.wants_kw, room, feeders[one.feeder]))
            given[one.bus.id] = kw
            room -= kw
            feeders[one.feeder] -= kw
        return given


def first_come() -> InOrder:
    """Who came home first charges first."""
    return InOrder(lambda one: (one.home_since, one.bus.id))


def earliest_departure() -> InOrder:
    """Who leaves first charges first."""
    return InOrder(lambda one: (one.run.departs_at, one.bus.id))


class EqualShare:
    """Everyone gets the same, as far as it can take it (max-min fair); plugs go to others only when a bus has all it wants."""

    def prepare(self, now: datetime, yard: Sequence[Standing]) -> None:
        """Look at nothing: the rule is the same whatever comes."""

    def claims_plug(self, one: Standing) -> bool:
        """Whoever has none claims one."""
        return bool(one.wants_kw)

    def yields_plug(self, one: Standing, to: Standing) -> bool:  # noqa: ARG002  # whoever it is
        """Nobody makes way before it has all it wants."""
        return False

    def powers_kw(self, now: datetime, plugged: Sequence[Standing]) -> dict[uuid.UUID, float]:
        """Share evenly."""
        return _shared(now, plugged, {}, {})


@dataclass
class Engine:
    """A plan every quarter-hour and when a bus came or left, as the product makes them, and the now step between.

    It knows what is planned and what has happened, and nothing of what will.
    """

    peak_kw: float = 0.0
    plan: Plan | None = None
    seconds: list[float] = field(default_factory=list)
    told_short: dict[uuid.UUID, datetime] = field(default_factory=dict)
    _now: datetime = BEGIN
    _planned_at: datetime | None = None
    _planned_for: set[uuid.UUID] = field(default_factory=set)
    _quarter_kwh: float = 0.0

    def prepare(self, now: datetime, yard: Sequence[Standing]) -> None:
        """Plan anew when a quarter-hour is over, or somebody else is there than when the last plan was made."""
        if now > BEGIN:
            self._count(yard)
        self._now = now
        there = {one.run.id for one in yard if one.is_home}
        if self._planned_at is None or now - self._planned_at >= _REPLAN or there != self._planned_for:
            self._planned_at, self._planned_for = now, there
            self.plan = solve(_problem(now, yard, self.peak_kw), time_limit_s=30.0)
            self.seconds.append(self.plan.solve_s)
            for short in self.plan.shortfalls:
                self.told_short.setdefault(short.stay_id, now)

    def claims_plug(self, one: Standing) -> bool:
        """Who is planned to charge soon, or must."""
        return self._planned_kw(one, self._now) > 0 or _urgency(one, self._now) >= 1

    def yields_plug(self, one: Standing, to: Standing) -> bool:  # noqa: ARG002  # who claims it has been planned for
        """Who is not planned to charge soon, and need not."""
        return _urgency(one, self._now) < 1 and not any(self._planned_kw(one, self._now + ahead) for ahead in (timedelta(0), _SOON))

    def powers_kw(self, now: datetime, plugged: Sequence[Standing]) -> dict[uuid.UUID, float]:
        """Share by urgency, below what is planned."""
        planned = {one.bus.id: self._planned_kw(one, now) for one in plugged}
        return _shared(now, plugged, planned, {one.bus.id: _urgency(one, now) for one in plugged})

    def _planned_kw(self, one: Standing, at: datetime) -> float:
        if self.plan is None or one.run.id not in self.plan.stays:
            return 0.0
        for slot, kw in zip(self.plan.slots, self.plan.stays[one.run.id].power_kw, strict=True):
            if slot.begins_at <= at < slot.ends_at:
                return kw
        return 0.0

    def _count(self, yard: Sequence[Standing]) -> None:
        """Keep the highest mean of a quarter-hour so far, as a meter would."""
        self._quarter_kwh += (building_kw(self._now) + sum(one.kw for one in yard if one.plug is not None)) * (STEP / HOUR)
        if (self._now + STEP).minute % 15 == 0:
            self.peak_kw, self._quarter_kwh = max(self.peak_kw, self._quarter_kwh * 4), 0.0


def _urgency(one: Standing, now: datetime) -> float:
    """Return what is still needed for the minimum as a part of what the bus could take until it leaves."""
    needed = one.run.minimum_kwh - one.energy_kwh
    able = PLUG_KW * EFFICIENCY * ((one.run.departs_at - now) / HOUR)
    return 0.0 if needed <= 0 else min(needed / able, 9.0) if able > 0 else 9.0


def _shared(
    now: datetime, plugged: Sequence[Standing], planned: dict[uuid.UUID, float], urgency: dict[uuid.UUID, float]
) -> dict[uuid.UUID, float]:
    tree = Tree([Node(GRID, None, GRID_KW - building_kw(now)), *(Node(feeder, GRID, FEEDER_KW) for feeder in FEEDER)])
    demands = [
        Demand(
            evse_id=one.bus.id,
            node_id=FEEDER[one.feeder],
            priority=1,
            since=one.plugged_at,
            wanted_kw=one.wants_kw,
            minimum_kw=0.0,
            current_kw=one.kw,
            fallback_kw=0.0,
            online=True,
            urgency=urgency.get(one.bus.id, 0.0),
            planned_kw=planned.get(one.bus.id),
            charging=one.kw > 0,
        )
        for one in plugged
    ]
    return {share.evse_id: share.target_kw for share in share_power(tree, demands)}


def _problem(now: datetime, yard: Sequence[Standing], peak_kw: float) -> PlanProblem:
    """Return the depot as a planner would know it: planned times and needs, measured energies; who is overdue comes in a quarter-hour."""
    cut = slots(now, _HORIZON)
    stays = [stay for one in yard for stay in _stays(one, now, cut[-1].ends_at)]
    free = tuple(GRID_KW - building_kw(slot.begins_at) for slot in cut)
    return PlanProblem(
        now=now,
        slots=cut,
        nodes=(PlanNode(GRID, None, free), *(PlanNode(feeder, GRID, (FEEDER_KW,) * len(cut)) for feeder in FEEDER)),
        stays=tuple(stays),
        prices_per_kwh=tuple(price_per_kwh(slot.begins_at) for slot in cut),
        demand_charge_per_kw=DEMAND_CHARGE_PER_KW,
        peak_so_far_kw=peak_kw,
        unmanaged_kw=tuple(building_kw(slot.begins_at) for slot in cut),
    )


def _stays(one: Standing, now: datetime, until: datetime) -> list[Stay]:
    """Return the stays of a bus within the horizon; a stay has the id of the run that ends it."""
    found: list[Stay] = []
    arrives_at, energy_kwh = now, one.energy_kwh
    if not one.is_home:
        behind = one.bus.runs[one.following - 1]
        # What it took is measured when it is back; until then what was planned counts.
        energy_kwh += behind.used_kwh - behind.planned_kwh
        arrives_at = max(behind.returns_at, now + _REPLAN)
    for run in one.bus.runs[one.following :]:
        if arrives_at >= until:
            break
        node_id = GRID if found or one.plug is None else FEEDER[one.feeder]
        previous = found[-1].id if found else None
        used_kwh = one.bus.runs[one.bus.runs.index(run) - 1].planned_kwh if found else 0.0
        found.append(stay_before(one.bus, run, arrives_at, node_id, energy_kwh=energy_kwh, previous=previous, used_kwh=used_kwh))
        arrives_at = run.returns_at
    return found


def stay_before(
    bus: Bus, run: Run, arrives_at: datetime, node_id: uuid.UUID, *, energy_kwh: float, previous: uuid.UUID | None, used_kwh: float
) -> Stay:
    """Return the stay of a bus that a run ends."""
    return Stay(
        id=run.id,
        vehicle_id=bus.id,
        node_id=node_id,
        priority=1,
        arrives_at=arrives_at,
        departs_at=run.departs_at,
        capacity_kwh=bus.capacity_kwh,
        minimum_kwh=run.minimum_kwh,
        target_kwh=run.target_kwh,
        max_kw=PLUG_KW,
        energy_kwh=energy_kwh,
        previous=previous,
        used_kwh=used_kwh,
        efficiency=EFFICIENCY,
    )


def optimum(buses: Sequence[Bus], days: int) -> tuple[PlanProblem, Plan]:
    """Return the plan of the whole week by who knows beforehand what comes late, what does not take place, and what each run takes.

    There is a plug for everyone and feeders bind nobody. Cost is made least, and taper reckoned with on the safe side: no strict bound.
    """
    quarters = int(days * 24 * 4)
    cut = tuple(Slot(BEGIN + number * _REPLAN, BEGIN + (number + 1) * _REPLAN) for number in range(quarters))
    stays: list[Stay] = []
    for bus in buses:
        arrives_at, previous, used_kwh = BEGIN, None, 0.0
        for run in (run for run in bus.runs if run.takes_place):
            if run.departs_at > cut[-1].ends_at or arrives_at >= run.departs_at:
                break
            stay = stay_before(bus, run, arrives_at, GRID, energy_kwh=bus.energy_kwh, previous=previous, used_kwh=used_kwh)
            stays.append(stay)
            arrives_at, previous, used_kwh = run.comes_at, stay.id, run.used_kwh
    problem = PlanProblem(
        now=BEGIN,
        slots=cut,
        nodes=(PlanNode(GRID, None, tuple(GRID_KW - building_kw(slot.begins_at) for slot in cut)),),
        stays=tuple(stays),
        prices_per_kwh=tuple(price_per_kwh(slot.begins_at) for slot in cut),
        demand_charge_per_kw=DEMAND_CHARGE_PER_KW,
        unmanaged_kw=tuple(building_kw(slot.begins_at) for slot in cut),
    )
    return problem, solve(problem, time_limit_s=300.0)
