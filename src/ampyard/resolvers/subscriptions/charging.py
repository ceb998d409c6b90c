"""Live updates of what charges, by what right, and with how much."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from ampyard.domain.allocation import Allocation
from ampyard.domain.anomalies import Anomaly
from ampyard.domain.charge_points import Evse
from ampyard.domain.charging_requests import ChargingRequest
from ampyard.domain.depots import Depot
from ampyard.domain.events import EventKind, PublishedEvent
from ampyard.domain.priorities import Priority
from ampyard.domain.transactions import Transaction
from ampyard.domain.unknown_identifications import UnknownIdentification
from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.allocations import Allocations
from ampyard.repositories.anomalies import Anomalies
from ampyard.repositories.charging_requests import ChargingRequests
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.transactions import Transactions
from ampyard.repositories.unknown_identifications import UnknownIdentifications
from ampyard.resolvers.context import Info
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.subscriptions.feeds import entities

_OF_TRANSACTION = {EventKind.TRANSACTION_STARTED, EventKind.TRANSACTION_UPDATED, EventKind.TRANSACTION_ENDED}


def transaction_updated(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    transaction_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Transaction, None]:
    """Return transactions as they start, are measured, change and end."""
    of_depot = optional_id("depotId", depot_id, Depot)
    only = optional_id("transactionId", transaction_id, Transaction)

    def fits(event: PublishedEvent) -> bool:
        return event.kind in _OF_TRANSACTION and of_depot in {None, event.depot_id} and only in {None, event.aggregate_id}

    return entities(info.context, Transactions, fits)


def anomaly_changed(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    anomaly_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only this one.")] = None,
) -> AsyncGenerator[Anomaly, None]:
    """Return anomalies as they are found and resolved."""
    of_depot = optional_id("depotId", depot_id, Depot)
    only = optional_id("anomalyId", anomaly_id, Anomaly)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.ANOMALY_CHANGED and of_depot in {None, event.depot_id} and only in {None, event.aggregate_id}

    return entities(info.context, Anomalies, fits)


def priority_changed(
    info: Info,
    depot_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Only rules that concern this depot; those about groups may always.")
    ] = None,
) -> AsyncGenerator[Priority, None]:
    """Return priorities as they are set, changed and cleared."""
    of_depot = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.PRIORITY_CHANGED and (of_depot is None or event.depot_id in {None, of_depot})

    return entities(info.context, Priorities, fits)


def unknown_identification_seen(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only at charge points of this depot.")] = None,
) -> AsyncGenerator[UnknownIdentification, None]:
    """Return identifications that nobody knows as they show up, and as they are decided on."""
    of_depot = optional_id("depotId", depot_id, Depot)

    def fits(event: PublishedEvent) -> bool:
        return event.kind is EventKind.UNKNOWN_IDENTIFICATION_SEEN and (of_depot is None or event.depot_id in {None, of_depot})

    return entities(info.context, UnknownIdentifications, fits)


def allocation_changed(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    evse_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this EVSE.")] = None,
    transaction_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this transaction.")] = None,
) -> AsyncGenerator[Allocation, None]:
    """Return allocations as they are decided."""
    of_depot = optional_id("depotId", depot_id, Depot)
    of_evse = optional_id("evseId", evse_id, Evse)
    of_transaction = optional_id("transactionId", transaction_id, Transaction)

    def fits(event: PublishedEvent) -> bool:
        return (
            event.kind is EventKind.ALLOCATION_CHANGED
            and of_depot in {None, event.depot_id}
            and (of_evse is None or event.payload.get("evse_id") == str(of_evse))
            and (of_transaction is None or event.payload.get("transaction_id") == str(of_transaction))
        )

    return entities(info.context, Allocations, fits)


def charging_request_changed(
    info: Info,
    depot_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those in this depot.")] = None,
    vehicle_id: Annotated[strawberry.ID | None, strawberry.argument(description="Only those for this vehicle.")] = None,
) -> AsyncGenerator[ChargingRequest, None]:
    """Return charging requests as they are made, changed and withdrawn."""
    of_depot, of_vehicle = optional_id("depotId", depot_id, Depot), optional_id("vehicleId", vehicle_id, Vehicle)

    def fits(event: PublishedEvent) -> bool:
        about = event.payload.get("vehicle_id")
        return (
            event.kind is EventKind.CHARGING_REQUEST_CHANGED
            and of_depot in {None, event.depot_id}
            and (of_vehicle is None or about == str(of_vehicle))
        )

    return entities(info.context, ChargingRequests, fits)
