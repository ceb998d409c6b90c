from collections.abc import AsyncIterator
from datetime import date, datetime, time
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charge_points, transactions, vehicle_groups, vehicles
from ampyard.domain import priorities as domain
from ampyard.domain.access import Scope
from ampyard.domain.resource_groups import ResourceGroup
from ampyard.engine import computed, list_size
from ampyard.repositories import priorities as repository
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicle_groups import VehicleGroups
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import priorities as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.priorities import resolve_target, resolve_weekdays
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.enums import PriorityLevel, PriorityOutcome, PriorityTarget, Weekday
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.recurrences import RecurrenceInput

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint
    from ampyard.schema.transactions import Transaction
    from ampyard.schema.vehicle_groups import VehicleGroup
    from ampyard.schema.vehicles import Vehicle

PRIORITIES = Listing("priorities", Priorities, "CREATED_AT", default_descending=True)


@strawberry.enum(description="What priorities can be ordered by.")
class PriorityOrderField(Enum):
    CREATED_AT = "CREATED_AT"
    VALID_FROM = "VALID_FROM"
    LEVEL = "LEVEL"


@strawberry.input(description="The order of a list of priorities.")
class PriorityOrder:
    field: PriorityOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which priorities to list.")
class PriorityFilter:
    in_force_at: datetime | None = strawberry.field(default=None, description="Only those that count at this time.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this vehicle.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this charge point.")
    transaction_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this transaction.")
    vehicle_group_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this vehicle group.")
    resource_group_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this resource group.")
    target: PriorityTarget | None = strawberry.field(default=None, description="Only those about something of this kind.")
    level: PriorityLevel | None = strawberry.field(default=None, description="Only those of this level.")
    recurring: bool | None = strawberry.field(default=None, description="Only those with a recurrence, or without one.")
    cleared: bool | None = strawberry.field(default=None, description="Only those that were cleared, or that were not.")
    author_contains: str | None = strawberry.field(default=None, description="Only those whose author has this in it, in any case.")
    reason_contains: str | None = strawberry.field(default=None, description="Only those whose reason has this in it, in any case.")

    def narrowing(self) -> repository.PriorityFilter:
        """Return the filter as the repository takes it."""
        return repository.PriorityFilter(
            in_force_at=self.in_force_at,
            vehicle_id=optional_id("filter.vehicleId", self.vehicle_id, vehicles.Vehicle),
            charge_point_id=optional_id("filter.chargePointId", self.charge_point_id, charge_points.ChargePoint),
            transaction_id=optional_id("filter.transactionId", self.transaction_id, transactions.Transaction),
            vehicle_group_id=optional_id("filter.vehicleGroupId", self.vehicle_group_id, vehicle_groups.VehicleGroup),
            resource_group_id=optional_id("filter.resourceGroupId", self.resource_group_id, ResourceGroup),
            target=self.target,
            level=self.level,
            recurring=self.recurring,
            cleared=self.cleared,
            author_contains=self.author_contains,
            reason_contains=self.reason_contains,
        )


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A rule that ranks one target, for a time or in windows that come again."
)
class Priority(Node):
    level: PriorityLevel = strawberry.field(description="The class it puts its target in.")
    reason: str | None = strawberry.field(description="Why.")
    author: str = strawberry.field(description="Who set it.")
    valid_from: datetime = strawberry.field(description="From when it counts.")
    valid_until: datetime | None = strawberry.field(description="Until when it counts; null for open end.")
    cleared_at: datetime | None = strawberry.field(description="When it was ended by hand.")
    created_at: datetime = strawberry.field(description="When it was set.")
    updated_at: datetime | None = strawberry.field(description="When it was last changed by hand; null where it never was.")
    target: PriorityTarget = computed(
        resolve_target, reads=[target.column for target in domain.PriorityTarget], description="What kind of thing it is about."
    )
    weekdays: list[Weekday] | None = computed(
        resolve_weekdays,
        reads=["weekdays"],
        description="Of a recurrence, the days of the week on which its windows begin; else null.",
        directives=[list_size(7)],
    )
    starts_at: time | None = strawberry.field(description="Of a recurrence, when its windows begin, on the clock of its zone; else null.")
    ends_at: time | None = strawberry.field(
        description="Of a recurrence, when its windows end, on the clock of its zone; else null. Not after the begin: on the next day."
    )
    time_zone: str | None = strawberry.field(description="Of a recurrence, its time zone (IANA name); else null.")
    first_day: date | None = strawberry.field(description="Of a recurrence, the first day on which a window may begin; null for open.")
    last_day: date | None = strawberry.field(description="Of a recurrence, the last day on which a window may begin; null for open.")
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle it is about, if it is about one."
    )
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        ChargePoints, "charge_point_id", description="The charge point it is about, if it is about one."
    )
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = to_one(
        Transactions, "transaction_id", description="The transaction it is about, if it is about one."
    )
    vehicle_group: Annotated["VehicleGroup", strawberry.lazy("ampyard.schema.vehicle_groups")] | None = to_one(
        VehicleGroups, "vehicle_group_id", description="The vehicle group it is about, if it is about one."
    )
    is_type_of = staticmethod(shows(domain.Priority))
    resolve_references = staticmethod(references_to(domain.Priority))


@strawberry.federation.type(directives=[Authenticated()], description="What became of a rule when it was asked which one counts.")
class PriorityVerdict:
    rule: Priority = strawberry.field(description="The rule.")
    outcome: PriorityOutcome = strawberry.field(description="What became of it.")
    why: str = strawberry.field(description="Why, in words.")
    is_type_of = staticmethod(shows(domain.PriorityVerdict))


@strawberry.federation.type(directives=[Authenticated()], description="The priority that counts, and the rule it comes from.")
class EffectivePriority:
    level: PriorityLevel = strawberry.field(description="The class that counts; NORMAL without a rule.")
    rule: Priority | None = strawberry.field(
        description="The rule that won: the most specific target, then the highest level, then the newest."
    )
    explanation: list[PriorityVerdict] = strawberry.field(
        description="Every rule that was looked at, which is all that have neither been cleared nor ended, and why it won or lost.",
        directives=[list_size(5)],
    )


@strawberry.input(description="A priority for exactly one target, for a time or, with a recurrence, in windows that come again.")
class SetPriorityInput(Change):
    level: PriorityLevel = strawberry.field(description="The class to put it in.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle it is about.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="The charge point it is about.")
    transaction_id: strawberry.ID | None = strawberry.field(default=None, description="The transaction it is about.")
    reason: str | None = strawberry.field(default=None, description="Why; 500 characters at most.")
    valid_from: datetime | None = strawberry.field(default=None, description="From when it counts; now unless told.")
    valid_until: datetime | None = strawberry.field(default=None, description="Until when it counts; open unless told.")
    vehicle_group_id: strawberry.ID | None = strawberry.field(
        default=None, description="The vehicle group it is about; needs the scope for the whole tenant."
    )
    resource_group_id: strawberry.ID | None = strawberry.field(
        default=None, description="The resource group it is about: what is in it, and in the groups below."
    )
    recurrence: RecurrenceInput | None = strawberry.field(
        default=None, description="The windows in which it counts, in place of an end; throughout unless told."
    )


@strawberry.input(description="Change a priority rule; what is left out stays. Its target always does.")
class EditPriorityInput(Change):
    priority_id: strawberry.ID = strawberry.field(description="The rule.")
    level: PriorityLevel | None = strawberry.field(default=strawberry.UNSET, description="The class to put its target in.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description="Why; 500 characters at most.")
    valid_from: datetime | None = strawberry.field(default=strawberry.UNSET, description="From when it counts; null for now.")
    valid_until: datetime | None = strawberry.field(default=strawberry.UNSET, description="Until when it counts; null for open end.")
    recurrence: RecurrenceInput | None = strawberry.field(
        default=strawberry.UNSET, description="The windows in which it counts; null for throughout."
    )


@strawberry.input(description="Serve one session before all others now.")
class BoostTransactionInput(Change):
    transaction_id: strawberry.ID = strawberry.field(description="The session.")
    minutes: int | None = strawberry.field(
        default=strawberry.UNSET, description="For how long, 1 to 1440; until the session ends unless told."
    )


@strawberry.input(description="End a priority rule.")
class ClearPriorityInput(Change):
    priority_id: strawberry.ID = strawberry.field(description="The rule to end.")


@strawberry.federation.type(directives=[Authenticated()], description="A priority rule that was set or cleared.")
class PriorityPayload(Payload):
    priority: Priority | None = strawberry.field(description="The rule as it now is; null where the change was refused.")


@strawberry.type
class PriorityQueries:
    priority: Priority | None = by_id(domain.Priority, description="One priority rule; null when it does not exist.")
    priorities: Connection[Priority] = connection(
        PRIORITIES,
        description="All priority rules, newest first unless told.",
        filter_type=PriorityFilter,
        order_type=PriorityOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class PriorityMutations:
    set_priority: PriorityPayload = mutation(
        PriorityPayload,
        resolvers.set_priority,
        SetPriorityInput,
        Scope.PRIORITIES_WRITE,
        description="Set a priority; power is shared anew at once.",
    )
    edit_priority: PriorityPayload = mutation(
        PriorityPayload,
        resolvers.edit_priority,
        EditPriorityInput,
        Scope.PRIORITIES_WRITE,
        description="Change a priority rule; power is shared anew at once.",
    )
    boost_transaction: PriorityPayload = mutation(
        PriorityPayload,
        resolvers.boost_transaction,
        BoostTransactionInput,
        Scope.PRIORITIES_WRITE,
        description="Serve one session before all others now: a CRITICAL priority of its own.",
    )
    clear_priority: PriorityPayload = mutation(
        PriorityPayload,
        resolvers.clear_priority,
        ClearPriorityInput,
        Scope.PRIORITIES_WRITE,
        description="End a priority rule; power is shared anew at once.",
    )


@strawberry.type
class PrioritySubscriptions:
    priority_changed: AsyncIterator[Priority] = scoped_subscription(
        subscriptions.priority_changed,
        Scope.FLEET_READ,
        description="Priorities as they are set, changed and cleared; of one depot where it is named.",
    )
