"""Templates of charge points: kept, changed, and used to create many alike."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ampyard.domain.access import Principal, Scope
from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.errors import InvalidInputError, NotFoundError, Problems
from ampyard.domain.ids import new_id
from ampyard.domain.layouts import ChargePointTemplate, EvseLayout, layout_flaws
from ampyard.repositories.templates import Templates, remove
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.services.backend import Backend
from ampyard.services.charge_point_setup import NewChargePoint, Placed, add_charge_points
from ampyard.services.charge_point_setup.checks import INPUT, check_texts


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """A template to be kept."""

    name: str
    vendor: str | None
    model: str | None
    evses: tuple[EvseLayout, ...]


@dataclass(frozen=True, slots=True)
class FromTemplate:
    """One of the charge points to be created from a template."""

    identity: str
    name: str | None = None
    password: str | None = None


async def create_template(backend: Backend, principal: Principal, wanted: NewTemplate) -> ChargePointTemplate:
    """Keep a new template.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write` for the whole tenant.
        InvalidInputError: all that is wrong with it; its name is taken, too.
    """
    async with _writing(backend, principal) as work:
        template = ChargePointTemplate(
            id=new_id(),
            tenant_id=work.tenant_id,
            name=wanted.name.strip(),
            vendor=wanted.vendor,
            model=wanted.model,
            evses=wanted.evses,
            created_at=work.now,
            updated_at=work.now,
        )
        await _check(work, template)
        await work.add(Templates, template)
        await work.audit("charge_point_template.create", "charge_point_template", template.id, name=template.name)
        work.answers(template=template)
        await work.commit()
    return template


async def edit_template(backend: Backend, principal: Principal, template_id: uuid.UUID, **changes: Any) -> ChargePointTemplate:
    """Change a template: of `name`, `vendor`, `model` and `evses`, those given. Charge points made from it stay as they are.

    Raises as `create_template`, and NotFoundError.
    """
    async with _writing(backend, principal) as work:
        template = await work.require(Templates, template_id, "charge point template")
        for name in ("name", "evses"):
            if name in changes and changes[name] is None:
                raise InvalidInputError("It cannot be empty; leave it out to keep it as it is.", path=(*INPUT, name))
        changed = replace(template, **changes, updated_at=work.now)
        await _check(work, changed)
        await work.change(Templates, template.id, **changes, updated_at=work.now)
        await work.audit("charge_point_template.edit", "charge_point_template", template.id, name=changed.name, changed=sorted(changes))
        work.answers(template=changed)
        await work.commit()
    return changed


async def delete_template(backend: Backend, principal: Principal, template_id: uuid.UUID) -> None:
    """Delete a template; charge points made from it stay.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write` for the whole tenant.
        NotFoundError: there is no such template.
    """
    async with _writing(backend, principal) as work:
        template = await work.require(Templates, template_id, "charge point template")
        await remove(work.session, template.id)
        await work.audit("charge_point_template.delete", "charge_point_template", template.id, name=template.name)
        work.answers(removed=True)
        await work.commit()


async def create_from_template(
    backend: Backend, principal: Principal, template_id: uuid.UUID, power_node_id: uuid.UUID, wanted: Sequence[FromTemplate]
) -> list[ChargePoint]:
    """Create charge points as a template says, all of them on one power node, or none.

    Raises:
        ForbiddenError: the principal lacks `charge_points:write`.
        NotFoundError: there is no such template.
        InvalidInputError: as `add_charge_points`; each fault with its place among the charge points.
    """
    principal.require(Scope.CHARGE_POINTS_WRITE)
    async with backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE) as work:
        template = await Templates(work.session).by_id(template_id)
        if template is None:
            raise NotFoundError("There is no such charge point template.")
        created = await add_charge_points(
            work,
            [
                Placed(
                    NewChargePoint(power_node_id, one.identity, one.name, template.evses, template.vendor, template.model, one.password),
                    path=(*INPUT, "chargePoints", str(n)),
                    layout_path=(*INPUT, "templateId"),
                )
                for n, one in enumerate(wanted)
            ],
        )
        work.answers(charge_points=created)
        await work.commit()
    return created


def _writing(backend: Backend, principal: Principal) -> UnitOfWork:
    """Return a unit of work for a change of what the whole tenant shares: a grant on a group is not enough."""
    principal.require_everywhere(Scope.CHARGE_POINTS_WRITE)
    return backend.unit_of_work(principal, Scope.CHARGE_POINTS_WRITE)


async def _check(work: UnitOfWork, template: ChargePointTemplate) -> None:
    problems = Problems()
    check_texts(problems, INPUT, identity=None, name=template.name, vendor=template.vendor, model=template.model)
    for path, text in layout_flaws(template.evses):
        problems.add(text, *INPUT, "evses", *path)
    if await Templates(work.session).named(template.name, other_than=template.id):
        problems.add(f"There is a template {template.name!r} already; give another name.", *INPUT, "name")
    problems.raise_any()
