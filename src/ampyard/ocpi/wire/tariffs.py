"""Tariff and its parts (OCPI, chapter 11), as 2.2.1 and 2.3.0 share them. Limits of the price and taxes are each version's own."""

from typing import Literal, TypeAlias

from pydantic import Field

from ampyard.ocpi.wire.locations import TIME_OF_DAY, EnergyMix
from ampyard.ocpi.wire.types import CountryCode, CurrencyCode, DateTime, DisplayText, Identifier, Many, Number, PartyCode, Url, WireModel

DayOfWeek: TypeAlias = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
ReservationRestrictionType: TypeAlias = Literal["RESERVATION", "RESERVATION_EXPIRES"]
TariffDimensionType: TypeAlias = Literal["ENERGY", "FLAT", "PARKING_TIME", "TIME"]
TariffType: TypeAlias = Literal["AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR"]

_DATE = r"^([12][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


class PriceComponent(WireModel):
    """`price` is per kWh or hour, or FLAT; `vat` in percent; `step_size` in Wh or seconds."""

    type: TariffDimensionType
    price: Number
    vat: Number | None = None
    step_size: int = Field(ge=0)


class TariffRestrictions(WireModel):
    """Local times and dates; energy in kWh, current in A over all phases, power in kW, durations in seconds."""

    start_time: str | None = Field(default=None, pattern=TIME_OF_DAY)
    end_time: str | None = Field(default=None, pattern=TIME_OF_DAY)
    start_date: str | None = Field(default=None, pattern=_DATE)
    end_date: str | None = Field(default=None, pattern=_DATE)
    min_kwh: Number | None = None
    max_kwh: Number | None = None
    min_current: Number | None = None
    max_current: Number | None = None
    min_power: Number | None = None
    max_power: Number | None = None
    min_duration: int | None = Field(default=None, ge=0)
    max_duration: int | None = Field(default=None, ge=0)
    day_of_week: Many[DayOfWeek] | None = None
    reservation: ReservationRestrictionType | None = None


class TariffElement(WireModel):
    """Price components that hold under the same restrictions."""

    price_components: Many[PriceComponent] = Field(min_length=1)
    restrictions: TariffRestrictions | None = None


class Tariff(WireModel):
    """What charging costs."""

    country_code: CountryCode
    party_id: PartyCode
    id: Identifier
    currency: CurrencyCode
    type: TariffType | None = None
    tariff_alt_text: Many[DisplayText] | None = None
    tariff_alt_url: Url | None = None
    elements: Many[TariffElement] = Field(min_length=1)
    start_date_time: DateTime | None = None
    end_date_time: DateTime | None = None
    energy_mix: EnergyMix | None = None
    last_updated: DateTime
