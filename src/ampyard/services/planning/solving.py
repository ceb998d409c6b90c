"""Solving away from the event loop, in a process of its own that is ended when it takes too long."""

import asyncio
import logging
import pickle
import sys
from contextlib import suppress
from typing import Protocol

from ampyard.domain.errors import DomainError
from ampyard.domain.planning import Plan, PlanProblem
from ampyard.services.planning.child import LENGTH

SOLVE = "ampyard.domain.planning:solve"
# Beyond its time limit a solver gets so long to stop by itself and to answer; the first problem also waits for it to start.
_GRACE_S = 2.0
_START_S = 20.0


_log = logging.getLogger(__name__)


class NoPlanError(DomainError):
    """There is no plan: the solver found none in time, failed, or its process ended. The last plan goes on until it is stale."""


class Solver(Protocol):
    """Whoever finds the plan of a depot."""

    async def solve(self, problem: PlanProblem, *, time_limit_s: float) -> Plan:
        """Return the best plan that is found within the time limit.

        Raises:
            NoPlanError: there is none.
        """
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class SolverProcess:
    """A solver in a process of its own, one problem at a time. It is started with the first one, and again after it was lost.

    Args:
        solve: what solves, as `module:function`; it takes the problem and `time_limit_s`, and returns the plan.
    """

    def __init__(self, solve: str = SOLVE) -> None:
        self._solve = solve
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def solve(self, problem: PlanProblem, *, time_limit_s: float) -> Plan:
        """Return the best plan that is found within the time limit; a process that does not answer a little later is killed.

        Raises:
            NoPlanError: there is none.
        """
        async with self._one_at_a_time:
            allowed_s = time_limit_s + _GRACE_S + (_START_S if self._process is None else 0.0)
            try:
                async with asyncio.timeout(allowed_s):
                    plan, error = await self._ask(pickle.dumps((problem, time_limit_s)))
            except TimeoutError as late:
                await self._kill()
                raise NoPlanError(f"The planner has not answered within {allowed_s:g} s; its process was ended.") from late
            except (OSError, EOFError) as lost:
                await self._kill()
                raise NoPlanError("The planner's process ended before it had answered.") from lost
            except asyncio.CancelledError:
                # Its answer would be taken for that to the next problem.
                await self._kill()
                raise
        if plan is None:
            _log.error("The planner failed: %s", error)
            raise NoPlanError("The planner failed; the log tells more.")
        return plan

    async def close(self) -> None:
        """End the process."""
        await self._kill()

    async def _ask(self, packed: bytes) -> tuple[Plan | None, str | None]:
        if self._process is None or self._process.returncode is not None:
            # Its standard error is ours: what goes wrong there is in our log.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ampyard.services.planning.child",
                self._solve,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        problems, answers = self._process.stdin, self._process.stdout
        assert problems is not None
        assert answers is not None
        problems.write(LENGTH.pack(len(packed)) + packed)
        await problems.drain()
        (length,) = LENGTH.unpack(await answers.readexactly(LENGTH.size))
        answer: tuple[Plan | None, str | None] = pickle.loads(await answers.readexactly(length))  # noqa: S301 - from our own child
        return answer

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
