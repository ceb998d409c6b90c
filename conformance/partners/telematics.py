"""A partner's subgraph, on plain Strawberry: what vehicles tell of themselves. Of a vehicle of ours it knows the id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import strawberry
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

_KWH_PER_KM = 1.25


@dataclass(frozen=True)
class Told:
    """What a vehicle has told; one whose receiver is broken fails to say where it is."""

    odometer_km: float
    position: tuple[float, float] | None = None
    broken: bool = False


@strawberry.type(description="A place on Earth (WGS 84).")
class Position:
    latitude: float
    longitude: float


def _odometer_km(root: "Vehicle") -> float:
    return root.told.odometer_km


def _position(root: "Vehicle") -> Position | None:
    if root.told.broken:
        raise ValueError("The receiver is broken.")
    return None if root.told.position is None else Position(latitude=root.told.position[0], longitude=root.told.position[1])


def _range_km(root: "Vehicle") -> float | None:
    return None if root.soc_percent is None else round(root.battery_kwh * root.soc_percent / 100 / _KWH_PER_KM, 1)


@strawberry.federation.type(keys=["id"])
class Vehicle:
    id: strawberry.ID
    told: strawberry.Private[Told]
    battery_kwh: float = strawberry.federation.field(external=True)
    soc_percent: float | None = strawberry.federation.field(external=True)

    odometer_km: float | None = strawberry.field(resolver=_odometer_km, description="How far it has ever been driven.")
    position: Position | None = strawberry.field(resolver=_position, description="Where it is, if it says so.")
    range_km: float | None = strawberry.federation.field(
        resolver=_range_km, requires=["batteryKwh socPercent"], description="How far it can go."
    )

    @classmethod
    def resolve_reference(cls, info: strawberry.Info, **representation: Any) -> "Vehicle | None":
        known: Mapping[str, Told] = info.context["fleet"]
        vehicle_id = representation["id"]
        if vehicle_id not in known:
            return None
        return cls(
            id=vehicle_id,
            told=known[vehicle_id],
            battery_kwh=representation.get("batteryKwh", 0.0),
            soc_percent=representation.get("socPercent"),
        )


def _farthest(info: strawberry.Info) -> list[Vehicle | None]:
    known: Mapping[str, Told] = info.context["fleet"]
    return [Vehicle.resolve_reference(info, id=vehicle_id) for vehicle_id in sorted(known, key=lambda it: -known[it].odometer_km)]


@strawberry.type
class Query:
    farthest: list[Vehicle | None] = strawberry.field(
        resolver=_farthest, description="The vehicles that tell something, those that drove farthest first."
    )


schema = strawberry.federation.Schema(Query)


class Telematics(GraphQL[Any, None]):
    """The subgraph over what a fleet has told, by the ids of its vehicles; `authorizations` are those that it was called with."""

    def __init__(self, fleet: Mapping[str, Told]) -> None:
        super().__init__(schema)
        self._fleet = fleet
        self.authorizations: set[str | None] = set()

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> dict[str, Any]:  # noqa: ARG002  # Strawberry passes it
        self.authorizations.add(request.headers.get("authorization"))
        return {"fleet": self._fleet}
