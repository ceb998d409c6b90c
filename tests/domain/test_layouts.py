from dataclasses import replace

import pytest

from ampyard.domain.charge_points import CurrentType
from ampyard.domain.layouts import (
    ConnectorFormat,
    ConnectorLayout,
    ConnectorStandard,
    EvseLayout,
    PowerType,
    layout_flaws,
    least_power_kw,
)

PLUG = ConnectorLayout(1, ConnectorStandard.IEC_62196_T2, ConnectorFormat.SOCKET, PowerType.AC_3_PHASE, 230, 32)
THIN, PLUG2 = replace(PLUG, max_amperage_a=16), replace(PLUG, number=2)
AC = EvseLayout(1, CurrentType.AC, 22.0, 4.14, 3, 4.14, (PLUG,))


def test_a_sound_layout_has_no_flaws() -> None:
    second = replace(AC, number=2, connectors=(PLUG, replace(PLUG, number=2, format=ConnectorFormat.CABLE)))
    assert list(layout_flaws((AC, second))) == []


@pytest.mark.parametrize(
    ("evses", "path", "words"),
    [
        ((), (), "1 to 32 EVSEs, not 0"),
        ((AC, AC), (), "EVSE 1 is given 2 times"),
        ((replace(AC, number=0),), (), "no EVSE 0; numbers count from 1"),
        ((replace(AC, max_power_kw=0.0),), ("0", "maxPowerKw"), "0 kW is out of range"),
        ((replace(AC, max_power_kw=float("nan")),), ("0", "maxPowerKw"), "nan kW is out of range"),
        ((AC, replace(AC, number=2, min_power_kw=23.0)), ("1", "minPowerKw"), "0 to maxPowerKw, which is 22"),
        ((replace(AC, fallback_kw=22.1),), ("0", "fallbackKw"), "0 to maxPowerKw, which is 22"),
        ((replace(AC, fallback_kw=float("nan")),), ("0", "fallbackKw"), "nan kW is out of range"),
        (
            (replace(AC, fallback_kw=12.0, connectors=(THIN,)),),
            ("0", "fallbackKw"),
            "the 11.04 kW that connector 1 carries",
        ),
        (
            (replace(AC, fallback_kw=0.0, min_power_kw=12.0, connectors=(PLUG2, THIN)),),
            ("0", "minPowerKw"),
            "carries with 16 A",
        ),
        ((replace(AC, phases=4),), ("0", "phases"), "give 1, 2 or 3"),
        ((replace(AC, connectors=()),), ("0", "connectors"), "1 to 8 connectors, not 0"),
        ((replace(AC, connectors=(PLUG, PLUG)),), ("0", "connectors"), "connector 1 is given 2 times"),
        (
            (replace(AC, connectors=(replace(PLUG, power_type=PowerType.DC),)),),
            ("0", "connectors", "0", "powerType"),
            "does not fit EVSE 1",
        ),
        ((replace(AC, connectors=(replace(PLUG, max_voltage_v=0),)),), ("0", "connectors", "0", "maxVoltageV"), "give 1 to 2000"),
        ((replace(AC, connectors=(replace(PLUG, max_amperage_a=-1),)),), ("0", "connectors", "0", "maxAmperageA"), "give 1 to 5000"),
    ],
)
def test_a_flaw_says_where_it_is_and_what_would_be_right(evses: tuple[EvseLayout, ...], path: tuple[str, ...], words: str) -> None:
    found = [(where, text) for where, text in layout_flaws(evses) if where == path and words in text]
    assert len(found) == 1, list(layout_flaws(evses))


@pytest.mark.parametrize(("current_type", "phases", "least_kw"), [("AC", 1, 1.38), ("AC", 3, 4.14), ("DC", 3, 5.0)])
def test_the_least_power_that_charges(current_type: str, phases: int, least_kw: float) -> None:
    assert least_power_kw(CurrentType(current_type), phases) == least_kw
