from datetime import datetime

import strawberry
from strawberry.federation.schema_directives import Authenticated

from ampyard.domain.access import Scope
from ampyard.engine import list_size
from ampyard.repositories.depots import Depots
from ampyard.resolvers import health as resolvers
from ampyard.resolvers.edges import to_one
from ampyard.resolvers.scopes import scoped
from ampyard.schema.depots import Depot


@strawberry.federation.type(directives=[Authenticated()], description="Whether a server answers.")
class ServerHealth:
    name: str = strawberry.field(description="Which server.")
    answers: bool = strawberry.field(description="Whether it answered within two seconds.")
    took_ms: float | None = strawberry.field(description="How long that took, in ms; null where it did not.")


@strawberry.federation.type(directives=[Authenticated()], description="Events that wait to be relayed, of the whole installation.")
class RelayHealth:
    waiting: int = strawberry.field(description="How many.")
    lag_s: float = strawberry.field(description="For how long the oldest has waited, in s; 0 where none waits.")


@strawberry.federation.type(directives=[Authenticated()], description="Background jobs, of the whole installation.")
class QueueHealth:
    waiting: int = strawberry.field(description="How many could run now.")
    running: int = strawberry.field(description="How many run.")
    oldest_s: float = strawberry.field(description="For how long the oldest of those that could run has waited, in s.")


@strawberry.federation.type(directives=[Authenticated()], description="When a depot's power was last shared.")
class PlannerHealth:
    shared_at: datetime | None = strawberry.field(description="When; null: not within the last hour, as far as is remembered.")
    age_s: float | None = strawberry.field(description="How long ago, in s.")
    depot: Depot | None = to_one(Depots, "depot_id", description="The depot.")


@strawberry.federation.type(directives=[Authenticated()], description="A process that runs.")
class ProcessHealth:
    role: str = strawberry.field(description="What it does: api, connect or worker.")
    name: str = strawberry.field(description="Its machine and number there.")
    version: str = strawberry.field(description="Its version.")
    started_at: datetime = strawberry.field(description="When it was started.")
    seen_at: datetime = strawberry.field(description="When it last told that it runs, at most 15 s ago.")


@strawberry.federation.type(
    directives=[Authenticated()],
    description="How the installation is doing. What did not answer within two seconds is null, which is not zero.",
)
class SystemHealth:
    at: datetime = strawberry.field(description="When it was asked.")
    version: str = strawberry.field(description="The version of the process that answers.")
    database: ServerHealth = strawberry.field(description="The database.")
    events: ServerHealth = strawberry.field(description="The server of events, budgets and presence.")
    relay: RelayHealth | None = strawberry.field(description="Events that wait to be relayed.")
    queue: QueueHealth | None = strawberry.field(description="Background jobs.")
    partitions_ahead: int | None = strawberry.field(
        description="For how many months to come meter samples have a place; 2 is as it should be."
    )
    planners: list[PlannerHealth] | None = strawberry.field(description="Each of the tenant's depots, by name.", directives=[list_size(50)])
    processes: list[ProcessHealth] | None = strawberry.field(
        description="The processes that run, by role and name.", directives=[list_size(20)]
    )


@strawberry.type
class HealthQueries:
    system_health: SystemHealth = scoped(
        resolvers.system_health, Scope.SETTINGS_READ, description="How the installation is doing; answered within about two seconds."
    )
