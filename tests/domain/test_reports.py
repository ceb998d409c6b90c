"""The local day, and the daily energy report as a document."""

import csv
import io
import uuid
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.depots import Depot
from ampyard.domain.reports import EnergyRow, daily_energy_csv, day_bounds

T0 = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)


def depot(name: str = "Central", time_zone: str = "Europe/Berlin") -> Depot:
    return Depot(uuid.uuid4(), uuid.uuid4(), name, time_zone, "Hauptstr. 1", "10115", "Berlin", "DEU", 52.5, 13.4, T0, T0)


def row(**changes: object) -> EnergyRow:
    values: dict[str, object] = {
        "transaction_id": uuid.UUID(int=1),
        "charge_point_identity": "CP-1",
        "evse_no": 1,
        "vehicle_name": "Bus 1",
        "id_tag": "TAG-1",
        "started_at": T0,
        "ended_at": T0 + timedelta(hours=2),
        "energy_wh": 12_345.0,
    }
    return EnergyRow(**(values | changes))  # type: ignore[arg-type]  # the fields' own types, by name


def parsed(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@pytest.mark.parametrize(
    ("zone", "day", "begin", "hours"),
    [
        ("Europe/Berlin", date(2026, 7, 1), datetime(2026, 6, 30, 22, tzinfo=UTC), 24),
        ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        # Clocks jump from midnight to one: the day begins at one.
        ("America/Santiago", date(2026, 9, 6), datetime(2026, 9, 6, 4, tzinfo=UTC), 23),
        # Midnight comes twice: the day begins with the first.
        ("Atlantic/Azores", date(2026, 10, 25), datetime(2026, 10, 25, 0, tzinfo=UTC), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), datetime(2026, 4, 4, 13, tzinfo=UTC), 24.5),
        # Samoa skipped this day altogether.
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10, tzinfo=UTC), 0),
    ],
)
def test_a_local_day_is_as_long_as_its_clocks_make_it(zone: str, day: date, begin: datetime, hours: float) -> None:
    assert day_bounds(day, zone) == (begin, begin + timedelta(hours=hours))


@given(
    st.dates(date(2015, 1, 1), date(2036, 12, 31)),
    st.sampled_from(["Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
)
def test_days_follow_each_other_without_gap_or_overlap(day: date, zone: str) -> None:
    begin, end = day_bounds(day, zone)

    assert day_bounds(day + timedelta(days=1), zone)[0] == end
    assert begin.astimezone(ZoneInfo(zone)).date() == day
    assert (begin - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() == day - timedelta(days=1)


def test_the_report_is_rfc_4180_with_local_times() -> None:
    content = daily_energy_csv(depot("Central, North"), date(2026, 7, 1), [row(), row(vehicle_name=None, id_tag=None, ended_at=None)])

    assert content == (
        b"depot,day,charge_point,evse,transaction_id,vehicle,id_tag,started_at,ended_at,energy_kwh\r\n"
        b'"Central, North",2026-07-01,CP-1,1,00000000-0000-0000-0000-000000000001,Bus 1,TAG-1,'
        b"2026-07-01T08:00:00+02:00,2026-07-01T10:00:00+02:00,12.345\r\n"
        b'"Central, North",2026-07-01,CP-1,1,00000000-0000-0000-0000-000000000001,,,2026-07-01T08:00:00+02:00,,12.345\r\n'
    )


def test_times_carry_the_offset_of_their_own_side_of_the_change() -> None:
    before, after = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    (line,) = parsed(daily_energy_csv(depot(), date(2026, 10, 25), [row(started_at=before, ended_at=after)]))

    assert (line["started_at"], line["ended_at"]) == ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")


@pytest.mark.parametrize(
    ("energy_wh", "kwh"),
    [(0.0, "0.000"), (0.4, "0.000"), (1.0, "0.001"), (999.9, "1.000"), (0.1 + 0.2, "0.000"), (1e9, "1000000.000"), (1e-7, "0.000")],
)
def test_energy_has_three_decimals_and_no_exponent(energy_wh: float, kwh: str) -> None:
    assert parsed(daily_energy_csv(depot(), date(2026, 7, 1), [row(energy_wh=energy_wh)]))[0]["energy_kwh"] == kwh


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_no_name_becomes_a_formula_and_none_is_lost(name: str) -> None:
    content = daily_energy_csv(depot(name), date(2026, 7, 1), [row(vehicle_name=name, id_tag=name, charge_point_identity=name)])

    (line,) = parsed(content)
    for column in ("depot", "vehicle", "id_tag", "charge_point"):
        assert line[column] in {name, f"'{name}"}
        assert not line[column].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
