"""Availability: since when an EVSE could be used or not, and what that makes of uptime."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.charge_points import ConnectorStatus
from ampyard.domain.life_cycle import ChargePointState


class Availability(StrEnum):
    """Whether an EVSE can be used. OFFLINE outranks all: what it says of itself is no longer known to be true."""

    USABLE = "USABLE"
    OFFLINE = "OFFLINE"
    FAULTED = "FAULTED"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class AvailabilityInterval:
    """The availability of an EVSE from `began_at` until before `ended_at` (`None`: it still is so).

    Only of the time in which its charge point is in service or has been taken out of service by a person.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    evse_id: uuid.UUID
    availability: Availability
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlannedDowntime:
    """A window in which a charge point is expected not to work; one that was cancelled before it began never counts."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    reason: str
    author: str
    cancelled_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """Time from `start` until before `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """A span in which an EVSE was up, or was not."""

    evse_id: uuid.UUID
    up: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Uptime:
    """How long EVSEs were up in a period, in EVSE-seconds: the four parts add up to the period times the number of EVSEs.

    `planned_s` is down time within planned downtime, `unobserved_s` time that no availability was recorded of: before and after
    service, and after now.
    """

    up_s: float
    down_s: float
    planned_s: float
    unobserved_s: float

    @property
    def ratio(self) -> float | None:
        """The uptime, from 0 to 1, planned downtime excluded; `None` where nothing was observed.

        23 CFR 680.116(b)(3) (the NEVI minimum standard): uptime = (T - (T_outage - T_excluded)) / T, where T_outage is all time
        in which a port was not available and T_excluded that part of it which scheduled maintenance explains. T is a year
        there, and here the observed part of the period. Regulation (EU) 2023/1804 (AFIR) asks for availability data without
        giving a formula.
        """
        observed_s = self.up_s + self.down_s + self.planned_s
        return (observed_s - self.down_s) / observed_s if observed_s > 0 else None

    def __add__(self, other: "Uptime") -> "Uptime":
        return Uptime(
            self.up_s + other.up_s,
            self.down_s + other.down_s,
            self.planned_s + other.planned_s,
            self.unobserved_s + other.unobserved_s,
        )


NO_UPTIME = Uptime(0.0, 0.0, 0.0, 0.0)


def availability_of(state: ChargePointState, *, connected: bool, overall: ConnectorStatus, status: ConnectorStatus) -> Availability | None:
    """Return the availability of an EVSE; `None` where it does not count.

    Args:
        state: of its charge point.
        connected: whether its charge point is on the line.
        overall: the status of its charge point as a whole (OCPP 1.6, 4.9: connector 0).
        status: the EVSE's own. One that has never told its status is not known to be usable.
    """
    if not state.operated:
        return None
    if not connected:
        return Availability.OFFLINE
    if ConnectorStatus.FAULTED in {overall, status}:
        return Availability.FAULTED
    withdrawn = state is ChargePointState.OUT_OF_SERVICE
    if withdrawn or ConnectorStatus.UNAVAILABLE in {overall, status} or status is ConnectorStatus.UNKNOWN:
        return Availability.UNAVAILABLE
    return Availability.USABLE


def uptime(observations: Iterable[Observed], planned: Iterable[Span], *, period: Span, evses: int) -> Uptime:
    """Return the uptime of `evses` EVSEs of one charge point in a period, whatever the order of what is given.

    Observations of one EVSE must not overlap; planned downtimes may. See `Uptime.ratio` for the formula and its source.
    """
    windows = merged(planned)
    up = down = excluded = timedelta()
    for observed in observations:
        seen = _common(observed.span, period)
        if seen is None:
            continue
        length = seen.end - seen.start
        if observed.up:
            up += length
        else:
            within = sum((common.end - common.start for window in windows if (common := _common(window, seen)) is not None), timedelta())
            excluded += within
            down += length - within
    whole = (period.end - period.start) * evses
    return Uptime(up.total_seconds(), down.total_seconds(), excluded.total_seconds(), (whole - up - down - excluded).total_seconds())


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as spans that neither overlap nor touch, in order."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def _common(one: Span, other: Span) -> Span | None:
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Span(start, end) if start < end else None
