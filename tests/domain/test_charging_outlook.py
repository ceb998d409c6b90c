from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.charging_forecast import EFFICIENCY, Battery, steady
from ampyard.domain.charging_outlook import ChargingOutlook, outlook_of
from ampyard.domain.charging_requests import ChargingRequest
from tests.domain.test_charging_requests import HOUR, NOW, request, statement

BUS = Battery(capacity_kwh=300.0, max_kw=120.0)


def seen(wish: ChargingRequest, soc: float | None = 50.0, kw: float | None = 30.0) -> ChargingOutlook:
    forecast = () if kw is None else steady(kw)
    return outlook_of(wish, BUS, soc_percent=soc, forecast=forecast, planned=False, now=NOW)


def asked(hours: float | None = 2.0) -> ChargingRequest:
    return request(statement(departs_at=None if hours is None else NOW + hours * HOUR))


def test_targets_and_departure_are_foreseen() -> None:
    # 60 % of 300 kWh are 30 more; 27.6 of 30 kW reach the battery.
    found = seen(asked())

    assert found.minimum_at is not None
    assert (found.minimum_at - NOW) / HOUR == pytest.approx(30 / 27.6, abs=1e-6)
    assert found.departure_soc_percent == pytest.approx(50 + 2 * 30 * EFFICIENCY / 3)
    assert (found.shortfall_percent, found.reason) == (0.0, None)
    assert found.maximum_at is not None
    assert found.maximum_at > found.minimum_at
    assert [moment for moment, _ in found.progress] == [NOW + n * timedelta(minutes=15) for n in range(9)]
    assert found.progress[-1][1] == pytest.approx(found.departure_soc_percent)


def test_what_will_lack_is_told_and_why() -> None:
    too_soon, unplugged = seen(asked(0.5)), seen(asked(), kw=None)

    assert too_soon.shortfall_percent == pytest.approx(10 - 0.5 * 30 * EFFICIENCY / 3)
    assert too_soon.reason == "Of 60 % it will hold 54.6 % when it leaves, at the power it gets."
    assert (unplugged.minimum_at, unplugged.departure_soc_percent, unplugged.progress) == (None, 50.0, ())
    assert unplugged.reason == "Of 60 % it will hold 50.0 % when it leaves, as it is not plugged in."
    assert seen(asked(None), kw=0.0).reason == "It will not come to 60 % at the power it gets."


def test_whoever_should_have_left_is_told_of_as_it_is_now() -> None:
    found = seen(asked(-1.0))

    assert (found.departure_soc_percent, found.shortfall_percent, found.progress) == (50.0, 10.0, ((NOW, 50.0),))


def test_without_a_state_of_charge_nothing_is_told() -> None:
    assert seen(asked(), soc=None) == ChargingOutlook(NOW, reason="The state of charge of the vehicle is not known.")


_SOCS, _POWERS = st.floats(0, 100), st.floats(0, 150)


@given(_SOCS, _SOCS, _POWERS, _POWERS, st.floats(0, 12))
def test_more_charge_and_more_power_never_lead_to_a_greater_shortfall(
    soc: float, other: float, kw: float, more: float, hours: float
) -> None:
    wish = replace(asked(hours), min_soc_percent=80.0)
    worse = seen(wish, min(soc, other), min(kw, more)).shortfall_percent
    better = seen(wish, max(soc, other), max(kw, more)).shortfall_percent

    assert worse is not None
    assert better is not None
    assert better <= worse + 1e-6
