"""Tariffs of either version as the domain has them: the way back of `mapping.tariffs`.

What a tariff of 2.2.1 does not say is taken from its text: its prices are without VAT (`TaxIncluded.NO`).
"""

from datetime import date, time

from ampyard.domain.local_time import Weekday
from ampyard.domain.roaming.partners import PartyId
from ampyard.domain.roaming.tariffs import PartyTariff
from ampyard.domain.tariffs.model import (
    DisplayText,
    PriceComponent,
    PriceLimit,
    ReservationRestriction,
    Tariff,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
    TariffType,
    TaxIncluded,
)
from ampyard.ocpi.mapping.energy_mixes import read_energy_mix
from ampyard.ocpi.v2_2_1 import tariffs as tariffs_2_2_1
from ampyard.ocpi.v2_2_1.types import Price
from ampyard.ocpi.v2_3_0 import tariffs as tariffs_2_3_0
from ampyard.ocpi.wire import tariffs as wire


def read_tariff(tariff: tariffs_2_2_1.Tariff | tariffs_2_3_0.Tariff) -> PartyTariff:
    """Return what a Tariff says; raises `InvalidInputError` where its terms make no sense."""
    newer = tariff if isinstance(tariff, tariffs_2_3_0.Tariff) else None
    return PartyTariff(
        party=PartyId(tariff.country_code, tariff.party_id),
        terms=Tariff(
            id=tariff.id,
            currency=tariff.currency,
            elements=tuple(_element(element) for element in tariff.elements),
            tax_included=TaxIncluded.NO if newer is None else TaxIncluded(newer.tax_included),
            type=None if tariff.type is None else TariffType(tariff.type),
            min_price=_limit(tariff.min_price),
            max_price=_limit(tariff.max_price),
            preauthorize_amount=None if newer is None else newer.preauthorize_amount,
            start_date_time=tariff.start_date_time,
            end_date_time=tariff.end_date_time,
            tariff_alt_text=tuple(DisplayText(it.language, it.text) for it in tariff.tariff_alt_text or ()),
            tariff_alt_url=tariff.tariff_alt_url,
            energy_mix=None if tariff.energy_mix is None else read_energy_mix(tariff.energy_mix),
        ),
        last_updated=tariff.last_updated,
    )


def _element(element: wire.TariffElement) -> TariffElement:
    components = tuple(
        PriceComponent(TariffDimensionType(component.type), component.price, component.vat, component.step_size)
        for component in element.price_components
    )
    return TariffElement(components) if element.restrictions is None else TariffElement(components, _restrictions(element.restrictions))


def _restrictions(told: wire.TariffRestrictions) -> TariffRestrictions:
    return TariffRestrictions(
        start_time=None if told.start_time is None else time.fromisoformat(told.start_time),
        end_time=None if told.end_time is None else time.fromisoformat(told.end_time),
        start_date=None if told.start_date is None else date.fromisoformat(told.start_date),
        end_date=None if told.end_date is None else date.fromisoformat(told.end_date),
        min_kwh=told.min_kwh,
        max_kwh=told.max_kwh,
        min_current=told.min_current,
        max_current=told.max_current,
        min_power=told.min_power,
        max_power=told.max_power,
        min_duration=told.min_duration,
        max_duration=told.max_duration,
        day_of_week=frozenset(Weekday[day] for day in told.day_of_week or ()),
        reservation=None if told.reservation is None else ReservationRestriction(told.reservation),
    )


def _limit(told: Price | tariffs_2_3_0.PriceLimit | None) -> PriceLimit | None:
    if told is None:
        return None
    return PriceLimit(told.excl_vat, told.incl_vat) if isinstance(told, Price) else PriceLimit(told.before_taxes, told.after_taxes)
