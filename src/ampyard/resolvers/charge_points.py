"""Changes of charge points: decode the ids, call the service."""

from collections.abc import Sequence
from typing import Any, Protocol

from ampyard.domain.charge_points import ChargePoint
from ampyard.domain.layouts import EvseLayout
from ampyard.domain.life_cycle import ChargePointState
from ampyard.domain.supply import PowerNode
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, decode_ids, optional_id
from ampyard.services import charge_point_import, charge_point_setup, life_cycle
from ampyard.services.charge_point_setup import NewChargePoint, Patch
from ampyard.services.imports import ImportFile


class Described(Protocol):
    """An EVSE as an input describes it."""

    def layout(self) -> EvseLayout: ...


class Wished(Protocol):
    """What many charge points are to have in common, as an input says it."""

    power_node_id: str | None
    vendor: str | None
    model: str | None
    max_power_kw: float | None
    min_power_kw: float | None
    fallback_kw: float | None


async def create_charge_point(
    caller: Caller,
    *,
    power_node_id: str,
    identity: str,
    evses: Sequence[Described],
    name: str | None,
    vendor: str | None,
    model: str | None,
    password: str | None,
) -> dict[str, Any]:
    """Create a charge point."""
    wanted = NewChargePoint(
        power_node_id=decode_id("input.powerNodeId", power_node_id, PowerNode),
        identity=identity,
        name=name,
        evses=tuple(evse.layout() for evse in evses),
        vendor=vendor,
        model=model,
        password=password,
    )
    return {"charge_point": await charge_point_setup.create_charge_point(caller.backend, caller.principal, wanted)}


async def edit_charge_point(caller: Caller, *, charge_point_id: str, **changes: Any) -> dict[str, Any]:
    """Change a charge point; what is absent stays."""
    wanted = decode_id("input.chargePointId", charge_point_id, ChargePoint)
    if changes.get("power_node_id") is not None:
        changes["power_node_id"] = decode_id("input.powerNodeId", changes["power_node_id"], PowerNode)
    if changes.get("evses") is not None:
        changes["evses"] = tuple(evse.layout() for evse in changes["evses"])
    return {"charge_point": await charge_point_setup.edit_charge_point(caller.backend, caller.principal, wanted, **changes)}


async def edit_charge_points(caller: Caller, *, charge_point_ids: Sequence[str], patch: Wished) -> dict[str, Any]:
    """Change many charge points in the same way."""
    wanted = Patch(
        power_node_id=optional_id("input.patch.powerNodeId", patch.power_node_id, PowerNode),
        vendor=patch.vendor,
        model=patch.model,
        max_power_kw=patch.max_power_kw,
        min_power_kw=patch.min_power_kw,
        fallback_kw=patch.fallback_kw,
    )
    ids = decode_ids("input.chargePointIds", charge_point_ids, ChargePoint)
    return {"charge_points": await charge_point_setup.edit_charge_points(caller.backend, caller.principal, ids, wanted)}


async def change_states(caller: Caller, *, charge_point_ids: Sequence[str], state: ChargePointState, reason: str) -> dict[str, Any]:
    """Take charge points to a state of their life."""
    ids = decode_ids("input.chargePointIds", charge_point_ids, ChargePoint)
    return {"charge_points": await life_cycle.change_states(caller.backend, caller.principal, ids, state, reason=reason)}


async def import_charge_points(caller: Caller, *, file_name: str, content: str, dry_run: bool) -> dict[str, Any]:
    """Import charge points from a file."""
    file = ImportFile(file_name, content)
    return {"report": await charge_point_import.import_charge_points(caller.backend, caller.principal, file, dry_run=dry_run)}


async def set_password(caller: Caller, *, charge_point_id: str, password: str | None) -> dict[str, Any]:
    """Give a charge point a new password."""
    wanted = decode_id("input.chargePointId", charge_point_id, ChargePoint)
    charge_point, chosen = await charge_point_setup.set_password(caller.backend, caller.principal, wanted, password)
    return {"charge_point": charge_point, "password": chosen}
