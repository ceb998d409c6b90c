"""Changes of id tags, and of identifications that nobody knows: decode the ids, call the service."""

from datetime import datetime
from typing import Any

from ampyard.domain.id_tags import IdTag, IdTagKind
from ampyard.domain.unknown_identifications import UnknownIdentification
from ampyard.domain.vehicles import Vehicle
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id
from ampyard.services import id_tags, unknown_identifications
from ampyard.services.id_tags import NewIdTag


async def add_id_tag(
    caller: Caller,
    *,
    vehicle_id: str,
    value: str,
    kind: IdTagKind,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> dict[str, Any]:
    """Give a vehicle an id tag."""
    wanted = NewIdTag(decode_id("input.vehicleId", vehicle_id, Vehicle), value, kind, valid_from, valid_until)
    return {"id_tag": await id_tags.add_id_tag(caller.backend, caller.principal, wanted)}


async def edit_id_tag(caller: Caller, *, id_tag_id: str, **changes: Any) -> dict[str, Any]:
    """Change when a tag is valid, or whether it is blocked."""
    if changes.get("blocked", False) is None:
        del changes["blocked"]
    tag_id = decode_id("input.idTagId", id_tag_id, IdTag)
    return {"id_tag": await id_tags.edit_id_tag(caller.backend, caller.principal, tag_id, changes)}


async def remove_id_tag(caller: Caller, *, id_tag_id: str) -> dict[str, Any]:
    """Take a tag from its vehicle."""
    tag_id = decode_id("input.idTagId", id_tag_id, IdTag)
    return {"id_tag": await id_tags.remove_id_tag(caller.backend, caller.principal, tag_id)}


async def move_id_tag(caller: Caller, *, id_tag_id: str, vehicle_id: str) -> dict[str, Any]:
    """Give a tag to another vehicle."""
    tag_id, vehicle = decode_id("input.idTagId", id_tag_id, IdTag), decode_id("input.vehicleId", vehicle_id, Vehicle)
    return {"id_tag": await id_tags.move_id_tag(caller.backend, caller.principal, tag_id, vehicle)}


async def assign_unknown_identification(
    caller: Caller, *, identification_id: str, vehicle_id: str, kind: IdTagKind | None = None
) -> dict[str, Any]:
    """Give an unknown identification to a vehicle."""
    identification = decode_id("input.identificationId", identification_id, UnknownIdentification)
    vehicle = decode_id("input.vehicleId", vehicle_id, Vehicle)
    assigned = await unknown_identifications.assign_unknown(caller.backend, caller.principal, identification, vehicle, kind)
    return {"unknown_identification": assigned}


async def dismiss_unknown_identification(caller: Caller, *, identification_id: str) -> dict[str, Any]:
    """Say that an identification is of no interest."""
    identification = decode_id("input.identificationId", identification_id, UnknownIdentification)
    dismissed = await unknown_identifications.dismiss_unknown(caller.backend, caller.principal, identification)
    return {"unknown_identification": dismissed}
