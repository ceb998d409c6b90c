"""The grid in the public graph: what a site controller pushes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from ampyard.domain import grid_signals as domain
from ampyard.domain.access import Scope
from ampyard.engine import computed, list_size
from ampyard.resolvers import grid_links, grid_signals
from ampyard.resolvers.changes import mutation
from ampyard.schema.enums import GridSignalOrigin, GridSignalState
from ampyard.schema.node import Node, shows

if TYPE_CHECKING:
    from ampyard.schema.public import MutationError


@strawberry.type(description="A limit of a power node from outside, for a time. It ends by itself.")
class GridSignal(Node):
    origin: GridSignalOrigin = strawberry.field(description="Where it comes from.")
    external_id: str | None = strawberry.field(description="What its sender calls it.")
    state: GridSignalState = computed(
        grid_signals.resolve_state,
        reads=["begins_at", "ends_at", "counts_until", "ended_as"],
        description="Where it is in its life, now.",
    )
    begins_at: datetime = strawberry.field(description="From when on it counts.")
    ends_at: datetime = strawberry.field(description="When it ends by itself.")
    limit_kw: float | None = strawberry.field(description="In kW.")
    limit_a: float | None = strawberry.field(description="In A a phase; where both are given, the stricter counts.")
    reason: str = strawberry.field(description="Why, as it was told.")
    received_at: datetime = strawberry.field(description="When it came.")
    is_type_of = staticmethod(shows(domain.GridSignal))


@strawberry.input(description="A limit of a site controller, by its own id.")
class PushedGridLimit:
    external_id: str = strawberry.field(description="What the site controller calls it; 200 characters at most.")
    begins_at: datetime | None = strawberry.field(default=None, description="From when on it counts; now unless told.")
    ends_at: datetime = strawberry.field(description="When it ends by itself.")
    limit_kw: float | None = strawberry.field(default=None, description="In kW.")
    limit_a: float | None = strawberry.field(default=None, description="In A a phase; where both are given, the stricter counts.")
    reason: str = strawberry.field(default="", description="Why; 500 characters at most.")


@strawberry.input(description="Limits that a site controller pushes; sent again they change nothing.")
class PushGridLimitsInput:
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Chosen by the client, 200 characters at most: sent again with it within a week, a change gets the first one's answer.",
    )
    grid_link_id: strawberry.ID = strawberry.field(description="The link, of kind SITE_CONTROLLER.")
    limits: list[PushedGridLimit] = strawberry.field(description="The limits, 500 at most; none tells that the site controller is there.")
    replaces: bool = strawberry.field(default=False, description="Whether all limits of the link that are not named here are withdrawn.")


@strawberry.type(description="Limits that were pushed.")
class PushGridLimitsPayload:
    grid_signals: list[GridSignal] | None = strawberry.field(
        description="What now counts or will of the link; null where the change was refused.", directives=[list_size(10)]
    )
    errors: list[Annotated["MutationError", strawberry.lazy("ampyard.schema.public")]] = strawberry.field(
        description="Why the change was refused; empty when it was made.", directives=[list_size(1)]
    )


@strawberry.type
class GridMutations:
    push_grid_limits: PushGridLimitsPayload = mutation(
        PushGridLimitsPayload,
        grid_links.push_grid_limits,
        PushGridLimitsInput,
        Scope.TELEMETRY_WRITE,
        description="Push limits of a site controller, or tell that it is there.",
    )
