"""Power nodes: what counts now and what was, and changes of the supply tree."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry

from ampyard.domain.access import Scope
from ampyard.domain.depots import Depot
from ampyard.domain.errors import InvalidInputError
from ampyard.domain.local_time import minute_of_day
from ampyard.domain.supply import LimitException, MeterReading, PowerNode, PowerNodeKind, WeeklyLimit
from ampyard.engine import Load
from ampyard.resolvers import loading
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import power_nodes, site_meters
from ampyard.services.edits import at_path
from ampyard.services.power_nodes import NewLimitException, NewPowerNode

# 2,016 buckets of five minutes.
LONGEST_HISTORY = timedelta(days=7)
_USUAL_HISTORY = timedelta(days=1)

_Moment = Annotated[datetime | None, strawberry.argument(description="The moment; now unless told.")]
_From = Annotated[
    datetime | None, strawberry.argument(name="from", description="From when on, inclusive; a day before the end unless told.")
]
_To = Annotated[datetime | None, strawberry.argument(name="to", description="To when, exclusive; now unless told.")]


def plan_node_power(info: Info) -> Load:
    """Plan what flows through a power node now, and what may; by the node's id."""
    info.context.principal.require(Scope.FLEET_READ)
    return Load(loading.node_power, (info.context.now,))


def plan_limit_at(info: Info, at: _Moment = None) -> Load:
    """Plan the limit of a power node that counts at a moment; by the node's id."""
    info.context.principal.require(Scope.FLEET_READ)
    moment = at or info.context.now
    return Load(loading.node_states, (moment, info.context.now), show=lambda _, state: state.limit(moment))


def plan_limit_now(info: Info) -> Load:
    """Plan the limit of a power node that counts now; by the node's id."""
    return plan_limit_at(info)


def plan_limit_kw(info: Info) -> Load:
    """Plan the limit that counts now, in kW."""
    info.context.principal.require(Scope.FLEET_READ)
    now = info.context.now
    return Load(loading.node_states, (now, now), show=lambda _, state: state.limit(now).limit_kw)


def plan_limit_reason(info: Info) -> Load:
    """Plan why that limit counts now."""
    info.context.principal.require(Scope.FLEET_READ)
    now = info.context.now
    return Load(loading.node_states, (now, now), show=lambda _, state: state.limit(now).explanation)


def plan_unmanaged(info: Info) -> Load:
    """Plan the unmanaged load of a node that counts now."""
    info.context.principal.require(Scope.FLEET_READ)
    now = info.context.now
    return Load(loading.node_states, (now, now), show=lambda _, state: state.unmanaged(now))


def plan_site_meter(info: Info) -> Load:
    """Plan the newest reading of a node's site meter; none where it has told nothing."""
    info.context.principal.require(Scope.FLEET_READ)
    return Load(loading.node_states, (info.context.now, info.context.now), show=lambda _, state: state.meter)


def plan_load_history(info: Info, begin: _From = None, end: _To = None) -> Load:
    """Plan the load of a power node over a period; by the node's id."""
    info.context.principal.require(Scope.FLEET_READ)
    end = end or info.context.now
    begin = begin or end - _USUAL_HISTORY
    if not timedelta() < end - begin <= LONGEST_HISTORY:
        span = f"{begin.isoformat()} to {end.isoformat()}"
        raise InvalidInputError(f"There is no history from {span}: give a period of at most 7 days.")
    return Load(loading.node_loads, (begin, end))


async def create_power_node(
    caller: Caller, *, depot_id: str, kind: PowerNodeKind, name: str, parent_id: str | None = None, **wanted: Any
) -> dict[str, Any]:
    """Add a node to a depot's supply tree."""
    new = NewPowerNode(
        depot_id=decode_id("input.depotId", depot_id, Depot),
        parent_id=optional_id("input.parentId", parent_id, PowerNode),
        kind=kind,
        name=name,
        **wanted,
    )
    return {"power_node": await power_nodes.create_power_node(caller.backend, caller.principal, new)}


async def edit_power_node(caller: Caller, *, power_node_id: str, **changes: Any) -> dict[str, Any]:
    """Change fields of a power node."""
    node_id = decode_id("input.powerNodeId", power_node_id, PowerNode)
    return {"power_node": await power_nodes.edit_power_node(caller.backend, caller.principal, node_id, **changes)}


async def move_power_node(caller: Caller, *, power_node_id: str, parent_id: str) -> dict[str, Any]:
    """Hang a power node on another."""
    node_id = decode_id("input.powerNodeId", power_node_id, PowerNode)
    parent = decode_id("input.parentId", parent_id, PowerNode)
    return {"power_node": await power_nodes.move_power_node(caller.backend, caller.principal, node_id, parent)}


async def remove_power_node(caller: Caller, *, power_node_id: str) -> dict[str, Any]:
    """Remove a power node."""
    node_id = decode_id("input.powerNodeId", power_node_id, PowerNode)
    return {"depot": await power_nodes.remove_power_node(caller.backend, caller.principal, node_id)}


async def set_weekly_limits(caller: Caller, *, power_node_id: str, weekly_limits: list[Any]) -> dict[str, Any]:
    """Set all weekly limits of a power node."""
    node_id = decode_id("input.powerNodeId", power_node_id, PowerNode)
    windows = [window for number, given in enumerate(weekly_limits) for window in _windows(number, given)]
    return {"power_node": await power_nodes.set_weekly_limits(caller.backend, caller.principal, node_id, windows)}


def _windows(number: int, given: Any) -> list[WeeklyLimit]:
    here = ("input", "weeklyLimits", str(number))
    with at_path(*here, "begin"):
        begin = minute_of_day(given.begin)
    with at_path(*here, "end"):
        end = minute_of_day(given.end)
    with at_path(*here):
        return [WeeklyLimit(weekday, begin, end, given.limit_kw, given.limit_a) for weekday in sorted(set(given.weekdays))]


async def add_limit_exception(
    caller: Caller,
    *,
    power_node_id: str,
    valid_until: datetime,
    reason: str,
    valid_from: datetime | None = None,
    limit_kw: float | None = None,
    limit_a: float | None = None,
) -> dict[str, Any]:
    """Limit a power node otherwise for a time."""
    node_id = decode_id("input.powerNodeId", power_node_id, PowerNode)
    wanted = NewLimitException(node_id, valid_from, valid_until, limit_kw, limit_a, reason)
    return {"limit_exception": await power_nodes.add_limit_exception(caller.backend, caller.principal, wanted)}


async def remove_limit_exception(caller: Caller, *, limit_exception_id: str) -> dict[str, Any]:
    """Take a limit for a time back."""
    rule_id = decode_id("input.limitExceptionId", limit_exception_id, LimitException)
    return {"power_node": await power_nodes.remove_limit_exception(caller.backend, caller.principal, rule_id)}


async def report_site_meter(caller: Caller, *, readings: list[Any]) -> dict[str, Any]:
    """Take in readings of site meters."""
    told = []
    for number, given in enumerate(readings):
        node_id = decode_id(f"input.readings.{number}.powerNodeId", given.power_node_id, PowerNode)
        told.append((node_id, MeterReading(given.measured_at, given.kw, given.l1_a, given.l2_a, given.l3_a)))
    nodes, added = await site_meters.report_site_meter(caller.backend, caller.principal, told)
    return {"power_nodes": nodes, "added": added}
