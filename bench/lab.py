"""What the benchmarks of one run share."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from bench.fleet import Fleet, open_fleet


@dataclass
class Lab:
    """How thoroughly to measure, and the fleet, which is made when it is first asked for and ends with the stack."""

    stack: AsyncExitStack
    rounds: int
    seconds: float
    _fleet: Fleet | None = field(default=None, init=False)

    async def fleet(self) -> Fleet:
        """Return the run's fleet, with its servers."""
        if self._fleet is None:
            self._fleet = await self.stack.enter_async_context(open_fleet())
        return self._fleet
