"""Cost: exact to the last step, rounded once; the price in force is that of the depot's clock."""

import uuid
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.currencies import is_currency, minor_unit
from ampyard.domain.energy import EnergyInterval
from ampyard.domain.local_time import Weekday
from ampyard.domain.pricing import Cost, CostUnknown, EnergyPrice, PriceWindow, cost

# Monday, half past seven in the evening in Berlin.
T0 = datetime(2026, 11, 2, 18, 30, tzinfo=UTC)
BERLIN = "Europe/Berlin"
WORKDAYS = frozenset(set(Weekday) - {Weekday.SATURDAY, Weekday.SUNDAY})


def quarters(*energies_wh: float, begin: datetime = T0) -> list[EnergyInterval]:
    starts = [begin + n * timedelta(minutes=15) for n in range(len(energies_wh))]
    return [EnergyInterval(at, at + timedelta(minutes=15), wh, 1.0, gap=False) for at, wh in zip(starts, energies_wh, strict=True)]


def price(
    per_kwh: str, *windows: PriceWindow, begin: datetime = T0 - timedelta(days=30), currency: str = "EUR", number: int = 1
) -> EnergyPrice:
    return EnergyPrice(
        id=uuid.UUID(int=number),
        tenant_id=uuid.UUID(int=0),
        depot_id=uuid.UUID(int=0),
        currency=currency,
        price_per_kwh=Decimal(per_kwh),
        windows=windows,
        valid_from=begin,
        author="user:somebody",
        created_at=T0,
    )


NIGHT = PriceWindow(WORKDAYS, time(20), time(6), Decimal("0.10"))


def told(found: Cost) -> tuple[str, str | None, list[tuple[int, float, str, str]]]:
    lines = [
        ((line.starts_at - T0) // timedelta(minutes=15), line.energy_wh, str(line.price_per_kwh), f"{line.amount.normalize():f}")
        for line in found.lines
    ]
    return str(found.amount), found.currency, lines


def test_energy_times_price_with_a_line_for_each_price() -> None:
    found = cost(quarters(1000.0, 500.5, 2000.0, 250.0), [price("0.30", NIGHT)], BERLIN)

    assert told(found) == ("0.68", "EUR", [(0, 1500.5, "0.30", "0.45015"), (2, 2250.0, "0.10", "0.225")])
    assert found.unknown is None


def test_a_window_over_midnight_counts_by_the_day_it_begins_on() -> None:
    friday_night = quarters(1000.0, begin=datetime(2026, 11, 7, 2, 0, tzinfo=UTC))  # Saturday, three in the morning in Berlin
    saturday_night = quarters(1000.0, begin=datetime(2026, 11, 8, 2, 0, tzinfo=UTC))
    assert cost(friday_night, [price("0.30", NIGHT)], BERLIN).amount == Decimal("0.10")
    assert cost(saturday_night, [price("0.30", NIGHT)], BERLIN).amount == Decimal("0.30")


def test_a_window_in_the_hour_that_comes_twice_counts_both_times_for_bills_and_for_plans() -> None:
    window = PriceWindow(frozenset(Weekday), time(2), time(2, 30), Decimal("0.50"))
    night = price("0.30", window, begin=datetime(2026, 10, 1, tzinfo=UTC))
    # From 01:30 to 03:30 in Berlin on 25 October 2026, which takes three hours.
    intervals = quarters(*[1000.0] * 12, begin=datetime(2026, 10, 24, 23, 30, tzinfo=UTC))
    per_kwh = [str(night.at(interval.starts_at, BERLIN)) for interval in intervals]
    assert per_kwh == ["0.30"] * 2 + ["0.50"] * 2 + ["0.30"] * 2 + ["0.50"] * 2 + ["0.30"] * 4
    assert cost(intervals, [night], BERLIN).amount == Decimal("4.40")


def test_a_later_price_takes_over_on_its_quarter_hour() -> None:
    prices = [price("0.50", begin=T0 + timedelta(minutes=15), number=2), price("0.20")]
    assert told(cost(quarters(1000.0, 1000.0), prices, BERLIN))[0] == "0.70"


def test_of_prices_from_the_same_time_the_one_set_last_counts() -> None:
    assert cost(quarters(1000.0), [price("0.50", number=2), price("0.20", number=1)], BERLIN).amount == Decimal("0.50")


def test_a_half_is_rounded_to_the_even_minor_unit_and_only_the_sum() -> None:
    assert cost(quarters(50.0), [price("0.10")], BERLIN).amount == Decimal("0.00")  # 0.005
    assert cost(quarters(150.0), [price("0.10")], BERLIN).amount == Decimal("0.02")  # 0.015
    # lines of 0.004, 0.0045 and 0.004 are 0.01, not nothing
    dearer = PriceWindow(WORKDAYS, time(19, 45), time(20), Decimal("0.09"))
    assert cost(quarters(50.0, 50.0, 50.0), [price("0.08", dearer)], BERLIN).amount == Decimal("0.01")
    assert cost(quarters(1500.0), [price("1", currency="JPY")], BERLIN).amount == Decimal(2)
    assert cost(quarters(1500.0), [price("1", currency="KWD")], BERLIN).amount == Decimal("1.500")


def test_energy_before_there_was_a_price_makes_the_cost_unknown() -> None:
    late = price("0.30", begin=T0 + timedelta(minutes=15))
    assert cost(quarters(1000.0, 1000.0), [late], BERLIN).unknown is CostUnknown.NO_PRICE
    assert cost(quarters(0.0, 1000.0), [late], BERLIN).amount == Decimal("0.30")
    assert cost(quarters(1000.0), [], BERLIN) == Cost(None, None, (), CostUnknown.NO_PRICE)
    assert cost([], [late], BERLIN).unknown is CostUnknown.NO_PRICE


def test_two_currencies_have_no_sum() -> None:
    prices = [price("0.30"), price("0.30", begin=T0 + timedelta(minutes=15), currency="CHF", number=2)]
    assert cost(quarters(1000.0, 1000.0), prices, BERLIN).unknown is CostUnknown.MIXED_CURRENCIES
    assert cost(quarters(0.0, 1000.0), prices, BERLIN).currency == "CHF"


energies = st.floats(0, 1e6, allow_nan=False, allow_subnormal=False)
per_kwh = st.decimals(0, 1000, places=6)


@given(st.lists(energies, min_size=1, max_size=20), per_kwh, per_kwh, st.integers(0, 20))
def test_cost_is_additive_over_intervals_and_exact(parts: list[float], day: Decimal, night: Decimal, cut: int) -> None:
    prices = [price(str(day), PriceWindow(WORKDAYS, time(20), time(6), night))]
    intervals = quarters(*parts)
    whole, left, right = (cost(some, prices, BERLIN) for some in (intervals, intervals[:cut], intervals[cut:]))

    def exact(found: Cost) -> Fraction:
        return sum((Fraction(line.amount) for line in found.lines), Fraction())

    by_hand = sum((Fraction(i.energy_wh) * Fraction(prices[0].at(i.starts_at, BERLIN)) / 1000 for i in intervals), Fraction())
    assert exact(whole) == by_hand
    assert whole.amount is not None
    assert abs(Fraction(whole.amount) - exact(whole)) <= Fraction(1, 200)
    assert exact(left) + exact(right) == exact(whole)


@given(st.lists(st.integers(0, 10**9).map(lambda steps: steps / 1024), min_size=1, max_size=20), per_kwh, st.integers(1, 20))
def test_cost_of_intervals_as_they_are_stored_is_the_cost_of_their_parts_to_the_last_digit(
    parts: list[float], per_kwh: Decimal, cut: int
) -> None:
    intervals = quarters(*parts)
    amounts = [
        sum((Fraction(line.amount) for line in cost(some, [price(str(per_kwh))], BERLIN).lines), Fraction())
        for some in (intervals[:cut], intervals[cut:], intervals)
    ]
    assert amounts[0] + amounts[1] == amounts[2]


def test_currencies_have_their_minor_unit() -> None:
    assert [minor_unit(code) for code in ("EUR", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
    assert (is_currency("EUR"), is_currency("eur"), is_currency("XXX")) == (True, False, False)
