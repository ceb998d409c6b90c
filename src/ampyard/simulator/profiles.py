"""Charging profiles: what one says at an instant, which of them wins, and what they amount to over a window.

Source: OCPP 1.6 section 3.13 (stack levels, purposes, composite schedule); OCPP 2.0.1 part 2, block K.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from ampyard.simulator.model import current_of_kw, kw_of_current

RateUnit = Literal["W", "A"]
ProfileKind = Literal["Absolute", "Recurring", "Relative"]
RecurrencyKind = Literal["Daily", "Weekly"]

_RECURRENCE = {"Daily": timedelta(days=1), "Weekly": timedelta(weeks=1)}


class Purpose(StrEnum):
    """The OCPP 1.6 spelling; 2.0.1 calls the first ChargingStationMaxProfile."""

    MAX = "ChargePointMaxProfile"
    DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


@dataclass(frozen=True, slots=True)
class SchedulePeriod:
    start_s: int
    limit: float
    phases: int | None = None

    def limit_kw(self, unit: RateUnit, phases: int) -> float:
        """Return the limit in kW for a load on ``phases`` phases; a period without a number of phases means three."""
        if unit == "W":
            return self.limit / 1000
        return kw_of_current(self.limit, min(self.phases or 3, phases))


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """An installed profile, whichever protocol brought it; ``evse_no`` 0 is the whole charge point.

    It is followed whether the link is there or not (1.6 section 3.13, offline behaviour), until it ends. ``max_offline_s`` (2.1) is for
    how long that is without a link; None: for as long as it takes. ``invalid_after_offline``: once over so, it does not come back
    with the link.
    """

    profile_id: int
    evse_no: int
    stack_level: int
    purpose: Purpose
    kind: ProfileKind
    unit: RateUnit
    periods: tuple[SchedulePeriod, ...]
    installed_at: datetime
    recurrency: RecurrencyKind | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    start_at: datetime | None = None
    duration_s: int | None = None
    transaction_id: str | None = None
    max_offline_s: int | None = None
    invalid_after_offline: bool = False

    def outlasts(self, offline_since: datetime | None, now: datetime) -> bool:
        """Tell whether it holds without a link since then (2.1 part 2, ChargingProfileType.maxOfflineDuration); None: the link is there."""
        return offline_since is None or self.max_offline_s is None or (now - offline_since).total_seconds() < self.max_offline_s

    def anchor(self, now: datetime, started_at: datetime | None) -> datetime | None:
        """Return when the schedule that covers ``now`` began, None if it has not.

        A schedule without a start of its own begins with the transaction (1.6 section 7.13); that of a
        charge-point maximum, which has no transaction, when it was installed.
        """
        if self.kind == "Relative" or self.start_at is None:
            return self.installed_at if self.purpose is Purpose.MAX else started_at
        if self.kind == "Recurring" and self.recurrency is not None and now > self.start_at:
            every = _RECURRENCE[self.recurrency]
            return self.start_at + (now - self.start_at) // every * every
        return self.start_at

    def period_at(self, now: datetime, started_at: datetime | None) -> SchedulePeriod | None:
        if (self.valid_from is not None and now < self.valid_from) or (self.valid_to is not None and now >= self.valid_to):
            return None
        anchor = self.anchor(now, started_at)
        if anchor is None or now < anchor:
            return None
        elapsed_s = (now - anchor).total_seconds()
        if self.duration_s is not None and elapsed_s >= self.duration_s:
            return None
        begun = [period for period in self.periods if period.start_s <= elapsed_s]
        return begun[-1] if begun else None

    def changes_between(self, start: datetime, end: datetime, started_at: datetime | None) -> set[datetime]:
        """Return the instants inside the window at which what this profile says may change."""
        instants = {instant for instant in (self.valid_from, self.valid_to) if instant is not None}
        anchor = self.anchor(start, started_at)
        offsets_s = [period.start_s for period in self.periods] + ([] if self.duration_s is None else [self.duration_s])
        while anchor is not None and anchor < end:
            instants |= {anchor} | {anchor + timedelta(seconds=offset_s) for offset_s in offsets_s}
            anchor = anchor + _RECURRENCE[self.recurrency] if self.kind == "Recurring" and self.recurrency else None
        return {instant for instant in instants if start < instant < end}


@dataclass(frozen=True, slots=True)
class Load:
    """The EVSE whose limit is asked for: its number, the phases in use and the start of its transaction, if any."""

    evse_no: int
    phases: int
    started_at: datetime | None


def _winner_kw(candidates: Iterable[ChargingProfile], load: Load, now: datetime) -> float | None:
    speaking = [
        (profile.stack_level, profile.profile_id, profile.unit, period)
        for profile in candidates
        if (period := profile.period_at(now, load.started_at)) is not None
    ]
    if not speaking:
        return None
    *_, unit, period = max(speaking, key=lambda entry: entry[:2])
    return period.limit_kw(unit, load.phases)


def evse_limit_kw(profiles: Sequence[ChargingProfile], load: Load, now: datetime, fallback_kw: float) -> float:
    """Return the limit of one EVSE: TxProfile, else TxDefaultProfile (own before the charge point's), else the fallback."""
    own = [profile for profile in profiles if profile.evse_no == load.evse_no]
    candidates = (
        [profile for profile in own if profile.purpose is Purpose.TX],
        [profile for profile in own if profile.purpose is Purpose.DEFAULT],
        [profile for profile in profiles if profile.purpose is Purpose.DEFAULT and profile.evse_no == 0],
    )
    for group in candidates:
        limit_kw = _winner_kw(group, load, now)
        if limit_kw is not None:
            return limit_kw
    return fallback_kw


def charge_point_limit_kw(profiles: Sequence[ChargingProfile], now: datetime, phases: int) -> float:
    """Return the limit of the whole charge point: its maximum profile, infinite where there is none."""
    candidates = [profile for profile in profiles if profile.purpose is Purpose.MAX]
    limit_kw = _winner_kw(candidates, Load(evse_no=0, phases=phases, started_at=None), now)
    return math.inf if limit_kw is None else limit_kw


def composite_schedule(
    profiles: Sequence[ChargingProfile],
    load: Load,
    *,
    now: datetime,
    duration_s: int,
    unit: RateUnit,
    fallback_kw: float,
    max_kw: float,
) -> list[SchedulePeriod]:
    """Return the limits in force from ``now`` on, in W or A per phase, for an EVSE or (EVSE 0) the charge point.

    The result is never above ``max_kw``, the most the hardware can give, and has one period for each change.
    """
    end = now + timedelta(seconds=duration_s)
    instants = {now}.union(*(profile.changes_between(now, end, load.started_at) for profile in profiles))
    periods: list[SchedulePeriod] = []
    for instant in sorted(instants):
        limit_kw = min(max_kw, charge_point_limit_kw(profiles, instant, load.phases))
        if load.evse_no:
            limit_kw = min(limit_kw, evse_limit_kw(profiles, load, instant, fallback_kw))
        limit = round(limit_kw * 1000 if unit == "W" else current_of_kw(limit_kw, load.phases), 1)
        if not periods or periods[-1].limit != limit:
            periods.append(SchedulePeriod(start_s=round((instant - now).total_seconds()), limit=limit, phases=load.phases))
    return periods
