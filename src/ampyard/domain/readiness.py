"""Readiness: whether a vehicle will hold what its next runs need by the time it leaves, and by how much it would not."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.charging_forecast import Battery, Forecast, at_least, steady
from ampyard.domain.state_of_charge import StateOfCharge, confidence_at

# A state of charge that is older says nothing of what is in the battery now.
OLDEST_SOC = timedelta(hours=24)
# One that is believed less, because it is old or only an estimate, may well be wrong.
_CERTAIN = 0.5
# Whoever is ready only so shortly before it leaves is on time, but with little to spare.
_SPARE = timedelta(minutes=30)
# Less than this is no shortfall: meters and forecasts are not that exact.
_NEGLIGIBLE_KWH = 0.05
_NO_CONSUMPTION = "What its distance takes is not known: neither the vehicle nor its type says what it consumes per km."
_EARLIER_UNKNOWN = "What an earlier run of the vehicle takes is not known."


class Risk(StrEnum):
    """Whether a vehicle will be ready. From `ON_TRACK` to `NOT_READY` it gets worse; of `UNKNOWN` nothing can be said.

    ON_TRACK: ready in good time by what it is plugged into.
    TIGHT: ready, but shortly before it leaves, or only by charging between runs, or if an uncertain state of charge is right.
    AT_RISK: not ready at the power it gets; it still would be at the highest it could.
    NOT_READY: not ready whatever is done.
    """

    ON_TRACK = "ON_TRACK"
    TIGHT = "TIGHT"
    AT_RISK = "AT_RISK"
    NOT_READY = "NOT_READY"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Supply:
    """What a vehicle gets where it stands: the power that is forecast, at its plug, and the highest it could be given, in kW.

    One that is not plugged in has an empty forecast.
    """

    forecast: Forecast
    highest_kw: float


@dataclass(frozen=True, slots=True)
class Leg:
    """A run of the vehicle. `needed_kwh` is None where it is not known; `afterwards` is what it may count on where it returns.

    Where a charging request speaks of it, `minimum_kwh` is what shall be in the battery, and `charged_by` when, in place of the departure.
    """

    assignment_id: uuid.UUID
    departs_at: datetime
    returns_at: datetime
    needed_kwh: float | None
    afterwards: Supply
    minimum_kwh: float | None = None
    charged_by: datetime | None = None

    @property
    def ready_by(self) -> datetime:
        """When it has to hold what it needs."""
        return self.departs_at if self.charged_by is None else self.charged_by

    def required_kwh(self, reserve_kwh: float) -> float | None:
        """Return what has to be in the battery: for the run with the reserve, or what is asked for, whichever is more; None: not known."""
        wanted = [self.minimum_kwh, None if self.needed_kwh is None else self.needed_kwh + reserve_kwh]
        return max((kwh for kwh in wanted if kwh is not None), default=None)

    def needs(self, reserve_kwh: float) -> str:
        """Return that in words."""
        required = self.required_kwh(reserve_kwh) or 0.0
        asked = self.minimum_kwh is not None and required == self.minimum_kwh
        return f"{required:.0f} kWh " + ("that are asked for" if asked else "with its reserve")


@dataclass(frozen=True, slots=True)
class Outlook:
    """A vehicle, what it gets where it stands, and its runs in order of time, without one that it has come back from early."""

    battery: Battery
    soc: StateOfCharge | None
    reserve_kwh: float
    here: Supply
    legs: Sequence[Leg]


@dataclass(frozen=True, slots=True)
class Readiness:
    """How ready a vehicle will be for an assignment, as seen at `at`.

    `expected_kwh` and `expected_soc_percent` are for its departure, or the one that a charging request names; `ready_at` is when it holds
    what it needs with its reserve, or what is asked for where that is more, however late (None: never, or not known), `shortfall_kwh`
    is what it will lack of that. What cannot be told is None, and `reason` says why.
    """

    assignment_id: uuid.UUID
    at: datetime
    risk: Risk
    reason: str
    needed_kwh: float | None
    reserve_kwh: float | None
    expected_kwh: float | None = None
    expected_soc_percent: float | None = None
    ready_at: datetime | None = None
    shortfall_kwh: float | None = None


def needed_energy(*, energy_kwh: float | None, distance_km: float | None, consumption_kwh_per_km: float | None) -> float | None:
    """Return what a block needs, in kWh: what is planned, or what its distance takes; `None` where that is not known."""
    if energy_kwh is not None:
        return energy_kwh
    if distance_km is None or consumption_kwh_per_km is None:
        return None
    return distance_km * consumption_kwh_per_km


def readiness(outlook: Outlook, *, now: datetime) -> dict[uuid.UUID, Readiness]:
    """Return how ready the vehicle will be for each run that is still ahead of it, by assignment.

    What it lacks never grows, and the risk never gets worse, with more charge, more power or more time.
    """
    ahead = [leg for leg in outlook.legs if leg.departs_at > now]
    if (unknown := _unknown(outlook.soc, now)) is not None:
        return {leg.assignment_id: _untold(outlook, leg, unknown, now) for leg in ahead}
    assert outlook.soc is not None
    return _foreseen(outlook, outlook.soc, now)


def _unknown(soc: StateOfCharge | None, now: datetime) -> str | None:
    if soc is None:
        return "The state of charge of the vehicle is not known."
    age = now - soc.at
    if age > OLDEST_SOC:
        return f"The state of charge was last told {age / timedelta(hours=1):.0f} hours ago."
    return None


def _untold(outlook: Outlook, leg: Leg, reason: str, now: datetime) -> Readiness:
    return Readiness(leg.assignment_id, now, Risk.UNKNOWN, reason, leg.needed_kwh, outlook.reserve_kwh)


@dataclass(frozen=True, slots=True)
class _Track:
    """One way that things may go: the energy at a moment, and the forecast from then on."""

    energy_kwh: float
    at: datetime
    forecast: Forecast


def _foreseen(outlook: Outlook, soc: StateOfCharge, now: datetime) -> dict[uuid.UUID, Readiness]:
    battery, here = outlook.battery, outlook.here
    energy = battery.capacity_kwh * soc.percent / 100
    # As it is forecast; with certainty only what it is plugged into; with all that it could be given.
    expected = _Track(energy, now, here.forecast)
    tracks = [expected, expected, replace(expected, forecast=at_least(here.forecast, here.highest_kw))]
    found = {}
    unknown: str | None = None
    for leg in outlook.legs:
        if leg.departs_at > now:
            required = leg.required_kwh(outlook.reserve_kwh)
            if unknown is None and required is None:
                unknown = _NO_CONSUMPTION
            told = unknown is None and required is not None
            judged = _judged(outlook, soc, leg, tracks, now) if told else _untold(outlook, leg, unknown or _NO_CONSUMPTION, now)
            found[leg.assignment_id] = judged
        share = _share_ahead(leg, since=soc.at)
        if leg.needed_kwh is None and share > 0:
            unknown = _EARLIER_UNKNOWN
        used = share * (leg.needed_kwh or 0.0)
        after, surely, highest = leg.afterwards.forecast, steady(0.0), at_least(leg.afterwards.forecast, leg.afterwards.highest_kw)
        tracks = [_back(battery, track, leg, used, forecast) for track, forecast in zip(tracks, (after, surely, highest), strict=True)]
    return found


def _share_ahead(leg: Leg, *, since: datetime) -> float:
    """Return which part of a run the state of charge does not show yet; energy is used evenly over its time."""
    ahead = (leg.returns_at - max(since, leg.departs_at)) / (leg.returns_at - leg.departs_at)
    return max(0.0, ahead)


def _back(battery: Battery, track: _Track, leg: Leg, used_kwh: float, forecast: Forecast) -> _Track:
    if leg.returns_at <= track.at:
        # It has been back for a while: where it stands now is what counts.
        return replace(track, energy_kwh=max(0.0, track.energy_kwh - used_kwh))
    energy = battery.after(track.energy_kwh, track.forecast, track.at, leg.departs_at)
    return _Track(max(0.0, energy - used_kwh), leg.returns_at, forecast)


def _judged(outlook: Outlook, soc: StateOfCharge, leg: Leg, tracks: Sequence[_Track], now: datetime) -> Readiness:
    battery = outlook.battery
    expected, sure, best = tracks
    required = leg.required_kwh(outlook.reserve_kwh) or 0.0
    by = leg.ready_by
    energy = battery.after(expected.energy_kwh, expected.forecast, expected.at, by)
    lacking = max(0.0, required - energy)
    # Held against the same sum as `ready_at` below, so that rounding never tells of a shortfall that is none.
    lacking = 0.0 if energy >= required - _NEGLIGIBLE_KWH else lacking
    in_time = battery.after(sure.energy_kwh, sure.forecast, sure.at, by - _SPARE)
    at_best = battery.after(best.energy_kwh, best.forecast, best.at, by)
    risk, reason = _verdict(
        outlook,
        leg.needs(outlook.reserve_kwh),
        required,
        lacking,
        in_time=in_time,
        at_best=at_best,
        plugged_in=bool(expected.forecast),
        certain=confidence_at(soc, now) >= _CERTAIN,
    )
    return Readiness(
        assignment_id=leg.assignment_id,
        at=now,
        risk=risk,
        reason=reason,
        needed_kwh=leg.needed_kwh,
        reserve_kwh=outlook.reserve_kwh,
        expected_kwh=energy,
        expected_soc_percent=energy / battery.capacity_kwh * 100,
        ready_at=battery.reaches(required - _NEGLIGIBLE_KWH, expected.energy_kwh, expected.forecast, expected.at),
        shortfall_kwh=lacking,
    )


def _verdict(
    outlook: Outlook,
    needs: str,
    required_kwh: float,
    lacking_kwh: float,
    *,
    in_time: float,
    at_best: float,
    plugged_in: bool,
    certain: bool,
) -> tuple[Risk, str]:
    capacity = outlook.battery.capacity_kwh
    if required_kwh > capacity + _NEGLIGIBLE_KWH:
        return Risk.NOT_READY, f"It needs {needs}, more than its battery of {capacity:.0f} kWh holds."
    if lacking_kwh:
        short = required_kwh - at_best
        if short >= _NEGLIGIBLE_KWH:
            return (
                Risk.NOT_READY,
                f"Of {needs} it will lack {lacking_kwh:.1f} kWh, and {short:.1f} kWh even at the highest power it could get.",
            )
        how = "at the power it gets" if plugged_in else "as it is not plugged in"
        return Risk.AT_RISK, f"Of {needs} it will lack {lacking_kwh:.1f} kWh {how}; at the highest power it could get it would not."
    if in_time < required_kwh - _NEGLIGIBLE_KWH:
        return Risk.TIGHT, f"It will hold {needs}, but less than half an hour before it leaves, or only by charging between its runs."
    if not certain:
        return Risk.TIGHT, f"It will hold {needs}, if its state of charge, an uncertain one, is right."
    return Risk.ON_TRACK, f"It will hold {needs} in good time."


def at_departure(outlook: Outlook, assignment_id: uuid.UUID, *, now: datetime) -> Readiness:
    """Return how ready the vehicle is as it leaves on one of its runs: by the charge it has, not the one that was foreseen."""
    leg = next(leg for leg in outlook.legs if leg.assignment_id == assignment_id)
    if (unknown := _unknown(outlook.soc, now)) is not None:
        return _untold(outlook, leg, unknown, now)
    required = leg.required_kwh(outlook.reserve_kwh)
    if required is None:
        return _untold(outlook, leg, _NO_CONSUMPTION, now)
    assert outlook.soc is not None
    energy = outlook.battery.capacity_kwh * outlook.soc.percent / 100
    lacking = required - energy
    ready = lacking < _NEGLIGIBLE_KWH
    needs = leg.needs(outlook.reserve_kwh)
    return Readiness(
        assignment_id=leg.assignment_id,
        at=now,
        risk=Risk.ON_TRACK if ready else Risk.NOT_READY,
        reason=f"It left with {energy:.0f} kWh and needed {needs}.",
        needed_kwh=leg.needed_kwh,
        reserve_kwh=outlook.reserve_kwh,
        expected_kwh=energy,
        expected_soc_percent=outlook.soc.percent,
        ready_at=now if ready else None,
        shortfall_kwh=0.0 if ready else lacking,
    )
