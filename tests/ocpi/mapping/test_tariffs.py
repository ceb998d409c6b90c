"""Tariffs in both versions, there and back."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from ampyard.domain.roaming.tariffs import PartyTariff
from ampyard.domain.tariffs.energy_mix import EnergyMix, EnergySource, EnvironmentalImpact
from ampyard.domain.tariffs.model import PriceComponent, PriceLimit, Tariff, TariffDimensionType, TariffElement, TaxIncluded, TaxRate
from ampyard.ocpi import json
from ampyard.ocpi.mapping.tariff_documents import read_tariff
from ampyard.ocpi.mapping.tariffs import tariff_object
from ampyard.ocpi.models import TARIFF
from tests.ocpi.mapping.roaming import PARTY, tariffs
from tests.ocpi.objects import exactly

AT = datetime(2026, 3, 1, tzinfo=UTC)
FREE = TariffElement((PriceComponent(TariffDimensionType.FLAT, Decimal(0)),))


def there_and_back(tariff: PartyTariff, version: str) -> PartyTariff:
    told = json.parse(json.render(tariff_object(tariff, version)))
    read = TARIFF[version].model_validate(told)
    assert exactly(json.parse(json.render(read.to_wire()))) == exactly(told)
    return read_tariff(read)


@given(tariffs())
def test_2_3_0_tells_everything_but_taxes_the_operator_knows_of(tariff: PartyTariff) -> None:
    assert there_and_back(tariff, "2.3.0") == replace(tariff, terms=replace(tariff.terms, taxes=()))


@given(tariffs())
def test_2_2_1_tells_everything_of_a_tariff_without_taxes_in_its_prices(tariff: PartyTariff) -> None:
    terms = replace(tariff.terms, tax_included=TaxIncluded.NO, taxes=(), preauthorize_amount=None)
    assert there_and_back(replace(tariff, terms=terms), "2.2.1") == replace(tariff, terms=terms)


@given(tariffs())
def test_2_2_1_takes_any_tariff(tariff: PartyTariff) -> None:
    read = there_and_back(tariff, "2.2.1").terms
    assert read.tax_included is TaxIncluded.NO
    assert (read.min_price, read.max_price) == (tariff.terms.min_price, tariff.terms.max_price)
    for told, element in zip(read.elements, tariff.terms.elements, strict=True):
        assert told.restrictions == element.restrictions


@pytest.mark.parametrize(
    ("included", "price", "vat", "taxes", "told"),
    [
        (TaxIncluded.NO, "0.30", "19", (), {"price": "0.30", "vat": "19"}),
        (TaxIncluded.NO, "0.30", None, (), {"price": "0.30"}),
        (TaxIncluded.NO, "2.00", None, ("5", "9.975"), {"price": "2.00", "vat": "14.975"}),
        (TaxIncluded.NO, "2.00", "7", ("5", "9.975"), {"price": "2.00", "vat": "7"}),
        (TaxIncluded.YES, "2.10", "5", (), {"price": "2", "vat": "5"}),
        (TaxIncluded.YES, "0.30", "19", (), {"price": "0.252100840336", "vat": "19"}),
        (TaxIncluded.YES, "1.15", None, ("5", "10"), {"price": "1", "vat": "15"}),
        (TaxIncluded.YES, "2.10", None, (), {"price": "2.10"}),
        (TaxIncluded.NOT_APPLICABLE, "2.10", "19", ("5",), {"price": "2.10"}),
    ],
)
def test_prices_of_2_2_1_are_without_taxes(
    included: TaxIncluded, price: str, vat: str | None, taxes: tuple[str, ...], told: dict[str, str]
) -> None:
    component = PriceComponent(TariffDimensionType.TIME, Decimal(price), None if vat is None else Decimal(vat), 60)
    known = tuple(TaxRate(f"tax {rate}", Decimal(rate)) for rate in taxes)
    terms = Tariff(id="1", currency="CAD", elements=(TariffElement((component,)),), tax_included=included, taxes=known)
    tariff = PartyTariff(PARTY, terms, AT)
    (found,) = tariff_object(tariff, "2.2.1")["elements"][0]["price_components"]
    assert {name: str(value) for name, value in found.items() if name in {"price", "vat"}} == told
    (same,) = tariff_object(tariff, "2.3.0")["elements"][0]["price_components"]
    assert (same["price"], same.get("vat")) == (component.price, component.vat)


def test_limits_have_each_versions_names() -> None:
    limit = PriceLimit(Decimal("5.00"), Decimal("5.95"))
    terms = Tariff(id="1", currency="EUR", elements=(FREE,), min_price=limit, max_price=PriceLimit(Decimal(50)))
    tariff = PartyTariff(PARTY, terms, AT)
    older, newer = (tariff_object(tariff, version) for version in ("2.2.1", "2.3.0"))
    assert (older["min_price"], older["max_price"]) == (
        {"excl_vat": Decimal("5.00"), "incl_vat": Decimal("5.95")},
        {"excl_vat": Decimal(50)},
    )
    assert newer["min_price"] == {"before_taxes": Decimal("5.00"), "after_taxes": Decimal("5.95")}
    assert (newer["tax_included"], "tax_included" in older) == ("NO", False)


def test_what_no_version_has_a_name_for_is_left_out_of_an_energy_mix() -> None:
    mix = EnergyMix(
        is_green_energy=False,
        energy_sources=(EnergySource("SOLAR", Decimal("60.5")), EnergySource("TIDAL", Decimal("39.5"))),
        environ_impact=(EnvironmentalImpact("CARBON_DIOXIDE", Decimal("12.3")), EnvironmentalImpact("METHANE", Decimal(1))),
    )
    tariff = PartyTariff(PARTY, Tariff(id="1", currency="EUR", elements=(FREE,), energy_mix=mix), AT)
    told: dict[str, dict[str, Any]] = {version: tariff_object(tariff, version)["energy_mix"] for version in ("2.2.1", "2.3.0")}
    assert [it["source"] for it in told["2.3.0"]["energy_sources"]] == ["SOLAR"]
    assert [it["category"] for it in told["2.2.1"]["environ_impact"]] == ["CARBON_DIOXIDE"]
    assert [it["category"] for it in told["2.3.0"]["environ_impact"]] == ["CARBON_DIOXIDE", "METHANE"]
