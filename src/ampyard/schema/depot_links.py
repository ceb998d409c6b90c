"""Depot links: the access of depot management systems (VDV 463) to depots, and what was said over them."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import depot_links as domain
from ampyard.domain import depots
from ampyard.domain.access import Scope
from ampyard.repositories import depot_links as repository
from ampyard.repositories.depot_links import NOT_REMOVED, DepotLinks, LinkMessages
from ampyard.repositories.depots import Depots
from ampyard.resolvers import depot_links as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.ids import optional_id
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import MessageDirection, PresystemKind
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot

DEPOT_LINKS = Listing("depotLinks", DepotLinks, "CREATED_AT", default_descending=True, unless_told=NOT_REMOVED)
LINKS_OF_DEPOT = Listing(
    "depot.depotLinks",
    DepotLinks,
    "CREATED_AT",
    default_descending=True,
    parent=DepotLinks.table.c.depot_id,
    unless_told=NOT_REMOVED,
)
MESSAGES = Listing("depotLink.messages", LinkMessages, "AT", default_descending=True, parent=LinkMessages.table.c.link_id)


@strawberry.enum(description="What depot links can be ordered by.")
class DepotLinkOrderField(Enum):
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of depot links.")
class DepotLinkOrder:
    field: DepotLinkOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which depot links to list; those that were removed only where they are asked for.")
class DepotLinkFilter:
    depot_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this depot.")
    connected: bool | None = strawberry.field(default=None, description="Only those that are, or are not, on the line.")
    enabled: bool | None = strawberry.field(default=None, description="Only those that may, or may not, log in.")
    removed: bool = strawberry.field(default=False, description="Those that were removed instead of those that are there.")

    def narrowing(self) -> repository.DepotLinkFilter:
        """Return the filter as the repository takes it."""
        of_depot = optional_id("filter.depotId", self.depot_id, depots.Depot)
        return repository.DepotLinkFilter(of_depot, self.connected, self.enabled, self.removed)


@strawberry.enum(description="What messages of a depot link can be ordered by.")
class LinkMessageOrderField(Enum):
    AT = "AT"


@strawberry.input(description="The order of a list of messages of a depot link.")
class LinkMessageOrder:
    field: LinkMessageOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which messages of a depot link to list.")
class LinkMessageFilter:
    direction: MessageDirection | None = strawberry.field(default=None, description="Only those that came in, or went out.")
    action: str | None = strawberry.field(default=None, description="Only those of this action, such as BootNotification.")
    at_from: datetime | None = strawberry.field(default=None, description="Only those at this time or later.")
    at_to: datetime | None = strawberry.field(default=None, description="Only those before this time.")

    def narrowing(self) -> repository.LinkMessageFilter:
        """Return the filter as the repository takes it."""
        return repository.LinkMessageFilter(self.direction, self.action, self.at_from, self.at_to)


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A message of a depot link; it is kept for seven days.")
class LinkMessage(Node):
    at: datetime = strawberry.field(description="When it came or went.")
    direction: MessageDirection = strawberry.field(description="Which way.")
    message_type: int | None = strawberry.field(
        description="1 for a request, 2 for a confirmation, 3 for an error; null: it was no message."
    )
    action: str | None = strawberry.field(description="What it is about; null where that could not be read.")
    message_id: str | None = strawberry.field(description="Its id; null where that could not be read.")
    body: str = strawberry.field(description="What was on the wire; of a very long message, how it began.")
    length: int = strawberry.field(description="How many characters it had.")
    depot_link: Annotated["DepotLink", strawberry.lazy("ampyard.schema.depot_links")] = to_one(
        DepotLinks, "link_id", description="The link."
    )
    is_type_of = staticmethod(shows(domain.LinkMessage))
    resolve_references = staticmethod(references_to(domain.LinkMessage))


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="The access of a depot management system to one depot.")
class DepotLink(Node):
    name: str = strawberry.field(description="What people call it.")
    identity: str = strawberry.field(description="Its user name, and the last part of its address: /vdv463/<identity>.")
    enabled: bool = strawberry.field(description="Whether it may log in.")
    normal_from: int = strawberry.field(description="From which priority number on its requests are NORMAL; before, LOW.")
    high_from: int = strawberry.field(description="From which priority number on its requests are HIGH.")
    critical_from: int = strawberry.field(description="From which priority number on its requests are CRITICAL.")
    presystem: PresystemKind | None = strawberry.field(description="What last booted at the other end.")
    presystem_id: str | None = strawberry.field(description="What it calls itself.")
    subprotocol: str | None = strawberry.field(description="Which version it last spoke.")
    connected: bool = strawberry.field(description="Whether it is on the line.")
    connected_at: datetime | None = strawberry.field(description="When it last connected.")
    booted_at: datetime | None = strawberry.field(description="When it last booted, on the socket it has.")
    message_at: datetime | None = strawberry.field(description="When it last sent a boot or a list.")
    listed_at: datetime | None = strawberry.field(description="When it last sent its list.")
    removed_at: datetime | None = strawberry.field(description="When it was removed.")
    author: str = strawberry.field(description="Who made it.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] = to_one(Depots, "depot_id", description="The depot.")
    messages: Connection[LinkMessage] = connection(
        MESSAGES, description="What was said over it, newest first unless told.", filter_type=LinkMessageFilter, order_type=LinkMessageOrder
    )
    is_type_of = staticmethod(shows(domain.DepotLink))
    resolve_references = staticmethod(references_to(domain.DepotLink))


@strawberry.input(description="From which priority numbers on the classes begin; rising, or falling where small numbers are urgent.")
class PriorityBandsInput:
    normal_from: int = strawberry.field(description="The first number of NORMAL; what comes before is LOW.")
    high_from: int = strawberry.field(description="The first number of HIGH.")
    critical_from: int = strawberry.field(description="The first number of CRITICAL.")


@strawberry.input(description="Let a depot management system speak for a depot.")
class CreateDepotLinkInput(Change):
    depot_id: strawberry.ID = strawberry.field(description="The depot.")
    name: str = strawberry.field(description="What people call it; 100 characters at most.")
    identity: str = strawberry.field(description="Its user name; 64 letters, digits and any of - _ and the full stop at most.")
    priority_bands: PriorityBandsInput | None = strawberry.field(
        default=None, description="What its priorities mean; 0, 50 and 90 unless told."
    )


@strawberry.input(description="Change a depot link; what is left out stays.")
class EditDepotLinkInput(Change):
    depot_link_id: strawberry.ID = strawberry.field(description="The link.")
    name: str | None = strawberry.field(default=None, description="What people call it.")
    enabled: bool | None = strawberry.field(default=None, description="Whether it may log in; a disabled one loses its socket.")
    priority_bands: PriorityBandsInput | None = strawberry.field(
        default=None, description="What its priorities mean, from its next list on."
    )


@strawberry.input(description="Give a depot link a new password.")
class RotateDepotLinkPasswordInput(Change):
    depot_link_id: strawberry.ID = strawberry.field(description="The link.")


@strawberry.input(description="Remove a depot link for good.")
class RemoveDepotLinkInput(Change):
    depot_link_id: strawberry.ID = strawberry.field(description="The link.")


@strawberry.federation.type(directives=[Authenticated()], description="A depot link, and the password that it logs in with.")
class DepotLinkPasswordPayload(Payload):
    depot_link: DepotLink | None = strawberry.field(description="The link as it now is; null where the change was refused.")
    password: str | None = strawberry.field(
        description="The password. It is shown this once, not even again under the same idempotency key."
    )


@strawberry.federation.type(directives=[Authenticated()], description="A depot link that was changed.")
class DepotLinkPayload(Payload):
    depot_link: DepotLink | None = strawberry.field(description="The link as it now is; null where the change was refused.")


@strawberry.type
class DepotLinkQueries:
    depot_link: DepotLink | None = by_id(domain.DepotLink, description="One depot link; null when it does not exist.")
    depot_links: Connection[DepotLink] = connection(
        DEPOT_LINKS,
        description="All depot links, newest first unless told.",
        filter_type=DepotLinkFilter,
        order_type=DepotLinkOrder,
        scope=Scope.FLEET_READ,
    )


@strawberry.type
class DepotLinkMutations:
    create_depot_link: DepotLinkPasswordPayload = mutation(
        DepotLinkPasswordPayload,
        resolvers.create_link,
        CreateDepotLinkInput,
        Scope.DEPOTS_WRITE,
        description="Let a depot management system speak for a depot.",
    )
    edit_depot_link: DepotLinkPayload = mutation(
        DepotLinkPayload, resolvers.edit_link, EditDepotLinkInput, Scope.DEPOTS_WRITE, description="Change, disable or enable a depot link."
    )
    rotate_depot_link_password: DepotLinkPasswordPayload = mutation(
        DepotLinkPasswordPayload,
        resolvers.rotate_password,
        RotateDepotLinkPasswordInput,
        Scope.DEPOTS_WRITE,
        description="Give a depot link a new password for its next login; an open socket stays open.",
    )
    remove_depot_link: DepotLinkPayload = mutation(
        DepotLinkPayload,
        resolvers.remove_link,
        RemoveDepotLinkInput,
        Scope.DEPOTS_WRITE,
        description="Remove a depot link: its socket is closed, and all that it asked for is withdrawn.",
    )
