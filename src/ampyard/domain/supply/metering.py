"""What flows through a power node that no charge point of ours takes: measured by a site meter, or assumed."""

import math
import uuid
from dataclasses import dataclass, replace
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
    """What is known of a power node's site meter: its newest reading, and the highest power, and current of each phase, it ever told."""

    power_node_id: uuid.UUID
    tenant_id: uuid.UUID
    depot_id: uuid.UUID
    measured_at: datetime
    kw: float
    l1_a: float | None
    l2_a: float | None
    l3_a: float | None
    highest_kw: float
    highest_l1_a: float | None = None
    highest_l2_a: float | None = None
    highest_l3_a: float | None = None


_ALL_PHASES = 3
Amperes = tuple[float, float, float]
"""Of L1, L2 and L3."""


class UnmanagedSource(StrEnum):
    """Where the unmanaged load that counts comes from."""

    NONE = "NONE"
    METER = "METER"
    STALE_METER = "STALE_METER"
    FALLBACK = "FALLBACK"


@dataclass(frozen=True, slots=True)
class UnmanagedLoad:
    """The load of a power node that is not ours, as it counts now, in kW; and why, for people.

    `kw` counts where lines are not told apart: where the node is limited in A, its most loaded phase counts for all. Where they are,
    it is `power_kw` in all and `line_a` on each line; None: evenly on all three.
    """

    kw: float
    source: UnmanagedSource
    explanation: str
    measured_at: datetime | None = None
    power_kw: float = 0.0
    line_a: Amperes | None = None


def unmanaged_load(node: PowerNode, meter: SiteMeter | None, at: datetime) -> UnmanagedLoad:
    """Return the unmanaged load of a node that counts at a moment.

    A meter that has told nothing for longer than the node allows never lowers it: then the greater of its last reading and
    the configured fall-back counts, and without a fall-back the highest it ever told; on each line, too. A power of which nobody
    told how it is spread counts evenly on the phases of the node; with fewer than three it is not known which lines these are, so
    it counts on each. What a meter sees flow back into the grid counts as 0: it may end at any time.
    """
    load = _in_kw(node, meter, at)
    if load.source is UnmanagedSource.NONE:
        return load
    if meter is None:
        return replace(load, power_kw=load.kw, line_a=_evenly(node, load.kw))
    told_kw, told_a = max(0.0, meter.kw), _told_a(node, meter)
    if load.source is UnmanagedSource.METER:
        return replace(load, power_kw=told_kw, line_a=told_a or _evenly(node, told_kw))
    least_kw = meter.highest_kw if node.unmanaged_fallback_kw is None else node.unmanaged_fallback_kw
    power_kw = max(told_kw, least_kw)
    if told_a is None:
        return replace(load, power_kw=power_kw, line_a=_evenly(node, power_kw))
    ever_a = (meter.highest_l1_a, meter.highest_l2_a, meter.highest_l3_a) if node.unmanaged_fallback_kw is None else (None, None, None)
    least_a = max(0.0, least_kw / kw_of_current(1.0, node.phases, node.voltage_v))
    first, second, third = (max(told, ever or 0.0, least_a) for told, ever in zip(told_a, ever_a, strict=True))
    return replace(load, power_kw=power_kw, line_a=(first, second, third))


def _in_kw(node: PowerNode, meter: SiteMeter | None, at: datetime) -> UnmanagedLoad:
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


def _told_a(node: PowerNode, meter: SiteMeter) -> Amperes | None:
    """Return the currents that a meter told; None where it told none.

    A phase it does not tell counts as the most loaded one that it tells. What of the power its currents do not explain counts evenly.
    """
    told = [current for current in (meter.l1_a, meter.l2_a, meter.l3_a) if current is not None]
    if not told:
        return None
    first, second, third = (max(0.0, max(told) if current is None else current) for current in (meter.l1_a, meter.l2_a, meter.l3_a))
    unexplained_kw = meter.kw - kw_of_current(first + second + third, 1, node.voltage_v)
    more_a = max(0.0, unexplained_kw / kw_of_current(1.0, node.phases, node.voltage_v))
    return (first + more_a, second + more_a, third + more_a)


def _evenly(node: PowerNode, kw: float) -> Amperes | None:
    """Return what a power makes on each line where it is on some of them only; None: on all three."""
    if node.phases == _ALL_PHASES:
        return None
    current_a = kw / kw_of_current(1.0, node.phases, node.voltage_v)
    return (current_a, current_a, current_a)


def _counted_kw(node: PowerNode, meter: SiteMeter) -> float:
    """Return a reading in kW. Where the node is limited in A per phase, its most loaded phase counts for all of them."""
    if node.limit_a is None:
        return max(0.0, meter.kw)
    highest_a = max((current for current in (meter.l1_a, meter.l2_a, meter.l3_a) if current is not None), default=-math.inf)
    return max(0.0, meter.kw, kw_of_current(highest_a, node.phases, node.voltage_v))
