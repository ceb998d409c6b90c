"""Grid links: what state they are in, changes of them, and what site controllers push by them."""

import uuid
from datetime import datetime
from typing import Any

from ampyard.domain.grid_links import Circuit, GridLink, LinkKind, LinkState
from ampyard.domain.supply import PowerNode
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import SCOPES, decode_id
from ampyard.services import grid_links, oscp, site_limits
from ampyard.services.edits import at_path
from ampyard.services.grid_links import NewGridLink
from ampyard.services.grid_signals import Told
from ampyard.services.site_limits import PushedLimit


def resolve_state(root: GridLink, info: Info) -> LinkState:
    """Resolve whether the other side is heard."""
    info.context.principal.require(SCOPES[GridLink])
    return root.state(info.context.now)


def resolve_circuit(root: GridLink) -> Circuit:
    """Resolve whether the other side is called as planned."""
    return root.circuit


async def create_grid_link(caller: Caller, *, power_node_id: str, kind: LinkKind, name: str, **wanted: Any) -> dict[str, Any]:
    """Connect a power node with the outside."""
    new = NewGridLink(decode_id("input.powerNodeId", power_node_id, PowerNode), kind, name, **wanted)
    link, token = await grid_links.create_grid_link(caller.backend, caller.principal, new)
    return {"grid_link": link, "token": token}


async def edit_grid_link(caller: Caller, *, grid_link_id: str, **changes: Any) -> dict[str, Any]:
    """Change a grid link."""
    return {"grid_link": await grid_links.edit_grid_link(caller.backend, caller.principal, _decoded(grid_link_id), **changes)}


async def renew_grid_link_token(caller: Caller, *, grid_link_id: str) -> dict[str, Any]:
    """Give the other side of a grid link a new token."""
    link, token = await grid_links.renew_grid_link_token(caller.backend, caller.principal, _decoded(grid_link_id))
    return {"grid_link": link, "token": token}


async def remove_grid_link(caller: Caller, *, grid_link_id: str) -> dict[str, Any]:
    """Remove a grid link."""
    return {"depot": await grid_links.remove_grid_link(caller.backend, caller.principal, _decoded(grid_link_id))}


async def push_grid_limits(caller: Caller, *, grid_link_id: str, limits: list[Any], replaces: bool) -> dict[str, Any]:
    """Take in limits of a site controller."""
    pushed = [PushedLimit(it.external_id, it.ends_at, it.begins_at, it.limit_kw, it.limit_a, it.reason) for it in limits]
    _, signals = await site_limits.push_limits(caller.backend, caller.principal, _decoded(grid_link_id), pushed, replaces=replaces)
    return {"grid_signals": signals}


async def request_grid_capacity(
    caller: Caller,
    *,
    grid_link_id: str,
    begins_at: datetime,
    ends_at: datetime,
    reason: str,
    limit_kw: float | None = None,
    limit_a: float | None = None,
) -> dict[str, Any]:
    """Ask the grid operator for another capacity."""
    wanted = Told(begins_at, ends_at, limit_kw, limit_a, reason=reason)
    with at_path("input"):
        signal = await oscp.request_capacity(caller.backend, caller.principal, _decoded(grid_link_id), wanted)
    return {"grid_signal": signal}


def _decoded(grid_link_id: str) -> uuid.UUID:
    return decode_id("input.gridLinkId", grid_link_id, GridLink)
