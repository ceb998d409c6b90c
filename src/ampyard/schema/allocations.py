from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import allocation as domain
from ampyard.domain.access import Scope
from ampyard.engine import cost, edge, list_size
from ampyard.repositories import allocations as repository
from ampyard.repositories.allocations import Allocations
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers import subscriptions
from ampyard.resolvers.allocations import WHOLE, plan_newest_allocation, plan_replay, plan_yielded_to
from ampyard.resolvers.edges import references_to, to_one
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.enums import BoundBy, Line, PriorityLevel
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.charge_points import Evse
    from ampyard.schema.supply import PowerNode
    from ampyard.schema.transactions import Transaction

# A step is unpacked and computed as a whole.
_REPLAY_WEIGHT = 10
_NAMED = 5


@strawberry.enum(description="What allocations can be ordered by.")
class AllocationOrderField(Enum):
    DECIDED_AT = "DECIDED_AT"


@strawberry.input(description="The order of a list of allocations.")
class AllocationOrder:
    field: AllocationOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which allocations to list.")
class AllocationFilter:
    bound_by: list[BoundBy] | None = strawberry.field(default=None, description="Only those that one of these kept from more.")
    since: datetime | None = strawberry.field(default=None, description="Only those decided at this time or later.")
    until: datetime | None = strawberry.field(default=None, description="Only those decided before this time.")

    def narrowing(self) -> repository.AllocationFilter:
        """Return the filter as the repository takes it."""
        bound_by = None if self.bound_by is None else tuple(self.bound_by)
        return repository.AllocationFilter(bound_by, self.since, self.until)


@strawberry.federation.type(
    directives=[Authenticated(), cost(_REPLAY_WEIGHT)],
    description="A decision computed again, from the facts that it was computed from at its time.",
)
class AllocationReplay:
    same: bool = strawberry.field(description="Whether it comes out as it was kept; a later release may decide otherwise.")
    power_kw: float | None = strawberry.field(description="The power that comes out, in kW; null where the EVSE gets no decision any more.")
    bound_by: BoundBy | None = strawberry.field(description="What keeps the EVSE from more.")
    explanation: str | None = strawberry.field(description="Why, in a sentence.")


@strawberry.federation.type(
    keys=["id"],
    directives=[Authenticated()],
    description="What an EVSE got from a moment on, and why, until its next allocation. Kept for 90 days, where something was different.",
)
class Allocation(Node):
    decided_at: datetime = strawberry.field(description="When it was decided.")
    power_kw: float = strawberry.field(description="What it was to have, in kW; where it could not be steered, what was reserved for it.")
    bound_by: BoundBy = strawberry.field(description="What kept it from more.")
    power_node: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] | None = to_one(
        PowerNodes, "power_node_id", description="The power node that did, where one did and the caller's grants reach it."
    )
    line: Line | None = strawberry.field(description="The line of it that did, where it was not the node's power.")
    priority: PriorityLevel = strawberry.field(description="Its class; a higher one is served entirely before it.")
    rank: int = strawberry.field(description="Its place in its class, from 1.")
    urgency: float = strawberry.field(
        description="What it needed for its minimum target as a part of what it could take until departure; from 1 on no time is left."
    )
    planned_kw: float | None = strawberry.field(description="What the plan said for then, in kW; null where there was none.")
    waiting_since: datetime | None = strawberry.field(description="Since when it had no power though it wanted some; null where it had.")
    yielded_to: list[Annotated["Evse", strawberry.lazy("ampyard.schema.charge_points")]] = edge(
        plan_yielded_to,
        key="yielded_to",
        description="The EVSEs below that node that got what it might have had; a few at most, within the caller's reach.",
        directives=[list_size(_NAMED)],
    )
    explanation: str = strawberry.field(description="All that in a sentence for people.")
    evse: Annotated["Evse", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        Evses, "evse_id", description="The EVSE; null where the caller's grants do not reach it."
    )
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = to_one(
        Transactions, "transaction_id", description="The transaction; null where the caller's grants do not reach it."
    )
    replay: AllocationReplay | None = edge(
        plan_replay,
        key=lambda root: root,
        reads=WHOLE,
        description=(
            "The decision computed again from what was known then; null once that is not kept any more, after 30 days, "
            "or where the caller's grants do not reach the depot."
        ),
    )
    is_type_of = staticmethod(shows(domain.Allocation))
    resolve_references = staticmethod(references_to(domain.Allocation))


def newest_allocation(*, description: str) -> Any:
    """Return an edge to an EVSE's newest allocation."""
    return edge(plan_newest_allocation, key="id", description=description)


def allocations_of(parent: str, column: str, *, description: str) -> Any:
    """Return a list of the allocations below a parent, through the column that names it; newest first unless told."""
    return connection(
        Listing(f"{parent}.allocations", Allocations, "DECIDED_AT", default_descending=True, parent=Allocations.table.c[column]),
        description=description,
        filter_type=AllocationFilter,
        order_type=AllocationOrder,
    )


@strawberry.type
class AllocationSubscriptions:
    allocation_changed: AsyncIterator[Allocation] = scoped_subscription(
        subscriptions.allocation_changed,
        Scope.FLEET_READ,
        description="Allocations as they are decided; of one depot, EVSE or transaction where named.",
    )
