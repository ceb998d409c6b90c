"""No line is overloaded whatever vehicle comes: fall-backs in A and in W, vehicles whose phases are known and not, links that are lost.

Each EVSE draws the worst that it may by what it was told: the currents are added up here as a person would, not as the step does.
"""

import random
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ampyard.domain.allocation import ChargingFacts, Decision, EvseFacts, NodeFacts, StepInput, decide
from ampyard.domain.charge_points import ConnectorStatus, CurrentType, Evse
from ampyard.domain.couplings import coupling, fallback_load, line_rating_kw
from ampyard.domain.equipment import PhaseRotation
from ampyard.domain.lines import wiring
from ampyard.domain.transactions import ChargingState

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
GRID = uuid.UUID(int=1)
VOLTAGE_V = 230.0


@dataclass
class Bay:
    """An EVSE with three phases, what it takes limits in, and the vehicle there: its phases, and whether these are known."""

    evse: Evse
    in_amperes: bool
    vehicle_phases: int | None
    is_known: bool
    online: bool = True
    # In kW as it was told, and on how many phases that was meant.
    obeys: list[tuple[float, int]] = field(default_factory=list)

    @property
    def facts(self) -> EvseFacts:
        known = self.vehicle_phases if self.is_known else None
        coupled = coupling(self.evse, [], vehicle_phases=known, in_amperes=self.in_amperes)
        lines = wiring(self.evse, in_amperes=self.in_amperes)
        in_force = max((kw for kw, _ in self.obeys), default=None)
        charging = ChargingFacts(
            transaction_id=uuid.UUID(int=self.evse.id.int + 1000),
            priority=1,
            since=NOW - timedelta(minutes=5),
            charging_state=ChargingState.CHARGING,
            power_kw=0.0,
            measured_at=None,
            heard_at=None,
            vehicle_kw=None,
            lines=coupled.lines,
            most_kw=coupled.most_kw,
            least_kw=coupled.least_kw,
        )
        return EvseFacts(
            evse_id=self.evse.id,
            node_id=GRID,
            online=self.online,
            installed=True,
            max_kw=self.evse.max_power_kw,
            min_kw=self.evse.min_power_kw,
            fallback_kw=self.evse.fallback_kw,
            held_kw=self.evse.fallback_kw,
            limit_kw=in_force,
            limit_at=None if in_force is None else NOW,
            in_force_kw=in_force,
            overdrawn_since=None,
            order=None,
            charging=None if self.vehicle_phases is None else charging,
            lines=lines,
            line_kw=line_rating_kw(self.evse) if lines is not wiring(self.evse) else None,
        )

    def on_each_line_a(self, kw: float, meant_phases: int, vehicle_phases: int) -> list[float]:
        """What a vehicle draws by a limit, on L1, L2 and L3: never more than the rated current of 32 A."""
        if self.in_amperes:
            amperes = kw * 1000 / VOLTAGE_V / meant_phases
            used = min(meant_phases, vehicle_phases)
        else:
            used = min(vehicle_phases, meant_phases)
            amperes = kw * 1000 / VOLTAGE_V / used
        lines = self.evse.phase_rotation.lines or (1, 2, 3)
        return [min(32.0, amperes) if line in lines[:used] else 0.0 for line in (1, 2, 3)]

    def worst(self) -> list[list[float]]:
        """All that may be drawn: by what it may obey with the vehicle there, by its fall-back with any vehicle."""
        loads = [self.on_each_line_a(self.evse.fallback_kw, 3, phases) for phases in (1, 2, 3)]
        if self.vehicle_phases is not None:
            loads += [self.on_each_line_a(kw, meant, self.vehicle_phases) for kw, meant in self.obeys]
        if not self.evse.phase_rotation.lines:
            # Nobody knows which lines they are: each may be any.
            loads = [[max(load)] * 3 for load in loads]
        return loads


def bay(draw: random.Random, number: int) -> Bay:
    evse = Evse(
        id=uuid.UUID(int=100 + number),
        tenant_id=GRID,
        charge_point_id=GRID,
        evse_no=1,
        current_type=CurrentType.AC,
        max_power_kw=22.08,
        min_power_kw=4.14,
        phases=3,
        fallback_kw=draw.choice((0.0, 4.14, 9.0)),
        status=ConnectorStatus.UNKNOWN,
        limit_kw=None,
        limit_at=None,
        limit_reason=None,
        created_at=NOW,
        updated_at=NOW,
        phase_rotation=draw.choice((PhaseRotation.RST, PhaseRotation.STR, PhaseRotation.TRS, PhaseRotation.UNKNOWN)),
    )
    return Bay(evse, draw.random() < 0.7, draw.choice((None, 1, 1, 2, 3)), draw.random() < 0.5, draw.random() < 0.9)


def sent(bays: list[Bay], decision: Decision, draw: random.Random) -> None:
    """Tell what is to be sent; it arrives, or nobody knows whether it has."""
    by_id = {one.evse.id: one for one in bays}
    for it in decision.set_points:
        one = by_id[it.evse_id]
        assert one.vehicle_phases is not None
        meant = one.vehicle_phases if one.is_known else 3
        told = (it.limit_kw, meant)
        one.obeys = [told] if draw.random() < 0.7 else [*one.obeys, told]


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 10))
def test_no_line_is_overloaded_whatever_is_lost_and_whoever_comes(seed: int, count: int) -> None:
    draw = random.Random(seed)
    bays = [bay(draw, number) for number in range(count)]
    # What all fall back to fits, as it must to be configured: in W on each line, as nobody knows on which it will be.
    fallbacks = [fallback_load(one.evse, GRID, VOLTAGE_V, in_amperes=one.in_amperes) for one in bays]
    least_a = sum(it.kw / 3 * 1000 / VOLTAGE_V if it.line_a is None else it.line_a[0] for it in fallbacks)
    limit_a = least_a + draw.uniform(0.0, 30.0 * count)
    node = NodeFacts(GRID, None, "Grid", 3 * limit_a * VOLTAGE_V / 1000 + 100.0, 0.0, limit_a=limit_a, voltage_v=VOLTAGE_V)

    for _ in range(4):
        sent(bays, decide(StepInput(NOW, (node,), tuple(one.facts for one in bays))), draw)

        drawn_a = [sum(max(load[line] for load in one.worst()) for one in bays) for line in range(3)]
        assert max(drawn_a) <= limit_a + 1e-3
        for one in bays:
            one.online ^= draw.random() < 0.2


def test_a_fall_back_of_six_amperes_is_six_on_one_line_whatever_the_vehicle() -> None:
    # Given two EVSEs with a single-phase vehicle each on L1, and 12.5 A on each line: 1.4 kW are 6.1 A.
    evse = replace(bay(random.Random(0), 1).evse, fallback_kw=4.14, phase_rotation=PhaseRotation.RST)
    pair = [Bay(replace(evse, id=uuid.UUID(int=100 + n)), in_amperes=True, vehicle_phases=1, is_known=True) for n in (1, 2)]
    node = NodeFacts(GRID, None, "Grid", 12.0, 0.0, limit_a=12.5, voltage_v=VOLTAGE_V)

    decision = decide(StepInput(NOW, (node,), tuple(one.facts for one in pair)))

    assert [outcome.power_kw for outcome in decision.outcomes] == [1.4, 1.4]
