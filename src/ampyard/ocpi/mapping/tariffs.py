"""Tariffs in either version.

The same in both is everything but taxes and limits. 2.3.0 says whether prices have taxes in them. Prices of 2.2.1 never have, so those that
do are told without (to 12 decimals where there is no last one). What 2.2.1 cannot say:

- that there are taxes in a price for which no rate is known: it is told as it is, with no VAT, which comes to the same total;
- which of several taxes it is: the sum of their rates is told as VAT;
- that there are no taxes, as opposed to none being known;
- how much a payment terminal is to reserve (`preauthorize_amount`).
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from ampyard.domain.roaming.tariffs import PartyTariff
from ampyard.domain.tariffs.model import PriceComponent, PriceLimit, Tariff, TariffRestrictions, TaxIncluded
from ampyard.domain.tariffs.numbers import shown, total
from ampyard.ocpi.mapping.energy_mixes import energy_mix_object
from ampyard.ocpi.mapping.texts import fit
from ampyard.ocpi.wire.types import format_date_time

_NO_RESTRICTIONS = TariffRestrictions()


def tariff_object(tariff: PartyTariff, version: str) -> dict[str, Any]:
    """Return a Tariff (11.3.1) of a version, as JSON values."""
    terms = tariff.terms
    limit = _limit_2_2_1 if version == "2.2.1" else _limit_2_3_0
    told: dict[str, Any] = {
        "country_code": tariff.party.country_code,
        "party_id": tariff.party.party_id,
        "id": terms.id,
        "currency": terms.currency,
        "type": terms.type,
        "tariff_alt_text": [{"language": it.language, "text": fit(it.text, 512)} for it in terms.tariff_alt_text] or None,
        "tariff_alt_url": terms.tariff_alt_url,
        "min_price": None if terms.min_price is None else limit(terms.min_price),
        "max_price": None if terms.max_price is None else limit(terms.max_price),
        "elements": [
            {"price_components": [_component(component, terms, version) for component in element.price_components]}
            | ({} if element.restrictions == _NO_RESTRICTIONS else {"restrictions": _restrictions(element.restrictions)})
            for element in terms.elements
        ],
        "start_date_time": None if terms.start_date_time is None else format_date_time(terms.start_date_time),
        "end_date_time": None if terms.end_date_time is None else format_date_time(terms.end_date_time),
        "energy_mix": None if terms.energy_mix is None else energy_mix_object(terms.energy_mix, version),
        "last_updated": format_date_time(tariff.last_updated),
    }
    if version != "2.2.1":
        told["tax_included"] = terms.tax_included
        told["preauthorize_amount"] = terms.preauthorize_amount
    return {name: value for name, value in told.items() if value is not None}


def _component(component: PriceComponent, tariff: Tariff, version: str) -> dict[str, Any]:
    price, vat = (component.price, component.vat) if version != "2.2.1" else _price_and_vat(component, tariff)
    told = {"type": component.type, "price": price, "vat": vat, "step_size": component.step_size}
    return {name: value for name, value in told.items() if value is not None}


def _price_and_vat(component: PriceComponent, tariff: Tariff) -> tuple[Decimal, Decimal | None]:
    if tariff.tax_included is TaxIncluded.NOT_APPLICABLE:
        return component.price, None
    vat = component.vat
    if vat is None and tariff.taxes:
        vat = total(tax.percentage for tax in tariff.taxes)
    if vat is None or tariff.tax_included is TaxIncluded.NO:
        return component.price, vat
    return shown(Fraction(component.price) * 100 / (100 + Fraction(vat))), vat


def _limit_2_2_1(limit: PriceLimit) -> dict[str, Any]:
    return {"excl_vat": limit.before_taxes} | ({} if limit.after_taxes is None else {"incl_vat": limit.after_taxes})


def _limit_2_3_0(limit: PriceLimit) -> dict[str, Any]:
    return {"before_taxes": limit.before_taxes} | ({} if limit.after_taxes is None else {"after_taxes": limit.after_taxes})


def _restrictions(restrictions: TariffRestrictions) -> dict[str, Any]:
    told = {
        "start_time": None if restrictions.start_time is None else f"{restrictions.start_time:%H:%M}",
        "end_time": None if restrictions.end_time is None else f"{restrictions.end_time:%H:%M}",
        "start_date": None if restrictions.start_date is None else restrictions.start_date.isoformat(),
        "end_date": None if restrictions.end_date is None else restrictions.end_date.isoformat(),
        "min_kwh": restrictions.min_kwh,
        "max_kwh": restrictions.max_kwh,
        "min_current": restrictions.min_current,
        "max_current": restrictions.max_current,
        "min_power": restrictions.min_power,
        "max_power": restrictions.max_power,
        "min_duration": restrictions.min_duration,
        "max_duration": restrictions.max_duration,
        "day_of_week": [day.name for day in sorted(restrictions.day_of_week)] or None,
        "reservation": restrictions.reservation,
    }
    return {name: value for name, value in told.items() if value is not None}
