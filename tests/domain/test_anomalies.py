"""What is odd about a transaction, and what is not."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.anomalies import (
    Anomaly,
    AnomalyKind,
    NotBillable,
    Resolution,
    Span,
    abandoned,
    begin_unknown,
    meter_went_back,
    more_than_possible,
    never_ended,
    no_energy,
    not_billable,
    overlap,
)

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def test_a_register_lower_than_an_earlier_one_has_gone_back() -> None:
    found = meter_went_back((at(0), 1000.0), [(at(10), 1500.0), (at(20), 1400.0)])
    assert found is not None
    assert (found.kind, found.evidence) == (AnomalyKind.METER_BACKWARDS, at(20).isoformat())
    assert found.detail == {"at": at(20).isoformat(), "register_wh": 1400.0, "before_wh": 1500.0}


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (None, []),
        (None, [(at(0), 1000.0)]),
        ((at(0), 1000.0), [(at(10), 1000.0), (at(20), 1000.5)]),
        ((at(0), 1000.4), [(at(10), 1000.0)]),  # a stop's whole Wh after a sample's fraction
        ((at(20), 1500.0), [(at(10), 1200.0)]),  # told late: it was lower then
        ((at(10), 1500.0), [(at(10), 1500.0)]),  # told again
    ],
)
def test_a_register_that_stays_or_rises_has_not(known: tuple[datetime, float] | None, told: list[tuple[datetime, float]]) -> None:
    assert meter_went_back(known, told) is None


@given(st.lists(st.tuples(st.integers(0, 600), st.floats(0, 1e6)), max_size=10), st.permutations(range(10)))
def test_registers_that_only_rise_are_never_taken_for_going_back(told: list[tuple[int, float]], order: list[int]) -> None:
    values = sorted(value for _, value in told)
    rising = list(zip(sorted(at(minute) for minute, _ in told), values, strict=True))
    shuffled = [rising[n] for n in order if n < len(rising)]
    assert meter_went_back(None, shuffled) is None


def test_an_end_without_energy_is_odd() -> None:
    found = no_energy(0.0)
    assert found is not None
    assert found.kind is AnomalyKind.ZERO_ENERGY
    assert no_energy(0.1) is None


def test_a_begin_without_register_is_odd_where_the_start_was_told_late_or_never() -> None:
    told = [begin_unknown(begin_register_missing=True, offline=offline, started_at=T0) for offline in (True, False)]
    assert [finding and finding.detail["start"] for finding in told] == ["told late", "never told"]
    assert begin_unknown(begin_register_missing=False, offline=True, started_at=T0) is None


@pytest.mark.parametrize(
    ("heard_h", "connected_h", "odd"),
    [(30, 30, True), (30, 24, True), (24, 30, True), (30, 23, False), (23, 30, False), (30, None, False)],
)
def test_silence_is_odd_while_the_charge_point_is_on_the_line(heard_h: int, connected_h: int | None, *, odd: bool) -> None:
    connected = None if connected_h is None else T0 - timedelta(hours=connected_h)
    found = never_ended(T0 - timedelta(hours=heard_h), connected_since=connected, now=T0)
    assert (found is not None) == odd
    assert found is None or found.kind is AnomalyKind.NEVER_ENDED


def test_the_same_silence_is_the_same_finding_and_a_later_one_another() -> None:
    first, again, later = (
        never_ended(at(heard), connected_since=at(-1), now=at(60 * 48 + now)) for heard, now in ((0, 0), (0, 99), (5, 99))
    )
    assert first is not None
    assert again is not None
    assert later is not None
    assert first.evidence == again.evidence != later.evidence


def test_a_transaction_whose_evse_starts_anew_never_ended() -> None:
    found = abandoned(at(0), next_started_at=at(60))
    assert (found.kind, found.detail) == (
        AnomalyKind.NEVER_ENDED,
        {"last_heard_at": at(0).isoformat(), "next_started_at": at(60).isoformat()},
    )


def span(begin: float, end: float | None, number: int = 1) -> Span:
    return Span(uuid.UUID(int=number), at(begin), None if end is None else at(end))


@pytest.mark.parametrize(
    ("this", "other", "odd"),
    [
        (span(0, 60), span(30, 90, 2), True),
        (span(0, 60), span(10, 20, 2), True),
        (span(0, None), span(30, None, 2), True),
        (span(0, None), span(-30, -10, 2), False),
        (span(0, 60), span(60, 90, 2), False),
        (span(0, 60), span(59.5, 90, 2), False),  # clocks
        (span(0, 0), span(0, 90, 2), False),
    ],
)
def test_two_transactions_on_one_evse_at_the_same_time_overlap(this: Span, other: Span, *, odd: bool) -> None:
    assert (overlap(this, [other]) is not None) == (overlap(other, [this]) is not None) == odd


def test_more_energy_than_the_evse_can_deliver_is_odd() -> None:
    hour = timedelta(hours=1)
    assert more_than_possible(22_000.0, hour, 22.0) is None
    assert more_than_possible(24_700.0, hour, 22.0) is None  # a tenth more, and half a kWh
    found = more_than_possible(24_701.0, hour, 22.0)
    assert found is not None
    assert found.detail == {"energy_wh": 24_701.0, "at_most_wh": 24_700, "max_power_kw": 22.0}
    assert more_than_possible(501.0, -hour, 22.0) is not None


def anomaly(resolution: Resolution | None) -> Anomaly:
    nothing: Any = uuid.UUID(int=0)
    resolved = None if resolution is None else T0
    by = None if resolution is None else "user:somebody"
    return Anomaly(nothing, nothing, nothing, nothing, nothing, AnomalyKind.OVERLAP, "", {}, T0, resolved, by, resolution, None)


@pytest.mark.parametrize(
    ("resolutions", "reason"),
    [
        ([], None),
        ([Resolution.ACCEPT_AS_MEASURED, Resolution.CORRECTED], None),
        ([Resolution.CORRECTED, Resolution.NOT_BILLED], NotBillable.NOT_BILLED),
        ([Resolution.NOT_BILLED, None], NotBillable.UNRESOLVED_ANOMALY),
        ([None, Resolution.ACCEPT_AS_MEASURED], NotBillable.UNRESOLVED_ANOMALY),
    ],
)
def test_nothing_is_billed_before_its_anomalies_are_resolved(resolutions: list[Resolution | None], reason: NotBillable | None) -> None:
    assert not_billable(map(anomaly, resolutions)) == not_billable(map(anomaly, reversed(resolutions))) == reason
