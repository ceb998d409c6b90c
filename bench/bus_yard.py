"""A week in the yard of a bus depot, in steps of five minutes: buses leave and come back, and get plugs and power by a policy."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from ampyard.domain.charging_forecast import EFFICIENCY, Battery, steady
from bench.bus_depot import BEGIN, DEMAND_CHARGE_PER_KW, FEEDERS, HOUR, NIGHT_PRICE, PLUG_KW, PLUGS, Bus, Run, building_kw, price_per_kwh

STEP = timedelta(minutes=5)
# What a bus may lack and still count as full, or as ready: what its display does not show.
FULL_KWH = 1.0
# How long a bus is plugged in at least before another takes its place: somebody has to move both.
_LEAST_STAY = timedelta(minutes=30)


@dataclass
class Standing:
    """A bus as it is now: on the road or at home, plugged in since when, and what is in it; `following` is the place of its next run."""

    bus: Bus
    energy_kwh: float
    following: int = 0
    away_until: datetime | None = None
    plug: int | None = None
    plugged_at: datetime = BEGIN
    home_since: datetime = BEGIN
    kw: float = 0.0

    @property
    def run(self) -> Run:
        """Its next run."""
        return self.bus.runs[self.following]

    @property
    def is_home(self) -> bool:
        """Whether it is in the yard."""
        return self.away_until is None

    @property
    def wants_kw(self) -> float:
        """What it could take now, at its plug; nothing when it holds its target."""
        if self.energy_kwh >= self.run.target_kwh - FULL_KWH:
            return 0.0
        beyond = max(0.0, self.energy_kwh / self.bus.capacity_kwh - 0.8) / 0.2
        return PLUG_KW * (1 - 0.9 * beyond)

    @property
    def feeder(self) -> int:
        """The feeder of its plug."""
        assert self.plug is not None
        return self.plug % FEEDERS


class Policy(Protocol):
    """Who gets a plug, and how much power."""

    def prepare(self, now: datetime, yard: Sequence[Standing]) -> None:
        """Look at the yard before plugs are given out."""

    def claims_plug(self, one: Standing) -> bool:
        """Whether a bus without a plug should have one now, in another's place."""

    def yields_plug(self, one: Standing, to: Standing) -> bool:
        """Whether a bus that is plugged in, and is not full, should make way."""

    def powers_kw(self, now: datetime, plugged: Sequence[Standing]) -> dict[uuid.UUID, float]:
        """Return what each bus that is plugged in may take now."""


@dataclass
class Outcome:
    """What a week came to. `ready` has, for each run that took place, whether the bus held its minimum when it left."""

    ready: dict[uuid.UUID, bool] = field(default_factory=dict)
    energy_kwh: float = 0.0
    energy_cost: float = 0.0
    peak_kw: float = 0.0
    moves: int = 0
    starts: int = 0

    @property
    def cost(self) -> float:
        """What energy and the peak cost."""
        return self.energy_cost + DEMAND_CHARGE_PER_KW * self.peak_kw


def week(buses: Sequence[Bus], policy: Policy, days: int) -> Outcome:
    """Let a policy run a depot for so many days."""
    yard = [Standing(bus, bus.energy_kwh) for bus in buses]
    outcome, quarter_kwh = Outcome(), 0.0
    for number in range(int(days * 24 * HOUR / STEP)):
        now = BEGIN + number * STEP
        for one in yard:
            _come_and_go(one, now, outcome)
        policy.prepare(now, yard)
        _plug(yard, policy, now, outcome)
        plugged = [one for one in yard if one.plug is not None]
        given = policy.powers_kw(now, plugged)
        total_kw = building_kw(now)
        for one in plugged:
            total_kw += _charge(one, given.get(one.bus.id, 0.0), now, outcome)
        quarter_kwh += total_kw * (STEP / HOUR)
        if (now + STEP).minute % 15 == 0:
            outcome.peak_kw, quarter_kwh = max(outcome.peak_kw, quarter_kwh * 4), 0.0
    missing = sum(one.bus.energy_kwh - one.energy_kwh for one in yard)
    outcome.energy_cost += missing / EFFICIENCY * NIGHT_PRICE
    return outcome


def _come_and_go(one: Standing, now: datetime, outcome: Outcome) -> None:
    if one.away_until is not None and one.away_until <= now:
        one.away_until, one.home_since = None, now
    while one.is_home and one.run.departs_at <= now:
        run = one.run
        one.following += 1
        if run.takes_place:
            outcome.ready[run.id] = one.energy_kwh >= run.minimum_kwh - FULL_KWH
            one.energy_kwh = max(0.0, one.energy_kwh - run.used_kwh)
            one.away_until, one.plug, one.kw = run.comes_at, None, 0.0


def _plug(yard: Sequence[Standing], policy: Policy, now: datetime, outcome: Outcome) -> None:
    waiting = sorted((one for one in yard if one.is_home and one.plug is None), key=lambda one: (one.run.departs_at, one.bus.id))
    free = sorted(set(range(PLUGS)) - {one.plug for one in yard if one.plug is not None})
    for one in waiting:
        if not one.wants_kw:
            continue
        if not free:
            free = _made_free(one, yard, policy, now, outcome)
        if free:
            one.plug, one.plugged_at, one.kw = free.pop(0), now, 0.0


def _made_free(one: Standing, yard: Sequence[Standing], policy: Policy, now: datetime, outcome: Outcome) -> list[int]:
    """Unplug who has all it wants, or makes way by the policy: of several who leaves last."""
    plugged = [other for other in yard if other.plug is not None and now - other.plugged_at >= _LEAST_STAY]
    able = [other for other in plugged if not other.wants_kw or (policy.claims_plug(one) and policy.yields_plug(other, one))]
    if not able:
        return []
    last = max(able, key=lambda other: (not other.wants_kw, other.run.departs_at, other.bus.id))
    assert last.plug is not None
    plug, last.plug, last.kw = last.plug, None, 0.0
    outcome.moves += 1
    return [plug]


def _charge(one: Standing, kw: float, now: datetime, outcome: Outcome) -> float:
    """Charge a bus for a step; return what flowed, in kW."""
    battery = Battery(one.bus.capacity_kwh, PLUG_KW)
    after = min(one.run.target_kwh, battery.after(one.energy_kwh, steady(min(kw, one.wants_kw)), now, now + STEP))
    flowed_kwh = max(0.0, after - one.energy_kwh) / EFFICIENCY
    outcome.starts += flowed_kwh > 0 and one.kw == 0
    one.energy_kwh, one.kw = max(after, one.energy_kwh), flowed_kwh / (STEP / HOUR)
    outcome.energy_kwh += flowed_kwh
    outcome.energy_cost += flowed_kwh * price_per_kwh(now)
    return one.kw
