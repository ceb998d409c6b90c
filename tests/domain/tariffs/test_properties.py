"""What holds of every price: never negative, monotone, the sum of its lines, and the same however periods are split."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ampyard.domain.local_time import Weekday
from ampyard.domain.tariffs.cost import Cost, CostKind, LineReason
from ampyard.domain.tariffs.model import (
    PriceComponent,
    PriceLimit,
    ReservationRestriction,
    Tariff,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
    TaxIncluded,
    TaxRate,
)
from ampyard.domain.tariffs.money import Price, sum_of
from ampyard.domain.tariffs.numbers import total
from ampyard.domain.tariffs.pricing import price
from ampyard.domain.tariffs.rounding import Rounding, RoundingMode, RoundingStage
from ampyard.domain.tariffs.session import ChargingPeriod, ChargingSession
from tests.domain.tariffs.building import ENERGY, FLAT, TIME

# The night on which clocks in Berlin go back, from Saturday to Sunday.
BEGIN = datetime(2026, 10, 24, 20, 7, tzinfo=UTC)
BERLIN = "Europe/Berlin"

cents = st.integers(0, 999).map(lambda units: Decimal(units).scaleb(-2))
kwhs = st.integers(0, 40_000).map(lambda units: Decimal(units).scaleb(-3))
vats = st.sampled_from([None, Decimal(0), Decimal(10), Decimal("9.975")])
hours = st.none() | st.integers(0, 23).map(time)


def components(steps: st.SearchStrategy[int]) -> st.SearchStrategy[PriceComponent]:
    return st.builds(PriceComponent, st.sampled_from(TariffDimensionType), cents, vats, steps)


def one_for_each(found: list[PriceComponent]) -> tuple[PriceComponent, ...]:
    return tuple({one.type: one for one in found}.values())


@st.composite
def restrictions(draw: st.DrawFn) -> TariffRestrictions:
    least, most = sorted(draw(st.tuples(st.integers(0, 30), st.integers(31, 60))))
    named = {
        "start_time": draw(hours),
        "end_time": draw(hours),
        "min_kwh": Decimal(least),
        "max_kwh": Decimal(most),
        "min_duration": least * 300,
        "max_duration": most * 300,
        "day_of_week": draw(st.sets(st.sampled_from(Weekday), min_size=1).map(frozenset)),
        "end_date": date(2026, 10, 25),
        "max_power": Decimal(draw(st.integers(1, 60))),
    }
    kept = draw(st.sets(st.sampled_from(sorted(named)), max_size=3))
    return TariffRestrictions(**{name: value for name, value in named.items() if name in kept})  # type: ignore[arg-type]  # by name


@st.composite
def elements(draw: st.DrawFn, steps: st.SearchStrategy[int]) -> TariffElement:
    if draw(st.integers(0, 4)) == 0:
        kind = draw(st.sampled_from(ReservationRestriction))
        found = draw(st.lists(st.builds(PriceComponent, st.sampled_from([FLAT, TIME]), cents, vats, steps), min_size=1, max_size=2))
        return TariffElement(one_for_each(found), TariffRestrictions(reservation=kind))
    found = draw(st.lists(components(steps), min_size=1, max_size=3))
    return TariffElement(one_for_each(found), draw(restrictions()))


@st.composite
def tariffs(draw: st.DrawFn, steps: st.SearchStrategy[int], *, limited: bool = True) -> Tariff:
    least, least_taxed, most, most_taxed = sorted(draw(st.tuples(cents, cents, cents, cents)))
    taxed = draw(st.booleans())
    return Tariff(
        id="T",
        currency="EUR",
        elements=tuple(draw(st.lists(elements(steps), min_size=1, max_size=5))),
        tax_included=draw(st.sampled_from(TaxIncluded)),
        taxes=draw(st.sampled_from([(), (TaxRate("GST", Decimal(5)), TaxRate("QST", Decimal("9.975")))])),
        min_price=draw(st.none() | st.just(PriceLimit(least, least_taxed if taxed else None))) if limited else None,
        max_price=draw(st.none() | st.just(PriceLimit(most, most_taxed if taxed else None))) if limited else None,
    )


@st.composite
def sessions(draw: st.DrawFn) -> ChargingSession:
    periods, at = [], BEGIN
    for _ in range(draw(st.integers(1, 5))):
        end = at + timedelta(seconds=draw(st.integers(1, 4 * 3600)))
        length = Decimal(int((end - at).total_seconds()))
        kind = draw(st.sampled_from(["charging_s", "parking_s"]))
        kwh = draw(kwhs) if kind == "charging_s" else Decimal(0)
        periods.append(ChargingPeriod(at, end, "T", kwh, **{kind: length}))
        at = end
    reserved = draw(st.integers(0, 3600))
    if reserved:
        before = ChargingPeriod(BEGIN - timedelta(seconds=reserved), BEGIN, "T", reservation_s=Decimal(reserved))
        periods = [before, *periods]
    return ChargingSession(tuple(periods), BERLIN)


# Sessions and tariffs of many parts take their time.
examples = settings(max_examples=50)
any_steps = st.sampled_from([0, 1, 60, 300, 900, 1000])
no_steps = st.just(0)
roundings = st.builds(Rounding, st.sampled_from(RoundingStage), st.sampled_from(RoundingMode), st.sampled_from([None, 0, 1, 4]))


def split(session: ChargingSession, number: int, part: Fraction) -> ChargingSession:
    """The session with one of its periods in two, at a part of it."""
    number %= len(session.periods)
    period = session.periods[number]
    at = period.starts_at + (period.ends_at - period.starts_at) * part.numerator // part.denominator
    share = (at - period.starts_at) / timedelta(seconds=1)
    whole = (period.ends_at - period.starts_at) / timedelta(seconds=1)
    assume(0 < share < whole)
    # Halves and quarters have a last decimal, so that the two parts are the whole.
    first = Decimal(share) / Decimal(whole)
    assume(first * Decimal(whole) == Decimal(share))
    parts = []
    for begin, end, of in ((period.starts_at, at, first), (at, period.ends_at, 1 - first)):
        volumes = {name: getattr(period, name) * of for name in ("energy_kwh", "charging_s", "parking_s", "reservation_s")}
        parts.append(ChargingPeriod(begin, end, period.tariff_id, **volumes))
    return ChargingSession((*session.periods[:number], *parts, *session.periods[number + 1 :]), session.time_zone)


def told(cost: Cost) -> list[tuple[object, ...]]:
    return [
        (line.kind, line.reason, line.element, line.component, line.starts_at, line.ends_at, line.billed_volume, line.price)
        for line in cost.lines
    ]


def parts_of(cost: Cost) -> list[Price]:
    found = (cost.total_fixed_cost, cost.total_energy_cost, cost.total_time_cost, cost.total_parking_cost, cost.total_reservation_cost)
    return [*(part for part in found if part is not None), *(line.price for line in cost.lines if line.kind is CostKind.TOTAL)]


@examples
@given(sessions(), tariffs(any_steps), roundings)
def test_a_price_is_never_negative_and_the_sum_of_its_lines(session: ChargingSession, under: Tariff, rounding: Rounding) -> None:
    cost = price(session, [under], rounding)
    whole = cost.total_cost
    assert whole.before_taxes >= 0
    assert whole.after_taxes >= whole.before_taxes
    assert whole.before_taxes == total(line.price.before_taxes for line in cost.lines)
    assert whole.after_taxes == total(line.price.after_taxes for line in cost.lines)
    assert (sum_of(parts_of(cost)).before_taxes, sum_of(parts_of(cost)).after_taxes) == (whole.before_taxes, whole.after_taxes)
    used = [line for line in cost.lines if line.reason is LineReason.COMPONENT]
    assert all(line.price.before_taxes >= 0 and all(due.amount >= 0 for due in line.price.taxes) for line in used)
    assert all(line.billed_volume >= line.volume for line in used)


@examples
@given(sessions(), tariffs(any_steps, limited=False))
def test_a_rounded_total_has_no_more_decimals_than_its_currency(session: ChargingSession, under: Tariff) -> None:
    whole = price(session, [under]).total_cost
    assert whole.before_taxes == round(whole.before_taxes, 2)
    assert all(due.amount == round(due.amount, 2) for due in whole.taxes)


@examples
@given(sessions(), tariffs(any_steps), roundings)
def test_limits_are_kept(session: ChargingSession, under: Tariff, rounding: Rounding) -> None:
    # A limit between two amounts that rounding can make is not kept to the last digit.
    assume(rounding.decimals in {None, 4})
    whole = price(session, [under], rounding).total_cost
    # Without a rate, prices that include taxes are held against the limits with taxes.
    untold = under.tax_included is TaxIncluded.YES and not whole.taxes
    charged = any(not period.reservation_s for period in session.periods)
    if under.min_price is not None and charged:
        assert whole.before_taxes >= under.min_price.before_taxes
        assert not whole.taxes or whole.after_taxes >= (under.min_price.after_taxes or 0)
    if under.max_price is not None and not untold:
        assert whole.before_taxes <= under.max_price.before_taxes
        assert not whole.taxes or under.max_price.after_taxes is None or whole.after_taxes <= under.max_price.after_taxes


@examples
@given(sessions(), tariffs(no_steps), st.integers(0, 9), st.sampled_from([Fraction(1, 2), Fraction(1, 4), Fraction(5, 8)]), roundings)
def test_splitting_a_period_changes_nothing_without_steps(
    session: ChargingSession, under: Tariff, number: int, part: Fraction, rounding: Rounding
) -> None:
    # The mean power is that of the whole period as long as the parts are even.
    assert told(price(split(session, number, part), [under], rounding)) == told(price(session, [under], rounding))


@examples
@given(sessions(), tariffs(any_steps), st.integers(0, 9), st.sampled_from([Fraction(1, 2), Fraction(3, 4)]))
def test_nor_does_it_with_steps(session: ChargingSession, under: Tariff, number: int, part: Fraction) -> None:
    assert price(split(session, number, part), [under]).total_cost == price(session, [under]).total_cost


@given(st.lists(kwhs, min_size=1, max_size=5), st.integers(0, 4), kwhs, cents, cents, any_steps, roundings)
def test_more_energy_never_costs_less(
    energies: list[Decimal], which: int, more: Decimal, first: Decimal, second: Decimal, step: int, rounding: Rounding
) -> None:
    """Under a tariff that never falls: what more is used of is no cheaper than what was used before."""
    low, high = sorted((first, second))
    under = Tariff(
        id="T",
        currency="EUR",
        elements=(
            TariffElement((PriceComponent(ENERGY, low, Decimal(19), step),), TariffRestrictions(max_kwh=Decimal(20))),
            TariffElement((PriceComponent(ENERGY, high, Decimal(19), step),)),
        ),
        max_price=PriceLimit(Decimal(100)),
    )
    raised = [one + (more if number == which % len(energies) else 0) for number, one in enumerate(energies)]
    before, after = (
        price(
            ChargingSession(
                tuple(
                    ChargingPeriod(BEGIN + n * timedelta(hours=1), BEGIN + (n + 1) * timedelta(hours=1), "T", kwh)
                    for n, kwh in enumerate(of)
                ),
                BERLIN,
            ),
            [under],
            rounding,
        ).total_cost
        for of in (energies, raised)
    )
    assert before.before_taxes <= after.before_taxes
    assert before.after_taxes <= after.after_taxes


@examples
@given(sessions(), tariffs(any_steps), tariffs(any_steps))
def test_the_order_in_which_tariffs_are_given_does_not_matter(session: ChargingSession, one: Tariff, other: Tariff) -> None:
    second = Tariff(id="U", currency="EUR", elements=other.elements)
    periods = tuple(
        ChargingPeriod(p.starts_at, p.ends_at, "TU"[n % 2], p.energy_kwh, p.charging_s, p.parking_s, p.reservation_s)
        for n, p in enumerate(session.periods)
    )
    mixed = ChargingSession(periods, BERLIN)
    assert price(mixed, [one, second]) == price(mixed, [second, one])


@given(st.permutations(range(4)))
def test_the_order_of_elements_that_exclude_each_other_does_not_matter(order: list[int]) -> None:
    windows = [(time(0), time(6)), (time(6), time(12)), (time(12), time(18)), (time(18), time(0))]
    each = [
        TariffElement((PriceComponent(ENERGY, Decimal(number + 1)),), TariffRestrictions(start_time=begin, end_time=end))
        for number, (begin, end) in enumerate(windows)
    ]
    day = ChargingSession((ChargingPeriod(BEGIN, BEGIN + timedelta(days=1), "T", Decimal(100)),), BERLIN)
    costs = [price(day, [Tariff("T", "EUR", tuple(each[n] for n in of))]).total_cost for of in (order, range(4))]
    assert costs[0] == costs[1]


@examples
@given(sessions(), tariffs(any_steps), roundings)
def test_a_credit_takes_all_back(session: ChargingSession, under: Tariff, rounding: Rounding) -> None:
    cost = price(session, [under], rounding)
    back = cost.credited()
    nothing = sum_of([cost.total_cost, back.total_cost])
    assert nothing.before_taxes == nothing.after_taxes == 0
    assert back.credited() == cost


@examples
@given(sessions(), tariffs(no_steps))
def test_lines_of_a_kind_do_not_overlap(session: ChargingSession, under: Tariff) -> None:
    lines = price(session, [under]).lines
    for kind in (CostKind.ENERGY, CostKind.TIME, CostKind.PARKING):
        of = [line for line in lines if line.kind is kind and line.component is not None and line.component.type is not FLAT]
        assert all(before.ends_at <= after.starts_at for before, after in pairwise(of))
