"""From what is decided to what is told: a schedule of kW becomes a charging profile that the charge point takes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from ampyard.domain.charging_profiles.facts import RateUnit, SmartCharging
from ampyard.domain.equipment import SetPoints
from ampyard.domain.limit_schedules import Schedule, Step, simplified

# How long a charge point that has lost its link follows what it was told last; then its fall-back holds.
HORIZON = timedelta(hours=4)
# One that has this much left of its schedule is given a new one, so that it never runs out while the link is there.
RENEWAL = timedelta(hours=1)
# A millionth of a step: 4.14 kW are 6 A, which binary fractions deny.
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Charger:
    """What of an EVSE, and of the vehicle there, decides how its profiles are made.

    `kw_per_a` is the power that one ampere on each of `phases` makes; `phases` is None for direct current. `phase` is the one a
    vehicle with a single phase is counted on, where the charge point can be told which to use. `clock_is_right`: moments
    mean there what they mean here. `preferred` is the unit in which it is told limits if it takes both.
    """

    smart_charging: SmartCharging
    kw_per_a: float
    phases: int | None
    set_points: SetPoints
    clock_is_right: bool
    phase: int | None = None
    preferred: RateUnit = RateUnit.W

    @property
    def unit(self) -> RateUnit:
        """The unit that is preferred where it is taken, else the other one."""
        units = self.smart_charging.units
        return self.preferred if self.preferred in units else next(iter(units))

    def told(self, kw: float) -> tuple[float, float]:
        """Return a limit in the charger's unit, and what that is in kW: the highest set-point it knows that is not above."""
        known_kw = self.set_points.down_kw(kw, self.kw_per_a)
        if self.unit is RateUnit.W:
            watts = float(math.floor(known_kw * 1000 + _SLACK * 1000))
            return watts, watts / 1000
        # OCPP 1.6, 7.14 and 2.0.1 part 2, 2.12: one decimal.
        amperes = math.floor(known_kw / self.kw_per_a * 10 + _SLACK) / 10
        return amperes, min(kw, amperes * self.kw_per_a)


@dataclass(frozen=True, slots=True)
class Profile:
    """A charging profile as the versions have it in common: periods of (start in s, limit in `unit`) from `start_at` on.

    Without `start_at` it is relative to the start of the transaction. `duration_s` is after how long nothing of it holds any more, and
    `max_offline_s` after how long without a link, for good (OCPP 2.1 alone).
    """

    unit: RateUnit
    periods: tuple[tuple[int, float], ...]
    stack_level: int = 0
    phases: int | None = None
    phase: int | None = None
    start_at: datetime | None = None
    duration_s: int | None = None
    max_offline_s: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON, from which `from_json` makes it again."""
        return {
            "unit": self.unit.value,
            "periods": [list(period) for period in self.periods],
            "stack_level": self.stack_level,
            "phases": self.phases,
            "phase": self.phase,
            "start_at": None if self.start_at is None else self.start_at.isoformat(),
            "duration_s": self.duration_s,
            "max_offline_s": self.max_offline_s,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Return what `to_json` made."""
        start_at = stored["start_at"]
        return cls(
            unit=RateUnit(stored["unit"]),
            periods=tuple((int(start_s), float(limit)) for start_s, limit in stored["periods"]),
            stack_level=stored["stack_level"],
            phases=stored["phases"],
            phase=stored["phase"],
            start_at=None if start_at is None else datetime.fromisoformat(start_at),
            duration_s=stored["duration_s"],
            # Commands of the last release do not have it.
            max_offline_s=stored.get("max_offline_s"),
        )


def wanted_schedule(limit_kw: float, ahead: Iterable[Step], fallback_kw: float, *, now: datetime) -> Schedule:
    """Return a limit now and what is planned after it, ending in the fall-back.

    `ahead` may begin before now, and reach beyond the horizon; only what lies between counts. Without it the limit stays.
    """
    until = now + HORIZON
    planned = [Step(*step) for step in sorted(ahead) if now < step[0] < until]
    return simplified([Step(now, limit_kw), *planned, Step(until, fallback_kw)])


def make_profile(wanted: Schedule, fallback_kw: float, charger: Charger, *, now: datetime) -> tuple[Profile, Schedule]:
    """Return the profile for a transaction's schedule, and the schedule that it amounts to: never above the one wanted.

    `wanted` ends in the fall-back (`wanted_schedule`). A charge point whose clock is not known to be right is given the first
    limit alone, relative to the start of the transaction: by a wrong clock it would follow the plan at the wrong time, and find
    it over. Nor does it fall back then while the transaction lasts, unless it counts for how long it has been without a link: it
    does so then by itself, no earlier than a schedule would have ended, and may before it is told anew. One that takes fewer
    periods than there are steps is given the first of them, and falls back earlier.
    """
    first, *later = ((step.begins_at, *charger.told(step.kw)) for step in wanted.from_(now).steps)
    made = Profile(
        unit=charger.unit,
        periods=((0, first[1]),),
        stack_level=charger.smart_charging.stack_level,
        phases=charger.phases,
        phase=charger.phase if charger.smart_charging.switches_phases and charger.phases == 1 else None,
        max_offline_s=round(HORIZON.total_seconds()) if charger.smart_charging.max_offline else None,
    )
    if not charger.clock_is_right:
        alone = [Step(now, first[2])]
        if made.max_offline_s is not None:
            # A link that is lost at once makes it the fall-back from then on; one that is not leaves it the limit.
            alone.append(Step(now + HORIZON, max(first[2], fallback_kw)))
        return made, simplified(alone)
    told = [(now, first[1], first[2])]
    told += [step for step in later if step[0] > now]
    told = [step for n, step in enumerate(told) if n == 0 or step[1] != told[n - 1][1]]
    most = charger.smart_charging.periods
    # Periods begin at whole seconds of the schedule, hence so does the schedule: the steps of a plan, which do, keep their moments.
    start_at = now.replace(microsecond=0)
    steps = [Step(begins_at, kw) for begins_at, _, kw in told]
    duration_s = None
    if most is not None and len(told) > most:
        # Where the last period that is allowed ends, the default profile takes over.
        end_at = told[most][0]
        duration_s = math.floor((end_at - start_at).total_seconds())
        steps, told = [*steps[:most], Step(end_at, fallback_kw)], told[:most]
    # A step of a plan begins no earlier there than here, by up to a second later.
    starts_s = [0, *(math.ceil((begins_at - start_at).total_seconds()) for begins_at, *_ in told[1:])]
    periods = tuple((start_s, limit) for start_s, (_, limit, _) in zip(starts_s, told, strict=True))
    return replace(made, periods=periods, start_at=start_at, duration_s=duration_s), simplified(steps)


def fallback_profile(fallback_kw: float, charger: Charger) -> Profile:
    """Return the default profile of an EVSE: one limit, relative to the start of whatever transaction begins there."""
    level = charger.smart_charging.stack_level
    return Profile(charger.unit, ((0, charger.told(fallback_kw)[0]),), level, charger.phases)
