"""A session cut where another price may begin to hold, so that within a segment nothing that a restriction asks for passes a threshold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from ampyard.domain.tariffs.model import ReservationRestriction
from ampyard.domain.tariffs.price_list import PriceList
from ampyard.domain.tariffs.restrictions import Circumstances, Span, moments_of
from ampyard.domain.tariffs.session import ChargingPeriod, ChargingSession

_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_A_SECOND = 10**6
_SECONDS_AN_HOUR = 3600
_HALF = Fraction(1, 2)
_NOTHING = Fraction(0)
_WHOLE = (_NOTHING, Fraction(1))
_SESSION: tuple[ReservationRestriction | None, ...] = (None,)
_RESERVATION = (ReservationRestriction.RESERVATION,)
# What is only for expired reservations goes before what is for all (mod_tariffs, note on ReservationRestrictionType).
_EXPIRED = (ReservationRestriction.RESERVATION_EXPIRES, ReservationRestriction.RESERVATION)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a period, `share` of it, in which the same restrictions hold throughout."""

    period: ChargingPeriod
    prices: PriceList
    share: Fraction
    starts_at: datetime
    ends_at: datetime
    now: Circumstances
    reservations: tuple[ReservationRestriction | None, ...]

    def share_of(self, amount: Decimal) -> Fraction:
        """Return how much of something that is spread evenly over the period is in the segment."""
        if not amount:
            return _NOTHING
        return Fraction(amount) if self.share == 1 else Fraction(amount) * self.share


def segments_of(session: ChargingSession, price_lists: Mapping[str, PriceList]) -> Iterator[Segment]:
    """Yield the segments of all periods under a tariff, in order of time; `price_lists` by the ids of tariffs."""
    zone = ZoneInfo(session.time_zone)
    reserved_at = session.periods[0].starts_at
    started_at = next((period.starts_at for period in session.periods if not period.reservation_s), reserved_at)
    moments = {tariff_id: _moments(session, prices, (reserved_at, started_at), zone) for tariff_id, prices in price_lists.items()}
    energy_kwh = Fraction(0)
    for period in session.periods:
        taken_kwh = Fraction(period.energy_kwh)
        if period.tariff_id is not None:
            prices = price_lists[period.tariff_id]
            began_at = reserved_at if period.reservation_s else started_at
            reservations = _SESSION if not period.reservation_s else _EXPIRED if session.reservation_expired else _RESERVATION
            power, current = _power(period), _current(period)
            for since, until in pairwise(_cuts(period, moments[period.tariff_id], prices.thresholds_kwh, energy_kwh)):
                # In the middle nothing is at a threshold, so that it does not matter from which side one is passed.
                at = _at(period, (since + until) * _HALF)
                now = Circumstances(
                    local=at.astimezone(zone),
                    energy_kwh=energy_kwh + taken_kwh * (since + until) * _HALF if prices.thresholds_kwh else _NOTHING,
                    lasted_s=Fraction((at - began_at) // _MICROSECOND, _MICROSECONDS_A_SECOND) if prices.durations_s else _NOTHING,
                    power_kw=power,
                    current_a=current,
                )
                yield Segment(period, prices, until - since, _at(period, since), _at(period, until), now, reservations)
        energy_kwh += taken_kwh


def _moments(session: ChargingSession, prices: PriceList, begins: tuple[datetime, datetime], zone: ZoneInfo) -> list[datetime]:
    first, last = session.periods[0].starts_at, session.periods[-1].ends_at
    found = {begin.astimezone(UTC) + timedelta(seconds=duration_s) for duration_s in prices.durations_s for begin in begins}
    found.update(moments_of(prices.times, first, last, zone))
    return sorted(at for at in found if first < at < last)


def _cuts(period: ChargingPeriod, moments: list[datetime], thresholds_kwh: set[Fraction], before_kwh: Fraction) -> tuple[Fraction, ...]:
    """Return where the segments of a period meet, in shares of it, from 0 to 1."""
    if not moments and not thresholds_kwh:
        return _WHOLE
    length = (period.ends_at - period.starts_at) // _MICROSECOND
    found = {Fraction((at - period.starts_at) // _MICROSECOND, length) for at in moments if period.starts_at < at < period.ends_at}
    if period.energy_kwh:
        found.update((threshold - before_kwh) / Fraction(period.energy_kwh) for threshold in thresholds_kwh)
    return (_WHOLE[0], *sorted(share for share in found if 0 < share < 1), _WHOLE[1])


def _at(period: ChargingPeriod, share: Fraction) -> datetime:
    if share in _WHOLE:
        return period.ends_at if share else period.starts_at
    return period.starts_at + (period.ends_at - period.starts_at) // _MICROSECOND * share.numerator // share.denominator * _MICROSECOND


def _power(period: ChargingPeriod) -> Span:
    """Return the power of a period; where it is not told, the mean while charging, and none while not."""
    least, highest = _told(period.min_power_kw, period.max_power_kw)
    if least is None:
        if period.charging_s:
            least = highest = Fraction(period.energy_kwh) * _SECONDS_AN_HOUR / Fraction(period.charging_s)
        elif not period.energy_kwh:
            least = highest = Fraction(0)
    return Span(least, highest)


def _current(period: ChargingPeriod) -> Span:
    least, highest = _told(period.min_current_a, period.max_current_a)
    return Span(Fraction(0), Fraction(0)) if least is None and not period.energy_kwh else Span(least, highest)


def _told(least: Decimal | None, highest: Decimal | None) -> tuple[Fraction | None, Fraction | None]:
    """Return what is told of a span as fractions; of one end if only the other is told, that."""
    least, highest = (highest if least is None else least), (least if highest is None else highest)
    return (None if least is None else Fraction(least)), (None if highest is None else Fraction(highest))
