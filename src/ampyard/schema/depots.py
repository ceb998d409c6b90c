from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import depots as domain
from ampyard.domain.access import Scope
from ampyard.domain.charts import ChartBucket
from ampyard.engine import Delivery, computed, edge
from ampyard.repositories import charts
from ampyard.repositories import depots as repository
from ampyard.repositories.charge_points import NOT_RETIRED, ChargePoints
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.energy_prices import EnergyPrices
from ampyard.repositories.reports import Reports
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import depots as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.charts import chart
from ampyard.resolvers.dispatch import plan_board
from ampyard.resolvers.edges import by_id, references_to, to_many, to_one
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.plans import plan_depot_plan
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.resolvers.uptime import OF_DEPOT, uptime_of
from ampyard.schema.alerts import Alert, alerts_about
from ampyard.schema.allocations import Allocation, allocations_of
from ampyard.schema.availability import Uptime
from ampyard.schema.charge_points import ChargePoint, ChargePointFilter, ChargePointOrder
from ampyard.schema.charging_requests import REQUESTS_OF_DEPOT, ChargingRequest, ChargingRequestFilter, ChargingRequestOrder
from ampyard.schema.charts import EnergyChart, NodePowerChart, ReadinessChart, UtilisationChart
from ampyard.schema.depot_links import LINKS_OF_DEPOT, DepotLink, DepotLinkFilter, DepotLinkOrder
from ampyard.schema.energy_prices import EnergyPrice, EnergyPriceOrder
from ampyard.schema.enums import Archived
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.opening_times import OpeningTimes, OpeningTimesInput
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.plans import Plan
from ampyard.schema.reports import Report, ReportOrder
from ampyard.schema.supply import PowerNode
from ampyard.schema.transactions import Transaction, TransactionFilter, TransactionOrder
from ampyard.schema.vehicles import Vehicle, VehicleFilter, VehicleOrder

if TYPE_CHECKING:
    from ampyard.schema.dispatch import DispatchBoard

DEPOTS = Listing("depots", Depots, "NAME", unless_told=repository.DepotFilter())


@strawberry.enum(description="What depots can be ordered by.")
class DepotOrderField(Enum):
    NAME = "NAME"
    CITY = "CITY"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"


@strawberry.input(description="The order of a list of depots.")
class DepotOrder:
    field: DepotOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which depots to list; archived ones are left out unless told.")
class DepotFilter:
    name_contains: str | None = strawberry.field(default=None, description="Only those whose name has this in it, in any case.")
    city: str | None = strawberry.field(default=None, description="Only those in this city, in any case.")
    time_zone: str | None = strawberry.field(default=None, description="Only those in this time zone (IANA name).")
    archived: Archived = strawberry.field(default=Archived.EXCLUDED, description="Whether archived ones are listed.")

    def narrowing(self) -> repository.DepotFilter:
        """Return the filter as the repository takes it."""
        return repository.DepotFilter(self.name_contains, self.city, self.time_zone, self.archived)


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A site where vehicles are charged.")
class Depot(Node):
    name: str = strawberry.field(description="Its name, unique in the tenant.")
    time_zone: str = strawberry.field(description="Its time zone (IANA name).")
    address: str = strawberry.field(description="Street and number.")
    postal_code: str = strawberry.field(description="Postal code.")
    city: str = strawberry.field(description="City.")
    country_code: str = strawberry.field(description="Country, ISO 3166-1 alpha-3.")
    latitude: float = strawberry.field(description="Latitude in degrees (WGS 84).")
    longitude: float = strawberry.field(description="Longitude in degrees (WGS 84).")
    opening_times: OpeningTimes | None = strawberry.field(description="When it is open; null where nobody has said.")
    is_open: bool | None = computed(
        resolvers.is_open,
        reads=["opening_times", "time_zone"],
        description="Whether it is open now; null where nobody has said.",
    )
    archived_at: datetime | None = strawberry.field(
        description="When it was archived: since then it has been kept, but not planned, and has taken in nothing new."
    )
    demand_charge_per_kw: Decimal | None = strawberry.field(
        description="What each kW costs of the highest mean quarter-hour of a billing month, in the currency of its energy prices."
    )
    billing_day: int = strawberry.field(description="The day of the month on which billing months begin, by its calendar.")
    power_nodes: list[PowerNode] = to_many(PowerNodes, "of_depots", assumed_size=30, description="All nodes of its supply tree, by name.")
    charge_points: Connection[ChargePoint] = connection(
        Listing("depot.chargePoints", ChargePoints, "IDENTITY", parent=ChargePoints.table.c.depot_id, unless_told=NOT_RETIRED),
        description="Its charge points.",
        filter_type=ChargePointFilter,
        order_type=ChargePointOrder,
    )
    uptime: Uptime = uptime_of(OF_DEPOT, description="How long the EVSEs of its charge points were up in a period.")
    vehicles: Connection[Vehicle] = connection(
        Listing("depot.vehicles", Vehicles, "NAME", parent=Vehicles.table.c.depot_id),
        description="The vehicles at home here.",
        filter_type=VehicleFilter,
        order_type=VehicleOrder,
    )
    alerts: Connection[Alert] = alerts_about("depot", "depot_id")
    allocations: Connection[Allocation] = allocations_of(
        "depot", "depot_id", description="Who got how much at its charge points and why, newest first unless told."
    )
    transactions: Connection[Transaction] = connection(
        Listing("depot.transactions", Transactions, "STARTED_AT", default_descending=True, parent=Transactions.table.c.depot_id),
        description="The transactions at its charge points, newest first unless told.",
        filter_type=TransactionFilter,
        order_type=TransactionOrder,
    )
    energy_prices: Connection[EnergyPrice] = connection(
        Listing("depot.energyPrices", EnergyPrices, "VALID_FROM", default_descending=True, parent=EnergyPrices.table.c.depot_id),
        description="What energy costs in it, and has cost; those that begin last first unless told.",
        filter_type=None,
        order_type=EnergyPriceOrder,
    )
    charging_requests: Connection[ChargingRequest] = connection(
        REQUESTS_OF_DEPOT,
        description="What is asked for here, newest first unless told, withdrawn requests too.",
        filter_type=ChargingRequestFilter,
        order_type=ChargingRequestOrder,
    )
    depot_links: Connection[DepotLink] = connection(
        LINKS_OF_DEPOT,
        description="The links of depot management systems that speak for it, newest first unless told.",
        filter_type=DepotLinkFilter,
        order_type=DepotLinkOrder,
    )
    reports: Connection[Report] = connection(
        Listing("depot.reports", Reports, "DAY", default_descending=True, parent=Reports.table.c.depot_id),
        description="The reports about it, newest first unless told.",
        filter_type=None,
        order_type=ReportOrder,
        scope=Scope.REPORTS_READ,
    )
    dispatch_board: Annotated["DispatchBoard", strawberry.lazy("ampyard.schema.dispatch")] = edge(
        plan_board, key="id", description="What leaves here on a day, who is on it, and who is free."
    )
    plan: Plan | None = edge(plan_depot_plan, key="id", description="Its newest plan; null where none is kept.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    power_chart: NodePowerChart = chart(
        charts.power_of_depots,
        finest=ChartBucket.FIVE_MINUTES,
        description="The load of the node that supplies all of it, over time.",
    )
    energy_chart: EnergyChart = chart(charts.energy_of_depots, description="The energy charged here, over time.")
    utilisation_chart: UtilisationChart = chart(charts.utilisation_of_depots, description="How much its EVSEs were used, over time.")
    readiness_chart: ReadinessChart = chart(
        charts.readiness_of_depots, description="For how many of its departures the vehicle was ready, over time."
    )
    is_type_of = staticmethod(shows(domain.Depot))
    resolve_references = staticmethod(references_to(domain.Depot))


@strawberry.federation.type(directives=[Authenticated()], description="A depot's power at a moment.")
class DepotPower:
    at: datetime = strawberry.field(description="When it was so.")
    depot: Depot = to_one(Depots, "depot_id", description="The depot.")
    nodes: list[PowerNode] = to_many(
        PowerNodes, "of_depots", key="depot_id", assumed_size=30, description="Its power nodes, with limit and measured power."
    )


@strawberry.type
class DepotQueries:
    depot: Depot | None = by_id(domain.Depot, description="One depot; null when it does not exist.")
    depots: Connection[Depot] = connection(
        DEPOTS,
        description="All depots but archived ones, unless told.",
        filter_type=DepotFilter,
        order_type=DepotOrder,
        scope=Scope.FLEET_READ,
    )


_NAME = "Its name, unique in the tenant; 200 characters at most."
_TIME_ZONE = "Its time zone (IANA name), such as Europe/Berlin."
_COUNTRY = "Country, ISO 3166-1 alpha-3, such as DEU."

_DEMAND_CHARGE = "What each kW costs of the highest mean quarter-hour of a billing month, in the currency of its energy prices."
_BILLING_DAY = "The day of the month on which billing months begin, 1 to 28, by its calendar."


@strawberry.input(description="A new depot.")
class CreateDepotInput(Change):
    name: str = strawberry.field(description=_NAME)
    time_zone: str = strawberry.field(description=_TIME_ZONE)
    address: str = strawberry.field(description="Street and number.")
    postal_code: str = strawberry.field(description="Postal code.")
    city: str = strawberry.field(description="City.")
    country_code: str = strawberry.field(description=_COUNTRY)
    latitude: float = strawberry.field(description="Latitude in degrees (WGS 84).")
    longitude: float = strawberry.field(description="Longitude in degrees (WGS 84).")
    opening_times: OpeningTimesInput | None = strawberry.field(default=strawberry.UNSET, description="When it is open.")
    demand_charge_per_kw: Decimal | None = strawberry.field(default=strawberry.UNSET, description=_DEMAND_CHARGE)
    billing_day: int = strawberry.field(default=1, description=_BILLING_DAY)


@strawberry.input(description="Changes of a depot; what is left out stays.")
class EditDepotInput(Change):
    depot_id: strawberry.ID = strawberry.field(description="The depot.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=_NAME)
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_TIME_ZONE} Weekly hours and limits are on the clock of it."
    )
    address: str | None = strawberry.field(default=strawberry.UNSET, description="Street and number.")
    postal_code: str | None = strawberry.field(default=strawberry.UNSET, description="Postal code.")
    city: str | None = strawberry.field(default=strawberry.UNSET, description="City.")
    country_code: str | None = strawberry.field(default=strawberry.UNSET, description=_COUNTRY)
    latitude: float | None = strawberry.field(default=strawberry.UNSET, description="Latitude in degrees (WGS 84).")
    longitude: float | None = strawberry.field(default=strawberry.UNSET, description="Longitude in degrees (WGS 84).")
    opening_times: OpeningTimesInput | None = strawberry.field(
        default=strawberry.UNSET, description="When it is open, in place of what was set; null: not said."
    )
    demand_charge_per_kw: Decimal | None = strawberry.field(default=strawberry.UNSET, description=f"{_DEMAND_CHARGE} Null: nothing.")
    billing_day: int | None = strawberry.field(default=strawberry.UNSET, description=_BILLING_DAY)


@strawberry.input(description="Archive a depot.")
class ArchiveDepotInput(Change):
    depot_id: strawberry.ID = strawberry.field(description="The depot.")


@strawberry.input(description="Take an archived depot back into service.")
class RestoreDepotInput(Change):
    depot_id: strawberry.ID = strawberry.field(description="The depot.")


@strawberry.federation.type(directives=[Authenticated()], description="A depot that was made or changed.")
class DepotPayload(Payload):
    depot: Depot | None = strawberry.field(description="The depot as it now is; null where the change was refused.")


@strawberry.type
class DepotMutations:
    create_depot: DepotPayload = mutation(
        DepotPayload, resolvers.create_depot, CreateDepotInput, Scope.DEPOTS_WRITE, description="Make a depot, without any supply yet."
    )
    edit_depot: DepotPayload = mutation(
        DepotPayload, resolvers.edit_depot, EditDepotInput, Scope.DEPOTS_WRITE, description="Change a depot."
    )
    archive_depot: DepotPayload = mutation(
        DepotPayload,
        resolvers.archive_depot,
        ArchiveDepotInput,
        Scope.DEPOTS_WRITE,
        description="Archive a depot at which no transaction runs: it keeps its history, is not planned any more and takes in nothing new.",
    )
    restore_depot: DepotPayload = mutation(
        DepotPayload,
        resolvers.restore_depot,
        RestoreDepotInput,
        Scope.DEPOTS_WRITE,
        description="Take an archived depot back into service.",
    )


@strawberry.type
class DepotSubscriptions:
    depot_updated: AsyncIterator[Depot] = scoped_subscription(
        subscriptions.depot_updated,
        Scope.FLEET_READ,
        description="Depots as they, or the nodes of their supply, are changed; one depot where named.",
    )
    depot_power: AsyncIterator[DepotPower] = scoped_subscription(
        subscriptions.depot_power,
        Scope.FLEET_READ,
        delivery=Delivery.GAUGE,
        description="A depot's power: at once, and then after each step of power sharing.",
    )
