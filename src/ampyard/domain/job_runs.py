"""Runs of background jobs, as people see them."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ampyard.domain.errors import DomainError


class JobRunState(StrEnum):
    """QUEUED → RUNNING → SUCCEEDED, or RETRYING (it failed, and will be tried again by itself), or FAILED."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class JobRun:
    """A job of a tenant: what is done for it in the background, and how that went.

    `payload` is what the job was given; None for a turn of a schedule, which needs nothing and cannot be asked for. `queue_id` is the
    queue's own number of the job that runs, or ran last.
    """

    id: uuid.UUID
    tenant_id: uuid.UUID
    kind: str
    state: JobRunState
    attempts: int
    payload: dict[str, Any] | None
    queue_id: int | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def can_be_retried(self) -> bool:
        """Whether it has failed for good, and can be asked for again."""
        return self.state is JobRunState.FAILED and self.payload is not None


def tellable(error: BaseException) -> str:
    """Return what may be told of an error: a refusal's own words, which are meant for people; of all else its kind alone.

    The text of an unforeseen error may hold whatever was at hand: addresses, parameters, passwords in a URL.
    """
    return str(error) if isinstance(error, DomainError) else f"{type(error).__name__}; the worker's log tells more."
