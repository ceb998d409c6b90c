from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import availability as domain
from ampyard.domain import charge_points
from ampyard.domain.access import Scope
from ampyard.domain.depots import Depot as DomainDepot
from ampyard.engine import list_size
from ampyard.repositories import availability as repository
from ampyard.repositories.availability import AvailabilityIntervals, PlannedDowntimes
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.resolvers import downtimes as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import Availability
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint, Evse

EVSE_AVAILABILITY = Listing(
    "evse.availabilityHistory",
    AvailabilityIntervals,
    "BEGAN_AT",
    default_descending=True,
    parent=AvailabilityIntervals.table.c.evse_id,
)
PLANNED_DOWNTIMES = Listing("plannedDowntimes", PlannedDowntimes, "STARTS_AT", default_descending=True)
CHARGE_POINT_DOWNTIMES = Listing(
    "chargePoint.plannedDowntimes",
    PlannedDowntimes,
    "STARTS_AT",
    default_descending=True,
    parent=PlannedDowntimes.table.c.charge_point_id,
)


@strawberry.federation.type(
    directives=[Authenticated()],
    description="How long EVSEs were up in a period, in seconds of one EVSE: the four parts add up to the period times the EVSEs.",
)
class Uptime:
    up_s: float = strawberry.field(description="Seconds in which they could be used, or were in use.")
    down_s: float = strawberry.field(description="Seconds in which they were offline, faulted or unavailable, unplanned.")
    planned_s: float = strawberry.field(description="Seconds in which they were down within a planned downtime.")
    unobserved_s: float = strawberry.field(description="Seconds of which nothing is known: before and after service, and to come.")
    ratio: float | None = strawberry.field(
        description="1 - downS / (upS + downS + plannedS), as 23 CFR 680.116(b)(3) has it; null where nothing was observed."
    )


@strawberry.enum(description="What intervals of availability can be ordered by.")
class AvailabilityOrderField(Enum):
    BEGAN_AT = "BEGAN_AT"


@strawberry.input(description="The order of a list of intervals of availability.")
class AvailabilityOrder:
    field: AvailabilityOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A time in which an EVSE was in one state.")
class AvailabilityInterval(Node):
    availability: Availability = strawberry.field(description="Whether it could be used.")
    began_at: datetime = strawberry.field(description="From when.")
    ended_at: datetime | None = strawberry.field(description="Until when; null where it still is so.")
    evse: Annotated["Evse", strawberry.lazy("ampyard.schema.charge_points")] = to_one(Evses, "evse_id", description="The EVSE.")
    is_type_of = staticmethod(shows(domain.AvailabilityInterval))
    resolve_references = staticmethod(references_to(domain.AvailabilityInterval))


@strawberry.enum(description="What planned downtimes can be ordered by.")
class PlannedDowntimeOrderField(Enum):
    STARTS_AT = "STARTS_AT"


@strawberry.input(description="The order of a list of planned downtimes.")
class PlannedDowntimeOrder:
    field: PlannedDowntimeOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which planned downtimes to list.")
class PlannedDowntimeFilter:
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this charge point.")
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of charge points of this depot.")
    starts_before: datetime | None = strawberry.field(default=None, description="Only those that begin before this.")
    ends_after: datetime | None = strawberry.field(default=None, description="Only those that end after this.")
    cancelled: bool | None = strawberry.field(default=None, description="Only those that were, or were not, cancelled.")

    def narrowing(self) -> repository.DowntimeFilter:
        """Return the filter as the repository takes it."""
        return repository.DowntimeFilter(
            charge_point_id=optional_id("filter.chargePointId", self.charge_point_id, charge_points.ChargePoint),
            depot_id=optional_id("filter.depotId", self.depot_id, DomainDepot),
            starts_before=self.starts_before,
            ends_after=self.ends_after,
            cancelled=self.cancelled,
        )


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A window in which a charge point is expected not to work."
)
class PlannedDowntime(Node):
    starts_at: datetime = strawberry.field(description="From when.")
    ends_at: datetime = strawberry.field(description="Until when.")
    reason: str = strawberry.field(description="Why.")
    author: str = strawberry.field(description="Who planned it.")
    cancelled_at: datetime | None = strawberry.field(description="When it was called off; then it does not count.")
    created_at: datetime = strawberry.field(description="When it was planned.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] = to_one(
        ChargePoints, "charge_point_id", description="The charge point."
    )
    is_type_of = staticmethod(shows(domain.PlannedDowntime))
    resolve_references = staticmethod(references_to(domain.PlannedDowntime))


@strawberry.input(description="Announce the same downtime for charge points: for all of them, or for none.")
class PlanDowntimeInput(Change):
    charge_point_ids: list[strawberry.ID] = strawberry.field(description="The charge points; 200 at most.")
    ends_at: datetime = strawberry.field(description="Until when.")
    reason: str = strawberry.field(description="Why; 500 characters at most.")
    starts_at: datetime | None = strawberry.field(default=None, description="From when, not in the past; now unless told.")


@strawberry.input(description="Move a planned downtime, or change its reason; what is left out stays.")
class EditDowntimeInput(Change):
    downtime_id: strawberry.ID = strawberry.field(description="The downtime.")
    starts_at: datetime | None = strawberry.field(default=None, description="From when; of one that has begun it cannot be moved.")
    ends_at: datetime | None = strawberry.field(default=None, description="Until when, not in the past.")
    reason: str | None = strawberry.field(default=None, description="Why; 500 characters at most.")


@strawberry.input(description="Call a planned downtime off; one that has begun ends now.")
class CancelDowntimeInput(Change):
    downtime_id: strawberry.ID = strawberry.field(description="The downtime.")


@strawberry.federation.type(directives=[Authenticated()], description="Downtimes that were planned.")
class PlanDowntimePayload(Payload):
    downtimes: list[PlannedDowntime] | None = strawberry.field(
        description="One for each charge point; null where the change was refused.", directives=[list_size(10)]
    )


@strawberry.federation.type(directives=[Authenticated()], description="A downtime that was changed.")
class DowntimePayload(Payload):
    downtime: PlannedDowntime | None = strawberry.field(description="The downtime as it now is; null where the change was refused.")


@strawberry.type
class AvailabilityQueries:
    planned_downtime: PlannedDowntime | None = by_id(
        domain.PlannedDowntime, description="One planned downtime; null when it does not exist."
    )
    planned_downtimes: Connection[PlannedDowntime] = connection(
        PLANNED_DOWNTIMES,
        description="All planned downtimes, latest first unless told.",
        filter_type=PlannedDowntimeFilter,
        order_type=PlannedDowntimeOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class AvailabilityMutations:
    plan_downtime: PlanDowntimePayload = mutation(
        PlanDowntimePayload,
        resolvers.plan_downtime,
        PlanDowntimeInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Announce a downtime of charge points, so that it does not count against their uptime.",
    )
    edit_downtime: DowntimePayload = mutation(
        DowntimePayload,
        resolvers.edit_downtime,
        EditDowntimeInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Move a planned downtime that is not over, or change its reason.",
    )
    cancel_downtime: DowntimePayload = mutation(
        DowntimePayload,
        resolvers.cancel_downtime,
        CancelDowntimeInput,
        Scope.CHARGE_POINTS_WRITE,
        description="Call a planned downtime off.",
    )
