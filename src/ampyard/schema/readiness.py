from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import readiness as domain
from ampyard.domain import readiness_records
from ampyard.domain.access import Scope
from ampyard.engine import edge, list_size
from ampyard.repositories import readiness as repository
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.depots import Depots
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import dispatch, subscriptions
from ampyard.resolvers.edges import references_to, to_one
from ampyard.resolvers.plans import plan_stay_of_assignment
from ampyard.resolvers.scopes import requires, scoped_subscription
from ampyard.schema.enums import Risk
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import OrderDirection
from ampyard.schema.plans import PlannedStay

if TYPE_CHECKING:
    from ampyard.schema.assignments import Assignment
    from ampyard.schema.depots import Depot
    from ampyard.schema.vehicles import Vehicle


@strawberry.federation.type(directives=[Authenticated()], description="Whether a vehicle will be ready for an assignment, as seen now.")
class Readiness:
    at: datetime = strawberry.field(description="When it was seen so.")
    risk: Risk = strawberry.field(description="How likely it is that it will not be ready; UNKNOWN where nothing can be said.")
    reason: str = strawberry.field(description="Why, in words.")
    needed_kwh: float | None = strawberry.field(description="What the block takes, in kWh; null where that is not known.")
    reserve_kwh: float | None = strawberry.field(description="What shall be left in the battery on return, in kWh.")
    expected_kwh: float | None = strawberry.field(description="What the battery will hold when it leaves, in kWh.")
    expected_soc_percent: float | None = strawberry.field(description="The state of charge it will leave with, in percent.")
    ready_at: datetime | None = strawberry.field(
        description="When it will hold what it needs with the reserve, however late; null where that is not foreseen."
    )
    shortfall_kwh: float | None = strawberry.field(description="What it will lack of that when it leaves, in kWh; 0 where it is ready.")
    assignment: Annotated["Assignment", strawberry.lazy("ampyard.schema.assignments")] = to_one(
        Assignments, "assignment_id", description="The assignment it is about."
    )
    planned: PlannedStay | None = edge(
        plan_stay_of_assignment,
        key="assignment_id",
        description="What the newest plan has of the stay before it leaves: what it will be short of, why, and what would help.",
    )
    is_type_of = staticmethod(shows(domain.Readiness))


@strawberry.enum(description="What readiness records can be ordered by.")
class ReadinessRecordOrderField(Enum):
    RECORDED_AT = "RECORDED_AT"


@strawberry.input(description="The order of a list of readiness records.")
class ReadinessRecordOrder:
    field: ReadinessRecordOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which readiness records to list.")
class ReadinessRecordFilter:
    at_departure: bool | None = strawberry.field(default=None, description="Only what was true at departures, or only what was foreseen.")
    risk: Risk | None = strawberry.field(default=None, description="Only those of this risk.")
    recorded_from: datetime | None = strawberry.field(default=None, description="Only those kept at this time or later.")
    recorded_to: datetime | None = strawberry.field(default=None, description="Only those kept before this time.")

    def narrowing(self) -> repository.ReadinessRecordFilter:
        """Return the filter as the repository takes it."""
        return repository.ReadinessRecordFilter(self.at_departure, self.risk, self.recorded_from, self.recorded_to)


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="Readiness as it was kept.")
class ReadinessRecord(Node):
    recorded_at: datetime = strawberry.field(description="When it was so.")
    departs_at: datetime = strawberry.field(description="The departure it is about.")
    at_departure: bool = strawberry.field(description="Whether it is what was true as the vehicle left, not what was foreseen before.")
    risk: Risk = strawberry.field(description="The risk; at departure ON_TRACK for ready and NOT_READY for not.")
    reason: str = strawberry.field(description="Why, in words.")
    needed_kwh: float | None = strawberry.field(description="What the block takes, in kWh; null where that was not known.")
    reserve_kwh: float | None = strawberry.field(description="What was to be left in the battery on return, in kWh.")
    expected_soc_percent: float | None = strawberry.field(
        description="The state of charge that was foreseen for the departure, in percent; at departure the last one that was foreseen."
    )
    actual_soc_percent: float | None = strawberry.field(description="The state of charge it left with, in percent; only at departure.")
    ready: bool | None = strawberry.field(description="Whether that was enough; only at departure.")
    ready_at: datetime | None = strawberry.field(description="When it would hold what it needs with the reserve.")
    shortfall_kwh: float | None = strawberry.field(description="What it would lack, or lacked, in kWh.")
    assignment: Annotated["Assignment", strawberry.lazy("ampyard.schema.assignments")] = to_one(
        Assignments, "assignment_id", description="The assignment it is about."
    )
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle that was on it then; null where the caller may not see it."
    )
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="The depot it leaves from; null where the caller may not see it."
    )
    is_type_of = staticmethod(shows(readiness_records.ReadinessRecord))
    resolve_references = staticmethod(references_to(readiness_records.ReadinessRecord))


@strawberry.type
class ReadinessQueries:
    not_ready: list[Readiness] = edge(
        dispatch.plan_not_ready,
        description="Who will not be ready, AT_RISK or NOT_READY, by departure.",
        directives=[*requires(Scope.FLEET_READ), list_size(20)],
    )


@strawberry.type
class ReadinessSubscriptions:
    readiness_changed: AsyncIterator[Annotated["Assignment", strawberry.lazy("ampyard.schema.assignments")]] = scoped_subscription(
        subscriptions.readiness_changed,
        Scope.FLEET_READ,
        description="Assignments as their readiness is kept anew: a change of risk within a minute, others every quarter of an hour.",
    )
