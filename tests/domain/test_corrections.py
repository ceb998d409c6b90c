"""Corrections: the newest that stands counts, whatever the order they are read in; intervals follow."""

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.corrections import Correction, counting, counting_intervals, effective
from ampyard.domain.energy import EnergyInterval

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
VEHICLE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


@dataclass(frozen=True)
class Measured:
    energy_wh: float = 1000.0
    started_at: datetime = T0
    ended_at: datetime | None = T0 + timedelta(hours=1)
    vehicle_id: uuid.UUID | None = VEHICLE


def correction(number: int, *, minute: int | None = None, voids: Correction | None = None, **values: object) -> Correction:
    given = {"energy_wh": None, "started_at": None, "ended_at": None, "vehicle_id": None} | values
    return Correction(
        id=uuid.UUID(int=number),
        tenant_id=uuid.UUID(int=0),
        transaction_id=uuid.UUID(int=0),
        voids_id=None if voids is None else voids.id,
        reason="because",
        author="user:somebody",
        created_at=T0 + timedelta(minutes=number if minute is None else minute),
        **given,  # type: ignore[arg-type]  # each is what its field takes
    )


def quarter(number: int, energy_wh: float) -> EnergyInterval:
    begin = T0 + number * timedelta(minutes=15)
    return EnergyInterval(begin, begin + timedelta(minutes=15), energy_wh, 1.0, gap=False)


def test_without_a_correction_what_was_measured_counts() -> None:
    counts = effective(Measured(), [])
    assert (counts.energy_wh, counts.started_at, counts.ended_at, counts.vehicle_id) == (1000.0, T0, T0 + timedelta(hours=1), VEHICLE)
    assert counts.correction is None


def test_a_correction_counts_for_what_it_says_and_for_nothing_of_an_earlier_one() -> None:
    first = correction(1, energy_wh=500.0, vehicle_id=OTHER)
    second = correction(2, ended_at=T0 + timedelta(minutes=30))
    counts = effective(Measured(), [first, second])

    assert (counts.energy_wh, counts.vehicle_id, counts.ended_at) == (1000.0, VEHICLE, T0 + timedelta(minutes=30))
    assert counts.correction == second


def test_a_correction_that_is_taken_back_does_not_count() -> None:
    first, second = correction(1, energy_wh=500.0), correction(2, energy_wh=700.0)
    void = correction(3, voids=second)
    assert effective(Measured(), [first, second, void]).energy_wh == 500.0
    assert effective(Measured(), [first, second, void, correction(4, voids=first)]).correction is None


def test_energy_none_at_all_is_a_correction_too() -> None:
    assert effective(Measured(), [correction(1, energy_wh=0.0)]).energy_wh == 0.0


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=8), st.randoms(use_true_random=False))
def test_which_correction_counts_does_not_depend_on_their_order(made: list[tuple[int, bool]], order: random.Random) -> None:
    # given corrections, several at the same time, each of which may take back the one before it
    known: list[Correction] = []
    for number, (minute, takes_back) in enumerate(made, start=1):
        standing = [c for c in known if c.voids_id is None and c.id not in {v.voids_id for v in known}]
        voids = standing[-1] if takes_back and standing else None
        known.append(correction(number, minute=minute, voids=voids, energy_wh=None if voids else float(number)))
    expected = counting(known)

    order.shuffle(known)
    assert counting(known) == expected
    if expected is not None:
        assert expected.voids_id is None
        assert all(c.voids_id != expected.id for c in known)


def test_intervals_follow_the_corrected_energy_and_the_corrected_time() -> None:
    measured = [quarter(0, 100.0), quarter(1, 300.0), quarter(2, 600.0)]

    def charged(*corrections: Correction) -> list[tuple[int, float]]:
        counts = effective(Measured(), corrections)
        return [((i.starts_at - T0) // timedelta(minutes=15), i.energy_wh) for i in counting_intervals(measured, counts)]

    assert charged() == [(0, 100.0), (1, 300.0), (2, 600.0)]
    assert charged(correction(1, energy_wh=2000.0)) == [(0, 200.0), (1, 600.0), (2, 1200.0)]
    assert charged(correction(1, energy_wh=200.0, ended_at=T0 + timedelta(minutes=30))) == [(0, 50.0), (1, 150.0)]
    # nothing was measured then: evenly
    assert charged(correction(1, energy_wh=200.0, started_at=T0 + timedelta(hours=2), ended_at=T0 + timedelta(hours=2.5))) == [
        (8, 100.0),
        (9, 100.0),
    ]


def test_a_transaction_nothing_was_measured_of_has_its_corrected_energy_spread_over_its_time() -> None:
    counts = effective(Measured(energy_wh=0.0), [correction(1, energy_wh=400.0)])
    assert [i.energy_wh for i in counting_intervals([], counts)] == [100.0] * 4
