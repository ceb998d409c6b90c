from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum

import strawberry
from strawberry.federation.schema_directives import Authenticated
from strawberry.scalars import JSON

from ampyard.domain import job_runs as domain
from ampyard.domain.access import Scope
from ampyard.engine import computed
from ampyard.repositories import job_runs as repository
from ampyard.repositories.job_runs import JobRuns
from ampyard.resolvers import job_runs as resolvers
from ampyard.resolvers import subscriptions
from ampyard.resolvers.changes import mutation
from ampyard.resolvers.edges import by_id, references_to
from ampyard.resolvers.lists import Listing
from ampyard.resolvers.scopes import scoped_subscription
from ampyard.schema.enums import JobRunState
from ampyard.schema.errors import Change, Payload
from ampyard.schema.node import Node, shows
from ampyard.schema.paging import Connection, OrderDirection, connection

JOB_RUNS = Listing("jobRuns", JobRuns, "CREATED_AT", default_descending=True)


@strawberry.enum(description="What runs of jobs can be ordered by.")
class JobRunOrderField(Enum):
    CREATED_AT = "CREATED_AT"


@strawberry.input(description="The order of a list of runs of jobs.")
class JobRunOrder:
    field: JobRunOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Which way.")


@strawberry.input(description="Which runs of jobs to list.")
class JobRunFilter:
    kind: str | None = strawberry.field(default=None, description="Only those of this kind, such as daily_energy.")
    states: list[JobRunState] | None = strawberry.field(default=None, description="Only those in one of these states.")
    since: datetime | None = strawberry.field(default=None, description="Only those that were first begun from this time on.")
    until: datetime | None = strawberry.field(default=None, description="Only those that were first begun before this time.")

    def narrowing(self) -> repository.JobRunFilter:
        """Return the filter as the repository takes it."""
        return repository.JobRunFilter(self.kind, None if self.states is None else tuple(self.states), self.since, self.until)


@strawberry.federation.type(
    keys=["id"], directives=[Authenticated()], description="That something is done for the tenant in the background, and how that goes."
)
class JobRun(Node):
    kind: str = strawberry.field(description="What is done, such as daily_energy.")
    state: JobRunState = strawberry.field(description="How far it has come.")
    attempts: int = strawberry.field(description="How often it was tried.")
    payload: JSON | None = strawberry.field(description="What it was given; null for a turn of a schedule.")
    error: str | None = strawberry.field(description="Why it last failed, in words that tell no secrets.")
    created_at: datetime = strawberry.field(description="When it was first begun.")
    started_at: datetime | None = strawberry.field(description="When it was last begun.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    can_be_retried: bool = computed(
        resolvers.can_be_retried, reads=["state", "payload"], description="Whether `retryJob` would have it done again."
    )
    is_type_of = staticmethod(shows(domain.JobRun))
    resolve_references = staticmethod(references_to(domain.JobRun))


@strawberry.input(description="Have a failed job done again.")
class RetryJobInput(Change):
    job_run_id: strawberry.ID = strawberry.field(description="Its run.")


@strawberry.federation.type(directives=[Authenticated()], description="A run that waits to be done again.")
class JobRunPayload(Payload):
    job_run: JobRun | None = strawberry.field(description="The run as it now is; null where it was refused.")


@strawberry.type
class JobRunQueries:
    job_run: JobRun | None = by_id(domain.JobRun, description="One run of a job; null when it does not exist.")
    job_runs: Connection[JobRun] = connection(
        JOB_RUNS,
        description="What runs and ran in the background, newest first unless told.",
        filter_type=JobRunFilter,
        order_type=JobRunOrder,
        scope=Scope.JOBS_READ,
    )


@strawberry.type
class JobRunMutations:
    retry_job: JobRunPayload = mutation(
        JobRunPayload, resolvers.retry_job, RetryJobInput, Scope.JOBS_WRITE, description="Have a failed job done again; its run goes on."
    )


@strawberry.type
class JobRunSubscriptions:
    job_run_updated: AsyncIterator[JobRun] = scoped_subscription(
        subscriptions.job_run_updated,
        Scope.JOBS_READ,
        description="Runs of jobs as they begin, are tried again and end; one where named.",
    )
