import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.blocks import Block, Run
from ampyard.domain.local_time import Weekday

BLOCK, TENANT, CENTRAL, NORTH = (uuid.UUID(int=number) for number in (1, 2, 3, 4))
MADE = datetime(2026, 10, 1, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "UTC")


def block(**changes: Any) -> Block:
    made = Block(
        id=BLOCK,
        tenant_id=TENANT,
        name="12/3",
        external_id="ext-12",
        note=None,
        distance_km=180.0,
        energy_kwh=None,
        departure_depot_id=CENTRAL,
        departure_time=time(6),
        departure_zone="Europe/Berlin",
        return_depot_id=CENTRAL,
        return_time=time(14, 30),
        return_zone="Europe/Berlin",
        return_days_later=0,
        weekdays=frozenset({Weekday.MONDAY, Weekday.FRIDAY}),
        first_day=date(2026, 10, 5),
        last_day=date(2026, 11, 27),
        enabled=True,
        removed_at=None,
        created_at=MADE,
        updated_at=MADE,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("day", "changes", "runs"),
    [
        (date(2026, 10, 5), {}, True),
        (date(2026, 10, 9), {}, True),
        (date(2026, 10, 6), {}, False),
        (date(2026, 10, 2), {}, False),
        (date(2026, 11, 27), {}, True),
        (date(2026, 11, 30), {}, False),
        (date(2026, 11, 30), {"last_day": None}, True),
        (date(2026, 10, 5), {"enabled": False}, False),
        (date(2026, 10, 5), {"removed_at": MADE}, False),
    ],
)
def test_it_runs_on_its_weekdays_from_its_first_day_to_its_last(day: date, changes: dict[str, Any], runs: bool) -> None:  # noqa: FBT001 - a parametrised expectation
    assert block(**changes).runs_on(day) is runs


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"removed_at": MADE}, "Block 12/3 has been removed."),
        ({"enabled": False}, "Block 12/3 is disabled."),
        ({}, "Block 12/3 does not run on Tuesday 2026-10-06; it runs on Monday, Friday from 2026-10-05 until 2026-11-27."),
        ({"last_day": None}, "Block 12/3 does not run on Tuesday 2026-10-06; it runs on Monday, Friday from 2026-10-05."),
    ],
)
def test_it_says_why_it_does_not_run(changes: dict[str, Any], reason: str) -> None:
    assert block(**changes).why_not_on(date(2026, 10, 6)) == reason


@pytest.mark.parametrize(
    ("changes", "day", "departs", "returns"),
    [
        ({}, date(2026, 10, 5), "2026-10-05T04:00", "2026-10-05T12:30"),
        # The day after clocks were put back.
        ({}, date(2026, 10, 26), "2026-10-26T05:00", "2026-10-26T13:30"),
        # Back the next day, in another zone.
        (
            {"return_days_later": 1, "return_time": time(1), "return_depot_id": NORTH, "return_zone": "Europe/London"},
            date(2026, 10, 5),
            "2026-10-05T04:00",
            "2026-10-06T00:00",
        ),
        # Over the night in which an hour comes twice.
        (
            {"departure_time": time(22), "return_days_later": 1, "return_time": time(6)},
            date(2026, 10, 24),
            "2026-10-24T20:00",
            "2026-10-25T05:00",
        ),
        # Its time of departure is jumped over, and then it would have returned before it left.
        ({"departure_time": time(2, 30), "return_time": time(3, 15)}, date(2026, 3, 29), "2026-03-29T01:30", "2026-03-29T01:31"),
    ],
)
def test_a_run_is_at_the_local_times_of_its_depots(changes: dict[str, Any], day: date, departs: str, returns: str) -> None:
    found = block(**changes).run_on(day)
    assert found == Run(BLOCK, day, *(datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (departs, returns)))


@given(
    departs=st.times(),
    returns=st.times(),
    days_later=st.integers(0, 7),
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    first=st.dates(date(2024, 1, 1), date(2028, 12, 31)),
    weekdays=st.frozensets(st.sampled_from(Weekday), min_size=1),
)
def test_every_run_of_a_faultless_block_ends_after_it_began_whatever_the_clocks_do(
    departs: time, returns: time, days_later: int, zones: tuple[str, str], first: date, weekdays: frozenset[Weekday]
) -> None:
    made = block(
        departure_time=departs,
        return_time=returns,
        return_days_later=days_later,
        departure_zone=zones[0],
        return_zone=zones[1],
        first_day=first,
        last_day=None,
        weekdays=weekdays,
    )
    if list(made.faults()):
        return
    days = [day for n in range(370) if made.runs_on(day := first + timedelta(days=n))]
    runs = [made.run_on(day) for day in days]

    assert {Weekday.of(day) for day in days} == weekdays
    assert all(run.departs_at < run.returns_at for run in runs)
    # It never leaves twice on a day of its depot, and leaves on the day it is planned for.
    left = [run.departs_at.astimezone(ZoneInfo(zones[0])) for run in runs]
    assert [moment.date() for moment in left] == days
    # The clocks show the planned time, but on the day on which they jump over it.
    assert sum(moment.time() != departs for moment in left) <= 2


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"name": " "}, [("name", "It has 0 characters; give 1 to 100.")]),
        ({"name": "x" * 101}, [("name", "It has 101 characters; give 1 to 100.")]),
        ({"external_id": ""}, [("external_id", "It has 0 characters; give 1 to 100, or none at all.")]),
        ({"note": "x" * 501}, [("note", "It has 501 characters; 500 at most.")]),
        ({"distance_km": None}, [("distance_km", "There is neither of distance and energy; give exactly one: distanceKm or energyKwh.")]),
        ({"energy_kwh": 5.0}, [("distance_km", "There is both of distance and energy; give exactly one: distanceKm or energyKwh.")]),
        ({"distance_km": 0.0}, [("distance_km", "It is 0 km; give more than 0 and at most 3000.")]),
        ({"distance_km": float("nan")}, [("distance_km", "It is nan km; give more than 0 and at most 3000.")]),
        ({"distance_km": None, "energy_kwh": -1.0}, [("energy_kwh", "It is -1 kWh; give more than 0 and at most 5000.")]),
        ({"return_days_later": 8}, [("return_days_later", "It returns 8 days later; give 0 to 7.")]),
        ({"return_days_later": -1}, [("return_days_later", "It returns -1 days later; give 0 to 7.")]),
        ({"weekdays": frozenset()}, [("weekdays", "There are none; give at least one day of the week.")]),
        ({"last_day": date(2026, 10, 4)}, [("last_day", "The last day 2026-10-04 is before the first, 2026-10-05.")]),
        ({"first_day": date(1999, 1, 1)}, [("first_day", "The first day 1999-01-01 is out of range; give 2000-01-01 to 2100-12-31.")]),
        (
            {"first_day": date(2026, 10, 6), "last_day": date(2026, 10, 8)},
            [("last_day", "From 2026-10-06 to 2026-10-08 there is none of its weekdays; it would never run.")],
        ),
        ({"return_time": time(6)}, [("return_time", "It would return at 06:00, before it has left; give a later time or more days.")]),
        ({"return_time": time(6), "return_zone": "Europe/London"}, []),
        # On the only day of them all on which clocks jump, that is no fault of the block.
        ({"departure_time": time(2, 30), "return_time": time(3, 15), "first_day": date(2026, 3, 29), "weekdays": frozenset(Weekday)}, []),
    ],
)
def test_what_is_wrong_with_a_block_is_said_field_by_field(changes: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert list(block(**changes).faults()) == faults


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert [field for field, _ in block(name="", note="x" * 501, distance_km=0.0, weekdays=frozenset()).faults()] == [
        "name",
        "note",
        "distance_km",
        "weekdays",
    ]


def test_a_run_is_described_by_the_clocks_of_its_depot() -> None:
    assert block().described(block().run_on(date(2026, 10, 5))) == "block 12/3 (2026-10-05 06:00 to 14:30 Europe/Berlin)"
    over_night = block(return_days_later=1)
    assert over_night.described(over_night.run_on(date(2026, 10, 5))) == "block 12/3 (2026-10-05 06:00 to 2026-10-06 14:30 Europe/Berlin)"
