from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import id_tags as domain
from ampyard.domain.access import Scope
from ampyard.repositories import id_tags as repository
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers import id_tags as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import IdTagKind
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.vehicles import Vehicle


@strawberry.enum(description="What id tags can be ordered by.")
class IdTagOrderField(Enum):
    VALUE = "VALUE"
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of id tags.")
class IdTagOrder:
    field: IdTagOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which id tags to list.")
class IdTagFilter:
    kind: IdTagKind | None = strawberry.field(default=None, description="Only those of this kind.")
    blocked: bool | None = strawberry.field(default=None, description="Only those that are blocked, or that are not.")
    removed: bool | None = strawberry.field(default=None, description="Only those that were removed, or that were not.")
    value_contains: str | None = strawberry.field(default=None, description="Only those whose value has this in it, in any case.")

    def narrowing(self) -> repository.IdTagFilter:
        """Return the filter as the repository takes it."""
        return repository.IdTagFilter(self.kind, self.blocked, self.removed, self.value_contains)


@strawberry.federation.type(
    keys=["id"],
    directives=[Authenticated()],
    description="What identifies a vehicle at a charge point, from when it was given to the vehicle until it was removed.",
)
class IdTag(Node):
    value: str = strawberry.field(description="The tag's value; neither its case nor its separators count.")
    kind: IdTagKind = strawberry.field(description="RFID, MAC address (Autocharge), app or contract (ISO 15118).")
    blocked: bool = strawberry.field(description="Whether it is refused.")
    valid_from: datetime | None = strawberry.field(description="When it begins to be valid; null for always.")
    valid_until: datetime | None = strawberry.field(description="When it stops being valid; null for never.")
    removed_at: datetime | None = strawberry.field(description="When it was taken from the vehicle; null while the vehicle has it.")
    created_at: datetime = strawberry.field(description="When it was given to the vehicle.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    vehicle: Annotated["Vehicle", strawberry.lazy("ampyard.schema.vehicles")] | None = to_one(
        Vehicles, "vehicle_id", description="The vehicle that has it, or had it; null where the caller's grants do not reach it."
    )
    is_type_of = staticmethod(shows(domain.IdTag))
    resolve_references = staticmethod(references_to(domain.IdTag))


@strawberry.input(description="Give a vehicle an id tag.")
class AddIdTagInput(Change):
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle.")
    value: str = strawberry.field(
        description="The value, 36 characters at most: of a card, a MAC address of 12 hexadecimal digits, or a contract id (eMAID)."
    )
    kind: IdTagKind = strawberry.field(description="What kind of identification it is.")
    valid_from: datetime | None = strawberry.field(default=strawberry.UNSET, description="When it begins to be valid; now unless told.")
    valid_until: datetime | None = strawberry.field(default=strawberry.UNSET, description="When it stops being valid; never unless told.")


@strawberry.input(description="Change an id tag; what is left out stays.")
class EditIdTagInput(Change):
    id_tag_id: strawberry.ID = strawberry.field(description="The id tag.")
    blocked: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it is refused.")
    valid_from: datetime | None = strawberry.field(default=strawberry.UNSET, description="When it begins to be valid; null for always.")
    valid_until: datetime | None = strawberry.field(default=strawberry.UNSET, description="When it stops being valid; null for never.")


@strawberry.input(description="Take an id tag from its vehicle.")
class RemoveIdTagInput(Change):
    id_tag_id: strawberry.ID = strawberry.field(description="The id tag.")


@strawberry.input(description="Give an id tag to another vehicle.")
class MoveIdTagInput(Change):
    id_tag_id: strawberry.ID = strawberry.field(description="The id tag.")
    vehicle_id: strawberry.ID = strawberry.field(description="The vehicle that is to have it.")


@strawberry.federation.type(directives=[Authenticated()], description="An id tag that was changed.")
class IdTagPayload(Payload):
    id_tag: IdTag | None = strawberry.field(description="The tag as it now is; null where the change was refused.")


@strawberry.type
class IdTagQueries:
    id_tag: IdTag | None = by_id(domain.IdTag, description="One id tag; null when it does not exist.")
    id_tags: Connection[IdTag] = connection(
        Listing("idTags", IdTags, "VALUE", unless_told=repository.IdTagFilter(removed=False)),
        description="All id tags that vehicles have; with a filter, those that they had as well.",
        filter_type=IdTagFilter,
        order_type=IdTagOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class IdTagMutations:
    add_id_tag: IdTagPayload = mutation(
        IdTagPayload, resolvers.add_id_tag, AddIdTagInput, Scope.VEHICLES_WRITE, description="Give a vehicle an id tag."
    )
    edit_id_tag: IdTagPayload = mutation(
        IdTagPayload,
        resolvers.edit_id_tag,
        EditIdTagInput,
        Scope.VEHICLES_WRITE,
        description="Change when an id tag is valid, or block or unblock it.",
    )
    remove_id_tag: IdTagPayload = mutation(
        IdTagPayload,
        resolvers.remove_id_tag,
        RemoveIdTagInput,
        Scope.VEHICLES_WRITE,
        description="Take an id tag from its vehicle; it stays on record, and another vehicle may be given it.",
    )
    move_id_tag: IdTagPayload = mutation(
        IdTagPayload,
        resolvers.move_id_tag,
        MoveIdTagInput,
        Scope.VEHICLES_WRITE,
        description="Give an id tag to another vehicle, which has it as a new record.",
    )
