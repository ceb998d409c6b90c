"""How whatever is plugged in draws at an EVSE: on which lines, and from how little to how much."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from ampyard.domain.cables import cable_kw, weakest_kw
from ampyard.domain.charge_points import Connector, CurrentType, Evse
from ampyard.domain.equipment import kw_per_ampere
from ampyard.domain.lines import phases_in_use, wiring
from ampyard.domain.power import Lines, Reserved


@dataclass(frozen=True, slots=True)
class Coupling:
    """What an EVSE, one of its connectors and the phases that a vehicle uses come to.

    `lines` is how it counts on the supply. `most_kw` is the EVSE's rating on these phases, `cable_kw` what the connector carries (None: no
    connector is known), and `least_kw` what charging begins with, all in kW.
    """

    lines: Lines
    most_kw: float
    cable_kw: float | None
    least_kw: float

    @property
    def ability_kw(self) -> float:
        """The most that may flow, in kW."""
        return self.most_kw if self.cable_kw is None else min(self.most_kw, self.cable_kw)


def coupling(
    evse: Evse,
    connectors: Sequence[Connector],
    *,
    connector_id: uuid.UUID | None = None,
    vehicle_phases: int | None = None,
    measured: frozenset[int] = frozenset(),
    in_amperes: bool = True,
) -> Coupling:
    """Return how a vehicle draws at an EVSE, as far as it is known.

    Args:
        evse: the EVSE.
        connectors: all of its connectors.
        connector_id: the one in use; None: any of them may be, and the weakest counts.
        vehicle_phases: how many phases the vehicle uses; None: not known.
        measured: the phases of the EVSE that were seen to carry current.
        in_amperes: whether the charge point is told amperes. Else one phase may carry all of a power that was meant for three.
    """
    phases = phases_in_use(evse.current_type, evse.phases, vehicle_phases, measured)
    used = [connector for connector in connectors if connector_id is None or connector.id == connector_id] or connectors
    share = _share(evse, phases)
    return Coupling(
        lines=wiring(evse, vehicle_phases, measured, in_amperes=in_amperes),
        most_kw=evse.max_power_kw * share,
        cable_kw=cable_kw(evse, used[0], phases) if len(used) == 1 else weakest_kw(evse, used, phases),
        least_kw=evse.min_power_kw * share,
    )


def fallback_load(evse: Evse, node_id: uuid.UUID, voltage_v: float, *, in_amperes: bool) -> Reserved:
    """Return what an EVSE may draw by its fall-back at a node with that voltage between phase and neutral, whatever vehicle comes."""
    if wiring(evse, in_amperes=in_amperes) is wiring(evse):
        return Reserved(node_id, evse.fallback_kw, wiring(evse))
    on_line = min(evse.fallback_kw, line_rating_kw(evse)) * 1000 / voltage_v
    return Reserved(node_id, evse.fallback_kw, line_a=(on_line, on_line, on_line))


def line_rating_kw(evse: Evse) -> float:
    """Return the most that an EVSE of alternating current draws from one line, in kW: its rated current, whatever the vehicle."""
    return evse.max_power_kw * _share(evse, 1)


def _share(evse: Evse, phases: int) -> float:
    """Return what so many of an EVSE's phases carry of its power, at the same current."""
    if evse.current_type is CurrentType.DC or phases == evse.phases:
        return 1.0
    on_these, on_all = (kw_per_ampere(count, evse.voltage_v, line_to_line=evse.line_to_line) for count in (phases, evse.phases))
    return on_these / on_all
