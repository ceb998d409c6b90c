"""When elements hold: on the clock of the location, by what was used, and by what flows."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import Weekday
from ampyard.domain.tariffs.model import Tariff
from ampyard.domain.tariffs.periods import in_priced_periods
from ampyard.domain.tariffs.pricing import price
from ampyard.domain.tariffs.session import ChargingSession
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
    period,
    session,
    tariff,
    then,
    used,
)

BERLIN = "Europe/Berlin"
DEAR, CHEAP = component(ENERGY, "2"), component(ENERGY, "1")


def window(**restrictions: Any) -> Tariff:
    """Dear while the restrictions are met, else cheap."""
    return tariff(element(DEAR, **restrictions), element(CHEAP))


def shares(under: Tariff, what: ChargingSession) -> list[tuple[str, str]]:
    """KWh and price of each line."""
    return [(kwh, per_kwh) for _, kwh, per_kwh, _ in used(price(what, [under]))]


def even(begin: datetime, minutes: int, kwh: str, zone: str = "UTC") -> ChargingSession:
    return session(charging(begin, minutes, kwh), zone=zone)


def test_a_window_splits_a_period_where_it_begins_and_ends() -> None:
    # From 11:00 to 15:00 UTC, which is 12:00 to 16:00 in Berlin.
    noon = datetime(2026, 11, 5, 11, 0, tzinfo=UTC)
    assert shares(window(start_time=time(13), end_time=time(14, 30)), even(noon, 240, "24", BERLIN)) == [("6", "1"), ("9", "2"), ("9", "1")]


def test_a_window_over_midnight_wraps_around() -> None:
    evening = datetime(2026, 11, 5, 21, 0, tzinfo=UTC)
    assert shares(window(start_time=time(22), end_time=time(6)), even(evening, 600, "10")) == [("1", "1"), ("8", "2"), ("1", "1")]


def test_a_window_with_one_end_reaches_to_midnight() -> None:
    evening = datetime(2026, 11, 5, 22, 0, tzinfo=UTC)
    assert shares(window(start_time=time(23)), even(evening, 180, "3")) == [("1", "1"), ("1", "2"), ("1", "1")]
    assert shares(window(end_time=time(1)), even(evening, 240, "4")) == [("2", "1"), ("1", "2"), ("1", "1")]
    assert shares(window(start_time=time(0), end_time=time(0)), even(evening, 240, "4")) == [("4", "2")]


def test_days_of_the_week_are_those_of_the_moment_not_of_the_begin_of_a_window() -> None:
    """All restrictions are met at once (mod_tariffs: a logical AND), so a window of Fridays ends at midnight and has a morning."""
    friday_nights = window(start_time=time(22), end_time=time(2), day_of_week=frozenset({Weekday.FRIDAY}))
    thursday = datetime(2026, 11, 5, 23, 0, tzinfo=UTC)
    assert shares(friday_nights, even(thursday, 28 * 60, "28")) == [("1", "1"), ("2", "2"), ("20", "1"), ("2", "2"), ("3", "1")]


def test_clocks_that_go_back_show_a_window_twice() -> None:
    """From 02:00 to 02:30 comes twice on the night of 25 October 2026 in Berlin, at 00:00 and 01:00 UTC."""
    night = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)
    assert shares(window(start_time=time(2), end_time=time(2, 30)), even(night, 180, "18", BERLIN)) == [
        ("6", "1"),
        ("3", "2"),
        ("3", "1"),
        ("3", "2"),
        ("3", "1"),
    ]


def test_clocks_that_go_forward_leave_out_a_part_of_a_window() -> None:
    """On 29 March 2026 in Berlin 02:00 is 03:00: a window from 01:30 to 02:30 is half an hour, one from 02:30 to 04:00 an hour."""
    night = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    assert shares(window(start_time=time(1, 30), end_time=time(2, 30)), even(night, 180, "18", BERLIN)) == [
        ("3", "1"),
        ("3", "2"),
        ("12", "1"),
    ]
    assert shares(window(start_time=time(2, 30), end_time=time(4)), even(night, 180, "18", BERLIN)) == [("6", "1"), ("6", "2"), ("6", "1")]


def test_energy_splits_a_period_where_the_threshold_is_reached() -> None:
    under = window(min_kwh=Decimal(5), max_kwh=Decimal(15))
    cost = price(session(*then(T0, (charging, 30, {"kwh": "3"}), (charging, 60, {"kwh": "30"}))), [under])
    assert [line[1:3] for line in used(cost)] == [("5", "1"), ("10", "2"), ("18", "1")]
    # 2 of the 30 kWh of the second period are taken after 4 minutes.
    assert [line.starts_at - T0 for line in cost.lines] == [timedelta(minutes=minutes) for minutes in (0, 34, 54)]


def test_thresholds_that_are_just_reached_hold_from_then_on() -> None:
    under = window(min_kwh=Decimal(5))
    assert shares(under, even(T0, 60, "5")) == [("5", "1")]
    assert shares(under, session(*then(T0, (charging, 30, {"kwh": "5"}), (charging, 30, {"kwh": "1"})))) == [("5", "1"), ("1", "2")]
    until = window(max_kwh=Decimal(5))
    assert shares(until, session(*then(T0, (charging, 30, {"kwh": "5"}), (charging, 30, {"kwh": "1"})))) == [("5", "2"), ("1", "1")]


def test_duration_counts_from_the_begin_of_the_session_whatever_the_vehicle_does() -> None:
    blocking = tariff(element(component(PARKING_TIME, "6"), min_duration=2 * 3600))
    cost = price(session(*then(T0, (charging, 90, {"kwh": "9"}), (parking, 60, {}))), [blocking])
    assert used(cost) == [("PARKING_TIME", "30", "6", "3")]


def test_power_that_is_not_told_is_the_mean() -> None:
    under = window(min_power=Decimal(11))
    assert shares(under, even(T0, 60, "11")) == [("11", "2")]
    assert shares(under, even(T0, 60, "10.999")) == [("10.999", "1")]
    told = session(charging(T0, 60, "5", min_power_kw=Decimal(11)))
    assert shares(under, told) == [("5", "2")]


def test_a_period_in_which_a_limit_is_passed_is_not_within_it() -> None:
    mixed = session(charging(T0, 60, "12", min_power_kw=Decimal(8), max_power_kw=Decimal(16)))
    assert shares(window(min_power=Decimal(11)), mixed) == [("12", "1")]
    assert shares(window(max_power=Decimal(16)), mixed) == [("12", "1")]
    assert shares(window(max_power=Decimal("16.1")), mixed) == [("12", "2")]


def test_a_current_that_is_not_told_meets_any_restriction_and_that_is_said() -> None:
    under = window(max_current=Decimal(32))
    cost = price(even(T0, 60, "10"), [under])
    assert used(cost)[0][2] == "2"
    assert cost.remarks == (
        "Element 1 of tariff T is restricted by max_current, which the session does not tell throughout; it was taken to hold.",
    )
    told = session(charging(T0, 60, "10", max_current_a=Decimal(32)))
    assert used(price(told, [under]))[0][2] == "1"
    assert price(told, [under]).remarks == ()


def test_the_first_element_that_holds_counts_for_each_dimension_by_itself() -> None:
    under = tariff(
        element(component(TIME, "1"), start_time=time(0), end_time=time(12)),
        element(component(TIME, "2"), component(ENERGY, "0.20")),
        element(component(ENERGY, "0.99"), component(FLAT, "3")),
    )
    cost = price(even(T0 - timedelta(hours=1), 120, "10"), [under])
    assert used(cost) == [("FLAT", "1", "3", "3"), ("ENERGY", "10", "0.2", "2"), ("TIME", "60", "1", "1"), ("TIME", "60", "2", "2")]


def test_what_has_no_component_costs_nothing() -> None:
    assert price(even(T0, 60, "10"), [tariff(element(component(PARKING_TIME, "5")))]).lines == ()
    free = session(charging(T0, 60, "10", tariff_id=None), charging(T0 + timedelta(hours=1), 60, "1"))
    assert used(price(free, [tariff(element(CHEAP))])) == [("ENERGY", "1", "1", "1")]


def test_a_fee_is_due_once_and_one_of_parking_when_parking_begins() -> None:
    under = tariff(
        element(component(FLAT, "5"), component(PARKING_TIME, "2"), min_duration=5400),
        element(component(FLAT, "1"), start_time=time(0), end_time=time(12)),
        element(component(FLAT, "0.50"), CHEAP),
    )
    parts = [(charging, 60, {"kwh": "1"}), (parking, 60, {}), (charging, 30, {"kwh": "1"}), (parking, 30, {})]
    cost = price(session(*then(T0 - timedelta(minutes=30), *parts)), [under])
    assert amounts(cost.total_fixed_cost) == ("1", "1")
    # Parking from the ninetieth minute on: half an hour, and half an hour again.
    assert amounts(cost.total_parking_cost) == ("7", "7")
    fee = next(line for line in cost.lines if line.component is not None and line.component.price == Decimal(5))
    assert fee.starts_at == T0 + timedelta(minutes=60)
    # No parking, no fee of parking: the start fee goes on.
    assert amounts(price(even(T0, 120, "1"), [under]).total_cost) == ("1.5", "1.5")


def test_periods_of_a_cdr_begin_where_another_component_becomes_active() -> None:
    under = tariff(
        element(component(TIME, "1"), start_time=time(0), end_time=time(12, 20)), element(component(TIME, "2"), CHEAP, min_kwh=Decimal(3))
    )
    whole = session(*then(T0, (charging, 30, {"kwh": "9"}), (parking, 10, {})))
    divided = in_priced_periods(whole, [under])
    assert [((p.starts_at - T0) // timedelta(minutes=1), p.energy_kwh, p.charging_s, p.parking_s) for p in divided.periods] == [
        (0, Decimal(3), Decimal(600), Decimal(0)),
        (10, Decimal(3), Decimal(600), Decimal(0)),
        (20, Decimal(3), Decimal(600), Decimal(0)),
        (30, Decimal(0), Decimal(0), Decimal(600)),
    ]
    assert price(divided, [under]).total_cost == price(whole, [under]).total_cost


def test_what_cannot_be_priced_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="under tariff 'X', which is not given") as refused:
        price(session(period(T0, 60, tariff_id="X")), [tariff(element(CHEAP))])
    assert refused.value.path == ("charging_periods", "0", "tariff_id")
    with pytest.raises(InvalidInputError, match="found CHF and EUR"):
        price(even(T0, 60, "1"), [tariff(element(CHEAP)), tariff(element(CHEAP), id="U", currency="CHF")])
    with pytest.raises(InvalidInputError, match="there is no tariff"):
        price(session(period(T0, 60, tariff_id=None)), [])
