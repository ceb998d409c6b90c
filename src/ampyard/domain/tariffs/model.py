"""Tariffs, in the terms of OCPI's Tariffs module (`mod_tariffs`) and rich enough for 2.2.1 and 2.3.0 alike.

What belongs to a version is translated at the edge: the prices of 2.2.1 are without taxes (`TaxIncluded.NO`), and its
`min_price.excl_vat` is `min_price.before_taxes`. `Tariff.taxes` stands in no message: it is what the operator knows of taxes where
the components of a tariff, as is usual in North America, state none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum

from ampyard.domain.currencies import is_currency
from ampyard.domain.errors import Problems
from ampyard.domain.local_time import Weekday
from ampyard.domain.tariffs.energy_mix import EnergyMix
from ampyard.domain.tariffs.numbers import is_plain

_HIGHEST_PERCENTAGE = 1000
_EXAMPLE = "give a number from 0 up, such as 0.25"


class TariffDimensionType(StrEnum):
    """What is priced (mod_tariffs, TariffDimensionType): energy by the kWh, times by the hour, FLAT once."""

    ENERGY = "ENERGY"
    FLAT = "FLAT"
    PARKING_TIME = "PARKING_TIME"
    TIME = "TIME"


class TariffType(StrEnum):
    """What a tariff is for (mod_tariffs, TariffType)."""

    AD_HOC_PAYMENT = "AD_HOC_PAYMENT"
    PROFILE_CHEAP = "PROFILE_CHEAP"
    PROFILE_FAST = "PROFILE_FAST"
    PROFILE_GREEN = "PROFILE_GREEN"
    REGULAR = "REGULAR"


class ReservationRestriction(StrEnum):
    """Which reservations an element prices (mod_tariffs, ReservationRestrictionType): any, or those that nobody came for."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


class TaxIncluded(StrEnum):
    """Whether the prices of a tariff contain taxes (2.3.0, mod_tariffs, TaxIncluded)."""

    YES = "YES"
    NO = "NO"
    NOT_APPLICABLE = "N/A"


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax in percent of the price without taxes; `account_number` is that of who remits it (2.3.0, types, TaxAmount)."""

    name: str
    percentage: Decimal
    account_number: str | None = None


@dataclass(frozen=True, slots=True)
class PriceComponent:
    """What a unit of a dimension costs: a kWh, an hour, or FLAT once.

    `vat` is in percent; `None`: the taxes of the tariff, if it has any. `step_size` is in Wh or seconds: what is used is rounded up to a
    multiple of it; 0: it is not. For FLAT it means nothing.
    """

    type: TariffDimensionType
    price: Decimal
    vat: Decimal | None = None
    step_size: int = 1


@dataclass(frozen=True, slots=True)
class TariffRestrictions:
    """When an element holds: while all of these do. Minima and begins are inclusive, maxima and ends exclusive.

    Times and dates are on the clock of the location. An `end_time` that is not after `start_time` is on the next day.
    Energy in kWh and `_duration` in seconds are those of the session so far; `_current` is the sum over the phases in A, `_power` in kW.
    """

    start_time: time | None = None
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    day_of_week: frozenset[Weekday] = frozenset()
    reservation: ReservationRestriction | None = None


@dataclass(frozen=True, slots=True)
class TariffElement:
    """Prices that hold under the same restrictions; one for each dimension at most."""

    price_components: tuple[PriceComponent, ...]
    restrictions: TariffRestrictions = TariffRestrictions()


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """The least or the most that a session costs, without and with taxes; both hold (mod_tariffs, notes on `min_price`)."""

    before_taxes: Decimal
    after_taxes: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DisplayText:
    """Words for people, in a language of ISO 639-1."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Tariff:
    """What charging costs: of each dimension, the first element that has a price for it and holds at the time counts.

    Raises:
        InvalidInputError: something about it makes no sense; its path leads there by the names of OCPI's fields.
    """

    id: str
    currency: str
    elements: tuple[TariffElement, ...]
    tax_included: TaxIncluded = TaxIncluded.NO
    taxes: tuple[TaxRate, ...] = ()
    type: TariffType | None = None
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    preauthorize_amount: Decimal | None = None
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    tariff_alt_text: tuple[DisplayText, ...] = ()
    tariff_alt_url: str | None = None
    energy_mix: EnergyMix | None = None

    def __post_init__(self) -> None:
        problems = Problems()
        message = f"{self.currency[:20]!r} is no currency; give its three letters of ISO 4217, such as EUR."
        problems.check(is_currency(self.currency), message, "currency")
        problems.check(bool(self.elements), "A tariff needs an element at least; for one that is free, a FLAT of 0.", "elements")
        for number, element in enumerate(self.elements):
            _check_components(problems, element, "elements", str(number))
            _check_restrictions(problems, element.restrictions, "elements", str(number), "restrictions")
        for number, tax in enumerate(self.taxes):
            _check_percentage(problems, tax.percentage, "taxes", str(number), "percentage")
        _check_limits(problems, self)
        if self.start_date_time is not None and self.end_date_time is not None:
            message = "end_date_time is not after start_date_time; such a tariff would never be in force."
            problems.check(self.start_date_time < self.end_date_time, message, "end_date_time")
        problems.raise_any()

    def in_force(self, at: datetime) -> bool:
        """Tell whether the tariff holds for sessions that start at a moment: from `start_date_time` until `end_date_time`."""
        begun = self.start_date_time is None or self.start_date_time <= at
        return begun and (self.end_date_time is None or at <= self.end_date_time)


def _check_components(problems: Problems, element: TariffElement, *path: str) -> None:
    problems.check(bool(element.price_components), "An element needs a price component at least.", *path, "price_components")
    kinds = [component.type for component in element.price_components]
    message = "An element has two price components of one dimension; give one, or another element with restrictions of its own."
    problems.check(len(set(kinds)) == len(kinds), message, *path, "price_components")
    if element.restrictions.reservation is not None:
        priced = {TariffDimensionType.FLAT, TariffDimensionType.TIME}
        message = "A reservation has a FLAT and a TIME price only; give those of energy and parking in an element without `reservation`."
        problems.check(set(kinds) <= priced, message, *path, "price_components")
    for number, component in enumerate(element.price_components):
        here = (*path, "price_components", str(number))
        problems.check(is_plain(component.price), f"A price of {component.price} is not possible; {_EXAMPLE}.", *here, "price")
        message = f"A step size of {component.step_size} is not possible; give whole Wh or seconds from 0 up."
        problems.check(component.step_size >= 0, message, *here, "step_size")
        if component.vat is not None:
            _check_percentage(problems, component.vat, *here, "vat")


def _check_restrictions(problems: Problems, restrictions: TariffRestrictions, *path: str) -> None:
    for name, least, most in _spans(restrictions):
        for end, value in ((f"min_{name}", least), (f"max_{name}", most)):
            if isinstance(value, Decimal):
                problems.check(is_plain(value), f"{end} of {value} is not possible; {_EXAMPLE}.", *path, end)
            elif value is not None:
                problems.check(value >= 0, f"{end} of {value} is not possible; give whole seconds from 0 up.", *path, end)
        if least is not None and most is not None:
            message = f"max_{name} of {most} is not above min_{name} of {least}; such an element would never hold."
            problems.check(least < most, message, *path, f"max_{name}")
    if restrictions.start_date is not None and restrictions.end_date is not None:
        message = "end_date, the first day on which it no longer holds, is not after start_date; such an element would never hold."
        problems.check(restrictions.start_date < restrictions.end_date, message, *path, "end_date")


def _spans(restrictions: TariffRestrictions) -> Iterator[tuple[str, Decimal | int | None, Decimal | int | None]]:
    yield "kwh", restrictions.min_kwh, restrictions.max_kwh
    yield "current", restrictions.min_current, restrictions.max_current
    yield "power", restrictions.min_power, restrictions.max_power
    yield "duration", restrictions.min_duration, restrictions.max_duration


def _check_percentage(problems: Problems, percentage: Decimal, *path: str) -> None:
    fits = is_plain(percentage) and percentage <= _HIGHEST_PERCENTAGE
    problems.check(fits, f"A tax of {percentage} % is not possible; give a percentage such as 19 or 9.975.", *path)


def _check_limits(problems: Problems, tariff: Tariff) -> None:
    for name, limit in (("min_price", tariff.min_price), ("max_price", tariff.max_price)):
        if limit is not None:
            problems.check(
                is_plain(limit.before_taxes), f"{name} of {limit.before_taxes} is not possible; {_EXAMPLE}.", name, "before_taxes"
            )
            if limit.after_taxes is not None:
                fits = is_plain(limit.after_taxes) and limit.after_taxes >= limit.before_taxes
                message = f"{name} with taxes is {limit.after_taxes}; give as much as without taxes ({limit.before_taxes}) at least."
                problems.check(fits, message, name, "after_taxes")
    if tariff.min_price is not None and tariff.max_price is not None:
        without = tariff.min_price.before_taxes <= tariff.max_price.before_taxes
        both = tariff.min_price.after_taxes is not None and tariff.max_price.after_taxes is not None
        taxed = not both or (tariff.min_price.after_taxes or 0) <= (tariff.max_price.after_taxes or 0)
        problems.check(without and taxed, "max_price is below min_price; no session can cost both.", "max_price")
    amount = tariff.preauthorize_amount
    if amount is not None:
        problems.check(is_plain(amount), f"A preauthorize_amount of {amount} is not possible; {_EXAMPLE}.", "preauthorize_amount")
