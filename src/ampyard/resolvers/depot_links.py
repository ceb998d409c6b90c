"""Changes of depot links: decode the ids, call the service."""

from typing import Any, Protocol

from ampyard.domain.depot_links import DepotLink, PriorityBands
from ampyard.domain.depots import Depot
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id
from ampyard.services import depot_links


class Bands(Protocol):
    """From which numbers on the classes begin, as a client says it."""

    normal_from: int
    high_from: int
    critical_from: int


def _bands(given: Bands | None) -> PriorityBands | None:
    return None if given is None else PriorityBands(given.normal_from, given.high_from, given.critical_from)


async def create_link(caller: Caller, *, depot_id: str, name: str, identity: str, priority_bands: Bands | None) -> dict[str, Any]:
    """Make a link; its password is shown this once."""
    depot = decode_id("input.depotId", depot_id, Depot)
    bands = _bands(priority_bands) or PriorityBands()
    link, password = await depot_links.create_link(caller.backend, caller.principal, depot, name=name, identity=identity, bands=bands)
    return {"depot_link": link, "password": password}


async def edit_link(
    caller: Caller, *, depot_link_id: str, name: str | None, enabled: bool | None, priority_bands: Bands | None
) -> dict[str, Any]:
    """Change a link."""
    wanted = decode_id("input.depotLinkId", depot_link_id, DepotLink)
    changed = await depot_links.edit_link(
        caller.backend, caller.principal, wanted, name=name, enabled=enabled, bands=_bands(priority_bands)
    )
    return {"depot_link": changed}


async def rotate_password(caller: Caller, *, depot_link_id: str) -> dict[str, Any]:
    """Give a link a new password, which is shown this once."""
    wanted = decode_id("input.depotLinkId", depot_link_id, DepotLink)
    link, password = await depot_links.rotate_password(caller.backend, caller.principal, wanted)
    return {"depot_link": link, "password": password}


async def remove_link(caller: Caller, *, depot_link_id: str) -> dict[str, Any]:
    """Remove a link."""
    wanted = decode_id("input.depotLinkId", depot_link_id, DepotLink)
    return {"depot_link": await depot_links.remove_link(caller.backend, caller.principal, wanted)}
