"""Depots: making, changing and archiving them."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

import asyncpg

from ampyard.domain.access import Principal, Scope
from ampyard.domain.depots import Depot, depot_faults
from ampyard.domain.errors import ConflictError, ForbiddenError
from ampyard.domain.events import Event, EventKind
from ampyard.domain.ids import new_id
from ampyard.domain.opening_hours import Hours
from ampyard.repositories.charge_points import touch_charge_points
from ampyard.repositories.depots import Depots, open_transactions
from ampyard.repositories.tables.values import hours_to_json
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.edits import changed, require_not_null, require_sound

_NAME_TAKEN = "uq_depot_tenant_id_name"


@dataclass(frozen=True, slots=True)
class NewDepot:
    """A depot that is asked for; its fields as those of `Depot`."""

    name: str
    time_zone: str
    address: str
    postal_code: str
    city: str
    country_code: str
    latitude: float
    longitude: float
    opening_times: Hours | None = None
    demand_charge_per_kw: Decimal | None = None
    billing_day: int = 1


async def create_depot(backend: Backend, principal: Principal, wanted: NewDepot) -> Depot:
    """Make a depot, without any supply yet.

    Raises:
        ForbiddenError: the principal lacks `depots:write` for the whole tenant: a new depot is in no resource group.
        InvalidInputError: a field is wrong.
        ConflictError: another depot has the name.
    """
    principal.require(Scope.DEPOTS_WRITE)
    if principal.groups(Scope.DEPOTS_WRITE) is not None:
        raise ForbiddenError("A new depot is in no resource group; this needs the scope depots:write for the whole tenant.")
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        values = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
        depot = Depot(id=new_id(), tenant_id=work.tenant_id, created_at=work.now, updated_at=work.now, **values)
        require_sound(depot_faults(depot))
        with _name_kept_unique(depot.name):
            await work.add(Depots, depot)
        await work.audit("depot.create", "depot", depot.id, **_told(values))
        await _finish(work, depot)
    return depot


async def edit_depot(backend: Backend, principal: Principal, depot_id: uuid.UUID, **changes: Any) -> Depot:
    """Change fields of a depot; what is not named stays. `opening_times` and `demand_charge_per_kw` may be cleared with None.

    A change of the time zone moves its weekly hours and limits with it: they are on the depot's clock.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such depot.
        InvalidInputError: a field is wrong.
        ConflictError: another depot has the name.
    """
    principal.require(Scope.DEPOTS_WRITE)
    require_not_null(changes, may_be_null=frozenset({"opening_times", "demand_charge_per_kw"}))
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        before = await work.require(Depots, depot_id, "depot")
        changes = changed(before, changes)
        if not changes:
            return await _unchanged(work, before)
        depot = replace(before, **changes, updated_at=work.now)
        require_sound(depot_faults(depot))
        with _name_kept_unique(depot.name):
            await work.change(Depots, depot.id, **changes, updated_at=work.now)
        await work.audit("depot.edit", "depot", depot.id, **_told(changes))
        # Weekly limits are on its clock.
        work.wake_planner(depot.id)
        await _finish(work, depot)
    return depot


async def archive_depot(backend: Backend, principal: Principal, depot_id: uuid.UUID) -> Depot:
    """Archive a depot: it keeps its history, is not planned any more and takes in nothing new. Archiving it again changes nothing.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such depot.
        ConflictError: transactions run there.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        depot = await work.require(Depots, depot_id, "depot")
        if depot.archived_at is not None:
            return await _unchanged(work, depot)
        running = await open_transactions(work.session, depot.id)
        if running:
            noun = "transaction runs" if running == 1 else "transactions run"
            raise ConflictError(f"{running} {noun} at {depot.name}; end them before it is archived.", ("input", "depotId"))
        depot = replace(depot, archived_at=work.now, updated_at=work.now)
        await work.change(Depots, depot.id, archived_at=work.now, updated_at=work.now)
        await touch_charge_points(work.session, depot.id, at=work.now)
        await work.audit("depot.archive", "depot", depot.id)
        await _finish(work, depot)
    return depot


async def restore_depot(backend: Backend, principal: Principal, depot_id: uuid.UUID) -> Depot:
    """Take a depot back into service that was archived. One that is not archived stays as it is.

    Raises:
        ForbiddenError: the principal lacks `depots:write`, or has it elsewhere.
        NotFoundError: there is no such depot.
    """
    principal.require(Scope.DEPOTS_WRITE)
    async with backend.unit_of_work(principal, Scope.DEPOTS_WRITE) as work:
        depot = await work.require(Depots, depot_id, "depot")
        if depot.archived_at is None:
            return await _unchanged(work, depot)
        depot = replace(depot, archived_at=None, updated_at=work.now)
        await work.change(Depots, depot.id, archived_at=None, updated_at=work.now)
        await touch_charge_points(work.session, depot.id, at=work.now)
        await work.audit("depot.restore", "depot", depot.id)
        work.wake_planner(depot.id)
        await _finish(work, depot)
    return depot


async def require_open_depot(work: UnitOfWork, depot_id: uuid.UUID, path: tuple[str, ...] = ()) -> Depot:
    """Return a depot that something new is to come to, locked.

    Raises:
        NotFoundError: there is none, or none that the principal may see.
        ForbiddenError: it may be seen, but not changed.
        ConflictError: it is archived; `path` is the part of the input that names it.
    """
    depot = await work.require(Depots, depot_id, "depot")
    if depot.archived_at is not None:
        raise ConflictError(f"{depot.name} is archived and takes in nothing new; restore it first.", path)
    return depot


def publish_change(work: UnitOfWork, depot_id: uuid.UUID) -> None:
    """Tell subscribers that a depot, or a node of its supply, has changed."""
    work.publish(Event(EventKind.DEPOT_UPDATED, depot_id, depot_id))


async def _finish(work: UnitOfWork, depot: Depot) -> None:
    publish_change(work, depot.id)
    work.answers(depot=depot)
    await work.commit()


async def _unchanged(work: UnitOfWork, depot: Depot) -> Depot:
    work.answers(depot=depot)
    await work.commit()
    return depot


@contextmanager
def _name_kept_unique(name: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _NAME_TAKEN:
            raise
        raise ConflictError(f"There is a depot {name!r} already, perhaps an archived one; give another name.", ("input", "name")) from error


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as an audit record keeps them."""
    return {name: _written(value) for name, value in values.items()}


def _written(value: Any) -> Any:
    if isinstance(value, Hours):
        return hours_to_json(value)
    return str(value) if isinstance(value, Decimal) else value
