import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.simulator import model
from ampyard.simulator.fleet import EvseSpec, VehicleSpec

AC_EVSE = EvseSpec(evse_no=1, max_power_kw=22.0, phases=3, connector_type="cType2")
DC_EVSE = EvseSpec(evse_no=1, max_power_kw=150.0, phases=3, connector_type="cCCS2")


def vehicle(**facts: float) -> VehicleSpec:
    defaults = {"battery_kwh": 60.0, "max_ac_kw": 11.0, "max_dc_kw": 100.0, "initial_soc_percent": 20.0, "target_soc_percent": 100.0}
    return VehicleSpec.model_validate({"name": "Van", "depot": "Yard", "id_tag": "TAG"} | defaults | facts)


@pytest.mark.parametrize(("soc_percent", "factor"), [(0, 1.0), (80, 1.0), (90, 0.575), (100, 0.15)])
def test_battery_accepts_less_above_eighty_percent(soc_percent: float, factor: float) -> None:
    assert model.taper_factor(soc_percent) == pytest.approx(factor)


def test_vehicle_and_evse_agree_on_the_lower_power() -> None:
    assert model.accepted_kw(vehicle(), 50, AC_EVSE, "AC") == 11.0
    assert model.accepted_kw(vehicle(max_ac_kw=43.0), 50, AC_EVSE, "AC") == 22.0
    assert model.accepted_kw(vehicle(), 50, DC_EVSE, "DC") == 100.0
    assert model.accepted_kw(vehicle(), 90, DC_EVSE, "DC") == pytest.approx(57.5)


def test_small_on_board_charger_uses_one_phase() -> None:
    small = vehicle(max_ac_kw=7.4)

    assert model.phases_used(small, AC_EVSE, "AC") == 1
    assert model.phases_used(small, DC_EVSE, "DC") == 3
    assert model.accepted_kw(small, 50, AC_EVSE, "AC") == pytest.approx(22.0 / 3)


def test_tapering_never_goes_below_what_the_vehicle_can_charge_with() -> None:
    assert model.accepted_kw(vehicle(), 99.9, AC_EVSE, "AC") == 4.14
    assert model.accepted_kw(vehicle(), 100, AC_EVSE, "AC") == 0.0


@pytest.mark.parametrize(("limit_kw", "expected_kw"), [(20.0, 11.0), (5.0, 5.0), (4.14, 4.14), (4.1, 0.0), (0.0, 0.0)])
def test_limit_below_six_amperes_a_phase_pauses(limit_kw: float, expected_kw: float) -> None:
    assert model.permitted_kw(11.0, limit_kw, model.minimum_kw("AC", 3)) == expected_kw


def test_reduction_is_immediate_and_a_raise_takes_two_seconds() -> None:
    assert model.next_power_kw(22.0, 5.0, 4.14, 22.0, elapsed_s=0.0) == 5.0
    assert model.next_power_kw(5.0, 0.0, 4.14, 22.0, elapsed_s=0.0) == 0.0
    raised = [4.14]
    for _ in range(4):
        raised.append(model.next_power_kw(raised[-1], 22.0, 4.14, 22.0, elapsed_s=0.5))
    assert raised == pytest.approx([4.14, 9.64, 15.14, 20.64, 22.0])


@given(
    st.lists(st.tuples(st.floats(0, 150), st.floats(0, 2)), max_size=50),
    st.floats(1, 400),
    st.floats(0, 100),
    st.sampled_from([1.0, 10.0, 60.0, 3600.0]),
)
def test_no_energy_is_made_or_lost(steps: list[tuple[float, float]], battery_kwh: float, soc_percent: float, speed: float) -> None:
    van = vehicle(battery_kwh=battery_kwh, target_soc_percent=90.0)
    soc, total_wh = soc_percent, 0.0

    for power_kw, elapsed_s in steps:
        energy_wh, next_soc = model.charge(van, soc, power_kw, elapsed_s, speed)
        assert 0 <= energy_wh <= power_kw * elapsed_s / 3.6 + 1e-9
        assert next_soc >= soc
        soc, total_wh = next_soc, total_wh + energy_wh

    assert soc <= max(soc_percent, 90.0) + 1e-9
    assert (soc - soc_percent) / 100 * battery_kwh * 1000 == pytest.approx(total_wh * speed, abs=1e-6 * battery_kwh * 1000)
