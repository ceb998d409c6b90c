"""A depot of buses of our own making: who runs when, what a run takes, what comes late or not at all, and what power costs.

All of it follows from one seed. 60 buses share 40 plugs of 60 kW on four feeders; the grid connection bears 45 % of all plugs together,
and a building takes a part of that. Half of the buses run by day, a quarter in the evening and into the night, a quarter twice
a day with a stay at noon. A run comes back late by half an hour at times, and needs more or less than was planned for it; of a hundred
three do not take place, which nobody knows before they should leave.
"""

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEGIN = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLUGS, PLUG_KW, FEEDERS = 40, 60.0, 4
GRID_KW = 0.45 * PLUGS * PLUG_KW
FEEDER_KW = 0.6 * PLUGS / FEEDERS * PLUG_KW
# What a kW of the highest quarter-hour costs, of a month; the week is billed as if it were one.
DEMAND_CHARGE_PER_KW = 8.0
# What is left in or missing from batteries at the end of the week counts at the price of the night.
NIGHT_PRICE = 0.14
_NO_SHOW = 0.03
# What has to be in a battery beyond what the run is planned to take: a share of that, and of the battery.
_MARGIN, _RESERVE, _FULL = 1.1, 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a bus: when it is planned to leave and come back, when it does, and what it is planned to take and takes, in kWh."""

    id: uuid.UUID
    departs_at: datetime
    returns_at: datetime
    comes_at: datetime
    planned_kwh: float
    used_kwh: float
    minimum_kwh: float
    target_kwh: float
    takes_place: bool


@dataclass(frozen=True, slots=True)
class Bus:
    """A bus, what is in its battery at the begin, and its runs in order."""

    id: uuid.UUID
    capacity_kwh: float
    energy_kwh: float
    runs: tuple[Run, ...]


def price_per_kwh(at: datetime) -> float:
    """Return the price of energy at a time: a cheap night, a dear evening."""
    if at.hour >= 22 or at.hour < 6:
        return NIGHT_PRICE
    return 0.32 if 17 <= at.hour < 20 else 0.22


def building_kw(at: datetime) -> float:
    """Return what the building takes: workshop and offices by day."""
    return 110.0 if 6 <= at.hour < 18 else 60.0


def buses(days: int, *, count: int = 60, seed: int = 5) -> list[Bus]:
    """Return the buses with their runs over so many days and the two after, which have to be planned for."""
    draw = random.Random(seed)
    return [_bus(draw, number, days + 2) for number in range(count)]


def _bus(draw: random.Random, number: int, days: int) -> Bus:
    capacity_kwh = draw.choice([300.0, 350.0, 400.0])
    runs: list[Run] = []
    for day in range(days):
        midnight = datetime(2026, 11, 2, tzinfo=UTC) + day * timedelta(days=1)
        for departs, lasts, share in _duties(draw, number):
            departs_at = midnight + departs * HOUR
            if departs_at > BEGIN and (not runs or departs_at > runs[-1].comes_at + 2 * HOUR):
                runs.append(_run(draw, capacity_kwh, departs_at, lasts * HOUR, share))
    # At noon those that run in the evening have been charged, the others come home with what is left.
    full = draw.uniform(0.8, 0.9) if number % 4 == 2 else draw.uniform(0.3, 0.7)
    return Bus(uuid.UUID(int=draw.getrandbits(128)), capacity_kwh, full * capacity_kwh, tuple(runs))


def _duties(draw: random.Random, number: int) -> list[tuple[float, float, float]]:
    """Return the hours at which the runs of a day begin, how many hours each lasts, and which share of the battery it takes."""
    if number % 4 < 2:
        return [(draw.uniform(4.5, 7.5), draw.uniform(11, 14), draw.uniform(0.55, 0.72))]
    if number % 4 == 2:
        return [(draw.uniform(12.5, 15), draw.uniform(9.5, 12), draw.uniform(0.5, 0.7))]
    return [
        (draw.uniform(4.5, 6.5), draw.uniform(3, 4), draw.uniform(0.28, 0.42)),
        (draw.uniform(13, 15), draw.uniform(4.5, 6), draw.uniform(0.32, 0.48)),
    ]


def _run(draw: random.Random, capacity_kwh: float, departs_at: datetime, lasts: timedelta, share: float) -> Run:
    departs_at = _whole_minute(departs_at)
    returns_at = _whole_minute(departs_at + lasts)
    late = timedelta(minutes=min(90, int(draw.expovariate(1 / 12))))
    planned_kwh = share * capacity_kwh
    minimum_kwh = min(_FULL * capacity_kwh, planned_kwh * _MARGIN + _RESERVE * capacity_kwh)
    return Run(
        id=uuid.UUID(int=draw.getrandbits(128)),
        departs_at=departs_at,
        returns_at=returns_at,
        comes_at=returns_at + late,
        planned_kwh=planned_kwh,
        used_kwh=planned_kwh * draw.uniform(0.88, 1.08),
        minimum_kwh=minimum_kwh,
        target_kwh=min(_FULL * capacity_kwh, minimum_kwh + 0.05 * capacity_kwh),
        takes_place=draw.random() >= _NO_SHOW,
    )


def _whole_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
