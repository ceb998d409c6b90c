"""What cables carry, and what EVSE, cable and phases come to."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ampyard.domain.cables import cable_kw, strongest_kw, weakest_kw
from ampyard.domain.charge_points import Connector, ConnectorStatus, CurrentType, Evse
from ampyard.domain.couplings import coupling, fallback_load, line_rating_kw
from ampyard.domain.power import Lines, Reserved

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
TENANT, POINT, EVSE, NODE = (uuid.UUID(int=number) for number in (1, 2, 3, 4))
WALLBOX = Evse(
    id=EVSE,
    tenant_id=TENANT,
    charge_point_id=POINT,
    evse_no=1,
    current_type=CurrentType.AC,
    max_power_kw=22.08,
    min_power_kw=4.14,
    phases=3,
    fallback_kw=4.14,
    status=ConnectorStatus.UNKNOWN,
    limit_kw=None,
    limit_at=None,
    limit_reason=None,
    created_at=NOW,
    updated_at=NOW,
)
FAST = replace(WALLBOX, current_type=CurrentType.DC, max_power_kw=150.0, min_power_kw=5.0)


def connector(number: int, amperes: int, power_type: str = "AC_3_PHASE", volts: int = 230) -> Connector:
    return Connector(
        id=uuid.UUID(int=100 + number),
        tenant_id=TENANT,
        evse_id=EVSE,
        connector_no=number,
        standard="IEC_62196_T2",
        format="CABLE",
        power_type=power_type,
        max_voltage_v=volts,
        max_amperage_a=amperes,
        status=ConnectorStatus.UNKNOWN,
        error_code=None,
        status_at=None,
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize(
    ("evse", "cable", "phases", "kw"),
    [
        (WALLBOX, connector(1, 16), None, 11.04),
        (WALLBOX, connector(1, 16), 1, 3.68),
        (WALLBOX, connector(1, 16, "AC_1_PHASE"), None, 3.68),
        (WALLBOX, connector(1, 16, "AC_2_PHASE"), 3, 7.36),
        (replace(WALLBOX, phases=1), connector(1, 32), None, 7.36),
        (replace(WALLBOX, phases=2, voltage_v=208.0, line_to_line=True), connector(1, 40, "AC_2_PHASE_SPLIT"), None, 8.32),
        (FAST, connector(1, 125, "DC", 920), None, 115.0),
    ],
)
def test_a_cable_carries_its_current_on_the_phases_in_use(evse: Evse, cable: Connector, phases: int | None, kw: float) -> None:
    assert cable_kw(evse, cable, phases) == pytest.approx(kw)


def test_of_several_the_one_in_use_counts_or_else_the_weakest() -> None:
    both = [connector(1, 32), connector(2, 16)]
    assert [weakest_kw(WALLBOX, both), strongest_kw(WALLBOX, both)] == pytest.approx([11.04, 22.08])
    assert coupling(WALLBOX, both).ability_kw == pytest.approx(11.04)
    assert coupling(WALLBOX, both, connector_id=both[0].id).ability_kw == pytest.approx(22.08)
    # One that is not known any more says nothing of which it was.
    assert coupling(WALLBOX, both, connector_id=uuid.UUID(int=9)).ability_kw == pytest.approx(11.04)
    assert coupling(WALLBOX, []).cable_kw is None
    assert coupling(WALLBOX, []).ability_kw == 22.08


def test_fewer_phases_have_their_part_of_the_rating_and_begin_with_less() -> None:
    single = coupling(WALLBOX, [connector(1, 20)], vehicle_phases=1)
    assert single.lines is Lines.ONE_UNKNOWN
    assert [single.most_kw, single.cable_kw, single.least_kw] == pytest.approx([7.36, 4.6, 1.38])
    assert coupling(WALLBOX, [], measured=frozenset({1, 2})).most_kw == pytest.approx(14.72)
    assert coupling(FAST, [], vehicle_phases=1).most_kw == 150.0


def test_watts_may_all_be_taken_from_one_line_as_long_as_nobody_knows_the_vehicle() -> None:
    assert coupling(WALLBOX, []).lines is Lines.L1_L2_L3
    assert coupling(WALLBOX, [], in_amperes=False).lines is Lines.ONE_UNKNOWN
    assert coupling(WALLBOX, [], in_amperes=False, vehicle_phases=3).lines is Lines.L1_L2_L3
    assert coupling(WALLBOX, [], in_amperes=False, measured=frozenset({1, 2, 3})).lines is Lines.L1_L2_L3
    assert coupling(replace(WALLBOX, phases=1), [], in_amperes=False).lines is Lines.ONE_UNKNOWN
    assert coupling(replace(WALLBOX, line_to_line=True), [], in_amperes=False).lines is Lines.PAIR_UNKNOWN
    assert coupling(FAST, [], in_amperes=False).lines is Lines.L1_L2_L3


def test_a_fall_back_in_watts_counts_on_each_line_up_to_the_rated_current() -> None:
    assert line_rating_kw(WALLBOX) == pytest.approx(7.36)
    assert fallback_load(WALLBOX, NODE, 230.0, in_amperes=True) == Reserved(NODE, 4.14, Lines.L1_L2_L3)
    assert fallback_load(WALLBOX, NODE, 230.0, in_amperes=False) == Reserved(NODE, 4.14, line_a=(18.0, 18.0, 18.0))
    most = fallback_load(replace(WALLBOX, fallback_kw=20.0), NODE, 230.0, in_amperes=False)
    assert most.kw == 20.0
    assert most.line_a == pytest.approx((32.0, 32.0, 32.0))
