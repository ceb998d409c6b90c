"""The objects of OpenADR 3.0.1 that we read and write, by the names of its schemas; and what an event means to a power node."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, Field

from ampyard.domain.grid_signals import SignalKind
from ampyard.grid.bodies import Body
from ampyard.services.grid_signals import Told
from ampyard.services.openadr import EventSaid, Price

# Where an event names no end (PT0S): it holds until it is changed or gone, which polling tells.
_WITHOUT_END = timedelta(days=3650)
# ISO 4217 for what is in no currency.
_NO_CURRENCY = "XXX"


class IntervalPeriod(Body):
    """When an interval begins, how long it is, and by how much its begin may be put off at random."""

    start: AwareDatetime
    duration: timedelta = timedelta()
    randomizeStart: timedelta | None = None  # noqa: N815 - the standard's own name


class ValuesMap(Body):
    """Values of a type."""

    type: str
    values: list[Any]


class Interval(Body):
    """An interval of an event, with what it says; without a period of its own it follows the one before."""

    id: int
    intervalPeriod: IntervalPeriod | None = None  # noqa: N815 - the standard's own name
    payloads: list[ValuesMap]


class PayloadDescriptor(Body):
    """What values of a type are in."""

    payloadType: str  # noqa: N815 - the standard's own name
    units: str | None = None
    currency: str | None = None


class ReportDescriptor(Body):
    """A report that is asked for."""

    payloadType: str  # noqa: N815 - the standard's own name
    historical: bool = True


class Event(Body):
    """An event of a program."""

    id: str
    programID: str  # noqa: N815 - the standard's own name
    createdDateTime: AwareDatetime | None = None  # noqa: N815 - the standard's own name
    targets: list[ValuesMap] | None = None
    reportDescriptors: list[ReportDescriptor] | None = None  # noqa: N815 - the standard's own name
    payloadDescriptors: list[PayloadDescriptor] | None = None  # noqa: N815 - the standard's own name
    intervalPeriod: IntervalPeriod | None = None  # noqa: N815 - the standard's own name
    intervals: list[Interval]

    def is_for(self, ven_name: str) -> bool:
        """Tell whether the event is for a VEN: for all, or by its name."""
        names = [target.values for target in self.targets or [] if target.type == "VEN_NAME"]
        return not names or any(ven_name in values for values in names)

    @property
    def wants_usage(self) -> bool:
        """Whether a report of what was used is asked for."""
        return any(it.payloadType == "USAGE" and it.historical for it in self.reportDescriptors or [])

    def spans(self, ven_name: str, now: datetime) -> Iterator[tuple[Interval, datetime, datetime]]:
        """Yield each interval with its begin and end.

        Intervals without a period of their own follow each other by the event's (OpenADR 3.0.1, event.intervalPeriod). A begin at
        random is the same each time it is asked for.
        """
        default = self.intervalPeriod
        follows = None if default is None else self._begin(default, ven_name, now)
        for interval in self.intervals:
            period = interval.intervalPeriod or default
            own = interval.intervalPeriod
            begin = self._begin(own, ven_name, now) if own is not None else follows or self.createdDateTime or now
            length = period.duration if period is not None and period.duration > timedelta() else _WITHOUT_END
            end = _later(begin, length)
            if own is None:
                follows = end
            yield interval, begin, end

    def _begin(self, period: IntervalPeriod, ven_name: str, now: datetime) -> datetime:
        # A begin in the year 1 says: at once (OpenADR 3.0.1, User Guide).
        start = period.start if period.start.year > 1 else self.createdDateTime or now
        if not period.randomizeStart:
            return start
        drawn = int.from_bytes(hashlib.sha256(f"{ven_name} {self.id}".encode()).digest()[:8]) / 2**64
        return _later(start, drawn * period.randomizeStart)


class Program(Body):
    """A program, with what its events' values are in unless they say so themselves."""

    id: str
    programName: str  # noqa: N815 - the standard's own name
    payloadDescriptors: list[PayloadDescriptor] | None = None  # noqa: N815 - the standard's own name


class Ven(Body):
    """A VEN as the VTN knows it."""

    id: str
    venName: str  # noqa: N815 - the standard's own name


class AccessToken(Body):
    """An access token (RFC 6749, 5.1)."""

    access_token: str = Field(min_length=1)
    expires_in: float | None = None


_LIMITS = {"IMPORT_CAPACITY_LIMIT": SignalKind.CONSUMPTION, "EXPORT_CAPACITY_LIMIT": SignalKind.GENERATION}
_KW = {None: 1.0, "KW": 1.0, "W": 0.001, "MW": 1000.0}
_PER_KWH = {None: 1.0, "KWH": 1.0, "MWH": 0.001, "WH": 1000.0}


def said(event: Event, program: Program | None, ven_name: str, now: datetime) -> EventSaid:
    """Return what an event means to the node: limits of import and export, and prices of import.

    Raises:
        ValueError: a value is no number, or in a unit that is not known.
    """
    descriptors = {it.payloadType: it for it in [*((program and program.payloadDescriptors) or []), *(event.payloadDescriptors or [])]}
    limits: list[tuple[SignalKind, Told]] = []
    prices: list[Price] = []
    for interval, begin, end in event.spans(ven_name, now):
        for number, payload in enumerate(interval.payloads):
            descriptor = descriptors.get(payload.type)
            if payload.type in _LIMITS:
                limit = _limit(payload, descriptor)
                told = Told(begin, end, *limit, external_id=f"{event.id}/{interval.id}/{number}")
                limits.append((_LIMITS[payload.type], told))
            elif payload.type == "PRICE":
                factor = _factor(payload.type, descriptor, _PER_KWH)
                currency = (descriptor and descriptor.currency) or _NO_CURRENCY
                prices.append(Price(begin, end, _number(payload) * factor, currency))
    return EventSaid(event.id, tuple(limits), tuple(prices))


def _limit(payload: ValuesMap, descriptor: PayloadDescriptor | None) -> tuple[float | None, float | None]:
    limit = _number(payload)
    if limit < 0:
        raise ValueError(f"{payload.type} is {limit:g}; it should be a number from 0 up.")
    if descriptor is not None and descriptor.units == "AMPS":
        return None, limit
    return limit * _factor(payload.type, descriptor, _KW), None


def _factor(payload_type: str, descriptor: PayloadDescriptor | None, known: dict[str | None, float]) -> float:
    units = None if descriptor is None else descriptor.units
    if units not in known:
        raise ValueError(f"{payload_type} is in {units!r}; known: {', '.join(it for it in known if it)}.")
    return known[units]


def _number(payload: ValuesMap) -> float:
    value = payload.values[0] if payload.values else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        # Not a TypeError: what came is wrong, not the call.
        raise ValueError(f"{payload.type} is {str(value)[:50]!r}; it should be a number.")  # noqa: TRY004
    return float(value)


def _later(begin: datetime, by: timedelta) -> datetime:
    try:
        return begin + min(by, _WITHOUT_END)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def usage_report(
    event: Event, ven_name: str, resource: str, used: Sequence[tuple[int, datetime, datetime, float | None]]
) -> dict[str, Any]:
    """Return a report of what was used: by interval its id, begin, end and the energy in kWh; one without is left out."""
    intervals = [
        {
            "id": number,
            "intervalPeriod": {"start": begin.isoformat(), "duration": f"PT{int((end - begin).total_seconds())}S"},
            "payloads": [{"type": "USAGE", "values": [round(kwh, 6)]}],
        }
        for number, begin, end, kwh in used
        if kwh is not None
    ]
    return {
        "programID": event.programID,
        "eventID": event.id,
        "clientName": ven_name,
        "reportName": f"usage of {event.id}",
        "payloadDescriptors": [{"payloadType": "USAGE", "readingType": "DIRECT_READ", "units": "KWH"}],
        "resources": [{"resourceName": resource, "intervals": intervals}],
    }
