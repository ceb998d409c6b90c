"""A tariff or a session that makes no sense is refused, and the path leads to what is wrong."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.tariffs.model import PriceLimit, ReservationRestriction, TariffElement, TaxRate
from tests.domain.tariffs.building import ENERGY, FLAT, PARKING_TIME, T0, component, element, period, session, tariff

PLAIN = element(component(ENERGY, "0.25"))


@pytest.mark.parametrize(
    ("elements", "more", "path"),
    [
        ([PLAIN], {"currency": "euro"}, "currency"),
        ([], {}, "elements"),
        ([TariffElement(())], {}, "elements.0.price_components"),
        ([PLAIN, element(component(FLAT, "1"), component(FLAT, "2"))], {}, "elements.1.price_components"),
        ([element(component(ENERGY, "-0.01"))], {}, "elements.0.price_components.0.price"),
        ([element(component(ENERGY, "NaN"))], {}, "elements.0.price_components.0.price"),
        ([element(component(ENERGY, "1E-999999999"))], {}, "elements.0.price_components.0.price"),
        ([element(component(ENERGY, "1E+999999999"))], {}, "elements.0.price_components.0.price"),
        ([element(component(ENERGY, "1", "-1"))], {}, "elements.0.price_components.0.vat"),
        ([element(component(ENERGY, "1", step=-1))], {}, "elements.0.price_components.0.step_size"),
        ([element(component(ENERGY, "1"), reservation=ReservationRestriction.RESERVATION)], {}, "elements.0.price_components"),
        ([element(component(FLAT, "1"), min_kwh=Decimal(2), max_kwh=Decimal(2))], {}, "elements.0.restrictions.max_kwh"),
        ([element(component(FLAT, "1"), min_power=Decimal(-2))], {}, "elements.0.restrictions.min_power"),
        ([element(component(FLAT, "1"), min_duration=-1)], {}, "elements.0.restrictions.min_duration"),
        ([element(component(FLAT, "1"), start_date=date(2026, 1, 2), end_date=date(2026, 1, 2))], {}, "elements.0.restrictions.end_date"),
        ([PLAIN], {"taxes": (TaxRate("GST", Decimal("Infinity")),)}, "taxes.0.percentage"),
        ([PLAIN], {"min_price": PriceLimit(Decimal(-1))}, "min_price.before_taxes"),
        ([PLAIN], {"max_price": PriceLimit(Decimal(10), Decimal(9))}, "max_price.after_taxes"),
        ([PLAIN], {"min_price": PriceLimit(Decimal(10)), "max_price": PriceLimit(Decimal(9))}, "max_price"),
        (
            [PLAIN],
            {"min_price": PriceLimit(Decimal(1), Decimal(9)), "max_price": PriceLimit(Decimal(2), Decimal(3))},
            "max_price",
        ),
        ([PLAIN], {"preauthorize_amount": Decimal(-1)}, "preauthorize_amount"),
        ([PLAIN], {"start_date_time": T0, "end_date_time": T0}, "end_date_time"),
    ],
)
def test_what_a_tariff_cannot_be(elements: list[TariffElement], more: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        tariff(*elements, **more)
    assert ".".join(refused.value.path) == path
    assert refused.value.others == ()


def test_all_faults_of_a_tariff_are_told_at_once() -> None:
    with pytest.raises(InvalidInputError) as refused:
        tariff(element(component(ENERGY, "-1"), component(PARKING_TIME, "1", step=-5)), currency="x")
    assert [".".join(fault.path) for fault in refused.value.others] == [
        "elements.0.price_components.0.price",
        "elements.0.price_components.1.step_size",
    ]


def test_a_tariff_is_in_force_for_sessions_that_start_within_its_time() -> None:
    found = tariff(PLAIN, start_date_time=T0, end_date_time=T0 + timedelta(days=1))
    moments = [T0 - timedelta(seconds=1), T0, T0 + timedelta(days=1), T0 + timedelta(days=1, seconds=1)]
    assert [found.in_force(at) for at in moments] == [False, True, True, False]
    assert tariff(PLAIN).in_force(T0)


@pytest.mark.parametrize(
    ("build", "path"),
    [
        (session, "charging_periods"),
        (lambda: session(period(T0, 60), zone="Europe/Atlantis"), "time_zone"),
        (lambda: session(period(T0, -1)), "charging_periods.0.ends_at"),
        (lambda: session(period(T0, 60), period(T0 + timedelta(minutes=59), 60)), "charging_periods.1.starts_at"),
        (lambda: session(period(T0, 60, energy_kwh=Decimal("-0.1"))), "charging_periods.0.energy_kwh"),
        (lambda: session(period(T0, 60, parking_s=Decimal("NaN"))), "charging_periods.0.parking_s"),
        (lambda: session(period(T0, 60, reservation_s=Decimal(60), charging_s=Decimal(60))), "charging_periods.0.reservation_s"),
    ],
)
def test_what_a_session_cannot_be(build: Any, path: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        build()
    assert ".".join(refused.value.path) == path
