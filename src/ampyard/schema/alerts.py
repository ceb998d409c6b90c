from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import alerts as domain
from ampyard.domain import charge_points, depots, transactions, vehicles
from ampyard.domain.access import Scope
from ampyard.engine import Load, computed, edge, list_size
from ampyard.repositories import alerts as repository
from ampyard.repositories.alerts import AlertChanges, AlertRules, Alerts
from ampyard.repositories.assignments import Assignments
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots, PowerNodes
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import alerts as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.context import Info
from ampyard.resolvers.edges import by_id, references_to, to_many, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import requires, scoped_subscription
from ampyard.schema.alert_rules import AlertRule
from ampyard.schema.enums import AlertChangeKind, AlertKind, AlertSeverity, AlertState
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.assignments import Assignment
    from ampyard.schema.charge_points import ChargePoint
    from ampyard.schema.depots import Depot
    from ampyard.schema.supply import PowerNode
    from ampyard.schema.transactions import Transaction
    from ampyard.schema.vehicles import Vehicle


@strawberry.enum(description="What alerts can be ordered by.")
class AlertOrderField(Enum):
    OPENED_AT = "OPENED_AT"
    SEVERITY = "SEVERITY"
    UPDATED_AT = "UPDATED_AT"


@strawberry.input(description="The order of a list of alerts.")
class AlertOrder:
    field: AlertOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which alerts to list.")
class AlertFilter:
    states: list[AlertState] | None = strawberry.field(default=None, description="Only those in one of these states.")
    kinds: list[AlertKind] | None = strawberry.field(default=None, description="Only those of one of these kinds.")
    min_severity: AlertSeverity | None = strawberry.field(default=None, description="Only those that are so serious, or more.")
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those in this depot.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this charge point.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this vehicle.")
    transaction_id: strawberry.ID | None = strawberry.field(default=None, description="Only those about this transaction.")
    alert_rule_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this rule.")
    opened_from: datetime | None = strawberry.field(default=None, description="Only those opened at this time or later.")
    opened_to: datetime | None = strawberry.field(default=None, description="Only those opened before this time.")

    def narrowing(self) -> repository.AlertFilter:
        """Return the filter as the repository takes it."""
        return repository.AlertFilter(
            states=None if self.states is None else frozenset(self.states),
            kinds=None if self.kinds is None else frozenset(self.kinds),
            min_severity=self.min_severity,
            depot_id=optional_id("filter.depotId", self.depot_id, depots.Depot),
            charge_point_id=optional_id("filter.chargePointId", self.charge_point_id, charge_points.ChargePoint),
            vehicle_id=optional_id("filter.vehicleId", self.vehicle_id, vehicles.Vehicle),
            transaction_id=optional_id("filter.transactionId", self.transaction_id, transactions.Transaction),
            rule_id=optional_id("filter.alertRuleId", self.alert_rule_id, domain.AlertRule),
            opened_from=self.opened_from,
            opened_to=self.opened_to,
        )


@strawberry.federation.type(directives=[Authenticated()], description="A figure that an alert was opened with.")
class AlertFact:
    name: str = strawberry.field(description="What it is, with its unit, such as load_kw.")
    value: str = strawberry.field(description="The figure, time or word.")


@strawberry.federation.type(directives=[Authenticated()], description="One thing that happened to an alert.")
class AlertChange:
    kind: AlertChangeKind = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When.")
    author: str | None = strawberry.field(description="Who did it; null for what happened by itself.")
    note: str | None = strawberry.field(description="What was noted with it.")


@strawberry.federation.type(
    keys=["id"],
    directives=[Authenticated()],
    description="Something a person should look at. It opens once, however often it is found, and ends when what it is about is over.",
)
class Alert(Node):
    kind: AlertKind = strawberry.field(description="What it is about.")
    severity: AlertSeverity = strawberry.field(description="How serious it is.")
    state: AlertState = strawberry.field(description="How far it has come.")
    summary: str = strawberry.field(description="What it says in one line, without the names of what it is about.")
    facts: list[AlertFact] = computed(
        resolvers.facts, reads=["facts"], description="The figures that it was opened with.", directives=[list_size(3)]
    )
    since: datetime = strawberry.field(description="From when on what it is about has been so.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    acknowledged_at: datetime | None = strawberry.field(description="When somebody first said to look after it.")
    acknowledged_by: str | None = strawberry.field(description="Who said so.")
    resolved_at: datetime | None = strawberry.field(description="When it ended.")
    resolved_by: str | None = strawberry.field(description="Who ended it; null while it has not, and where it ended by itself.")
    note: str | None = strawberry.field(description="The newest note that a person left.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    rule: AlertRule | None = to_one(
        AlertRules, "rule_id", description="The rule that opened it; null where that is gone, or is not for the caller to see."
    )
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="The depot it is in; null where the caller may not see that."
    )
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        ChargePoints, "charge_point_id", description="The charge point it is about, if it is about one that the caller may see."
    )
    power_node: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] | None = to_one(
        PowerNodes, "power_node_id", description="The power node it is about, if it is about one that the caller may see."
    )
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle it is about, if it is about one that the caller may see."
    )
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = to_one(
        Transactions, "transaction_id", description="The transaction it is about, if it is about one."
    )
    assignment: Annotated["Assignment", strawberry.lazy("ampyard.schema.assignments")] | None = to_one(
        Assignments, "assignment_id", description="The assignment it is about, if it is about one that the caller may see."
    )
    changes: list[AlertChange] = to_many(AlertChanges, "of_alerts", assumed_size=4, description="What became of it, oldest first.")
    is_type_of = staticmethod(shows(domain.Alert))
    resolve_references = staticmethod(references_to(domain.Alert))


@strawberry.federation.type(directives=[Authenticated()], description="How many alerts there are of a kind, a severity and a state.")
class AlertCount:
    kind: AlertKind = strawberry.field(description="The kind.")
    severity: AlertSeverity = strawberry.field(description="The severity.")
    state: AlertState = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many.")


def alerts_about(kind: str, column: str) -> Any:
    """Return the edge from a thing to the alerts that name it in a column."""
    listing = Listing(f"{kind}.alerts", Alerts, "OPENED_AT", default_descending=True, parent=Alerts.table.c[column])
    description = "The alerts about it, newest first unless told."
    return connection(listing, description=description, filter_type=AlertFilter, order_type=AlertOrder)


def _plan_counts(
    info: Info,
    states: Annotated[list[AlertState] | None, strawberry.argument(description="Only those in one of these states.")] = None,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
) -> Load:
    of_depot = optional_id("depotId", depot_id, depots.Depot)
    return resolvers.plan_alert_counts(
        info, repository.AlertFilter(states=None if states is None else frozenset(states), depot_id=of_depot)
    )


@strawberry.type
class AlertQueries:
    alert: Alert | None = by_id(domain.Alert, description="One alert; null when it does not exist.")
    alerts: Connection[Alert] = connection(
        Listing("alerts", Alerts, "OPENED_AT", default_descending=True),
        description="All alerts, newest first unless told.",
        filter_type=AlertFilter,
        order_type=AlertOrder,
        scope=Scope.FLEET_READ,
    )
    alert_counts: list[AlertCount] = edge(
        _plan_counts,
        description="How many alerts there are, by kind, severity and state; where there are none there is no entry.",
        directives=[*requires(Scope.FLEET_READ), list_size(20)],
    )


@strawberry.type
class AlertSubscriptions:
    alert_raised: AsyncIterator[Alert] = scoped_subscription(
        subscriptions.alert_raised, Scope.FLEET_READ, description="Alerts as they are opened."
    )
    alert_updated: AsyncIterator[Alert] = scoped_subscription(
        subscriptions.alert_updated, Scope.FLEET_READ, description="Alerts as they are acknowledged, noted or resolved."
    )
