"""What a session used, component by component, and what step sizes make of it (OCPI, mod_cdrs, section on `step_size`)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil

from ampyard.domain.tariffs.cost import CostKind
from ampyard.domain.tariffs.model import TariffDimensionType
from ampyard.domain.tariffs.price_list import Entry
from ampyard.domain.tariffs.segments import Segment

_WH_PER_KWH = 1000
_SECONDS_AN_HOUR = 3600


@dataclass(slots=True)
class Usage:
    """What was used under one component without a break: kWh, seconds or 1, and how much of it is billed."""

    kind: CostKind
    entry: Entry
    starts_at: datetime
    ends_at: datetime
    volume: Fraction
    billed: Fraction

    def units(self, volume: Fraction) -> Fraction:
        """Return a volume in what the price is for: kWh, hours, or how many times."""
        return volume / _SECONDS_AN_HOUR if self.entry.component.type in _TIMES else volume


_TIMES = frozenset({TariffDimensionType.TIME, TariffDimensionType.PARKING_TIME})


def usages_of(segments: Iterable[Segment]) -> list[Usage]:
    """Return what was used, by its begin. What has no component that holds costs nothing and is left out."""
    found: list[Usage] = []
    running: dict[CostKind, Usage] = {}
    fees: set[CostKind] = set()
    for segment in segments:
        _add_fee(found, segment, fees)
        for kind, entry, volume in priced_in(segment):
            before = running.get(kind)
            if before is not None and before.entry is entry and before.ends_at == segment.starts_at:
                before.ends_at = segment.ends_at
                before.volume += volume
                before.billed = before.volume
            else:
                running[kind] = Usage(kind, entry, segment.starts_at, segment.ends_at, volume, volume)
                found.append(running[kind])
    return found


def priced_in(segment: Segment) -> Iterator[tuple[CostKind, Entry, Fraction]]:
    """Yield what is used in a segment and has a component that holds: kWh or seconds of each."""
    for kind, dimension, volume in _volumes(segment):
        entry = segment.prices.active(dimension, segment.now, segment.reservations) if volume else None
        if entry is not None:
            yield kind, entry, volume


def _volumes(segment: Segment) -> Iterable[tuple[CostKind, TariffDimensionType, Fraction]]:
    period = segment.period
    if period.reservation_s:
        return ((CostKind.RESERVATION, TariffDimensionType.TIME, segment.share_of(period.reservation_s)),)
    return (
        (CostKind.ENERGY, TariffDimensionType.ENERGY, segment.share_of(period.energy_kwh)),
        (CostKind.TIME, TariffDimensionType.TIME, segment.share_of(period.charging_s)),
        (CostKind.PARKING, TariffDimensionType.PARKING_TIME, segment.share_of(period.parking_s)),
    )


def _add_fee(found: list[Usage], segment: Segment, fees: set[CostKind]) -> None:
    """Add what is flat and holds for the first time: once for the session, once for parking, once for the reservation.

    2.2.1 calls it a fixed amount for any session (mod_tariffs, `min_price`), and the totals of a CDR tell fixed parts of parking and of
    reservations from the rest (mod_cdrs, `total_fixed_cost`).
    """
    parking = bool(segment.period.parking_s)
    entry = segment.prices.active(TariffDimensionType.FLAT, segment.now, segment.reservations, parking=parking)
    if entry is not None:
        reserved = entry.restrictions.reservation is not None
        kind = CostKind.RESERVATION if reserved else CostKind.PARKING if entry.of_parking else CostKind.FIXED
        if kind not in fees:
            fees.add(kind)
            found.append(Usage(kind, entry, segment.starts_at, segment.starts_at, Fraction(1), Fraction(1)))


def apply_steps(usages: Sequence[Usage]) -> None:
    """Round what is billed up to steps: energy once, reservation once, and once parking or, if none is priced, charging.

    The step is that of the last component used, the total of all of them is rounded up, and what is added counts at the last one's price.
    """
    priced = [usage for usage in usages if usage.entry.component.type is not TariffDimensionType.FLAT]
    of = {kind: [usage for usage in priced if usage.kind is kind] for kind in CostKind}
    _step(of[CostKind.ENERGY], _WH_PER_KWH)
    _step(of[CostKind.RESERVATION], 1)
    _step(of[CostKind.PARKING] or of[CostKind.TIME], 1)


def _step(usages: Sequence[Usage], steps_a_unit: int) -> None:
    if usages and usages[-1].entry.component.step_size > 0:
        step = Fraction(usages[-1].entry.component.step_size, steps_a_unit)
        used = sum((usage.volume for usage in usages), Fraction(0))
        usages[-1].billed = usages[-1].volume + ceil(used / step) * step - used
