"""The messages of OSCP 2.0 that we take and send, by the names and schemas of the standard."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, Field

from ampyard.domain.grid_links import MeasurementStyle
from ampyard.domain.grid_signals import GridSignal, SignalKind
from ampyard.domain.supply import PowerNode
from ampyard.grid.bodies import Body
from ampyard.services.grid_signals import Told
from ampyard.services.oscp import MAX_BLOCKS, Behaviour, Measured

VERSION = "2.0"


class PhaseIndicator(StrEnum):
    UNKNOWN = "UNKNOWN"
    ONE = "ONE"
    TWO = "TWO"
    THREE = "THREE"
    ALL = "ALL"


class ForecastedBlockUnit(StrEnum):
    A = "A"
    W = "W"
    KW = "KW"
    WH = "WH"
    KWH = "KWH"


class CapacityForecastType(StrEnum):
    CONSUMPTION = "CONSUMPTION"
    GENERATION = "GENERATION"
    FALLBACK_CONSUMPTION = "FALLBACK_CONSUMPTION"
    FALLBACK_GENERATION = "FALLBACK_GENERATION"
    OPTIMUM = "OPTIMUM"


class VersionUrl(Body):
    """A version that the sender speaks, and where."""

    version: str
    base_url: str


class Register(Body):
    """The token that its receiver is to come with, and the versions that the sender speaks."""

    token: str = Field(min_length=1)
    version_url: list[VersionUrl] = Field(min_length=1)

    @property
    def base_url(self) -> str | None:
        """Where the sender speaks our version, without a slash at the end; None: it does not."""
        return next((it.base_url.rstrip("/") for it in self.version_url if it.version == VERSION), None)


class RequiredBehaviour(Body):
    """How the sender wants to be treated; the interval is in s."""

    heartbeat_interval: float | None = Field(default=None, gt=0)
    measurement_configuration: list[MeasurementStyle]


class Handshake(Body):
    """What is sent after registration, and what it is acknowledged with."""

    required_behaviour: RequiredBehaviour | None = None

    @property
    def behaviour(self) -> Behaviour:
        """How the sender wants to be treated; nothing special unless it says so."""
        wanted = self.required_behaviour
        if wanted is None:
            return Behaviour(None, ())
        return Behaviour(wanted.heartbeat_interval, tuple(it.value for it in wanted.measurement_configuration))


class Heartbeat(Body):
    """When the receiver shall take the sender to be offline, unless it is heard again."""

    offline_mode_at: AwareDatetime


class ForecastedBlock(Body):
    """A capacity from a begin to an end."""

    capacity: float = Field(ge=0, allow_inf_nan=False)
    phase: PhaseIndicator
    unit: ForecastedBlockUnit
    start_time: AwareDatetime
    end_time: AwareDatetime


class UpdateGroupCapacityForecast(Body):
    """What a group may take or give, or should."""

    group_id: str
    type: CapacityForecastType
    forecasted_blocks: list[ForecastedBlock] = Field(min_length=1, max_length=MAX_BLOCKS)

    @property
    def kind(self) -> SignalKind:
        """What its blocks are to us."""
        return SignalKind(self.type.value)

    def limits(self, node: PowerNode) -> Sequence[Told]:
        """Return its blocks as limits of the group's node."""
        return [_limit(block, node) for block in self.forecasted_blocks]


_PER_KILO = 1000


def _limit(block: ForecastedBlock, node: PowerNode) -> Told:
    """Return a block as a limit.

    Energy counts as the mean power over the block. What is of one phase counts for each phase, as power sharing does with limits of a node:
    of several phases the strictest. Amperes are of each phase that the block is about.
    """
    one_phase = block.phase in {PhaseIndicator.ONE, PhaseIndicator.TWO, PhaseIndicator.THREE}
    if block.unit is ForecastedBlockUnit.A:
        return Told(block.start_time, block.end_time, None, block.capacity)
    kw = block.capacity / (_PER_KILO if block.unit in {ForecastedBlockUnit.W, ForecastedBlockUnit.WH} else 1)
    hours = (block.end_time - block.start_time).total_seconds() / 3600
    if block.unit in {ForecastedBlockUnit.WH, ForecastedBlockUnit.KWH} and hours > 0:
        kw /= hours
    if one_phase:
        return Told(block.start_time, block.end_time, None, kw * _PER_KILO / node.voltage_v)
    return Told(block.start_time, block.end_time, kw, None)


def register(token: str, base_url: str) -> dict[str, Any]:
    """Return Register."""
    return {"token": token, "version_url": [{"version": VERSION, "base_url": base_url}]}


def handshake_acknowledge(interval_s: int) -> dict[str, Any]:
    """Return HandshakeAcknowledge: how often we want heartbeats. Measurements of the grid operator's we have no use for."""
    return {"required_behaviour": {"heartbeat_interval": interval_s, "measurement_configuration": []}}


def group_capacity_compliance_error(signals: Sequence[GridSignal]) -> dict[str, Any]:
    """Return GroupCapacityComplianceError: which blocks we cannot comply with for certain, and by how much."""
    worst = max(signal.excess_kw or 0.0 for signal in signals)
    message = f"What charge points fall back to when they cannot be reached exceeds this capacity by up to {worst:.1f} kW."
    return {"message": message, "forecasted_blocks": list(_blocks(signals))}


def adjust_group_capacity_forecast(group_id: str, signals: Sequence[GridSignal]) -> dict[str, Any]:
    """Return AdjustGroupCapacityForecast: what we ask for."""
    return {"group_id": group_id, "type": CapacityForecastType.CONSUMPTION.value, "forecasted_blocks": list(_blocks(signals))}


def _blocks(signals: Iterable[GridSignal]) -> Iterable[dict[str, Any]]:
    for signal in signals:
        in_a = signal.limit_kw is None
        yield {
            "capacity": signal.limit_a if in_a else signal.limit_kw,
            "phase": PhaseIndicator.ALL.value,
            "unit": (ForecastedBlockUnit.A if in_a else ForecastedBlockUnit.KW).value,
            "start_time": signal.begins_at.isoformat(),
            "end_time": signal.ends_at.isoformat(),
        }


def update_group_measurements(group_id: str, measured: Measured) -> dict[str, Any]:
    """Return UpdateGroupMeasurements: the energy of a period, in all, of charge points, and of all else."""
    total_kwh = measured.flexible_kwh + measured.nonflexible_kwh
    values = (("TOTAL", total_kwh), ("FLEXIBLE", measured.flexible_kwh), ("NONFLEXIBLE", measured.nonflexible_kwh))
    return {
        "group_id": group_id,
        "measurements": [
            {
                "value": round(kwh, 6),
                "phase": PhaseIndicator.ALL.value,
                "unit": "KWH",
                "direction": "IMPORT",
                "energy_type": energy_type,
                "measure_time": measured.end.isoformat(),
                "initial_measure_time": measured.begin.isoformat(),
            }
            for energy_type, kwh in values
        ],
    }
