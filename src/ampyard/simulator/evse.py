"""One EVSE at work: its electrics, the vehicle at it, and the status that follows from both."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ampyard.simulator import model
from ampyard.simulator.dialect import Status
from ampyard.simulator.fleet import CurrentType, EvseSpec
from ampyard.simulator.obedience import Obedience
from ampyard.simulator.profiles import ChargingProfile, Load
from ampyard.simulator.state import EvseState, IdToken, MeterReading, PluggedVehicle


@dataclass(frozen=True, slots=True)
class PendingStart:
    """A remote start that was accepted and waits for its vehicle until ``deadline``. Not kept through a power-off."""

    token: IdToken
    deadline: datetime
    remote_start_id: int | None = None
    profile: ChargingProfile | None = None


class Evse:
    """What is not worth keeping on flash (power, what was reported) around what is (``state``)."""

    def __init__(self, spec: EvseSpec, state: EvseState, current_type: CurrentType, obedience: Obedience) -> None:
        self.spec = spec
        self.state = state
        self.current_type = current_type
        self.obedience = obedience
        self.power_kw = 0.0
        self.charging_state = Status.SUSPENDED_EVSE
        self.reported: Status | None = None
        self.is_authorizing = False
        self.pending_start: PendingStart | None = None
        self.next_sample_at: datetime | None = None

    @property
    def is_free(self) -> bool:
        return self.state.operative and self.state.plugged is None

    @property
    def phases(self) -> int:
        """The phases in use, or those there are while no vehicle says otherwise."""
        plugged = self.state.plugged
        return self.spec.phases if plugged is None else model.phases_used(plugged.spec, self.spec, self.current_type)

    @property
    def load(self) -> Load:
        transaction = self.state.transaction
        return Load(self.spec.evse_no, self.phases, None if transaction is None else transaction.began.taken_at)

    @property
    def status(self) -> Status:
        state = self.state
        if state.transaction is not None:
            return self.charging_state
        if not state.operative:
            return Status.UNAVAILABLE
        if state.plugged is not None:
            return Status.FINISHING if state.plugged.standing == "finished" else Status.PREPARING
        if self.pending_start is not None:
            return Status.PREPARING
        return Status.AVAILABLE if state.reservation is None else Status.RESERVED

    def admits(self, token: IdToken) -> bool:
        """Whether it is kept for nobody, or for this token."""
        return self.state.reservation is None or self.state.reservation.admits(token)

    @property
    def wants_transaction(self) -> PluggedVehicle | None:
        """The vehicle whose driver would now hold the id tag to the reader."""
        state = self.state
        is_idle = state.operative and state.transaction is None and not self.is_authorizing and self.pending_start is None
        return state.plugged if is_idle and state.plugged is not None and state.plugged.standing == "arrived" else None

    def integrate(self, elapsed_s: float, speed: float) -> bool:
        """Let energy flow for ``elapsed_s`` at the present power; tell whether any did."""
        plugged = self.state.plugged
        if plugged is None or self.power_kw == 0:
            return False
        energy_wh, plugged.soc_percent = model.charge(plugged.spec, plugged.soc_percent, self.power_kw, elapsed_s, speed)
        self.state.register_wh += energy_wh
        return True

    def settle(self, limit_kw: float, elapsed_s: float) -> None:
        """Set power and charging state from what vehicle and EVSE can do within the limit."""
        plugged = self.state.plugged
        if plugged is None or self.state.transaction is None:
            self.power_kw = 0.0
            return
        least_kw = model.minimum_kw(self.current_type, self.phases)
        wanted_kw = model.accepted_kw(plugged.spec, plugged.soc_percent, self.spec, self.current_type)
        target_kw = model.permitted_kw(wanted_kw, limit_kw, least_kw)
        self.power_kw = model.next_power_kw(self.power_kw, target_kw, least_kw, self.spec.max_power_kw, elapsed_s)
        if wanted_kw == 0:
            self.charging_state = Status.SUSPENDED_EV
        else:
            self.charging_state = Status.CHARGING if target_kw > 0 else Status.SUSPENDED_EVSE

    def reading(self, now: datetime) -> MeterReading:
        plugged = self.state.plugged
        is_dc = self.current_type == "DC"
        per_phase_a = round(model.current_of_kw(self.power_kw, self.phases), 1)
        return MeterReading(
            taken_at=now,
            energy_wh=int(self.state.register_wh),
            power_w=round(self.power_kw * 1000),
            current_a=() if is_dc else tuple(per_phase_a if number < self.phases else 0.0 for number in range(self.spec.phases)),
            soc_percent=round(plugged.soc_percent, 1) if is_dc and plugged is not None else None,
        )

    def is_sample_due(self, now: datetime, interval_s: float) -> bool:
        """Tell whether a periodic sample is due, and plan the next; after a restart the first is due at once."""
        if interval_s <= 0:  # OCPP 1.6 section 9.1, MeterValueSampleInterval: 0 switches periodic samples off
            return False
        interval = timedelta(seconds=interval_s)
        planned = now if self.next_sample_at is None else min(self.next_sample_at, now + interval)
        self.next_sample_at = planned
        if now < planned:
            return False
        self.next_sample_at = max(planned + interval, now)
        return True
