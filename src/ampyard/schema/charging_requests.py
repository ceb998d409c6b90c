"""Charging requests: what depot management systems, people and integrators ask for vehicles, and what becomes of it."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charging_outlook, depots, vehicles
from ampyard.domain import charging_requests as domain
from ampyard.domain import depot_links as links
from ampyard.domain.access import Scope
from ampyard.engine import computed, edge
from ampyard.repositories import charging_requests as repository
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.depot_links import DepotLinks
from ampyard.repositories.depots import Depots
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import charging_requests as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.plans import plan_stay_of_request
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.enums import ChargingRequestFlaw, ChargingRequestSource, PreconditioningKind, PriorityLevel
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.charge_points import Evse
    from ampyard.schema.depot_links import DepotLink
    from ampyard.schema.depots import Depot
    from ampyard.schema.plans import PlannedStay
    from ampyard.schema.priorities import Priority
    from ampyard.schema.vehicles import Vehicle

_TABLE = ChargingRequests.table.c
CHARGING_REQUESTS = Listing("chargingRequests", ChargingRequests, "CREATED_AT", default_descending=True)
REQUESTS_OF_DEPOT = Listing("depot.chargingRequests", ChargingRequests, "CREATED_AT", default_descending=True, parent=_TABLE.depot_id)
REQUESTS_OF_VEHICLE = Listing("vehicle.chargingRequests", ChargingRequests, "CREATED_AT", default_descending=True, parent=_TABLE.vehicle_id)


@strawberry.enum(description="What charging requests can be ordered by.")
class ChargingRequestOrderField(Enum):
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of charging requests.")
class ChargingRequestOrder:
    field: ChargingRequestOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which charging requests to list.")
class ChargingRequestFilter:
    in_force_at: datetime | None = strawberry.field(
        default=None, description="Only those that are asked for at this time: not withdrawn, nor overdue for six hours."
    )
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those in this depot.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="Only those for this vehicle.")
    depot_link_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this depot management system.")
    source: ChargingRequestSource | None = strawberry.field(default=None, description="Only those from there.")
    flaw: ChargingRequestFlaw | None = strawberry.field(default=None, description="Only those with this flaw.")
    flawed: bool | None = strawberry.field(default=None, description="Only those with a flaw, or without any.")

    def narrowing(self) -> repository.ChargingRequestFilter:
        """Return the filter as the repository takes it."""
        return repository.ChargingRequestFilter(
            in_force_at=self.in_force_at,
            depot_id=optional_id("filter.depotId", self.depot_id, depots.Depot),
            vehicle_id=optional_id("filter.vehicleId", self.vehicle_id, vehicles.Vehicle),
            link_id=optional_id("filter.depotLinkId", self.depot_link_id, links.DepotLink),
            source=self.source,
            flaw=self.flaw,
            flawed=self.flawed,
        )


@strawberry.federation.type(directives=[Authenticated()], description="A consumer in a vehicle that is to run from a moment on.")
class PreconditioningLoad:
    begins_at: datetime = strawberry.field(description="From when.")
    kw: float | None = strawberry.field(description="How much it takes, in kW; null where that is not told.")
    is_type_of = staticmethod(shows(domain.PreconditioningLoad))


@strawberry.federation.type(directives=[Authenticated()], description="How a vehicle is to be prepared before it leaves.")
class PreconditioningWish:
    kind: PreconditioningKind | None = strawberry.field(description="What the vehicle does by itself; null where it is told each consumer.")
    ambient_celsius: float | None = strawberry.field(description="How warm it is outside, in °C.")
    begins_at: datetime | None = strawberry.field(description="From when it prepares itself.")
    ends_at: datetime | None = strawberry.field(description="By when it is to be prepared.")
    target_soc_percent: float | None = strawberry.field(description="What is to be in its battery then, in percent.")
    hvac: PreconditioningLoad | None = strawberry.field(description="Heating, ventilation and cooling, switched by hand.")
    system: PreconditioningLoad | None = strawberry.field(description="Other systems, switched by hand.")
    is_type_of = staticmethod(shows(domain.PreconditioningWish))


@strawberry.federation.type(directives=[Authenticated()], description="What becomes of a charging request, as seen now.")
class ChargingOutlook:
    at: datetime = strawberry.field(description="When it was seen so.")
    planned: bool = strawberry.field(description="Whether it is what the depot's plan has; else what flows now.")
    minimum_at: datetime | None = strawberry.field(description="When the minimum is held, however late; null where that is not foreseen.")
    maximum_at: datetime | None = strawberry.field(description="When the maximum is held; null where that is not foreseen.")
    departure_soc_percent: float | None = strawberry.field(description="The state of charge it will leave with, in percent.")
    shortfall_percent: float | None = strawberry.field(
        description="What it will lack of its minimum when it leaves, in percent; 0 where it will not, null where no departure is named."
    )
    reason: str | None = strawberry.field(description="Why a target will not be held, or nothing can be told; null where all is well.")
    is_type_of = staticmethod(shows(charging_outlook.ChargingOutlook))


def _problem(root: domain.ChargingRequest) -> str | None:
    return root.problem


_OF_PROBLEM = ["flaw", "vehicle_name", "charge_point_name", "min_soc_percent", "max_soc_percent", "arrives_at", "departs_at"]


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="That a vehicle shall hold so much by when.")
class ChargingRequest(Node):
    source: ChargingRequestSource = strawberry.field(description="Who asks.")
    external_id: str | None = strawberry.field(description="What the depot management system calls it.")
    vehicle_name: str = strawberry.field(description="What the vehicle is called there.")
    charge_point_name: str | None = strawberry.field(description="What the charging point is called there; null where any will do.")
    process_id: str | None = strawberry.field(description="What the charging process is called there.")
    priority: int | None = strawberry.field(description="How it is ranked there.")
    level: PriorityLevel = strawberry.field(description="The class that it is served in.")
    weight: float = strawberry.field(description="What it weighs against others of its class; 1 is usual.")
    arrives_at: datetime | None = strawberry.field(description="When the vehicle is expected.")
    arrival_soc_percent: float | None = strawberry.field(description="The state of charge that it is expected with, in percent.")
    min_soc_percent: float = strawberry.field(description="What it shall hold at least, in percent.")
    max_soc_percent: float = strawberry.field(description="What it shall hold at best, in percent.")
    departs_at: datetime | None = strawberry.field(description="When it leaves; null where that is not told.")
    ad_hoc: bool = strawberry.field(description="Whether it is to be charged at once.")
    preconditioning: PreconditioningWish | None = strawberry.field(description="How it is to be prepared before it leaves.")
    flaw: ChargingRequestFlaw | None = strawberry.field(description="What is wrong with it.")
    problem: str | None = computed(_problem, reads=_OF_PROBLEM, description="What is wrong with it, in words.")
    reason: str | None = strawberry.field(description="Why a person asks.")
    author: str = strawberry.field(description="Who asks.")
    withdrawn_at: datetime | None = strawberry.field(description="When it was withdrawn.")
    withdrawn_by: str | None = strawberry.field(description="Who withdrew it.")
    created_at: datetime = strawberry.field(description="When it was first asked for.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    outlook: ChargingOutlook | None = edge(
        resolvers.plan_outlook, key="id", description="What becomes of it; null once it does not count: withdrawn, overruled or flawed."
    )
    planned: Annotated["PlannedStay", strawberry.lazy("ampyard.schema.plans")] | None = edge(
        plan_stay_of_request,
        key="id",
        description="What the newest plan has of the stay it is about: what it will be short of, why, and what would help.",
    )
    overruled_by: Annotated["ChargingRequest", strawberry.lazy("ampyard.schema.charging_requests")] | None = edge(
        resolvers.plan_overruled_by, key="id", description="The request of a person that counts in its place."
    )
    priority_rule: Annotated["Priority", strawberry.lazy("ampyard.schema.priorities")] | None = to_one(
        Priorities, "priority_id", description="The rule that ranks its vehicle; null for the class NORMAL, or while it does not count."
    )
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="Where it is asked for; null where the caller may not see it."
    )
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle; null where it is not known, or the caller may not see it."
    )
    evse: Annotated["Evse", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        Evses, "evse_id", description="The charging point that is named, where there is such a one."
    )
    depot_link: Annotated["DepotLink", strawberry.lazy("ampyard.schema.depot_links")] | None = to_one(
        DepotLinks, "link_id", description="The depot management system that asks; null for people."
    )
    is_type_of = staticmethod(shows(domain.ChargingRequest))
    resolve_references = staticmethod(references_to(domain.ChargingRequest))


@strawberry.input(description="Ask for a vehicle to be charged, in place of what a person asked for it before.")
class RequestChargingInput(Change):
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")
    min_soc_percent: float | None = strawberry.field(
        default=None, description="What it shall hold at least, in percent; the maximum unless told."
    )
    max_soc_percent: float | None = strawberry.field(
        default=None, description="What it shall hold at best, in percent; unless told what the vehicle is usually charged to."
    )
    departs_at: datetime | None = strawberry.field(default=None, description="When it leaves, not in the past.")
    level: PriorityLevel = strawberry.field(default=PriorityLevel.NORMAL, description="The class to serve it in.")
    ad_hoc: bool = strawberry.field(default=False, description="Whether to charge at once; the class is HIGH at least then.")
    preconditioning_at: datetime | None = strawberry.field(
        default=None, description="From when it is prepared at the plug, before it leaves."
    )
    preconditioning_kw: float | None = strawberry.field(default=None, description="What that takes, in kW; 100 at most.")
    reason: str | None = strawberry.field(default=None, description="Why; 500 characters at most.")


@strawberry.input(description="Take back what a person asked for.")
class WithdrawChargingRequestInput(Change):
    charging_request_id: strawberry.ID = strawberry.field(description="The request; not one of a depot management system.")


@strawberry.federation.type(directives=[Authenticated()], description="A charging request that was made or withdrawn.")
class ChargingRequestPayload(Payload):
    charging_request: ChargingRequest | None = strawberry.field(description="The request as it now is; null where the change was refused.")


@strawberry.type
class ChargingRequestQueries:
    charging_request: ChargingRequest | None = by_id(
        domain.ChargingRequest, description="One charging request; null when it does not exist."
    )
    charging_requests: Connection[ChargingRequest] = connection(
        CHARGING_REQUESTS,
        description="All charging requests, newest first unless told, withdrawn ones too.",
        filter_type=ChargingRequestFilter,
        order_type=ChargingRequestOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class ChargingRequestMutations:
    request_charging: ChargingRequestPayload = mutation(
        ChargingRequestPayload,
        resolvers.request_charging,
        RequestChargingInput,
        Scope.DISPATCH_WRITE,
        description="Ask for a vehicle to be charged; it counts before what a depot management system asks for the same stay.",
    )
    withdraw_charging_request: ChargingRequestPayload = mutation(
        ChargingRequestPayload,
        resolvers.withdraw_request,
        WithdrawChargingRequestInput,
        Scope.DISPATCH_WRITE,
        description="Take back what a person asked for; what a depot management system asks for counts again.",
    )


@strawberry.type
class ChargingRequestSubscriptions:
    charging_request_changed: AsyncIterator[ChargingRequest] = scoped_subscription(
        subscriptions.charging_request_changed,
        Scope.FLEET_READ,
        description="Charging requests as they are made, changed and withdrawn.",
    )
