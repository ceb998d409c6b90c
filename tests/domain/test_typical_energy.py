"""What a vehicle usually takes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from ampyard.domain.departures import PastStay
from ampyard.domain.ids import new_id
from ampyard.domain.typical_energy import typical_energy_kwh

VEHICLE = new_id()
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("taken_kwh", "usual_kwh"),
    [
        ([], None),
        ([100.0, 120.0], None),
        ([100.0, 120.0, 140.0], 140.0),
        ([140.0, 100.0, 150.0, 120.0], 140.0),
        # Who took next to nothing was full, or moved.
        ([140.0, 0.0, 0.9, 120.0, 100.0], 140.0),
        ([0.0, 0.2, 120.0, 100.0], None),
    ],
)
def test_the_upper_quartile_of_what_was_taken(taken_kwh: Sequence[float], usual_kwh: float | None) -> None:
    stays = [PastStay(VEHICLE, NOW, NOW + timedelta(hours=4), kwh) for kwh in taken_kwh]
    assert typical_energy_kwh(stays) == usual_kwh
