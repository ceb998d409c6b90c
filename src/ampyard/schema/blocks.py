from datetime import date, datetime, time
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import blocks as domain
from ampyard.domain import depots
from ampyard.domain.access import Scope
from ampyard.engine import computed, list_size
from ampyard.repositories import blocks as repository
from ampyard.repositories.assignments import AssignmentFilter as StoredAssignments
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.blocks import Blocks
from ampyard.repositories.depots import Depots
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.assignments import Assignment, AssignmentFilter, AssignmentOrder
from ampyard.schema.enums import Weekday
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot

BLOCKS = Listing("blocks", Blocks, "NAME", unless_told=repository.BlockFilter())


@strawberry.enum(description="What blocks can be ordered by.")
class BlockOrderField(Enum):
    NAME = "NAME"
    DEPARTURE_TIME = "DEPARTURE_TIME"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"


@strawberry.input(description="The order of a list of blocks.")
class BlockOrder:
    field: BlockOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which blocks to list; those that were removed only where they are asked for.")
class BlockFilter:
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those that leave from this depot or return to it.")
    weekday: Weekday | None = strawberry.field(default=None, description="Only those that run on this day of the week.")
    day: date | None = strawberry.field(default=None, description="Only those that run on this day, enabled or not.")
    enabled: bool | None = strawberry.field(default=None, description="Only those that are enabled, or that are not.")
    contains: str | None = strawberry.field(default=None, description="Only those with this in name, external id or note, in any case.")
    external_id: str | None = strawberry.field(default=None, description="Only the one with this external id.")
    removed: bool = strawberry.field(default=False, description="Those that were removed instead of those that are there.")

    def narrowing(self) -> repository.BlockFilter:
        """Return the filter as the repository takes it."""
        return repository.BlockFilter(
            depot_id=optional_id("filter.depotId", self.depot_id, depots.Depot),
            weekday=self.weekday,
            day=self.day,
            enabled=self.enabled,
            contains=self.contains,
            external_id=self.external_id,
            removed=self.removed,
        )


def weekdays_in_order(root: Any) -> list[Weekday]:
    """Return the days of the week on which something recurs, from Monday on."""
    return sorted(root.weekdays)


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A planned run of a vehicle, which recurs on days of the week."
)
class Block(Node):
    name: str = strawberry.field(description="Its name or number for people.")
    external_id: str | None = strawberry.field(description="What others know it by; unique among those that were not removed.")
    note: str | None = strawberry.field(description="What else there is to say of it.")
    distance_km: float | None = strawberry.field(description="How far it goes, in km; null where its energy is planned instead.")
    energy_kwh: float | None = strawberry.field(description="The energy it needs, in kWh; null where its distance is planned instead.")
    departure_time: time = strawberry.field(description="When it leaves, by the clocks of its departure depot.")
    departure_zone: str = strawberry.field(name="departureTimeZone", description="The time zone of its departure depot (IANA name).")
    return_time: time = strawberry.field(description="When it returns, by the clocks of its return depot.")
    return_zone: str = strawberry.field(name="returnTimeZone", description="The time zone of its return depot (IANA name).")
    return_days_later: int = strawberry.field(description="How many days after its departure day it returns; 0 for the same.")
    weekdays: list[Weekday] = computed(
        weekdays_in_order, reads=["weekdays"], description="The days of the week it runs on.", directives=[list_size(7)]
    )
    first_day: date = strawberry.field(description="The first day on which it may run.")
    last_day: date | None = strawberry.field(description="The last one; null for open end.")
    enabled: bool = strawberry.field(description="Whether it runs at all.")
    departure_depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "departure_depot_id", description="The depot it leaves from; null where the caller may not see it."
    )
    return_depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "return_depot_id", description="The depot it returns to; null where the caller may not see it."
    )
    assignments: Connection[Assignment] = connection(
        Listing(
            "block.assignments",
            Assignments,
            "DEPARTS_AT",
            default_descending=True,
            parent=Assignments.table.c.block_id,
            unless_told=StoredAssignments(),
        ),
        description="Who is and was on it, latest departure first unless told.",
        filter_type=AssignmentFilter,
        order_type=AssignmentOrder,
    )
    removed_at: datetime | None = strawberry.field(description="When it was taken out of the plan.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    is_type_of = staticmethod(shows(domain.Block))
    resolve_references = staticmethod(references_to(domain.Block))


@strawberry.type
class BlockQueries:
    block: Block | None = by_id(domain.Block, description="One block; null when it does not exist.")
    blocks: Connection[Block] = connection(
        BLOCKS, description="All blocks.", filter_type=BlockFilter, order_type=BlockOrder, scope=Scope.FLEET_READ
    )
