"""Grid links: how power nodes are connected with whoever may limit them from outside."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated
from strawberry.scalars import JSON

from ampyard.domain import grid_links as domain
from ampyard.domain import grid_messages as messages
from ampyard.domain.access import Scope
from ampyard.engine import computed, list_size
from ampyard.repositories.depots import PowerNodes
from ampyard.repositories.grid_links import GridLinks, GridMessages
from ampyard.repositories.grid_signals import GridSignals
from ampyard.resolvers import grid_links as resolvers
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.lists import Listing
from ampyard.schema.enums import GridCircuit, GridLinkKind, GridLinkState, GridMessageDirection
from ampyard.schema.errors import Change, Payload
from ampyard.schema.grid_signals import GridSignal, GridSignalFilter, GridSignalOrder, GridSignalPayload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

if TYPE_CHECKING:
    from ampyard.schema.depots import Depot
    from ampyard.schema.supply import PowerNode

LINKS_OF_NODE = Listing("powerNode.gridLinks", GridLinks, "CREATED_AT", parent=GridLinks.table.c.power_node_id)

_INTERVAL = "How often the other side is to be heard, or of OpenADR asked, in s."
_LOST_AFTER = "After how long a silence the link is lost, in s; more than the interval."
_FALLBACK_KW = "What counts for the node while the link is lost, in kW."
_FALLBACK_A = "What counts for the node while the link is lost, in A a phase; where both are given, the stricter counts."
_GROUP = "Of OSCP what the grid operator calls the node (group_id); of OpenADR the program, by its id or name: any unless told."
_URL = "Of OpenADR the VTN's base address; of OSCP the other side's, which it tells itself when it registers."
_TOKEN_URL = "Of OpenADR where access tokens are had; <url>/auth/token unless told."  # noqa: S105 - a description
_CLIENT_ID = "Of OpenADR the client id that we ask for access tokens with."
_CLIENT_SECRET = "The secret that goes with it. It is kept locked up and never shown."  # noqa: S105 - a description
_VEN_NAME = "Of OpenADR the name of our VEN at the VTN."


@strawberry.enum(description="What grid links can be ordered by.")
class GridLinkOrderField(Enum):
    CREATED_AT = "CREATED_AT"
    NAME = "NAME"


@strawberry.input(description="The order of a list of grid links.")
class GridLinkOrder:
    field: GridLinkOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.enum(description="What messages of a grid link can be ordered by.")
class GridMessageOrderField(Enum):
    AT = "AT"


@strawberry.input(description="The order of a list of messages of a grid link.")
class GridMessageOrder:
    field: GridMessageOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="A message on a grid link, without tokens.")
class GridMessage(Node):
    at: datetime = strawberry.field(description="When it came or went.")
    direction: GridMessageDirection = strawberry.field(description="Who sent it.")
    name: str = strawberry.field(description="Its name, in the words of the protocol.")
    request_id: str | None = strawberry.field(description="The id that its sender gave it.")
    correlation_id: str | None = strawberry.field(description="The id of the exchange it belongs to.")
    status: int | None = strawberry.field(description="The HTTP status it was answered with; null where it was not.")
    error: str | None = strawberry.field(description="Why it failed, for people; null where it did not.")
    body: JSON | None = strawberry.field(description="What it says, as far as it is kept.")
    link: Annotated["GridLink", strawberry.lazy("ampyard.schema.grid_links")] = to_one(GridLinks, "link_id", description="Its link.")
    is_type_of = staticmethod(shows(messages.GridMessage))
    resolve_references = staticmethod(references_to(messages.GridMessage))


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="How a power node is connected with whoever may limit it from outside."
)
class GridLink(Node):
    kind: GridLinkKind = strawberry.field(description="How it speaks.")
    name: str = strawberry.field(description="Its name.")
    enabled: bool = strawberry.field(description="Whether it is used at all.")
    state: GridLinkState = computed(
        resolvers.resolve_state, reads=["enabled", "lost_at", "heard_at"], description="Whether the other side is heard, now."
    )
    circuit: GridCircuit = computed(
        resolvers.resolve_circuit,
        reads=["failures"],
        description="Whether the other side is called as planned: OPEN after failures in a row, when it is left alone for a while.",
    )
    interval_s: int = strawberry.field(description=_INTERVAL)
    lost_after_s: int = strawberry.field(description=_LOST_AFTER)
    fallback_kw: float | None = strawberry.field(description=_FALLBACK_KW)
    fallback_a: float | None = strawberry.field(description=_FALLBACK_A)
    heard_at: datetime | None = strawberry.field(description="When the other side was heard last.")
    lost_at: datetime = strawberry.field(description="When the link is lost unless the other side is heard before, or when it was.")
    token_prefix: str | None = strawberry.field(description="What the other side's token begins with; the rest is kept nowhere.")
    group_id: str | None = strawberry.field(description=_GROUP)
    url: str | None = strawberry.field(description=_URL)
    token_url: str | None = strawberry.field(description=_TOKEN_URL)
    client_id: str | None = strawberry.field(description=_CLIENT_ID)
    ven_name: str | None = strawberry.field(description=_VEN_NAME)
    registered_at: datetime | None = strawberry.field(description="Since when both sides know each other.")
    peer_interval_s: float | None = strawberry.field(description="Of OSCP how often the other side wants heartbeats of ours, in s.")
    peer_measurements: list[str] = strawberry.field(
        description="Of OSCP how the other side wants measurements: CONTINUOUS, INTERMITTENT.", directives=[list_size(2)]
    )
    called_at: datetime | None = strawberry.field(description="When the other side was reached by us last.")
    due_at: datetime = strawberry.field(description="When it is called next.")
    failures: int = strawberry.field(description="How many calls have failed in a row.")
    error: str | None = strawberry.field(description="Why the last call failed; null where it did not.")
    measured_until: datetime | None = strawberry.field(description="Until when measurements have been told there.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed by hand.")
    power_node: Annotated["PowerNode", strawberry.lazy("ampyard.schema.supply")] = to_one(
        PowerNodes, "power_node_id", description="The power node it is of."
    )
    signals: Connection[GridSignal] = connection(
        Listing("gridLink.signals", GridSignals, "BEGINS_AT", default_descending=True, parent=GridSignals.table.c.link_id),
        description="What came by it, the latest first unless told.",
        filter_type=GridSignalFilter,
        order_type=GridSignalOrder,
    )
    messages: Connection[GridMessage] = connection(
        Listing("gridLink.messages", GridMessages, "AT", default_descending=True, parent=GridMessages.table.c.link_id),
        description="What was said on it within the last 90 days, the newest first unless told.",
        filter_type=None,
        order_type=GridMessageOrder,
    )
    is_type_of = staticmethod(shows(domain.GridLink))
    resolve_references = staticmethod(references_to(domain.GridLink))


@strawberry.input(description="A new grid link; what its kind does not need must be left out.")
class CreateGridLinkInput(Change):
    power_node_id: strawberry.ID = strawberry.field(description="The node that may be limited by it.")
    kind: GridLinkKind = strawberry.field(description="How it speaks.")
    name: str = strawberry.field(description="Its name; 100 characters at most.")
    interval_s: int = strawberry.field(default=60, description=_INTERVAL)
    lost_after_s: int = strawberry.field(default=300, description=_LOST_AFTER)
    fallback_kw: float | None = strawberry.field(default=strawberry.UNSET, description=_FALLBACK_KW)
    fallback_a: float | None = strawberry.field(default=strawberry.UNSET, description=_FALLBACK_A)
    group_id: str | None = strawberry.field(default=strawberry.UNSET, description=_GROUP)
    url: str | None = strawberry.field(default=strawberry.UNSET, description=_URL)
    token_url: str | None = strawberry.field(default=strawberry.UNSET, description=_TOKEN_URL)
    client_id: str | None = strawberry.field(default=strawberry.UNSET, description=_CLIENT_ID)
    client_secret: str | None = strawberry.field(default=strawberry.UNSET, description=_CLIENT_SECRET)
    ven_name: str | None = strawberry.field(default=strawberry.UNSET, description=_VEN_NAME)


@strawberry.input(description="Changes of a grid link; what is left out stays.")
class EditGridLinkInput(Change):
    grid_link_id: strawberry.ID = strawberry.field(description="The link.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its name; 100 characters at most.")
    enabled: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether it is used: switched off it neither limits by silence nor takes in or calls anything.",
    )
    interval_s: int | None = strawberry.field(default=strawberry.UNSET, description=_INTERVAL)
    lost_after_s: int | None = strawberry.field(default=strawberry.UNSET, description=_LOST_AFTER)
    fallback_kw: float | None = strawberry.field(default=strawberry.UNSET, description=f"{_FALLBACK_KW} Null: none in kW.")
    fallback_a: float | None = strawberry.field(default=strawberry.UNSET, description=f"{_FALLBACK_A} Null: none in A.")
    group_id: str | None = strawberry.field(default=strawberry.UNSET, description=_GROUP)
    url: str | None = strawberry.field(default=strawberry.UNSET, description=_URL)
    token_url: str | None = strawberry.field(default=strawberry.UNSET, description=_TOKEN_URL)
    client_id: str | None = strawberry.field(default=strawberry.UNSET, description=_CLIENT_ID)
    client_secret: str | None = strawberry.field(default=strawberry.UNSET, description=_CLIENT_SECRET)
    ven_name: str | None = strawberry.field(default=strawberry.UNSET, description=_VEN_NAME)


@strawberry.input(description="Give the other side of a grid link a new token.")
class RenewGridLinkTokenInput(Change):
    grid_link_id: strawberry.ID = strawberry.field(description="The link.")


@strawberry.input(description="Remove a grid link with all that came by it.")
class RemoveGridLinkInput(Change):
    grid_link_id: strawberry.ID = strawberry.field(description="The link.")


@strawberry.input(description="A limit of a site controller, by its own id.")
class PushedGridLimit:
    external_id: str = strawberry.field(description="What the site controller calls it; 200 characters at most.")
    begins_at: datetime | None = strawberry.field(default=None, description="From when on it counts; now unless told.")
    ends_at: datetime = strawberry.field(description="When it ends by itself.")
    limit_kw: float | None = strawberry.field(default=None, description="In kW.")
    limit_a: float | None = strawberry.field(default=None, description="In A a phase; where both are given, the stricter counts.")
    reason: str = strawberry.field(default="", description="Why; 500 characters at most.")


@strawberry.input(description="Limits that a site controller pushes; sent again they change nothing.")
class PushGridLimitsInput(Change):
    grid_link_id: strawberry.ID = strawberry.field(description="The link, of kind SITE_CONTROLLER.")
    limits: list[PushedGridLimit] = strawberry.field(description="The limits, 500 at most; none tells that the site controller is there.")
    replaces: bool = strawberry.field(default=False, description="Whether all limits of the link that are not named here are withdrawn.")


@strawberry.input(description="Ask the grid operator for another capacity, by OSCP. What counts is what it then forecasts.")
class RequestGridCapacityInput(Change):
    grid_link_id: strawberry.ID = strawberry.field(description="The link, of kind OSCP.")
    begins_at: datetime = strawberry.field(description="From when on it is asked for.")
    ends_at: datetime = strawberry.field(description="Until when it is asked for.")
    limit_kw: float | None = strawberry.field(default=strawberry.UNSET, description="In kW.")
    limit_a: float | None = strawberry.field(default=strawberry.UNSET, description="In A a phase; told where limitKw is not given.")
    reason: str = strawberry.field(default="", description="Why; it stays with us.")


@strawberry.federation.type(directives=[Authenticated()], description="A grid link that was changed.")
class GridLinkPayload(Payload):
    grid_link: GridLink | None = strawberry.field(description="The link as it now is; null where the change was refused.")


@strawberry.federation.type(directives=[Authenticated()], description="A grid link, and the token of its other side.")
class GridLinkTokenPayload(Payload):
    grid_link: GridLink | None = strawberry.field(description="The link as it now is; null where the change was refused.")
    token: str | None = strawberry.field(
        description="The token, for the other side; null of OpenADR, where we come to it. It is shown this once, "
        "not even again under the same idempotency key."
    )


@strawberry.federation.type(directives=[Authenticated()], description="The depot whose grid link was removed.")
class RemoveGridLinkPayload(Payload):
    depot: Annotated["Depot", strawberry.lazy("ampyard.schema.depots")] | None = strawberry.field(
        description="The depot; null where the change was refused."
    )


@strawberry.federation.type(directives=[Authenticated()], description="Limits that were pushed.")
class PushGridLimitsPayload(Payload):
    grid_signals: list[GridSignal] | None = strawberry.field(
        description="What now counts or will of the link; null where the change was refused.", directives=[list_size(10)]
    )


@strawberry.type
class GridLinkQueries:
    grid_link: GridLink | None = by_id(domain.GridLink, description="One grid link; null when it does not exist.")


@strawberry.type
class GridLinkMutations:
    create_grid_link: GridLinkTokenPayload = mutation(
        GridLinkTokenPayload,
        resolvers.create_grid_link,
        CreateGridLinkInput,
        Scope.DEPOTS_WRITE,
        description="Connect a power node with a site controller, or with a grid operator by OSCP 2.0 or OpenADR 3.",
    )
    edit_grid_link: GridLinkPayload = mutation(
        GridLinkPayload,
        resolvers.edit_grid_link,
        EditGridLinkInput,
        Scope.DEPOTS_WRITE,
        description="Change a grid link. Refused where the fall-backs of charge points would not fit its fall-back.",
    )
    renew_grid_link_token: GridLinkTokenPayload = mutation(
        GridLinkTokenPayload,
        resolvers.renew_grid_link_token,
        RenewGridLinkTokenInput,
        Scope.DEPOTS_WRITE,
        description="Give the other side of a grid link a new token; the old one is refused from now on.",
    )
    remove_grid_link: RemoveGridLinkPayload = mutation(
        RemoveGridLinkPayload,
        resolvers.remove_grid_link,
        RemoveGridLinkInput,
        Scope.DEPOTS_WRITE,
        description="Remove a grid link with all that came by it; what it limited is lifted.",
    )
    request_grid_capacity: GridSignalPayload = mutation(
        GridSignalPayload,
        resolvers.request_grid_capacity,
        RequestGridCapacityInput,
        Scope.DEPOTS_WRITE,
        description="Ask the grid operator for another capacity, by OSCP (AdjustGroupCapacityForecast).",
    )
    push_grid_limits: PushGridLimitsPayload = mutation(
        PushGridLimitsPayload,
        resolvers.push_grid_limits,
        PushGridLimitsInput,
        Scope.TELEMETRY_WRITE,
        description="Push limits of a site controller, or tell that it is there.",
    )
