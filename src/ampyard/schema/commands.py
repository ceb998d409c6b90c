from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain import commands as domain
from ampyard.domain.access import Scope
from ampyard.repositories import commands as repository
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.commands import Commands
from ampyard.resolvers import remote_control as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to, to_one
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.enums import CommandKind, CommandState
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import OrderDirection
from ampyard.schema.transactions import Transaction

if TYPE_CHECKING:
    from ampyard.schema.charge_points import ChargePoint

CHARGE_POINT_COMMANDS = Listing(
    "chargePoint.commands", Commands, "CREATED_AT", default_descending=True, parent=Commands.table.c.charge_point_id
)


@strawberry.enum(description="What commands can be ordered by.")
class CommandOrderField(Enum):
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of commands.")
class CommandOrder:
    field: CommandOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which commands to list.")
class CommandFilter:
    kinds: list[CommandKind] | None = strawberry.field(default=None, description="Only those of these kinds.")
    states: list[CommandState] | None = strawberry.field(default=None, description="Only those in one of these states.")

    def narrowing(self) -> repository.CommandFilter:
        """Return the filter as the repository takes it."""
        return repository.CommandFilter(
            kinds=None if self.kinds is None else tuple(self.kinds),
            states=None if self.states is None else tuple(self.states),
        )


@strawberry.federation.type(keys=["id"], directives=[Authenticated()], description="An instruction to a charge point, and its outcome.")
class Command(Node):
    kind: CommandKind = strawberry.field(description="What was asked.")
    state: CommandState = strawberry.field(description="How far it has come; ACCEPTED, REJECTED, FAILED and EXPIRED are final.")
    outcome: str | None = strawberry.field(description="The charge point's answer in words.")
    author: str = strawberry.field(description="Who gave it.")
    created_at: datetime = strawberry.field(description="When it was given.")
    sent_at: datetime | None = strawberry.field(description="When it was sent to the charge point.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    charge_point: Annotated["ChargePoint", strawberry.lazy("ampyard.schema.charge_points")] = to_one(
        ChargePoints, "charge_point_id", description="The charge point that is asked."
    )
    is_type_of = staticmethod(shows(domain.Command))
    resolve_references = staticmethod(references_to(domain.Command))


@strawberry.federation.type(directives=[Authenticated()], description="How a command ended, and the transaction it is about.")
class RemoteCommandPayload(Payload):
    command: Command | None = strawberry.field(description="The command with its outcome; null where it was refused before it was given.")
    transaction: Transaction | None = strawberry.field(
        description="The transaction it started or stopped; null when nothing has started yet (the charge point waits for the cable)."
    )


@strawberry.input(description="Start a transaction for a vehicle or for an id tag: give exactly one of the two.")
class StartTransactionInput(Change):
    evse_id: strawberry.ID = strawberry.field(description="The EVSE to start on.")
    vehicle_id: strawberry.ID | None = strawberry.field(default=None, description="The vehicle; one of its valid id tags is used.")
    id_tag: str | None = strawberry.field(default=None, description="The id tag.")


@strawberry.input(description="Stop a transaction.")
class StopTransactionInput(Change):
    transaction_id: strawberry.ID = strawberry.field(description="The transaction to stop.")


@strawberry.type
class CommandQueries:
    command: Command | None = by_id(domain.Command, description="One command; null when it does not exist.")


@strawberry.type
class CommandSubscriptions:
    command_updated: AsyncIterator[Command] = scoped_subscription(
        subscriptions.command_updated,
        Scope.FLEET_READ,
        description="Commands as they are given and as they end; of one charge point or one command where named. Limits only as they end.",
    )


@strawberry.type
class CommandMutations:
    start_transaction: RemoteCommandPayload = mutation(
        RemoteCommandPayload,
        resolvers.start_transaction,
        StartTransactionInput,
        Scope.TRANSACTIONS_CONTROL,
        description="Ask a charge point to start a transaction, and wait for its answer.",
    )
    stop_transaction: RemoteCommandPayload = mutation(
        RemoteCommandPayload,
        resolvers.stop_transaction,
        StopTransactionInput,
        Scope.TRANSACTIONS_CONTROL,
        description="Ask a charge point to stop a transaction, and wait for its answer.",
    )
