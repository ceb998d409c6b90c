"""A tariff arranged for being looked up: which component of a dimension counts under given circumstances."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ampyard.domain.tariffs.model import (
    PriceComponent,
    ReservationRestriction,
    Tariff,
    TariffDimensionType,
    TariffRestrictions,
    TaxIncluded,
    TaxRate,
)
from ampyard.domain.tariffs.restrictions import Circumstances, asks_unknown, holds, times_of_day

VAT = "VAT"
_NOT_PARKING = frozenset({TariffDimensionType.ENERGY, TariffDimensionType.TIME})


@dataclass(frozen=True, slots=True)
class Entry:
    """A price component and where it stands. `of_parking`: its element prices parking, and neither energy nor charging."""

    tariff: Tariff
    element: int
    component: PriceComponent
    restrictions: TariffRestrictions
    of_parking: bool

    @property
    def rates(self) -> tuple[TaxRate, ...]:
        """The taxes on it."""
        if self.tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
            return ()
        return self.tariff.taxes if self.component.vat is None else (TaxRate(VAT, self.component.vat),)


class PriceList:
    """The components of a tariff by dimension and kind of reservation, in the order of their elements."""

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self.entries: list[Entry] = []
        self._by_dimension: dict[tuple[TariffDimensionType, ReservationRestriction | None], list[Entry]] = {}
        for number, element in enumerate(tariff.elements):
            kinds = {component.type for component in element.price_components}
            of_parking = TariffDimensionType.PARKING_TIME in kinds and not kinds & _NOT_PARKING
            for component in element.price_components:
                entry = Entry(tariff, number, component, element.restrictions, of_parking)
                self.entries.append(entry)
                self._by_dimension.setdefault((component.type, element.restrictions.reservation), []).append(entry)
        restrictions = [element.restrictions for element in tariff.elements]
        self.times = times_of_day(restrictions)
        self.durations_s = {one for each in restrictions for one in (each.min_duration, each.max_duration) if one is not None}
        self.thresholds_kwh = {Fraction(one) for each in restrictions for one in (each.min_kwh, each.max_kwh) if one is not None}
        self.remarks: set[str] = set()

    def active(
        self,
        dimension: TariffDimensionType,
        now: Circumstances,
        reservations: Sequence[ReservationRestriction | None] = (None,),
        *,
        parking: bool = True,
    ) -> Entry | None:
        """Return the first component of a dimension that holds; for an expired reservation, of what is for those before other reservations.

        Args:
            dimension: what is priced.
            now: what restrictions ask for.
            reservations: which elements are looked at, in order: those for no reservation, or some.
            parking: whether the vehicle parks; if not, what is flat in elements of parking does not hold.
        """
        for reservation in reservations:
            for entry in self._by_dimension.get((dimension, reservation), ()):
                if (parking or not entry.of_parking) and holds(entry.restrictions, now):
                    self._remark(entry, now)
                    return entry
        return None

    def _remark(self, entry: Entry, now: Circumstances) -> None:
        unknown = asks_unknown(entry.restrictions, now)
        if unknown is not None:
            self.remarks.add(
                f"Element {entry.element + 1} of tariff {self.tariff.id} is restricted by {unknown}, which the session does not tell "
                "throughout; it was taken to hold."
            )
