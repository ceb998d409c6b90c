"""The supply tree of a depot: making, changing, moving and removing its nodes, and their limits over time."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.depots import Depot
from ampyard.domain.errors import ConflictError, InvalidInputError
from ampyard.domain.ids import new_id
from ampyard.domain.supply import (
    LimitException,
    PowerNode,
    PowerNodeKind,
    WeeklyLimit,
    kw_of_current,
    power_node_faults,
    require_place,
)
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.supply import LimitExceptions
from ampyard.repositories.tables.values import weekly_limits_to_json
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.depots import publish_change, require_open_depot
from ampyard.services.edits import at_path, changed, require_not_null, require_sound
from ampyard.services.fallbacks import check_fallbacks

_REASON_LENGTH = 500
_MAY_BE_NULL = frozenset({"limit_a", "unmanaged_fallback_kw"})


@dataclass(frozen=True, slots=True)
class NewPowerNode:
    """A power node that is asked for; its fields as those of `PowerNode`. Without `limit_kw` it is what `limit_a` makes."""

    depot_id: uuid.UUID
    parent_id: uuid.UUID | None
    kind: PowerNodeKind
    name: str
    limit_kw: float | None = None
    limit_a: float | None = None
    phases: int = 3
    voltage_v: float = 230.0
    unmanaged_fallback_kw: float | None = None
    site_meter_max_age_s: int = 300


@dataclass(frozen=True, slots=True)
class NewLimitException:
    """A limit for a time that is asked for, from `valid_from` (`None`: now) to before `valid_until`."""

    power_node_id: uuid.UUID
    valid_from: datetime | None
    valid_until: datetime
    limit_kw: float | None
    limit_a: float | None
    reason: str


async def create_power_node(backend: Backend, principal: Principal, wanted: NewPowerNode) -> PowerNode:
    """Add a node to a depot's supply tree; the first is its root.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such depot, or no such parent in it.
        InvalidInputError: a field is wrong.
        ConflictError: the depot is archived, or the node cannot have that place.
    """
    principal.require(Scope.DEPOTS_WRITE)
    limit_kw = wanted.limit_kw
    if limit_kw is None:
        if wanted.limit_a is None:
            raise InvalidInputError("A power node needs a limit; give limitKw, limitA, or both.", ("input", "limitKw"))
        limit_kw = kw_of_current(wanted.limit_a, wanted.phases, wanted.voltage_v)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        depot = await require_open_depot(work, wanted.depot_id, ("input", "depotId"))
        values = {field.name: getattr(wanted, field.name) for field in fields(wanted)} | {"limit_kw": limit_kw}
        node = PowerNode(id=new_id(), tenant_id=work.tenant_id, created_at=work.now, updated_at=work.now, **values)
        require_sound(power_node_faults(node))
        require_place((await PowerNodes(work.session).of_depots([depot.id])).get(depot.id, []), node.parent_id)
        await work.add(PowerNodes, node)
        await _finish(work, node, "create", values, ("input", "limitKw"))
    return node


async def edit_power_node(backend: Backend, principal: Principal, power_node_id: uuid.UUID, **changes: Any) -> PowerNode:
    """Change fields of a power node; what is not named stays. `limit_a` and `unmanaged_fallback_kw` may be cleared with None.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such node.
        InvalidInputError: a field is wrong, or fall-backs would not fit any more.
    """
    principal.require(Scope.DEPOTS_WRITE)
    require_not_null(changes, may_be_null=_MAY_BE_NULL)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        before = await work.require(PowerNodes, power_node_id, "power node")
        changes = changed(before, changes)
        if not changes:
            return await _unchanged(work, before)
        return await _change(work, before, "edit", changes, ("input",))


async def set_weekly_limits(backend: Backend, principal: Principal, power_node_id: uuid.UUID, windows: Sequence[WeeklyLimit]) -> PowerNode:
    """Set all weekly limits of a power node, on the clock of its depot; none: no weekly limits.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such node.
        InvalidInputError: too many windows, or fall-backs would not fit one of them.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        before = await work.require(PowerNodes, power_node_id, "power node")
        limits = tuple(sorted(windows, key=lambda it: it.order))
        if limits == before.weekly_limits:
            return await _unchanged(work, before)
        return await _change(work, before, "set_weekly_limits", {"weekly_limits": limits}, ("input", "weeklyLimits"))


async def move_power_node(backend: Backend, principal: Principal, power_node_id: uuid.UUID, parent_id: uuid.UUID) -> PowerNode:
    """Hang a power node, with all below it, on another node of the same depot.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such node, or no such parent in its depot.
        ConflictError: it is the root, the parent is below it, or the tree would be too deep.
        InvalidInputError: fall-backs would not fit there.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        before = await work.require(PowerNodes, power_node_id, "power node")
        # Locked before the tree is read: two moves at a time could make a circle.
        await require_open_depot(work, before.depot_id, ("input", "powerNodeId"))
        if before.parent_id is None:
            raise ConflictError(f"{before.name} is the root of its depot and supplies all the others; it stays.", ("input", "powerNodeId"))
        nodes = (await PowerNodes(work.session).of_depots([before.depot_id])).get(before.depot_id, [])
        require_place(nodes, parent_id, before.id)
        if parent_id == before.parent_id:
            return await _unchanged(work, before)
        return await _change(work, before, "move", {"parent_id": parent_id}, ("input", "parentId"))


async def remove_power_node(backend: Backend, principal: Principal, power_node_id: uuid.UUID) -> Depot:
    """Remove a power node on which nothing hangs, with its limits and its meter; returns its depot.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such node.
        ConflictError: nodes or charge points hang on it.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        node = await work.require(PowerNodes, power_node_id, "power node")
        nodes, charge_points = await PowerNodes(work.session).hanging_on(node.id)
        if nodes or charge_points:
            hanging = f"{nodes} power nodes and {charge_points} charge points hang on {node.name}"
            raise ConflictError(f"{hanging}; move them elsewhere before it is removed.", ("input", "powerNodeId"))
        await work.remove(PowerNodes, node.id)
        await work.audit("power_node.remove", "power_node", node.id, name=node.name, depot_id=str(node.depot_id))
        _publish(work, node)
        # Not locked: whoever hangs something on the node just now has the depot, and waits for the node to be gone.
        depot = (await Depots(work.session).by_ids([node.depot_id]))[node.depot_id]
        work.answers(depot=depot)
        await work.commit()
    return depot


async def add_limit_exception(backend: Backend, principal: Principal, wanted: NewLimitException) -> LimitException:
    """Limit a power node otherwise for a time; of several limits at a time the strictest counts.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such node.
        InvalidInputError: it is over already or never in force, limits nothing, has no reason, or fall-backs would not fit it.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        node = await work.require(PowerNodes, wanted.power_node_id, "power node")
        if wanted.valid_until <= work.now:
            message = f"{wanted.valid_until.isoformat()} is in the past; now is {work.now.isoformat()}."
            raise InvalidInputError(message, ("input", "validUntil"))
        if not 1 <= len(wanted.reason.strip()) <= _REASON_LENGTH:
            raise InvalidInputError(f"Give a reason of 1 to {_REASON_LENGTH} characters.", ("input", "reason"))
        with at_path("input"):
            rule = LimitException(
                id=new_id(),
                tenant_id=work.tenant_id,
                depot_id=node.depot_id,
                power_node_id=node.id,
                valid_from=wanted.valid_from or work.now,
                valid_until=wanted.valid_until,
                limit_kw=wanted.limit_kw,
                limit_a=wanted.limit_a,
                reason=wanted.reason.strip(),
                author=principal.author,
                created_at=work.now,
            )
        await work.add(LimitExceptions, rule)
        await check_fallbacks(work, node.depot_id, ("input", "limitKw" if rule.limit_kw is not None else "limitA"))
        await work.audit("power_node.add_limit_exception", "power_node", node.id, **_of_exception(rule))
        _publish(work, node)
        work.answers(limit_exception=rule)
        await work.commit()
    return rule


async def remove_limit_exception(backend: Backend, principal: Principal, limit_exception_id: uuid.UUID) -> PowerNode:
    """Take a limit for a time back, whether it counts now, did, or would have; returns its node.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such exception.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        rule = await work.require(LimitExceptions, limit_exception_id, "limit exception")
        node = await work.require(PowerNodes, rule.power_node_id, "power node")
        await work.remove(LimitExceptions, rule.id)
        await work.audit("power_node.remove_limit_exception", "power_node", node.id, **_of_exception(rule))
        _publish(work, node)
        work.answers(power_node=node)
        await work.commit()
    return node


async def _change(work: UnitOfWork, before: PowerNode, action: str, changes: Mapping[str, Any], path: tuple[str, ...]) -> PowerNode:
    node = replace(before, **changes, updated_at=work.now)
    require_sound(power_node_faults(node))
    await work.change(PowerNodes, node.id, **changes, updated_at=work.now)
    await _finish(work, node, action, changes, path, before)
    return node


async def _finish(
    work: UnitOfWork, node: PowerNode, action: str, changes: Mapping[str, Any], path: tuple[str, ...], before: PowerNode | None = None
) -> None:
    await check_fallbacks(work, node.depot_id, path)
    detail = _told(changes)
    if before is not None:
        detail["before"] = _told({name: getattr(before, name) for name in changes})
    await work.audit(f"power_node.{action}", "power_node", node.id, **detail)
    _publish(work, node)
    work.answers(power_node=node)
    await work.commit()


async def _unchanged(work: UnitOfWork, node: PowerNode) -> PowerNode:
    work.answers(power_node=node)
    await work.commit()
    return node


def _publish(work: UnitOfWork, node: PowerNode) -> None:
    publish_change(work, node.depot_id)
    work.wake_planner(node.depot_id)


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as an audit record keeps them."""
    return {
        name: weekly_limits_to_json(value) if name == "weekly_limits" else str(value) if isinstance(value, uuid.UUID) else value
        for name, value in values.items()
    }


def _of_exception(rule: LimitException) -> dict[str, Any]:
    return {
        "limit_exception_id": str(rule.id),
        "valid_from": rule.valid_from.isoformat(),
        "valid_until": rule.valid_until.isoformat(),
        "limit_kw": rule.limit_kw,
        "limit_a": rule.limit_a,
        "reason": rule.reason,
    }
