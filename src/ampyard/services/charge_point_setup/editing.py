"""Changing charge points: one, or many in the same way."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.errors import ConflictError, InvalidInputError, NotFoundError, Problems
from ampyard.domain.layouts import EvseLayout, layout_flaws
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services import evse_layouts
from ampyard.services.backend import Backend
from ampyard.services.charge_point_setup.checks import INPUT, MOST_AT_ONCE, check_texts, locked, refuse_retired, settle
from ampyard.services.charge_points import publish_change
from ampyard.services.depots import require_open_depot


async def edit_charge_point(
    backend: Backend, principal: Principal, charge_point_id: uuid.UUID, *, evses: tuple[EvseLayout, ...] | None = None, **changes: Any
) -> ChargePoint:
    """Change a charge point.

    Args:
        backend: the ports of this process.
        principal: who changes it.
        charge_point_id: which one.
        evses: all its EVSEs, as they are to be: those whose number is not named are removed.
        changes: of `identity`, `name`, `power_node_id`, `vendor` and `model`, those that change.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`, or may only see it.
        NotFoundError: there is no such charge point or power node.
        InvalidInputError: what is wrong with the request, or that its fall-backs would not fit the supply.
        ConflictError: it is retired; it is online and its identity is to change; vehicles charge at it and it is to move; or an
            EVSE or connector is to be removed that has transactions.
    """
    principal.require(Scope.CHARGE_POINTS_WRITE)
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        charge_point = await work.require(ChargePoints, charge_point_id, "charge point")
        problems = Problems()
        for path, text in layout_flaws(evses) if evses is not None else ():
            problems.add(text, *INPUT, "evses", *path)
        changed = await _edited(work, problems, charge_point, changes)
        if evses is not None:
            await evse_layouts.replace_all(work, charge_point, evses)
        await _keep(work, charge_point, changed)
        await work.audit("charge_point.edit", "charge_point", charge_point.id, **_told(charge_point, changed), evses=evses is not None)
        await settle(work, {charge_point.depot_id, changed.depot_id}, INPUT)
        work.answers(charge_point=changed)
        await work.commit()
    return changed


@dataclass(frozen=True, slots=True)
class Patch:
    """What many charge points are to have in common; `None` leaves as it is. Powers are of each of their EVSEs, in kW."""

    power_node_id: uuid.UUID | None = None
    vendor: str | None = None
    model: str | None = None
    max_power_kw: float | None = None
    min_power_kw: float | None = None
    fallback_kw: float | None = None

    def applied_to(self, evses: tuple[EvseLayout, ...]) -> tuple[EvseLayout, ...]:
        """Return EVSEs as they are with this."""
        return tuple(
            replace(
                evse,
                max_power_kw=evse.max_power_kw if self.max_power_kw is None else self.max_power_kw,
                min_power_kw=evse.min_power_kw if self.min_power_kw is None else self.min_power_kw,
                fallback_kw=evse.fallback_kw if self.fallback_kw is None else self.fallback_kw,
            )
            for evse in evses
        )


async def edit_charge_points(
    backend: Backend, principal: Principal, charge_point_ids: Sequence[uuid.UUID], patch: Patch
) -> list[ChargePoint]:
    """Change many charge points in the same way: all, or none where anything is wrong with any.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`.
        NotFoundError: one of the charge points does not exist, or may not be edited; or there is no such power node.
        InvalidInputError: none or too many are named, the patch is empty, or something is wrong with some of them: of each it says
            what, with its place among the ids.
        ConflictError: an EVSE or connector that is to go has transactions.
    """
    principal.require(Scope.CHARGE_POINTS_WRITE)
    where = (*INPUT, "chargePointIds")
    if not 0 < len(charge_point_ids) <= MOST_AT_ONCE:
        raise InvalidInputError(f"{len(charge_point_ids)} charge points are named; name 1 to {MOST_AT_ONCE}.", path=where)
    if len(set(charge_point_ids)) < len(charge_point_ids):
        raise InvalidInputError("A charge point is named twice; name each once.", path=where)
    if patch == Patch():
        raise InvalidInputError("The patch changes nothing; give at least one value.", path=(*INPUT, "patch"))
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        problems = Problems()
        edits = await _bulk_edits(work, problems, charge_point_ids, patch)
        problems.raise_any()
        depots: set[uuid.UUID] = set()
        for before, after, layout in edits:
            if layout is not None:
                await evse_layouts.replace_all(work, before, layout)
            await _keep(work, before, after)
            await work.audit("charge_point.edit", "charge_point", before.id, **_told(before, after), evses=layout is not None)
            depots |= {before.depot_id, after.depot_id}
        await settle(work, depots, (*INPUT, "patch"))
        result = [after for _, after, _ in edits]
        work.answers(charge_points=result)
        await work.commit()
    return result


Edit = tuple[ChargePoint, ChargePoint, tuple[EvseLayout, ...] | None]


async def _bulk_edits(work: UnitOfWork, problems: Problems, charge_point_ids: Sequence[uuid.UUID], patch: Patch) -> list[Edit]:
    """Return each charge point before and after, with its new layout where that changes; notes what is wrong with any."""
    found = {one.id: one for one in await locked(work, charge_point_ids)}
    layouts = await evse_layouts.of_charge_points(work, charge_point_ids)
    columns = {"power_node_id": patch.power_node_id, "vendor": patch.vendor, "model": patch.model}
    changes = {name: value for name, value in columns.items() if value is not None}
    check_texts(problems, (*INPUT, "patch"), identity=None, name=None, vendor=patch.vendor, model=patch.model)
    edits: list[Edit] = []
    for n, charge_point_id in enumerate(charge_point_ids):
        path = (*INPUT, "chargePointIds", str(n))
        if charge_point_id not in found:
            raise NotFoundError("There is no such charge point.", path)
        charge_point = found[charge_point_id]
        try:
            refuse_retired(charge_point)
            after = await _moved(work, charge_point, changes)
        except ConflictError as error:
            problems.add(str(error), *path)
            continue
        present = layouts.get(charge_point_id, ())
        layout = patch.applied_to(present)
        for _, text in layout_flaws(layout):
            problems.add(f"{charge_point.identity}: {text}", *path)
        edits.append((charge_point, after, layout if layout != present else None))
    return edits


async def _edited(work: UnitOfWork, problems: Problems, charge_point: ChargePoint, changes: Mapping[str, Any]) -> ChargePoint:
    """Return a charge point as it will be; notes what is wrong with the texts."""
    refuse_retired(charge_point)
    texts = {name: changes.get(name) for name in ("identity", "name", "vendor", "model")}
    check_texts(problems, INPUT, **texts)
    for name in ("identity", "name", "power_node_id"):
        if name in changes and changes[name] is None:
            problems.add("It cannot be empty; leave it out to keep it as it is.", *INPUT, _FIELDS[name])
    identity = changes.get("identity")
    if identity is not None and identity != charge_point.identity:
        if charge_point.connected:
            raise ConflictError(f"{charge_point.identity} is online; its identity is its address, and can change only while it is offline.")
        if await ChargePoints(work.session).identities([identity]):
            problems.add(f"There is a charge point {identity} already, in use or retired; give another identity.", *INPUT, "identity")
    problems.raise_any()
    return await _moved(work, charge_point, changes)


_FIELDS = {"identity": "identity", "name": "name", "power_node_id": "powerNodeId"}


async def _moved(work: UnitOfWork, charge_point: ChargePoint, changes: Mapping[str, Any]) -> ChargePoint:
    """Return a charge point with changes, at the depot of its power node."""
    changed = replace(charge_point, **changes, updated_at=work.now)
    if changed.power_node_id == charge_point.power_node_id:
        return changed
    node = await PowerNodes(work.session).by_id(changed.power_node_id)
    if node is None:
        raise NotFoundError("There is no such power node.", (*INPUT, "powerNodeId"))
    evses = (await Evses(work.session).of_charge_points([charge_point.id])).get(charge_point.id, [])
    if node.depot_id != charge_point.depot_id and await Transactions(work.session).active_of_evses([evse.id for evse in evses]):
        raise ConflictError(f"Vehicles charge at {charge_point.identity}; stop their transactions before it moves to another depot.")
    if node.depot_id != charge_point.depot_id:
        await require_open_depot(work, node.depot_id, (*INPUT, "powerNodeId"))
    return replace(changed, depot_id=node.depot_id)


async def refit(work: UnitOfWork, charge_point: ChargePoint, evses: tuple[EvseLayout, ...], changes: Mapping[str, Any]) -> ChargePoint:
    """Make a charge point what a sound description says; what its power node can supply is looked at afterwards.

    Raises:
        ConflictError: it is retired, vehicles charge at it and it would move, or an EVSE or connector that would go has transactions.
    """
    refuse_retired(charge_point)
    changed = await _moved(work, charge_point, changes)
    await evse_layouts.replace_all(work, charge_point, evses)
    await _keep(work, charge_point, changed)
    await work.audit("charge_point.edit", "charge_point", charge_point.id, **_told(charge_point, changed), evses=True)
    return changed


async def _keep(work: UnitOfWork, before: ChargePoint, after: ChargePoint) -> None:
    columns = ("identity", "name", "vendor", "model", "power_node_id", "depot_id", "updated_at")
    await work.change(ChargePoints, before.id, **{name: getattr(after, name) for name in columns})
    publish_change(work, after)


def _told(before: ChargePoint, after: ChargePoint) -> dict[str, Any]:
    """Return what has changed, as an audit record tells it."""
    columns = ("identity", "name", "vendor", "model", "power_node_id")
    return {name: str(getattr(after, name)) for name in columns if getattr(after, name) != getattr(before, name)}
