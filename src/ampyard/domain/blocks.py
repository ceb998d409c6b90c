"""Blocks: planned runs of vehicles that recur on days of the week, and when a block runs on a day."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from ampyard.domain.local_time import Weekday, moment_of

MAX_DAYS_AWAY = 7
_NAME_LENGTH = 100
_NOTE_LENGTH = 500
_MAX_DISTANCE_KM = 3_000.0
_MAX_ENERGY_KWH = 5_000.0
_SHORTEST = timedelta(minutes=1)
# Beyond these days no block is planned, and calendars need no care for their ends.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
_WEEK = 7


class Timed(Protocol):
    """What takes a vehicle away for a time."""

    @property
    def departs_at(self) -> datetime: ...
    @property
    def returns_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Run:
    """A block on one of its days: from when until when its vehicle is away. `day` is the one on which it leaves."""

    block_id: uuid.UUID
    day: date
    departs_at: datetime
    returns_at: datetime


@dataclass(frozen=True, slots=True)
class Block:
    """A planned run of a vehicle, from one depot to the same or another, on days of the week from a first to a last day.

    It needs either `distance_km` or `energy_kwh`. Times are the clocks' of the depots, whose zones it carries; it returns
    `return_days_later` days after the day on which it leaves. What was removed stays, for the sake of what was assigned to it.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    name: str
    external_id: str | None
    note: str | None
    distance_km: float | None
    energy_kwh: float | None
    departure_depot_id: uuid.UUID
    departure_time: time
    departure_zone: str
    return_depot_id: uuid.UUID
    return_time: time
    return_zone: str
    return_days_later: int
    weekdays: frozenset[Weekday]
    first_day: date
    last_day: date | None
    enabled: bool
    removed_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def runs_on(self, day: date) -> bool:
        """Tell whether it runs on a day: it is enabled, and the day is one of its weekdays from its first to its last day."""
        return self.enabled and self.removed_at is None and self._recurs_on(day)

    def run_on(self, day: date) -> Run:
        """Return from when until when it is away if it leaves on this day; whether it runs at all is not looked at.

        A local time that clocks jump over is as much later as they jump, one that comes twice is the first. Where the jump would have a
        short run return before it has left, it takes a minute.
        """
        departs_at, returns_at = self._moments(day)
        return Run(self.id, day, departs_at, max(returns_at, departs_at + _SHORTEST))

    def why_not_on(self, day: date) -> str:
        """Return why it does not run on this day, in words."""
        if self.removed_at is not None:
            return f"Block {self.name} has been removed."
        if not self.enabled:
            return f"Block {self.name} is disabled."
        until = f" until {self.last_day}" if self.last_day is not None else ""
        named = ", ".join(weekday.name.title() for weekday in sorted(self.weekdays))
        return f"Block {self.name} does not run on {Weekday.of(day).name.title()} {day}; it runs on {named} from {self.first_day}{until}."

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with it by itself: the field, and a message that says what would be right."""
        yield from self._faults_of_words()
        yield from self._faults_of_need()
        if not 0 <= self.return_days_later <= MAX_DAYS_AWAY:
            yield "return_days_later", f"It returns {self.return_days_later} days later; give 0 to {MAX_DAYS_AWAY}."
        elif not FIRST_DAY <= self.first_day <= LAST_DAY:
            yield "first_day", f"The first day {self.first_day} is out of range; give {FIRST_DAY} to {LAST_DAY}."
        elif not self.weekdays:
            yield "weekdays", "There are none; give at least one day of the week."
        elif self.last_day is not None and self.last_day < self.first_day:
            yield "last_day", f"The last day {self.last_day} is before the first, {self.first_day}."
        elif not (days := self._first_days()):
            yield "last_day", f"From {self.first_day} to {self.last_day} there is none of its weekdays; it would never run."
        elif all(returns_at <= departs_at for departs_at, returns_at in map(self._moments, days)):
            yield "return_time", f"It would return at {_clock(self.return_time)}, before it has left; give a later time or more days."

    def described(self, run: Timed) -> str:
        """Return the block with the times of a run, as its departure depot's clocks show them."""
        zone = ZoneInfo(self.departure_zone)
        departs, returns = run.departs_at.astimezone(zone), run.returns_at.astimezone(zone)
        end = f"{returns:%H:%M}" if returns.date() == departs.date() else f"{returns:%Y-%m-%d %H:%M}"
        return f"block {self.name} ({departs:%Y-%m-%d %H:%M} to {end} {self.departure_zone})"

    def _faults_of_words(self) -> Iterator[tuple[str, str]]:
        if not self.name.strip() or len(self.name) > _NAME_LENGTH:
            yield "name", f"It has {len(self.name.strip())} characters; give 1 to {_NAME_LENGTH}."
        if self.external_id is not None and not 0 < len(self.external_id.strip()) <= len(self.external_id) <= _NAME_LENGTH:
            yield "external_id", f"It has {len(self.external_id.strip())} characters; give 1 to {_NAME_LENGTH}, or none at all."
        if self.note is not None and len(self.note) > _NOTE_LENGTH:
            yield "note", f"It has {len(self.note)} characters; {_NOTE_LENGTH} at most."

    def _faults_of_need(self) -> Iterator[tuple[str, str]]:
        if (self.distance_km is None) == (self.energy_kwh is None):
            found = "neither" if self.distance_km is None else "both"
            yield "distance_km", f"There is {found} of distance and energy; give exactly one: distanceKm or energyKwh."
        if self.distance_km is not None and not 0 < self.distance_km <= _MAX_DISTANCE_KM:
            yield "distance_km", f"It is {self.distance_km:g} km; give more than 0 and at most {_MAX_DISTANCE_KM:g}."
        if self.energy_kwh is not None and not 0 < self.energy_kwh <= _MAX_ENERGY_KWH:
            yield "energy_kwh", f"It is {self.energy_kwh:g} kWh; give more than 0 and at most {_MAX_ENERGY_KWH:g}."

    def _recurs_on(self, day: date) -> bool:
        return self.first_day <= day <= (self.last_day or LAST_DAY) and Weekday.of(day) in self.weekdays

    def _moments(self, day: date) -> tuple[datetime, datetime]:
        departs_at = moment_of(day, self.departure_time, self.departure_zone)
        return departs_at, moment_of(day + timedelta(days=self.return_days_later), self.return_time, self.return_zone)

    def _first_days(self) -> list[date]:
        """Return the days within its first week on which it recurs. Clocks are changed on one of them at most."""
        return [day for n in range(_WEEK) if self._recurs_on(day := self.first_day + timedelta(days=n))]


def _clock(at: time) -> str:
    return at.isoformat(timespec="minutes")
