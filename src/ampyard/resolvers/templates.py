"""Changes of charge point templates: decode the ids, call the service."""

from collections.abc import Sequence
from typing import Any, Protocol

from ampyard.domain.layouts import ChargePointTemplate, EvseLayout
from ampyard.domain.supply import PowerNode
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id
from ampyard.services import templates
from ampyard.services.templates import FromTemplate, NewTemplate


class Described(Protocol):
    """An EVSE as an input describes it."""

    def layout(self) -> EvseLayout: ...


class Wanted(Protocol):
    """One of the charge points to be created from a template, as an input names it."""

    identity: str
    name: str | None
    password: str | None


async def create_template(
    caller: Caller, *, name: str, evses: Sequence[Described], vendor: str | None, model: str | None
) -> dict[str, Any]:
    """Keep a template."""
    wanted = NewTemplate(name, vendor, model, tuple(evse.layout() for evse in evses))
    return {"template": await templates.create_template(caller.backend, caller.principal, wanted)}


async def edit_template(
    caller: Caller, *, template_id: str, evses: Sequence[Described] | None = (), **changes: str | None
) -> dict[str, Any]:
    """Change a template; an absent list of EVSEs stands for leaving them."""
    wanted = decode_id("input.templateId", template_id, ChargePointTemplate)
    layout: dict[str, Any] = {} if evses == () else {"evses": None if evses is None else tuple(evse.layout() for evse in evses)}
    return {"template": await templates.edit_template(caller.backend, caller.principal, wanted, **layout, **changes)}


async def delete_template(caller: Caller, *, template_id: str) -> dict[str, Any]:
    """Delete a template."""
    wanted = decode_id("input.templateId", template_id, ChargePointTemplate)
    await templates.delete_template(caller.backend, caller.principal, wanted)
    return {"removed": True}


async def create_from_template(caller: Caller, *, template_id: str, power_node_id: str, charge_points: Sequence[Wanted]) -> dict[str, Any]:
    """Create charge points from a template."""
    template = decode_id("input.templateId", template_id, ChargePointTemplate)
    node = decode_id("input.powerNodeId", power_node_id, PowerNode)
    wanted = [FromTemplate(one.identity, one.name, one.password) for one in charge_points]
    created = await templates.create_from_template(caller.backend, caller.principal, template, node, wanted)
    return {"charge_points": created}
