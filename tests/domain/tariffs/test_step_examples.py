"""Step sizes as the standard works them out (OCPI, mod_cdrs, `step_size`, and mod_tariffs, PriceComponent)."""

from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from ampyard.domain.tariffs.model import ReservationRestriction
from ampyard.domain.tariffs.pricing import price
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
    reservation,
    session,
    tariff,
    then,
    used,
)

# Before 17:00 by half hours, later by quarter-hours; parking by quarter-hours, free from 20:00 on (mod_tariffs, Example Tariff).
SWITCHING = tariff(
    element(component(TIME, "1.20", step=1800), component(PARKING_TIME, "1.00", step=900), start_time=time(0), end_time=time(17)),
    element(component(TIME, "2.40", step=900), component(PARKING_TIME, "1.00", step=900), start_time=time(17), end_time=time(20)),
    element(component(TIME, "2.40", step=900), start_time=time(20), end_time=time(0)),
)


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 5, hour, minute, tzinfo=UTC)


def test_switching_to_another_element_and_then_to_parking() -> None:
    cost = price(session(*then(at(16, 55), (charging, 10, {}), (parking, 2, {}))), [SWITCHING])
    assert used(cost) == [("TIME", "5", "1.2", "0.1"), ("TIME", "5", "2.4", "0.2"), ("PARKING_TIME", "15", "1", "0.25")]
    assert amounts(cost.total_cost) == ("0.55", "0.55")


def test_switching_to_another_element_and_leaving() -> None:
    cost = price(session(charging(at(16, 35), 35)), [SWITCHING])
    assert used(cost) == [("TIME", "25", "1.2", "0.5"), ("TIME", "20", "2.4", "0.8")]
    assert amounts(cost.total_cost) == ("1.3", "1.3")


def test_switching_to_what_is_free() -> None:
    cost = price(session(*then(at(19, 40), (charging, 12, {}), (parking, 20, {}))), [SWITCHING])
    assert used(cost) == [("TIME", "12", "2.4", "0.48"), ("PARKING_TIME", "15", "1", "0.25")]
    assert amounts(cost.total_cost) == ("0.73", "0.73")
    parked = cost.lines[-1]
    assert (parked.starts_at, parked.ends_at, parked.volume, parked.billed_volume) == (at(19, 52), at(20, 0), Decimal(480), Decimal(900))


def test_parking_after_charging_is_rounded_up_and_charging_is_not() -> None:
    by_5 = tariff(element(component(TIME, "1", step=300), component(PARKING_TIME, "1", step=300)))
    cost = price(session(*then(T0, (charging, 21, {}), (parking, 7, {}))), [by_5])
    assert [line[:2] for line in used(cost)] == [("TIME", "21"), ("PARKING_TIME", "10")]
    by_10 = tariff(element(component(TIME, "1.00", step=600), component(PARKING_TIME, "2.00", step=600)))
    cost = price(session(*then(T0, (charging, 21, {}), (parking, 16, {}))), [by_10])
    assert [line[:2] for line in used(cost)] == [("TIME", "21"), ("PARKING_TIME", "20")]


def test_where_both_are_priced_it_is_parking_that_is_rounded_up_in_whatever_order() -> None:
    by_10 = tariff(element(component(TIME, "1.00", step=600), component(PARKING_TIME, "2.00", step=600)))
    cost = price(session(*then(T0, (parking, 16, {}), (charging, 21, {}))), [by_10])
    assert [line[:2] for line in used(cost)] == [("PARKING_TIME", "20"), ("TIME", "21")]


def test_parking_that_costs_nothing_does_not_keep_charging_from_being_rounded_up() -> None:
    cost = price(session(*then(T0, (charging, 21, {}), (parking, 16, {}))), [tariff(element(component(TIME, "1.00", step=600)))])
    assert [line[:2] for line in used(cost)] == [("TIME", "30")]


def test_energy_is_rounded_up_by_its_total() -> None:
    evening = tariff(
        element(component(ENERGY, "0.20", step=500), end_time=time(17)), element(component(ENERGY, "0.27", step=500), start_time=time(17))
    )
    cost = price(session(*then(at(16, 0), (charging, 60, {"kwh": "4.3"}), (charging, 20, {"kwh": "1.1"}))), [evening])
    assert used(cost) == [("ENERGY", "4.3", "0.2", "0.86"), ("ENERGY", "1.2", "0.27", "0.324")]


def test_time_is_rounded_up_by_its_total() -> None:
    evening = tariff(
        element(component(TIME, "5", step=600), end_time=time(17)), element(component(TIME, "7", step=600), start_time=time(17))
    )
    cost = price(session(charging(at(16, 54), 28)), [evening])
    assert used(cost) == [("TIME", "6", "5", "0.5"), ("TIME", "24", "7", "2.8")]


@pytest.mark.parametrize(
    ("step", "kwh", "amount"),
    [(1, "0.1152", "0.029"), (25, "0.1152", "0.03125"), (25, "0.101", "0.03125"), (25, "0.125", "0.03125"), (500, "0.1152", "0.125")],
)
def test_energy_by_steps_of_wh(step: int, kwh: str, amount: str) -> None:
    cost = price(session(charging(T0, 1, kwh)), [tariff(element(component(ENERGY, "0.25", step=step)))])
    assert used(cost)[0][3] == amount


@pytest.mark.parametrize(("minutes", "billed"), [(6, "10"), (10, "10"), (8, "10"), (11, "15")])
def test_time_by_steps_of_five_minutes(minutes: int, billed: str) -> None:
    cost = price(session(parking(T0, minutes)), [tariff(element(component(PARKING_TIME, "1", step=300)))])
    assert used(cost)[0][1] == billed


def test_a_step_of_nothing_rounds_nothing_up() -> None:
    cost = price(session(charging(T0, 1, "0.11525")), [tariff(element(component(ENERGY, "1", step=0)))])
    assert used(cost) == [("ENERGY", "0.11525", "1", "0.11525")]


def test_switching_to_another_tariff_rounds_nothing_up_but_the_total_in_the_end() -> None:
    green = tariff(element(component(FLAT, "1"), component(ENERGY, "0.20", step=1000)), id="green")
    fast = tariff(element(component(FLAT, "2"), component(ENERGY, "0.40", step=500)), id="fast")
    parts = [(charging, 30, {"kwh": "4.3", "tariff_id": "green"}), (charging, 30, {"kwh": "1.1", "tariff_id": "fast"})]
    cost = price(session(*then(T0, *parts)), [green, fast])
    assert used(cost) == [("FLAT", "1", "1", "1"), ("ENERGY", "4.3", "0.2", "0.86"), ("ENERGY", "1.2", "0.4", "0.48")]


def test_a_reservation_has_a_step_of_its_own() -> None:
    reserving = tariff(
        element(component(TIME, "6", step=600), reservation=ReservationRestriction.RESERVATION),
        element(component(TIME, "3", step=900), component(PARKING_TIME, "1", step=900)),
    )
    cost = price(session(*then(T0, (reservation, 13, {}), (charging, 20, {}))), [reserving])
    assert [line[:3] for line in used(cost)] == [("TIME", "20", "6"), ("TIME", "30", "3")]


def test_what_steps_add_is_told() -> None:
    by_10 = tariff(element(component(ENERGY, "0.50", "20", 500), component(PARKING_TIME, "2.00", "10", 600)))
    cost = price(session(*then(T0, (charging, 21, {"kwh": "1.2"}), (parking, 16, {}))), [by_10])
    # 0.3 kWh and 4 minutes more
    assert cost.by_steps.before_taxes == Decimal("0.15") + Decimal("0.133333333333")
    assert amounts(cost.total_cost) == ("1.42", "1.63")
