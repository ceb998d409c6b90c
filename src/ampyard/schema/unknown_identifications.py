from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import charge_points, depots
from ampyard.domain import unknown_identifications as domain
from ampyard.domain.access import Scope
from ampyard.repositories import unknown_identifications as repository
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.unknown_identifications import UnknownIdentifications
from ampyard.resolvers import id_tags as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.enums import IdTagKind, UnknownState
from ampyard.schema.errors import Change, Payload
from ampyard.schema.id_tags import IdTag
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint


@strawberry.enum(description="What unknown identifications can be ordered by.")
class UnknownIdentificationOrderField(Enum):
    LAST_SEEN_AT = "LAST_SEEN_AT"
    FIRST_SEEN_AT = "FIRST_SEEN_AT"


@strawberry.input(description="The order of a list of unknown identifications.")
class UnknownIdentificationOrder:
    field: UnknownIdentificationOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which unknown identifications to list.")
class UnknownIdentificationFilter:
    state: UnknownState | None = strawberry.field(default=None, description="Only those of which this has become.")
    kind: IdTagKind | None = strawberry.field(default=None, description="Only those of this kind.")
    charge_point_id: strawberry.ID | None = strawberry.field(default=None, description="Only those seen last at this charge point.")
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those seen last in this depot.")
    seen_since: datetime | None = strawberry.field(default=None, description="Only those seen at this time or later.")

    def narrowing(self) -> repository.UnknownIdentificationFilter:
        """Return the filter as the repository takes it."""
        return repository.UnknownIdentificationFilter(
            state=self.state,
            kind=self.kind,
            charge_point_id=optional_id("filter.chargePointId", self.charge_point_id, charge_points.ChargePoint),
            depot_id=optional_id("filter.depotId", self.depot_id, depots.Depot),
            seen_since=self.seen_since,
        )


@strawberry.federation.type(
    keys=["id"],
    directives=[Authenticated()],
    description="An identification that showed up at a charge point and that no vehicle has: a card, an address, a contract.",
)
class UnknownIdentification(Node):
    value: str = strawberry.field(description="What the charge point sent.")
    kind: IdTagKind = strawberry.field(description="What it looks like, or what the charge point says that it is.")
    first_seen_at: datetime = strawberry.field(description="When it was seen first.")
    last_seen_at: datetime = strawberry.field(description="When it was seen last.")
    times_seen: int = strawberry.field(description="How often it was seen; what is less than a minute apart counts once.")
    state: UnknownState = strawberry.field(description="What has become of it.")
    decided_by: str | None = strawberry.field(description="Who assigned or dismissed it.")
    decided_at: datetime | None = strawberry.field(description="When that was.")
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] | None = to_one(
        ChargePoints, "charge_point_id", description="Where it was seen last; null where the caller's grants do not reach it."
    )
    id_tag: IdTag | None = to_one(IdTags, "id_tag_id", description="The id tag that was made of it.")
    is_type_of = staticmethod(shows(domain.UnknownIdentification))
    resolve_references = staticmethod(references_to(domain.UnknownIdentification))


@strawberry.input(description="Give an unknown identification to a vehicle.")
class AssignUnknownIdentificationInput(Change):
    identification_id: strawberry.ID = strawberry.field(description="The identification.")
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle that is to have it.")
    kind: IdTagKind | None = strawberry.field(default=strawberry.UNSET, description="The kind of id tag; as it looks unless told.")


@strawberry.input(description="Say that an unknown identification is of no interest.")
class DismissUnknownIdentificationInput(Change):
    identification_id: strawberry.ID = strawberry.field(description="The identification.")


@strawberry.federation.type(directives=[Authenticated()], description="An identification that was decided on.")
class UnknownIdentificationPayload(Payload):
    unknown_identification: UnknownIdentification | None = strawberry.field(
        description="The identification as it now is; null where the change was refused."
    )


@strawberry.type
class UnknownIdentificationQueries:
    unknown_identification: UnknownIdentification | None = by_id(
        domain.UnknownIdentification, description="One unknown identification; null when it does not exist."
    )
    unknown_identifications: Connection[UnknownIdentification] = connection(
        Listing("unknownIdentifications", UnknownIdentifications, "LAST_SEEN_AT", default_descending=True),
        description="All identifications that showed up unknown, the last seen first unless told.",
        filter_type=UnknownIdentificationFilter,
        order_type=UnknownIdentificationOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class UnknownIdentificationMutations:
    assign_unknown_identification: UnknownIdentificationPayload = mutation(
        UnknownIdentificationPayload,
        resolvers.assign_unknown_identification,
        AssignUnknownIdentificationInput,
        Scope.VEHICLES_WRITE,
        description="Give an unknown identification to a vehicle as an id tag; open transactions that it began get the vehicle.",
    )
    dismiss_unknown_identification: UnknownIdentificationPayload = mutation(
        UnknownIdentificationPayload,
        resolvers.dismiss_unknown_identification,
        DismissUnknownIdentificationInput,
        Scope.VEHICLES_WRITE,
        description="Say that an unknown identification is of no interest; it is still counted when it shows up.",
    )


@strawberry.type
class UnknownIdentificationSubscriptions:
    unknown_identification_seen: AsyncIterator[UnknownIdentification] = scoped_subscription(
        subscriptions.unknown_identification_seen,
        Scope.FLEET_READ,
        description="Identifications that nobody knows as they show up and as they are decided on; of one depot where it is named.",
    )
