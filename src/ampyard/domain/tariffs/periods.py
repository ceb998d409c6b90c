"""The charging periods of a session as a CDR lists them: a new one whenever another price component becomes active."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from ampyard.domain.tariffs.model import Tariff
from ampyard.domain.tariffs.numbers import shown, total
from ampyard.domain.tariffs.price_list import Entry, PriceList
from ampyard.domain.tariffs.segments import Segment, segments_of
from ampyard.domain.tariffs.session import ChargingPeriod, ChargingSession
from ampyard.domain.tariffs.usage import priced_in


def in_priced_periods(session: ChargingSession, tariffs: Iterable[Tariff]) -> ChargingSession:
    """Return a session with its periods divided where another price component becomes active (mod_cdrs, on ChargingPeriod).

    What was used adds up to what it was, and the session costs the same.
    """
    price_lists = {tariff.id: PriceList(tariff) for tariff in tariffs}
    segments = segments_of(session, price_lists)
    divided = {id(period): tuple(_divided(period, own)) for period, own in _by_period(segments)}
    periods = (part for period in session.periods for part in divided.get(id(period), (period,)))
    return replace(session, periods=tuple(periods))


def _by_period(segments: Iterable[Segment]) -> Iterator[tuple[ChargingPeriod, list[Segment]]]:
    for _, group in groupby(segments, key=lambda segment: id(segment.period)):
        own = list(group)
        yield own[0].period, own


def _divided(period: ChargingPeriod, segments: Iterable[Segment]) -> Iterator[ChargingPeriod]:
    rest = period
    for begin, end, share in [_part(list(group)) for _, group in groupby(segments, key=_priced_by)][:-1]:
        part = ChargingPeriod(
            begin, end, period.tariff_id, *(shown(Fraction(volume) * share) for volume in _volumes(period)), *_flows(period)
        )
        yield part
        # The last takes what remains, so that nothing is lost where a share has no last decimal.
        left = [total([whole, taken.copy_negate()]) for whole, taken in zip(_volumes(rest), _volumes(part), strict=True)]
        rest = ChargingPeriod(end, period.ends_at, period.tariff_id, *left, *_flows(period))
    yield rest


def _volumes(period: ChargingPeriod) -> tuple[Decimal, ...]:
    return period.energy_kwh, period.charging_s, period.parking_s, period.reservation_s


def _flows(period: ChargingPeriod) -> tuple[Decimal | None, ...]:
    return period.min_power_kw, period.max_power_kw, period.min_current_a, period.max_current_a


def _priced_by(segment: Segment) -> list[Entry]:
    return [entry for _, entry, _ in priced_in(segment)]


def _part(segments: list[Segment]) -> tuple[datetime, datetime, Fraction]:
    return segments[0].starts_at, segments[-1].ends_at, sum((segment.share for segment in segments), Fraction(0))
