"""What becomes of a charging request: when its targets are held, and what is in the battery when the vehicle leaves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.domain.charging_forecast import Battery, Forecast
from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.plans import PlannedStay

# Less than this is no shortfall: meters and forecasts are not that exact.
_NEGLIGIBLE_PERCENT = 0.1
_PROGRESS_STEP = timedelta(minutes=15)
_PROGRESS_STEPS = 24


@dataclass(frozen=True, slots=True)
class ChargingOutlook:
    """How a request will be met, as seen at `at`.

    `minimum_at` and `maximum_at` are when the targets are held, however late (None: never at the power that is forecast). What is said
    of the departure is None where the request names none, or what is in the battery is not known. `shortfall_percent` is what will lack of
    the minimum then. `progress` has the state of charge, in percent, each quarter-hour for six hours at most. `reason` says why targets
    will not be held, or why nothing can be told; None where all is well. `planned`: it is what a plan has, not what flows now.
    """

    at: datetime
    minimum_at: datetime | None = None
    maximum_at: datetime | None = None
    departure_soc_percent: float | None = None
    shortfall_percent: float | None = None
    progress: tuple[tuple[datetime, float], ...] = ()
    reason: str | None = None
    planned: bool = False


def outlook_of(
    request: ChargingRequest, battery: Battery, *, soc_percent: float | None, forecast: Forecast, planned: bool, now: datetime
) -> ChargingOutlook:
    """Return what becomes of a request whose vehicle has so much, and gets what is forecast at its plug; an empty forecast: no plug.

    More charge, more power or more time never lead to a greater shortfall.
    """
    if soc_percent is None:
        return ChargingOutlook(now, reason="The state of charge of the vehicle is not known.")
    per_percent = battery.capacity_kwh / 100
    energy = soc_percent * per_percent

    def reached(percent: float) -> datetime | None:
        return battery.reaches(percent * per_percent, energy, forecast, now)

    end = None if request.departs_at is None else max(request.departs_at, now)
    at_departure = None if end is None else battery.after(energy, forecast, now, end) / per_percent
    lacking = None if at_departure is None else max(0.0, request.min_soc_percent - at_departure)
    if lacking is not None and lacking < _NEGLIGIBLE_PERCENT:
        lacking = 0.0
    return ChargingOutlook(
        at=now,
        minimum_at=reached(request.min_soc_percent),
        maximum_at=reached(request.max_soc_percent),
        departure_soc_percent=at_departure,
        shortfall_percent=lacking,
        progress=tuple(_progress(battery, energy, forecast, now, end)),
        reason=_reason(request, lacking, at_departure, plugged_in=bool(forecast), minimum_at=reached(request.min_soc_percent)),
        planned=planned,
    )


def expected_outlook(stay: PlannedStay, *, now: datetime) -> ChargingOutlook:
    """Return what becomes of a request whose vehicle has yet to be plugged in, as it is planned."""
    lacking = None if stay.departs_at is None else stay.lacks_minimum_kwh / stay.capacity_kwh * 100
    comes = f"The vehicle is expected at {stay.arrives_at.isoformat()}"
    short = stay.shortfall
    return ChargingOutlook(
        at=now,
        minimum_at=stay.minimum_at,
        maximum_at=stay.target_at,
        departure_soc_percent=None if stay.departs_at is None else stay.final_soc_percent,
        shortfall_percent=None if lacking is None else 0.0 if lacking < _NEGLIGIBLE_PERCENT else lacking,
        reason=f"{comes}." if short is None else f"{comes}. {short.sentence}",
        planned=True,
    )


def _progress(battery: Battery, energy: float, forecast: Forecast, now: datetime, end: datetime | None) -> list[tuple[datetime, float]]:
    moments = [now + n * _PROGRESS_STEP for n in range(_PROGRESS_STEPS + 1)]
    within = [moment for moment in moments if end is None or moment <= end]
    return [(moment, battery.after(energy, forecast, now, moment) / battery.capacity_kwh * 100) for moment in within] if forecast else []


def _reason(
    request: ChargingRequest, lacking: float | None, at_departure: float | None, *, plugged_in: bool, minimum_at: datetime | None
) -> str | None:
    how = "at the power it gets" if plugged_in else "as it is not plugged in"
    if lacking:
        return f"Of {request.min_soc_percent:g} % it will hold {at_departure:.1f} % when it leaves, {how}."
    if lacking is None and minimum_at is None:
        return f"It will not come to {request.min_soc_percent:g} % {how}."
    return None
