import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ampyard.domain.authorization import AuthorizedBy, VehicleResolution
from ampyard.domain.id_tags import Authorization, IdTagKind


class TransactionState(StrEnum):
    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


class ChargingState(StrEnum):
    """ChargingStateEnumType (OCPP 2.0.1 part 2, 3.13); for 1.6 derived from the connector's status."""

    CHARGING = "Charging"
    EV_CONNECTED = "EVConnected"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    IDLE = "Idle"


class StopReason(StrEnum):
    """Why a transaction ended: Reason (OCPP 1.6, 7.35) and ReasonEnumType (2.0.1 part 2, 3.68), and two of our own."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    ENERGY_LIMIT_REACHED = "EnergyLimitReached"
    EV_DISCONNECTED = "EVDisconnected"
    GROUND_FAULT = "GroundFault"
    HARD_RESET = "HardReset"
    IMMEDIATE_RESET = "ImmediateReset"
    LOCAL = "Local"
    LOCAL_OUT_OF_CREDIT = "LocalOutOfCredit"
    MASTER_PASS = "MasterPass"  # noqa: S105 - OCPP's word, and no password
    OTHER = "Other"
    OVERCURRENT_FAULT = "OvercurrentFault"
    POWER_LOSS = "PowerLoss"
    POWER_QUALITY = "PowerQuality"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOC_LIMIT_REACHED = "SOCLimitReached"
    SOFT_RESET = "SoftReset"
    STOPPED_BY_EV = "StoppedByEV"
    TIME_LIMIT_REACHED = "TimeLimitReached"
    TIMEOUT = "Timeout"
    UNLOCK_COMMAND = "UnlockCommand"
    ABANDONED = "Abandoned"  # the charge point started anew on the EVSE and never ended this one
    CLOSED_BY_HAND = "ClosedByHand"  # a person closed it, because nothing was heard of it any more


# What ended these is an assumption: the charge point's own word, should it come late, replaces it.
ASSUMED_STOP_REASONS = frozenset({StopReason.ABANDONED, StopReason.CLOSED_BY_HAND})


@dataclass(frozen=True, slots=True)
class Transaction:
    """One charging process. Registers are the charge point's own meter; `energy_wh` is their difference.

    `register_at` is when the newest register was taken. `begin_register_missing`: where it began is not known, because its
    start was told late or never, and without a register. `cost_due`: what it costs is to be worked out anew. `heard_at` is when the
    newest measurement was heard of, by our clock. `measured_phases` are the phases of the EVSE (1 to 3) that were seen to carry current;
    None: none were told of.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    charge_point_id: uuid.UUID
    evse_id: uuid.UUID
    connector_id: uuid.UUID | None
    vehicle_id: uuid.UUID | None
    id_tag: str | None
    ocpp_transaction_id: str
    state: TransactionState
    charging_state: ChargingState
    started_at: datetime
    ended_at: datetime | None
    meter_start_wh: float | None
    meter_wh: float | None
    energy_wh: float
    power_kw: float
    soc_percent: float | None
    measured_at: datetime | None
    stop_reason: str | None
    last_seq_no: int | None
    created_at: datetime
    updated_at: datetime
    authorized_by: AuthorizedBy | None = None
    authorization: Authorization | None = None
    authorized_at: datetime | None = None
    id_tag_kind: IdTagKind | None = None
    started_by: str | None = None
    started_offline: bool = False
    vehicle_resolved_by: VehicleResolution | None = None
    vehicle_resolved_at: datetime | None = None
    reservation_id: int | None = None
    register_at: datetime | None = None
    begin_register_missing: bool = False
    cost_amount: Decimal | None = None
    cost_currency: str | None = None
    cost_due: bool = False
    heard_at: datetime | None = None
    measured_phases: frozenset[int] | None = None

    @property
    def stop_reason_kind(self) -> StopReason | None:
        """Why it ended, typed; None while it runs, and for a word that no version of OCPP has."""
        return StopReason(self.stop_reason) if self.stop_reason in _STOP_REASONS else None


_STOP_REASONS = frozenset(StopReason)


class Measurand(StrEnum):
    """The measurands we act on, spelled as in both OCPP versions; any other is stored as it comes."""

    CURRENT_IMPORT = "Current.Import"
    ENERGY_REGISTER = "Energy.Active.Import.Register"
    POWER_IMPORT = "Power.Active.Import"
    SOC = "SoC"


@dataclass(frozen=True, slots=True)
class MeterSample:
    """One measured value. `value` is in `unit`; energy is normalised to Wh and power to W on the way in."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    charge_point_id: uuid.UUID
    evse_id: uuid.UUID
    transaction_id: uuid.UUID | None
    sampled_at: datetime
    measurand: str
    phase: str | None
    location: str | None
    context: str | None
    unit: str | None
    value: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value as a charge point reports it, before it is known whose it is."""

    sampled_at: datetime
    measurand: str
    value: float
    unit: str | None
    phase: str | None = None
    location: str | None = None
    context: str | None = None


def sample_id(charge_point_id: uuid.UUID, evse_no: int, reading: Reading) -> uuid.UUID:
    """Return the id of a measured value, made from what identifies it, so that a repeated report names the same sample."""
    key = f"{evse_no}|{reading.sampled_at.timestamp():.6f}|{reading.measurand}|{reading.phase}|{reading.location}|{reading.context}"
    return uuid.uuid5(charge_point_id, key)


# OCPP 1.6, 7.45 UnitOfMeasure, and OCPP 2.0.1 part 2 appendix 2: factors to the unit we store.
_TO_STORED_UNIT = {"kWh": (1000.0, "Wh"), "kW": (1000.0, "W"), "kvarh": (1000.0, "varh"), "kvar": (1000.0, "var"), "kVA": (1000.0, "VA")}


def normalise(reading: Reading) -> Reading:
    """Return the reading in Wh, W, var, varh or VA where it came in thousands of them; others unchanged."""
    factor, unit = _TO_STORED_UNIT.get(reading.unit or "", (1.0, reading.unit))
    if factor == 1.0:
        return reading
    return Reading(reading.sampled_at, reading.measurand, reading.value * factor, unit, reading.phase, reading.location, reading.context)


def is_register(reading: Reading) -> bool:
    """Tell whether a reading is of the register that energy is the difference of: the total at the outlet."""
    return reading.measurand == Measurand.ENERGY_REGISTER and reading.phase is None and reading.location in {None, "Outlet"}


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest register, power and state of charge among some readings; `None` where none reported it."""

    measured_at: datetime | None
    register_wh: float | None
    power_kw: float | None
    soc_percent: float | None


def latest(readings: Iterable[Reading]) -> Latest:
    """Pick the newest total values out of normalised readings.

    Power reported only per phase is the sum of the newest value of each phase (OCPP 1.6, 7.34 Phase). Values at the
    inlet or the body say nothing of what the supply delivers and are left out; state of charge is the vehicle's own.
    """
    newest: dict[tuple[str, str | None], Reading] = {}
    for reading in readings:
        if reading.measurand != Measurand.SOC and reading.location not in {None, "Outlet"}:
            continue
        key = (reading.measurand, reading.phase)
        if key not in newest or newest[key].sampled_at <= reading.sampled_at:
            newest[key] = reading
    register = newest.get((Measurand.ENERGY_REGISTER, None))
    soc = newest.get((Measurand.SOC, None))
    total = newest.get((Measurand.POWER_IMPORT, None))
    phases = [r for (measurand, phase), r in newest.items() if measurand == Measurand.POWER_IMPORT and phase is not None]
    power_w = total.value if total is not None else sum(r.value for r in phases) if phases else None
    return Latest(
        measured_at=max((r.sampled_at for r in newest.values()), default=None),
        register_wh=register.value if register else None,
        power_kw=None if power_w is None else power_w / 1000,
        soc_percent=soc.value if soc else None,
    )
