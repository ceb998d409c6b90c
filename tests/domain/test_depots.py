"""What a depot must be."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ampyard.domain.depots import Depot, depot_faults

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
SOUND = Depot(uuid.uuid4(), uuid.uuid4(), "Central", "Europe/Berlin", "Hauptstr. 1", "10115", "Berlin", "DEU", 52.5, 13.4, T0, T0)


def test_a_sound_depot_has_no_faults() -> None:
    assert list(depot_faults(SOUND)) == []
    assert list(depot_faults(replace(SOUND, address="", postal_code="", latitude=-90.0, longitude=180.0, time_zone="UTC"))) == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "  ", "It is empty; give one."),
        ("name", "x" * 201, "It has 201 characters; 200 at most."),
        ("postal_code", "12345678901", "It has 11 characters; 10 at most."),
        ("time_zone", "Berlin", "'Berlin' is no time zone; give its IANA name, such as Europe/Berlin."),
        ("time_zone", "localtime", "'localtime' is no time zone; give its IANA name, such as Europe/Berlin."),
        ("country_code", "DE", "'DE' is no country; give its code of ISO 3166-1 alpha-3, such as DEU."),
        ("country_code", "XXX", "'XXX' is no country; give its code of ISO 3166-1 alpha-3, such as DEU."),
        ("latitude", 90.5, "90.5 degrees are out of range; give -90 to 90 (WGS 84)."),
        ("longitude", float("nan"), "nan degrees are out of range; give -180 to 180 (WGS 84)."),
        ("demand_charge_per_kw", Decimal(-1), "-1 is not possible; give 0 to 100000 with 6 decimals at most."),
        ("demand_charge_per_kw", Decimal("NaN"), "NaN is not possible; give 0 to 100000 with 6 decimals at most."),
        ("demand_charge_per_kw", Decimal("0.0000001"), "1E-7 is not possible; give 0 to 100000 with 6 decimals at most."),
        ("billing_day", 29, "29 is out of range; give a day that every month has, 1 to 28."),
    ],
)
def test_a_fault_is_told_with_its_field_and_what_would_be_right(field: str, value: object, message: str) -> None:
    assert list(depot_faults(replace(SOUND, **{field: value}))) == [(field, message)]  # type: ignore[arg-type]  # fields of several types


def test_nobody_knows_whether_a_depot_is_open_that_says_nothing_of_it() -> None:
    assert SOUND.is_open(T0) is None


@pytest.mark.parametrize(
    ("day", "now", "began"),
    [
        (1, datetime(2026, 11, 2, 8, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)),
        # Already the first of November in Berlin.
        (1, datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)),
        (15, datetime(2026, 11, 2, 8, tzinfo=UTC), datetime(2026, 10, 14, 22, tzinfo=UTC)),
        (28, datetime(2026, 1, 2, 8, tzinfo=UTC), datetime(2025, 12, 27, 23, tzinfo=UTC)),
    ],
)
def test_a_billing_month_begins_by_the_depots_calendar(day: int, now: datetime, began: datetime) -> None:
    assert replace(SOUND, billing_day=day).billing_month_begins(now) == began
