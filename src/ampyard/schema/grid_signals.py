"""Signals from outside that limit a power node: what they say, and those entered by hand."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import grid_signals as domain
from ampyard.domain.access import Scope
from ampyard.engine import computed
from ampyard.repositories import grid_signals as repository
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.grid_links import GridLinks
from ampyard.repositories.grid_signals import GridSignals
from ampyard.resolvers import grid_signals as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import GridSignalKind, GridSignalOrigin, GridSignalState
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import OrderDirection

if TYPE_CHECKING:
    from ampyard.schema.grid_links import GridLink
    from ampyard.schema.supply import PowerNode

SIGNALS_OF_NODE = Listing(
    "powerNode.gridSignals", GridSignals, "BEGINS_AT", default_descending=True, parent=GridSignals.table.c.power_node_id
)


@strawberry.enum(description="What signals from outside can be ordered by.")
class GridSignalOrderField(Enum):
    BEGINS_AT = "BEGINS_AT"
    RECEIVED_AT = "RECEIVED_AT"


@strawberry.input(description="The order of a list of signals from outside.")
class GridSignalOrder:
    field: GridSignalOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which signals from outside to list.")
class GridSignalFilter:
    in_force_at: datetime | None = strawberry.field(default=None, description="Only those in force at this moment.")
    ends_after: datetime | None = strawberry.field(default=None, description="Only those in force after this moment, or later.")
    origin: GridSignalOrigin | None = strawberry.field(default=None, description="Only those from there.")
    kind: GridSignalKind | None = strawberry.field(default=None, description="Only those that say this.")

    def narrowing(self) -> repository.GridSignalFilter:
        """Return the filter as the repository takes it."""
        return repository.GridSignalFilter(self.in_force_at, self.ends_after, self.origin, self.kind)


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A limit of a power node from outside, for a time. It ends by itself."
)
class GridSignal(Node):
    origin: GridSignalOrigin = strawberry.field(description="Where it comes from.")
    kind: GridSignalKind = strawberry.field(
        description="What it says: CONSUMPTION limits the node, FALLBACK_CONSUMPTION does while its link is lost; the others limit nothing."
    )
    external_id: str | None = strawberry.field(description="What its sender calls it.")
    state: GridSignalState = computed(
        resolvers.resolve_state,
        reads=["begins_at", "ends_at", "counts_until", "ended_as"],
        description="Where it is in its life, now.",
    )
    begins_at: datetime = strawberry.field(description="From when on it counts.")
    ends_at: datetime = strawberry.field(description="When it ends by itself.")
    counts_until: datetime = strawberry.field(description="Until when it counts: until it ends, or was superseded or withdrawn.")
    limit_kw: float | None = strawberry.field(description="In kW.")
    limit_a: float | None = strawberry.field(description="In A a phase; where both are given, the stricter counts.")
    reason: str = strawberry.field(description="Why, as it was told.")
    author: str = strawberry.field(description="Who set it or sent it.")
    received_at: datetime = strawberry.field(description="When it came.")
    excess_kw: float | None = strawberry.field(
        description="By how much the fall-backs below the node exceeded it when it came, in kW; null where they fit."
    )
    told_at: datetime | None = strawberry.field(
        description="When its sender was told that they exceed it, or was sent it, where it is a request of ours."
    )
    power_node: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] = to_one(
        PowerNodes, "power_node_id", description="The power node it is about."
    )
    link: Annotated["GridLink", strawberry.lazy("ampyard.schema.grid_links")] | None = to_one(
        GridLinks, "link_id", description="The grid link that it came by; null where it was entered by hand."
    )
    is_type_of = staticmethod(shows(domain.GridSignal))
    resolve_references = staticmethod(references_to(domain.GridSignal))


@strawberry.input(description="A limit of a power node that was told from outside, entered by hand.")
class SetGridSignalInput(Change):
    power_node_id: strawberry.ID = strawberry.field(description="The node.")
    begins_at: datetime | None = strawberry.field(default=strawberry.UNSET, description="From when on it counts; now unless told.")
    ends_at: datetime = strawberry.field(description="When it ends by itself.")
    limit_kw: float | None = strawberry.field(default=strawberry.UNSET, description="In kW.")
    limit_a: float | None = strawberry.field(
        default=strawberry.UNSET, description="In A a phase; where both are given, the stricter counts."
    )
    reason: str = strawberry.field(description="Who told it, and why; 500 characters at most.")


@strawberry.input(description="Take back a limit from outside that was entered by hand.")
class WithdrawGridSignalInput(Change):
    grid_signal_id: strawberry.ID = strawberry.field(description="The signal.")


@strawberry.federation.type(directives=[Authenticated()], description="A signal from outside that was set or withdrawn.")
class GridSignalPayload(Payload):
    grid_signal: GridSignal | None = strawberry.field(description="The signal as it now is; null where the change was refused.")


@strawberry.type
class GridSignalQueries:
    grid_signal: GridSignal | None = by_id(domain.GridSignal, description="One signal from outside; null when it does not exist.")


@strawberry.type
class GridSignalMutations:
    set_grid_signal: GridSignalPayload = mutation(
        GridSignalPayload,
        resolvers.set_grid_signal,
        SetGridSignalInput,
        Scope.DEPOTS_WRITE,
        description="Enter a limit from outside by hand, such as on the grid operator's word. Of several the strictest counts.",
    )
    withdraw_grid_signal: GridSignalPayload = mutation(
        GridSignalPayload,
        resolvers.withdraw_grid_signal,
        WithdrawGridSignalInput,
        Scope.DEPOTS_WRITE,
        description="Take back a limit from outside that was entered by hand.",
    )
