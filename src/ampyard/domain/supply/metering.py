"""What flows through a power node that no charge point of ours takes: measured by a site meter, or assumed."""

import math
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ampyard.domain.supply.nodes import PowerNode, kw_of_current


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One reading of a site meter: the load at a power node that is not ours, in kW, and of each phase in A where the meter tells."""

    measured_at: datetime
    kw: float
    l1_a: float | None = None
    l2_a: float | None = None
    l3_a: float | None = None


@dataclass(frozen=True, slots=True)
class SiteMeter:
    """What is known of a power node's site meter: its newest reading, and the highest power it ever told."""

    power_node_id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    measured_at: datetime
    kw: float
    l1_a: float | None
    l2_a: float | None
    l3_a: float | None
    highest_kw: float


class UnmanagedSource(StrEnum):
    """Where the unmanaged load that counts comes from."""

    NONE = "NONE"
    METER = "METER"
    STALE_METER = "STALE_METER"
    FALLBACK = "FALLBACK"


@dataclass(frozen=True, slots=True)
class UnmanagedLoad:
    """The load of a power node that is not ours, as it counts now, in kW; and why, for people."""

    kw: float
    source: UnmanagedSource
    explanation: str
    measured_at: datetime | None = None


def unmanaged_load(node: PowerNode, meter: SiteMeter | None, at: datetime) -> UnmanagedLoad:
    """Return the unmanaged load of a node that counts at a moment.

    A meter that has told nothing for longer than the node allows never lowers it: then the greater of its last reading and
    the configured fall-back counts, and without a fall-back the highest power it ever told. What a meter sees flow
    back into the grid counts as 0: it may end at any time.
    """
    fallback_kw = node.unmanaged_fallback_kw
    if meter is None:
        if fallback_kw is None:
            return UnmanagedLoad(0.0, UnmanagedSource.NONE, "None: it has no site meter, and no fall-back is configured.")
        because = f"Its site meter has told nothing yet: the configured fall-back counts, {fallback_kw:g} kW."
        return UnmanagedLoad(fallback_kw, UnmanagedSource.FALLBACK, because)
    told_kw, told_at = _counted_kw(node, meter), meter.measured_at
    if at - told_at <= timedelta(seconds=node.site_meter_max_age_s):
        return UnmanagedLoad(told_kw, UnmanagedSource.METER, f"Its site meter told {told_kw:g} kW.", told_at)
    silent = f"Its site meter has told nothing since {told_at.isoformat()}"
    if fallback_kw is None:
        highest_kw = max(told_kw, meter.highest_kw)
        because = f"{silent}: the highest it ever told counts, {highest_kw:g} kW."
        return UnmanagedLoad(highest_kw, UnmanagedSource.STALE_METER, because, told_at)
    if told_kw > fallback_kw:
        because = f"{silent}: what it told last counts, {told_kw:g} kW."
        return UnmanagedLoad(told_kw, UnmanagedSource.STALE_METER, because, told_at)
    because = f"{silent}: the configured fall-back counts, {fallback_kw:g} kW."
    return UnmanagedLoad(fallback_kw, UnmanagedSource.FALLBACK, because, told_at)


def _counted_kw(node: PowerNode, meter: SiteMeter) -> float:
    """Return a reading in kW. Where the node is limited in A per phase, its most loaded phase counts for all of them."""
    if node.limit_a is None:
        return max(0.0, meter.kw)
    highest_a = max((current for current in (meter.l1_a, meter.l2_a, meter.l3_a) if current is not None), default=-math.inf)
    return max(0.0, meter.kw, kw_of_current(highest_a, node.phases, node.voltage_v))
