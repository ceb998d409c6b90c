"""A depot's dispatch board, and how it is watched."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.engine import Delivery, list_size
from ampyard.repositories.depots import Depots
from ampyard.resolvers import subscriptions
from ampyard.resolvers.edges import to_one
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.assignments import Assignment
from ampyard.schema.blocks import Block
from ampyard.schema.vehicles import Vehicle

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot


@strawberry.federation.type(directives=[Authenticated()], description="A block on the board's day.")
class BoardRun:
    departs_at: datetime = strawberry.field(description="When it leaves.")
    returns_at: datetime = strawberry.field(description="When it returns.")
    block: Block = strawberry.field(description="The block.")
    assignment: Assignment | None = strawberry.field(description="Who is on it; null for nobody.")


@strawberry.federation.type(directives=[Authenticated()], description="What leaves a depot on a day, who is on it, and who is free.")
class DispatchBoard:
    day: date = strawberry.field(description="The day, by the depot's calendar.")
    runs: list[BoardRun] = strawberry.field(description="What leaves that day, by departure.", directives=[list_size(100)])
    unassigned: list[BoardRun] = strawberry.field(description="What nobody is on of it.", directives=[list_size(20)])
    free_vehicles: list[Vehicle] = strawberry.field(
        description="The vehicles at home here that nothing takes away that day, by name.", directives=[list_size(50)]
    )


@strawberry.federation.type(directives=[Authenticated()], description="That dispatch of a depot has changed.")
class DispatchChange:
    at: datetime = strawberry.field(description="When it did.")
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] = to_one(
        Depots, "depot_id", description="The depot, with its board as it then is."
    )


@strawberry.type
class DispatchSubscriptions:
    dispatch_changed: AsyncIterator[DispatchChange] = scoped_subscription(
        subscriptions.dispatch_changed,
        Scope.FLEET_READ,
        delivery=Delivery.GAUGE,
        description="Dispatch of a depot: at once, and then with each block or assignment that changes.",
    )
