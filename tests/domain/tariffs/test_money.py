"""Taxes, rounding and limits: what stands on the bill."""

from decimal import Decimal

import pytest

from ampyard.domain.tariffs.cost import CostKind, LineReason
from ampyard.domain.tariffs.model import PriceLimit, ReservationRestriction, Tariff, TaxIncluded, TaxRate
from ampyard.domain.tariffs.money import Price
from ampyard.domain.tariffs.pricing import price
from ampyard.domain.tariffs.rounding import Rounding, RoundingMode, RoundingStage
from tests.domain.tariffs.building import (
    ENERGY,
    FLAT,
    PARKING_TIME,
    T0,
    TIME,
    amounts,
    charging,
    component,
    element,
    parking,
    plain,
    reservation,
    session,
    tariff,
    then,
)

QUEBEC = (TaxRate("GST", Decimal(5), "123456789 RT0001"), TaxRate("QST", Decimal("9.975"), "1234567890 TQ0001"))
TEN_KWH = session(charging(T0, 60, "10"))


def taxes(of: Price) -> list[tuple[str, str]]:
    return [(due.tax.name, plain(due.amount)) for due in of.taxes]


def test_a_component_has_its_own_vat() -> None:
    cost = price(TEN_KWH, [tariff(element(component(FLAT, "1", "20"), component(ENERGY, "0.30", "10"), component(TIME, "2")))])
    assert amounts(cost.total_cost) == ("6", "6.5")
    assert [(due.tax.percentage, due.amount) for due in cost.total_cost.taxes] == [
        (Decimal(20), Decimal("0.2")),
        (Decimal(10), Decimal("0.3")),
    ]


def test_the_taxes_of_the_tariff_are_for_components_without_vat() -> None:
    under = tariff(element(component(ENERGY, "0.30"), component(FLAT, "1", "20")), taxes=QUEBEC, currency="CAD")
    cost = price(TEN_KWH, [under])
    assert amounts(cost.total_cost) == ("4", "4.65")
    assert taxes(cost.total_cost) == [("VAT", "0.2"), ("GST", "0.15"), ("QST", "0.3")]
    assert cost.total_energy_cost is not None
    assert taxes(cost.total_energy_cost) == [("GST", "0.15"), ("QST", "0.29925")]


def test_taxes_that_are_included_are_told_apart() -> None:
    under = tariff(element(component(ENERGY, "0.30")), taxes=QUEBEC, currency="CAD", tax_included=TaxIncluded.YES)
    cost = price(TEN_KWH, [under])
    assert amounts(cost.total_cost) == ("2.61", "3")
    assert taxes(cost.total_cost) == [("GST", "0.13"), ("QST", "0.26")]
    vat = tariff(element(component(ENERGY, "0.30", "20")), tax_included=TaxIncluded.YES)
    assert amounts(price(TEN_KWH, [vat]).total_cost) == ("2.5", "3")


def test_where_no_tax_is_applicable_there_is_none() -> None:
    under = tariff(element(component(ENERGY, "0.30", "20")), taxes=QUEBEC, tax_included=TaxIncluded.NOT_APPLICABLE)
    assert price(TEN_KWH, [under]).total_cost == Price(Decimal(3))


def test_what_is_left_over_goes_to_the_tax_with_the_largest_remainder() -> None:
    """0.125 and three taxes of 0.00625 are 0.13 and 0.14 in all: one cent of tax, to the first of equals."""
    equal = tuple(TaxRate(name, Decimal(5)) for name in "ABC")
    cost = price(session(charging(T0, 60, "0.125")), [tariff(element(component(ENERGY, "1")), taxes=equal)])
    assert amounts(cost.total_cost) == ("0.13", "0.14")
    assert taxes(cost.total_cost) == [("A", "0.01"), ("B", "0"), ("C", "0")]


def two_lines() -> tuple[Tariff, ...]:
    # 0.125 a fee, and twice 0.0125 for energy at two prices
    return (
        tariff(
            element(component(FLAT, "0.125", "10")),
            element(component(ENERGY, "0.0125", "10"), max_kwh=Decimal(1)),
            element(component(ENERGY, "0.0126", "10")),
        ),
    )


@pytest.mark.parametrize(
    ("stage", "mode", "decimals", "without", "fixed", "energy"),
    [
        # 0.1501 in all
        (RoundingStage.TOTAL, RoundingMode.HALF_UP, None, "0.15", "0.125", "0.0251"),
        (RoundingStage.TOTAL, RoundingMode.UP, None, "0.16", "0.125", "0.0251"),
        (RoundingStage.TOTAL, RoundingMode.DOWN, 1, "0.1", "0.125", "0.0251"),
        (RoundingStage.TOTAL, RoundingMode.HALF_UP, 4, "0.1501", "0.125", "0.0251"),
        (RoundingStage.DIMENSION, RoundingMode.HALF_UP, None, "0.16", "0.13", "0.03"),
        (RoundingStage.DIMENSION, RoundingMode.HALF_EVEN, None, "0.15", "0.12", "0.03"),
        (RoundingStage.DIMENSION, RoundingMode.DOWN, None, "0.14", "0.12", "0.02"),
        (RoundingStage.LINE, RoundingMode.HALF_UP, None, "0.15", "0.13", "0.02"),
        (RoundingStage.LINE, RoundingMode.UP, None, "0.17", "0.13", "0.04"),
        (RoundingStage.LINE, RoundingMode.HALF_EVEN, 3, "0.15", "0.125", "0.025"),
    ],
)
def test_where_and_how_it_is_rounded(
    stage: RoundingStage, mode: RoundingMode, decimals: int | None, without: str, fixed: str, energy: str
) -> None:
    cost = price(session(charging(T0, 60, "2")), two_lines(), Rounding(stage, mode, decimals))
    assert cost.total_fixed_cost is not None
    assert cost.total_energy_cost is not None
    found = (cost.total_cost, cost.total_fixed_cost, cost.total_energy_cost)
    assert [plain(one.before_taxes) for one in found] == [without, fixed, energy]


def test_rounding_is_a_line_of_its_own() -> None:
    cost = price(session(charging(T0, 60, "0.02")), [tariff(element(component(ENERGY, "0.25", "10", 0)))])
    assert [(line.kind, line.reason, *(amounts(line.price) or ())) for line in cost.lines] == [
        (CostKind.ENERGY, LineReason.COMPONENT, "0.005", "0.0055"),
        (CostKind.TOTAL, LineReason.ROUNDING, "0.005", "0.0045"),
    ]
    assert amounts(cost.total_cost) == ("0.01", "0.01")


def test_thirds_of_an_hour_are_rounded_as_what_they_are() -> None:
    """Three times 20 minutes at 0.005 an hour are exactly half a cent, though no third of it has a last decimal."""
    under = tariff(element(component(TIME, "0.005", step=0)))
    parts = session(charging(T0, 20), *then(T0.replace(hour=14), (charging, 20, {}), (parking, 20, {}), (charging, 20, {})))
    cost = price(parts, [under])
    assert len([line for line in cost.lines if line.reason is LineReason.COMPONENT]) == 3
    assert amounts(cost.total_cost) == ("0.01", "0.01")


@pytest.mark.parametrize(
    ("limit", "kwh", "without", "including"),
    [
        # 0.25 a kWh and 10 % VAT; after taxes in proportion where the limit does not say
        (PriceLimit(Decimal("0.50")), "1", "0.5", "0.55"),
        (PriceLimit(Decimal("0.50")), "0", "0.5", "0.55"),
        (PriceLimit(Decimal("0.50")), "3", "0.75", "0.83"),
        (PriceLimit(Decimal("0.50"), Decimal("0.90")), "3", "0.75", "0.9"),
        (PriceLimit(Decimal("0.50"), Decimal("0.50")), "1", "0.5", "0.5"),
    ],
)
def test_a_minimum_holds_without_and_with_taxes(limit: PriceLimit, kwh: str, without: str, including: str) -> None:
    under = tariff(element(component(ENERGY, "0.25", "10")), min_price=limit)
    assert amounts(price(session(charging(T0, 60, kwh)), [under]).total_cost) == (without, including)


@pytest.mark.parametrize(
    ("limit", "without", "including"),
    [
        (PriceLimit(Decimal(2)), "2", "2.2"),
        (PriceLimit(Decimal(2), Decimal(3)), "2", "2.75"),
        (PriceLimit(Decimal("2.6"), Decimal("2.6")), "2.5", "2.6"),
        (PriceLimit(Decimal(3)), "2.5", "2.75"),
    ],
)
def test_a_maximum_holds_without_and_with_taxes(limit: PriceLimit, without: str, including: str) -> None:
    under = tariff(element(component(ENERGY, "0.25", "10")), max_price=limit)
    assert amounts(price(TEN_KWH, [under]).total_cost) == (without, including)


def test_a_limit_is_a_line_and_its_taxes_are_divided_as_those_of_the_cost() -> None:
    under = tariff(element(component(ENERGY, "0.25")), taxes=QUEBEC, currency="CAD", max_price=PriceLimit(Decimal(2)))
    cost = price(TEN_KWH, [under])
    cut = next(line for line in cost.lines if line.reason is LineReason.MAX_PRICE)
    assert (cut.kind, cut.tariff_id, cut.component) == (CostKind.TOTAL, "T", None)
    assert (plain(cut.price.before_taxes), taxes(cut.price)) == ("-0.5", [("GST", "-0.025"), ("QST", "-0.049875")])
    assert amounts(cost.total_cost) == ("2", "2.3")


def test_a_limit_of_prices_whose_taxes_nobody_knows_is_the_one_with_taxes() -> None:
    under = tariff(element(component(ENERGY, "1")), tax_included=TaxIncluded.YES, max_price=PriceLimit(Decimal(8), Decimal(9)))
    assert amounts(price(TEN_KWH, [under]).total_cost) == ("9", "9")


def test_a_reservation_that_expired_costs_no_minimum() -> None:
    under = tariff(
        element(component(FLAT, "1"), reservation=ReservationRestriction.RESERVATION),
        element(component(ENERGY, "0.25")),
        min_price=PriceLimit(Decimal(5)),
    )
    nobody_came = session(reservation(T0, 60), reservation_expired=True)
    assert amounts(price(nobody_came, [under]).total_cost) == ("1", "1")
    came = session(*then(T0, (reservation, 60, {}), (charging, 60, {"kwh": "1"})))
    assert amounts(price(came, [under]).total_cost) == ("5", "5")


def test_limits_are_for_what_was_used_under_their_tariff() -> None:
    green = tariff(element(component(ENERGY, "0.20")), id="green", max_price=PriceLimit(Decimal(1)))
    fast = tariff(element(component(ENERGY, "0.50")), id="fast", min_price=PriceLimit(Decimal(9)))
    parts = [(charging, 30, {"kwh": "10", "tariff_id": "green"}), (charging, 30, {"kwh": "10", "tariff_id": "fast"})]
    assert amounts(price(session(*then(T0, *parts)), [green, fast]).total_cost) == ("10", "10")


def test_a_credit_is_the_cost_in_the_other_direction() -> None:
    under = tariff(element(component(ENERGY, "0.25", "10", 1), component(PARKING_TIME, "2", "20", 900)))
    cost = price(session(*then(T0, (charging, 60, {"kwh": "20"}), (parking, 40, {}))), [under])
    assert amounts(cost.total_cost) == ("6.5", "7.3")
    assert amounts(cost.credited().total_cost) == ("-6.5", "-7.3")
    assert amounts(cost.credited().total_parking_cost) == ("-1.5", "-1.8")
