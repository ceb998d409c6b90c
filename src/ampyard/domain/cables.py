"""What the connectors of an EVSE, with their cables, carry."""

from collections.abc import Iterable
from typing import Final, Protocol

from ampyard.domain.equipment import kw_per_ampere

_AC_PHASES: Final = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3}


class Outlet(Protocol):
    """An EVSE, or the layout of one."""

    @property
    def phases(self) -> int: ...
    @property
    def voltage_v(self) -> float: ...
    @property
    def line_to_line(self) -> bool: ...


class Cable(Protocol):
    """A connector, or the layout of one; `power_type` is as in OCPI 2.2.1, 8.4.19."""

    @property
    def power_type(self) -> str: ...
    @property
    def max_voltage_v(self) -> int: ...
    @property
    def max_amperage_a(self) -> int: ...


def cable_kw(evse: Outlet, cable: Cable, phases: int | None = None) -> float:
    """Return the most power that a connector of an EVSE carries, in kW: its current on so many phases, or on all that both have.

    Of direct current it is that at the highest voltage: a battery with a lower one takes less by itself.
    """
    if cable.power_type not in _AC_PHASES:
        return cable.max_amperage_a * cable.max_voltage_v / 1000
    used = min(evse.phases, _AC_PHASES[cable.power_type], evse.phases if phases is None else phases)
    return kw_per_ampere(used, evse.voltage_v, line_to_line=evse.line_to_line) * cable.max_amperage_a


def weakest_kw(evse: Outlet, cables: Iterable[Cable], phases: int | None = None) -> float | None:
    """Return what every connector of an EVSE carries, in kW; None where it has none that is known."""
    return min((cable_kw(evse, cable, phases) for cable in cables), default=None)


def strongest_kw(evse: Outlet, cables: Iterable[Cable]) -> float | None:
    """Return what some connector of an EVSE carries, in kW; None where it has none that is known."""
    return max((cable_kw(evse, cable) for cable in cables), default=None)
