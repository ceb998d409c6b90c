"""The supply of a depot: power nodes, their limits over time, what flows through them now and did before."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import supply as domain
from ampyard.domain.charts import ChartBucket
from ampyard.domain.local_time import time_of_day
from ampyard.engine import computed, edge, list_size
from ampyard.repositories import charts
from ampyard.repositories import supply as repository
from ampyard.repositories.charge_points import NOT_RETIRED, ChargePoints
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.grid_links import GridLinks
from ampyard.repositories.grid_signals import GridSignals
from ampyard.repositories.supply import LimitExceptions
from ampyard.resolvers import supply as resolvers
from ampyard.resolvers.charts import chart
from ampyard.resolvers.edges import by_id, references_to, to_many, to_one
from ampyard.resolvers.lists import Listing
from ampyard.schema.charge_points import ChargePoint, ChargePointFilter, ChargePointOrder
from ampyard.schema.charts import NodePowerChart
from ampyard.schema.enums import LimitSource, PowerNodeKind, UnmanagedSource, Weekday
from ampyard.schema.grid_links import LINKS_OF_NODE, GridLink, GridLinkOrder
from ampyard.schema.grid_signals import SIGNALS_OF_NODE, GridSignal, GridSignalFilter, GridSignalOrder
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot


@strawberry.federation.type(directives=[Authenticated()], description="What flows through a power node now, and what may.")
class NodePower:
    measured_kw: float = strawberry.field(
        description="The sum of the latest power measured by the open transactions below the node, in kW."
    )
    allocated_kw: float = strawberry.field(description="The sum of the limits their charge points have confirmed, in kW.")
    measured_at: datetime | None = strawberry.field(description="When the newest of these measurements was taken.")
    unmanaged_kw: float = strawberry.field(
        description="The load of the node and of all below it that no charge point takes, as it counts now, in kW."
    )
    limit_kw: float = strawberry.field(description="The limit of the node that counts now, in kW.")
    utilisation: float | None = strawberry.field(
        description="The part of the limit that flows, measured and unmanaged: 1 for all of it; null where the limit is 0."
    )


@strawberry.federation.type(directives=[Authenticated()], description="The load of a power node over five minutes.")
class NodeLoad:
    bucket_at: datetime = strawberry.field(description="When the five minutes began.")
    samples: int = strawberry.field(description="How many times the load was looked at meanwhile.")
    measured_avg_kw: float = strawberry.field(description="The power of the charge points below it, on average, in kW.")
    measured_max_kw: float = strawberry.field(description="The highest power of the charge points below it, in kW.")
    unmanaged_avg_kw: float = strawberry.field(description="The load that no charge point took, on average, in kW.")
    allocated_avg_kw: float = strawberry.field(description="The sum of the limits of the charge points below it, on average, in kW.")
    limit_kw: float = strawberry.field(description="The strictest limit that counted meanwhile, in kW.")
    is_type_of = staticmethod(shows(domain.NodeLoad))


@strawberry.federation.type(
    directives=[Authenticated()], description="The load of a power node that no charge point takes, as it counts now."
)
class UnmanagedLoad:
    kw: float = strawberry.field(description="In kW; never below 0, whatever flows back.")
    source: UnmanagedSource = strawberry.field(description="Where it comes from.")
    explanation: str = strawberry.field(description="Why it is this, for people.")
    measured_at: datetime | None = strawberry.field(description="When the site meter told it; null where none did.")
    is_type_of = staticmethod(shows(domain.UnmanagedLoad))


@strawberry.federation.type(directives=[Authenticated()], description="The newest reading of a power node's site meter.")
class SiteMeter:
    measured_at: datetime = strawberry.field(description="When it was taken.")
    kw: float = strawberry.field(description="The load of the node that no charge point takes, in kW; negative where power flows back.")
    l1_a: float | None = strawberry.field(name="l1A", description="The current of phase 1, in A.")
    l2_a: float | None = strawberry.field(name="l2A", description="The current of phase 2, in A.")
    l3_a: float | None = strawberry.field(name="l3A", description="The current of phase 3, in A.")
    highest_kw: float = strawberry.field(description="The highest load it ever told, in kW.")
    is_type_of = staticmethod(shows(domain.SiteMeter))


def _begin(root: domain.WeeklyLimit) -> str:
    return time_of_day(root.begin_minute)


def _end(root: domain.WeeklyLimit) -> str:
    return time_of_day(root.end_minute)


@strawberry.federation.type(directives=[Authenticated()], description="A limit of a power node at times of a weekday.")
class WeeklyLimit:
    weekday: Weekday = strawberry.field(description="The day of the week.")
    begin: str = computed(_begin, reads=["begin_minute"], description="From when on it counts, by the clock of the depot, such as 06:30.")
    end: str = computed(
        _end, reads=["end_minute"], description="Until when it counts, by the clock of the depot; 24:00 is the end of the day."
    )
    limit_kw: float | None = strawberry.field(description="In kW.")
    limit_a: float | None = strawberry.field(description="In A a phase; where both are given, the stricter counts.")
    is_type_of = staticmethod(shows(domain.WeeklyLimit))


@strawberry.enum(description="What exceptions of limits can be ordered by.")
class LimitExceptionOrderField(Enum):
    VALID_FROM = "VALID_FROM"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of exceptions of limits.")
class LimitExceptionOrder:
    field: LimitExceptionOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which exceptions of limits to list.")
class LimitExceptionFilter:
    in_force_at: datetime | None = strawberry.field(default=None, description="Only those that count at this moment.")
    ends_after: datetime | None = strawberry.field(default=None, description="Only those that count, or will, after this moment.")

    def narrowing(self) -> repository.LimitExceptionFilter:
        """Return the filter as the repository takes it."""
        return repository.LimitExceptionFilter(self.in_force_at, self.ends_after)


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A limit of a power node for a time.")
class LimitException(Node):
    valid_from: datetime = strawberry.field(description="From when on it counts.")
    valid_until: datetime = strawberry.field(description="Until when it counts.")
    limit_kw: float | None = strawberry.field(description="In kW.")
    limit_a: float | None = strawberry.field(description="In A a phase; where both are given, the stricter counts.")
    reason: str = strawberry.field(description="Why.")
    author: str = strawberry.field(description="Who set it.")
    created_at: datetime = strawberry.field(description="When it was set.")
    power_node: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] = to_one(
        PowerNodes, "power_node_id", description="The power node it is about."
    )
    is_type_of = staticmethod(shows(domain.LimitException))
    resolve_references = staticmethod(references_to(domain.LimitException))


@strawberry.federation.type(directives=[Authenticated()], description="The limit of a power node that counts at a moment, and why.")
class EffectiveLimit:
    limit_kw: float = strawberry.field(description="Of the whole node, in kW.")
    limit_a: float | None = strawberry.field(
        description="What counts of each phase, in A, where anything limits that; it need not come from the same."
    )
    source: LimitSource = strawberry.field(
        description="Where it comes from: an exception goes before the weekly limits, these before the constant one, which nothing lifts. "
        "What comes from outside counts where it is stricter."
    )
    explanation: str = strawberry.field(description="Why it is this, for people.")
    exception: LimitException | None = to_one(LimitExceptions, "exception_id", description="The exception that counts, if one does.")
    signal: GridSignal | None = to_one(GridSignals, "signal_id", description="The signal from outside that counts, if one does.")
    link: GridLink | None = to_one(
        GridLinks, "link_id", description="The grid link that the signal came by, or whose fall-back counts; null where none does."
    )
    is_type_of = staticmethod(shows(domain.EffectiveLimit))


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="A node of a depot's supply tree: grid connection, feeder or panel."
)
class PowerNode(Node):
    kind: PowerNodeKind = strawberry.field(description="What the node stands for.")
    name: str = strawberry.field(description="Its name.")
    limit_kw: float = strawberry.field(description="What it can bear at most, in kW: no rule lifts it above that.")
    limit_a: float | None = strawberry.field(
        description="What each of its phases can bear at most, in A; as power it is A x V x phases / 1000 kW, and the stricter counts."
    )
    phases: int = strawberry.field(description="How many phases it has.")
    voltage_v: float = strawberry.field(description="Its voltage between phase and neutral, in V.")
    weekly_limits: list[WeeklyLimit] = strawberry.field(
        description="What it may supply at times of the week, by the depot's clock; the strictest that covers a moment counts.",
        directives=[list_size(14)],
    )
    limit_exceptions: Connection[LimitException] = connection(
        Listing(
            "powerNode.limitExceptions",
            LimitExceptions,
            "VALID_FROM",
            default_descending=True,
            parent=LimitExceptions.table.c.power_node_id,
        ),
        description="What it may supply for a time, the latest first unless told.",
        filter_type=LimitExceptionFilter,
        order_type=LimitExceptionOrder,
    )
    grid_signals: Connection[GridSignal] = connection(
        SIGNALS_OF_NODE,
        description="What the outside says of it, the latest first unless told.",
        filter_type=GridSignalFilter,
        order_type=GridSignalOrder,
    )
    grid_links: Connection[GridLink] = connection(
        LINKS_OF_NODE,
        description="How it is connected with whoever may limit it from outside, the oldest first unless told.",
        filter_type=None,
        order_type=GridLinkOrder,
    )
    limit_now: EffectiveLimit = edge(resolvers.plan_limit_now, key="id", description="The limit that counts now, and why.")
    limit_at: EffectiveLimit = edge(resolvers.plan_limit_at, key="id", description="The limit that counts at a moment, and why.")
    effective_limit_kw: float = edge(resolvers.plan_limit_kw, key="id", description="The limit that counts now, in kW.")
    effective_limit_reason: str = edge(resolvers.plan_limit_reason, key="id", description="Why that limit counts now, for people.")
    unmanaged_fallback_kw: float | None = strawberry.field(
        description="What counts for the load that no charge point takes while no site meter tells it, in kW."
    )
    site_meter_max_age_s: int = strawberry.field(description="How old the newest reading of the site meter may be to count, in s.")
    site_meter: SiteMeter | None = edge(
        resolvers.plan_site_meter, key="id", description="The newest reading of its site meter; null where it has told nothing."
    )
    unmanaged: UnmanagedLoad = edge(
        resolvers.plan_unmanaged, key="id", description="The load of the node itself that no charge point takes, as it counts now, and why."
    )
    power: NodePower = edge(resolvers.plan_node_power, key="id", description="What flows through it now, and what may.")
    load_history: list[NodeLoad] = edge(
        resolvers.plan_load_history,
        key="id",
        description="Its load in buckets of five minutes, oldest first; of seven days at most.",
        directives=[list_size(288)],
    )
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] = to_one(Depots, "depot_id", description="Its depot.")
    parent: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] | None = to_one(
        PowerNodes, "parent_id", description="The node that supplies it; none at the root."
    )
    children: list[Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")]] = to_many(
        PowerNodes, "children_of", description="The nodes it supplies."
    )
    charge_points: Connection[ChargePoint] = connection(
        Listing(
            "powerNode.chargePoints",
            ChargePoints,
            "IDENTITY",
            parent=ChargePoints.table.c.power_node_id,
            unless_told=NOT_RETIRED,
        ),
        description="The charge points that hang on it directly.",
        filter_type=ChargePointFilter,
        order_type=ChargePointOrder,
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    power_chart: NodePowerChart = chart(charts.power_of_nodes, finest=ChartBucket.FIVE_MINUTES, description="Its load over time.")
    is_type_of = staticmethod(shows(domain.PowerNode))
    resolve_references = staticmethod(references_to(domain.PowerNode))


@strawberry.type
class SupplyQueries:
    power_node: PowerNode | None = by_id(domain.PowerNode, description="One power node; null when it does not exist.")
