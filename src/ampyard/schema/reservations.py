"""Reservations: EVSEs that are kept for somebody."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charge_points, depots
from ampyard.domain import reservations as domain
from ampyard.domain.access import Scope
from ampyard.repositories import reservations as repository
from ampyard.repositories.charge_points import ChargePoints, Evses
from ampyard.repositories.reservations import Reservations
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers import reservations as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.commands import Command
from ampyard.schema.enums import IdTagKind, ReservationState
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection
from ampyard.schema.transactions import Transaction

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint, Evse


@strawberry.enum(description="What reservations can be ordered by.")
class ReservationOrderField(Enum):
    CREATED_AT = "CREATED_AT"
    EXPIRES_AT = "EXPIRES_AT"


@strawberry.input(description="The order of a list of reservations.")
class ReservationOrder:
    field: ReservationOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which reservations to list.")
class ReservationFilter:
    states: list[ReservationState] | None = strawberry.field(default=None, description="Only those in one of these states.")
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those in this depot.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="Only those at this charge point.")
    evse_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this EVSE.")

    def narrowing(self) -> repository.ReservationFilter:
        """Return the filter as the repository takes it."""
        return repository.ReservationFilter(
            states=None if self.states is None else tuple(self.states),
            depot_id=optional_id("filter.depotId", self.depot_id, depots.Depot),
            charge_point_id=optional_id("filter.chargePointId", self.charge_point_id, charge_points.ChargePoint),
            evse_id=optional_id("filter.evseId", self.evse_id, charge_points.Evse),
        )


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="An EVSE that is kept for one identification.")
class Reservation(Node):
    number: int = strawberry.field(description="What charge points call it.")
    id_tag: str = strawberry.field(description="Whom it is kept for.")
    id_tag_kind: IdTagKind = strawberry.field(description="What kind of identification that is.")
    group_id: str | None = strawberry.field(description="The group of whose identifications any will do; null: of none.")
    state: ReservationState = strawberry.field(description="How far it has come; all but REQUESTED and ACTIVE are final.")
    outcome: str | None = strawberry.field(description="What the charge point said, or how it ended, in words.")
    expires_at: datetime = strawberry.field(description="Until when the EVSE is kept.")
    author: str = strawberry.field(description="Who asked for it.")
    partner_reference: str | None = strawberry.field(description="What the roaming partner that asked for it calls it; null: our own.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] = to_one(
        ChargePoints, "charge_point_id", description="The charge point."
    )
    evse: Annotated["Evse", strawberry.lazy("ampyard.schema.charge_points")] = to_one(
        Evses, "evse_id", description="The EVSE that is kept."
    )
    transaction: Transaction | None = to_one(Transactions, "transaction_id", description="The transaction that began with it.")
    is_type_of = staticmethod(shows(domain.Reservation))
    resolve_references = staticmethod(references_to(domain.Reservation))


@strawberry.federation.type(directives=[Authenticated()], description="How the command ended, and what became of the reservation.")
class ReservationPayload(Payload):
    command: Command | None = strawberry.field(description="The command with its outcome; null where it was refused before it was given.")
    reservation: Reservation | None = strawberry.field(description="The reservation as it now is; null where the change was refused.")


@strawberry.input(description="Keep an EVSE for a vehicle or for an id tag: give exactly one of the two.")
class ReserveEvseInput(Change):
    evse_id: strawberry.ID = strawberry.field(description="The EVSE to keep.")
    expires_at: datetime = strawberry.field(description="Until when; a day at most.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle; one of its valid id tags is used.")
    id_tag: str | None = strawberry.field(default=None, description="The id tag.")


@strawberry.input(description="Keep an EVSE no longer.")
class CancelReservationInput(Change):
    reservation_id: strawberry.ID = strawberry.field(description="The reservation.")


@strawberry.type
class ReservationQueries:
    reservation: Reservation | None = by_id(domain.Reservation, description="One reservation; null when it does not exist.")
    reservations: Connection[Reservation] = connection(
        Listing("reservations", Reservations, "CREATED_AT", default_descending=True),
        description="All reservations, newest first unless told.",
        filter_type=ReservationFilter,
        order_type=ReservationOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class ReservationMutations:
    reserve_evse: ReservationPayload = mutation(
        ReservationPayload,
        resolvers.reserve_evse,
        ReserveEvseInput,
        Scope.TRANSACTIONS_CONTROL,
        description="Have a charge point keep one of its EVSEs, and wait for its answer.",
    )
    cancel_reservation: ReservationPayload = mutation(
        ReservationPayload,
        resolvers.cancel_reservation,
        CancelReservationInput,
        Scope.TRANSACTIONS_CONTROL,
        description="Have a charge point keep an EVSE no longer, and wait for its answer.",
    )


@strawberry.type
class ReservationSubscriptions:
    reservation_changed: AsyncIterator[Reservation] = scoped_subscription(
        subscriptions.reservation_changed,
        Scope.FLEET_READ,
        description="Reservations as they are asked for, taken and ended; of one depot where it is named.",
    )
