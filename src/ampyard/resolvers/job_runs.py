"""Runs of background jobs: having one done again."""

from typing import Any

from ampyard.domain.job_runs import JobRun
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id
from ampyard.services import job_runs


async def retry_job(caller: Caller, *, job_run_id: str) -> dict[str, Any]:
    """Have a failed job done again."""
    run = decode_id("input.jobRunId", job_run_id, JobRun)
    return {"job_run": await job_runs.retry_job(caller.backend, caller.principal, run)}


def can_be_retried(root: JobRun) -> bool:
    """Resolve whether a run can be asked for again."""
    return root.can_be_retried
