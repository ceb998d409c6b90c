"""Charge points that follow their limits at once, late, or not at all."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from ampyard.simulator.obedience import Obedience, Obeys

T0 = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_one_that_obeys_follows_at_once_and_one_that_does_not_never() -> None:
    assert Obedience("always").obeyed_kw(5.0, T0) == 5.0
    assert Obedience("never").obeyed_kw(5.0, T0) == math.inf


def test_one_that_is_late_follows_each_limit_so_much_later() -> None:
    late = Obedience(30.0)
    told = {0: 50.0, 10: 20.0, 39: 20.0, 40: 20.0, 45: 30.0, 46: 10.0, 74: 10.0, 75: 10.0, 76: 10.0}
    followed = {second: late.obeyed_kw(limit_kw, at(second)) for second, limit_kw in told.items()}
    assert followed == {0: 50.0, 10: 50.0, 39: 50.0, 40: 20.0, 45: 20.0, 46: 20.0, 74: 20.0, 75: 30.0, 76: 10.0}


def test_in_a_fleet_file_it_is_a_word_or_seconds() -> None:
    read = TypeAdapter(Obeys).validate_python
    assert [read(given) for given in ("always", "never", 30, 0.5)] == ["always", "never", 30.0, 0.5]
    for wrong in ("sometimes", -1):
        with pytest.raises(ValidationError):
            read(wrong)
