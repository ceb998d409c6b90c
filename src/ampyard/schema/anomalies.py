from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import anomalies as domain
from ampyard.domain import charge_points, depots, transactions
from ampyard.domain.access import Scope
from ampyard.engine import computed, list_size
from ampyard.repositories import anomalies as repository
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers import anomalies as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.enums import AnomalyKind, AnomalyResolution
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint
    from ampyard.schema.depots import Depot
    from ampyard.schema.transactions import Transaction

ANOMALIES = Listing("anomalies", Anomalies, "DETECTED_AT", default_descending=True)


@strawberry.enum(description="What anomalies can be ordered by.")
class AnomalyOrderField(Enum):
    DETECTED_AT = "DETECTED_AT"


@strawberry.input(description="The order of a list of anomalies.")
class AnomalyOrder:
    field: AnomalyOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which anomalies to list.")
class AnomalyFilter:
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those in this depot.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="Only those on this charge point.")
    transaction_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this transaction.")
    kind: AnomalyKind | None = strawberry.field(default=None, description="Only those of this kind.")
    resolved: bool | None = strawberry.field(default=None, description="Only those that have been decided on, or that have not.")
    resolution: AnomalyResolution | None = strawberry.field(default=None, description="Only those decided so.")
    detected_from: datetime | None = strawberry.field(default=None, description="Only those found at this time or later.")
    detected_to: datetime | None = strawberry.field(default=None, description="Only those found before this time.")

    def narrowing(self) -> repository.AnomalyFilter:
        """Return the filter as the repository takes it."""
        return repository.AnomalyFilter(
            depot_id=optional_id("filter.depotId", self.depot_id, depots.Depot),
            charge_point_id=optional_id("filter.chargePointId", self.charge_point_id, charge_points.ChargePoint),
            transaction_id=optional_id("filter.transactionId", self.transaction_id, transactions.Transaction),
            kind=self.kind,
            resolved=self.resolved,
            resolution=self.resolution,
            detected_from=self.detected_from,
            detected_to=self.detected_to,
        )


@strawberry.federation.type(directives=[Authenticated()], description="Something that was found about an anomaly.")
class AnomalyFact:
    name: str = strawberry.field(description="What it is, with its unit, such as register_wh.")
    value: str = strawberry.field(description="The figure, time or word.")


@strawberry.federation.type(
    keys=["id"],
    directives=[Authenticated()],
    description="Something odd about a transaction. Until it is resolved, its transaction is not billed.",
)
class Anomaly(Node):
    kind: AnomalyKind = strawberry.field(description="What is odd.")
    facts: list[AnomalyFact] = computed(
        resolvers.facts, reads=["detail"], description="What was found, in figures.", directives=[list_size(5)]
    )
    detected_at: datetime = strawberry.field(description="When it was found.")
    resolved_at: datetime | None = strawberry.field(description="When it was decided on.")
    resolved_by: str | None = strawberry.field(description="Who decided.")
    resolution: AnomalyResolution | None = strawberry.field(description="What was decided; null while nobody has.")
    note: str | None = strawberry.field(description="Why it was decided so.")
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = to_one(
        Depots, "depot_id", description="The depot it is in; null where the caller may not see that."
    )
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        ChargePoints, "charge_point_id", description="The charge point that told of it; null where the caller may not see that."
    )
    transaction: Annotated["Transaction", strawberry.lazy("ampyard.schema.transactions")] | None = to_one(
        Transactions, "transaction_id", description="The transaction; null for an end that belongs to none that is known."
    )
    is_type_of = staticmethod(shows(domain.Anomaly))
    resolve_references = staticmethod(references_to(domain.Anomaly))


@strawberry.input(description="Decide on an anomaly.")
class ResolveAnomalyInput(Change):
    anomaly_id: strawberry.ID = strawberry.field(description="The anomaly.")
    resolution: AnomalyResolution = strawberry.field(description="What is decided. CORRECTED needs a correction that counts.")
    note: str | None = strawberry.field(default=None, description="Why; 500 characters at most.")


@strawberry.federation.type(directives=[Authenticated()], description="An anomaly that was decided on.")
class AnomalyPayload(Payload):
    anomaly: Anomaly | None = strawberry.field(description="The anomaly as it now is; null where the change was refused.")


@strawberry.type
class AnomalyQueries:
    anomaly: Anomaly | None = by_id(domain.Anomaly, description="One anomaly; null when it does not exist.")
    anomalies: Connection[Anomaly] = connection(
        ANOMALIES,
        description="All anomalies, newest first unless told.",
        filter_type=AnomalyFilter,
        order_type=AnomalyOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class AnomalyMutations:
    resolve_anomaly: AnomalyPayload = mutation(
        AnomalyPayload,
        resolvers.resolve_anomaly,
        ResolveAnomalyInput,
        Scope.TRANSACTIONS_CORRECT,
        description="Decide on an anomaly: the measured values stand, a correction replaces them, or the transaction is not billed.",
    )


@strawberry.type
class AnomalySubscriptions:
    anomaly_changed: AsyncIterator[Anomaly] = scoped_subscription(
        subscriptions.anomaly_changed,
        Scope.FLEET_READ,
        description="Anomalies as they are found and resolved; of one depot, or one alone, where named.",
    )
