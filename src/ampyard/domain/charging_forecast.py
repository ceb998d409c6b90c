"""How a battery fills at a forecast power. Whoever plans power hands its plan in here; until then a forecast is what flows now."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

# Of the energy that a charge point delivers, what reaches the battery: rectifying, cooling and conversion take the rest.
EFFICIENCY = 0.92
# Up to the knee a battery takes all that its vehicle can; from there on ever less, until at 100 % it takes this share.
_KNEE = 0.8
_LAST_SHARE = 0.1
_HOUR = timedelta(hours=1)
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_HORIZON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Step:
    """A power at the plug, in kW, from a moment until the next step."""

    begins_at: datetime
    kw: float


# By time; before the first step nothing flows, and the last one holds for ever.
Forecast: TypeAlias = tuple[Step, ...]


def steady(kw: float) -> Forecast:
    """Return the forecast of one power for ever."""
    return (Step(_ALWAYS, kw),)


def at_least(forecast: Forecast, kw: float) -> Forecast:
    """Return a forecast that nowhere has less than this power."""
    return (*steady(kw), *(Step(step.begins_at, max(step.kw, kw)) for step in forecast))


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery of `capacity_kwh` in a vehicle that takes at most `max_kw` at its plug.

    Above 80 % it takes ever less: its share of the highest power falls in a straight line to a tenth at 100 %. What flows is the lesser
    of what it takes and what is forecast. More energy to begin with, more power or more time never leave less energy in it.
    """

    capacity_kwh: float
    max_kw: float

    def after(self, energy_kwh: float, forecast: Forecast, begin: datetime, end: datetime) -> float:
        """Return the energy in the battery at `end`, in kWh, when there is `energy_kwh` at `begin`."""
        for kw, hours in _pieces(forecast, begin, end):
            energy_kwh = self._filled(energy_kwh, self._arriving(kw), hours)
        return energy_kwh

    def reaches(self, target_kwh: float, energy_kwh: float, forecast: Forecast, begin: datetime) -> datetime | None:
        """Return when there are `target_kwh` in the battery, `begin` where they are there already; `None`: not within 30 days."""
        if energy_kwh >= target_kwh:
            return begin
        if target_kwh > self.capacity_kwh:
            return None
        at = begin
        for kw, hours in _pieces(forecast, begin, begin + _HORIZON):
            needed = self._hours_to(target_kwh, energy_kwh, self._arriving(kw))
            if needed <= hours:
                return at + needed * _HOUR
            energy_kwh = self._filled(energy_kwh, self._arriving(kw), hours)
            at += hours * _HOUR
        return None

    def _arriving(self, kw: float) -> float:
        """Return what reaches the battery of a power at the plug, as long as the battery takes all of it."""
        return min(kw, self.max_kw) * EFFICIENCY

    def _filled(self, energy_kwh: float, kw: float, hours: float) -> float:
        """Return the energy after so long at a power that reaches the battery: first in a straight line, then in ever smaller portions."""
        knee = self._knee(kw)
        if energy_kwh < knee:
            straight = (knee - energy_kwh) / kw if kw > 0 else math.inf
            if hours <= straight:
                return min(energy_kwh + kw * hours, self.capacity_kwh)
            energy_kwh, hours = knee, hours - straight
        if kw <= 0 or energy_kwh >= self.capacity_kwh:
            return energy_kwh
        taken, fall = self._taken(energy_kwh), self._fall
        return min(energy_kwh + taken / fall * -math.expm1(-fall * hours), self.capacity_kwh)

    def _hours_to(self, target_kwh: float, energy_kwh: float, kw: float) -> float:
        """Return in how many hours a power that reaches the battery brings it to a target above what there is; infinite for never."""
        if kw <= 0:
            return math.inf
        knee = self._knee(kw)
        straight = max(0.0, min(target_kwh, knee) - energy_kwh) / kw
        if target_kwh <= knee:
            return straight
        begin = max(energy_kwh, knee)
        return straight - math.log1p(-(target_kwh - begin) * self._fall / self._taken(begin)) / self._fall

    @property
    def _tail_kwh(self) -> float:
        return (1 - _KNEE) * self.capacity_kwh

    @property
    def _fall(self) -> float:
        """By how many kW what it takes falls with each kWh, above the knee."""
        return (1 - _LAST_SHARE) * self.max_kw * EFFICIENCY / self._tail_kwh

    def _taken(self, energy_kwh: float) -> float:
        """Return what it takes at an energy above the knee, in kW that reach it."""
        beyond = (energy_kwh - _KNEE * self.capacity_kwh) / self._tail_kwh
        return self.max_kw * EFFICIENCY * (1 - (1 - _LAST_SHARE) * beyond)

    def _knee(self, kw: float) -> float:
        """Return from which energy on it takes less than this power."""
        highest = self.max_kw * EFFICIENCY
        beyond = (1 - kw / highest) / (1 - _LAST_SHARE) if highest > 0 else 0.0
        return min(self.capacity_kwh, (_KNEE + (1 - _KNEE) * beyond) * self.capacity_kwh)


def _pieces(forecast: Forecast, begin: datetime, end: datetime) -> Iterator[tuple[float, float]]:
    """Yield the powers between two moments, in kW, each with how many hours it lasts."""
    steps = (Step(_ALWAYS, 0.0), *forecast)
    for step, following in zip(steps, [*(following.begins_at for following in forecast), end], strict=True):
        since, until = max(step.begins_at, begin), min(following, end)
        if since < until:
            yield step.kw, (until - since) / _HOUR
