"""Timing two ways of doing the same thing, in turn, so that a machine whose speed drifts drifts for both."""

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the output: the median of `ROUNDS` rounds, and how many times faster than the baseline's median."""

    name: str
    value: float
    unit: str
    ratio: float
    baseline: str

    def line(self) -> str:
        return f"{self.name:<28} {self.value:>10.2f} {self.unit:<4} {self.ratio:>7.1f}x  {self.baseline}"


async def compare(
    name: str, ours: Callable[[], Awaitable[object]], theirs: Callable[[], Awaitable[object]], *, baseline: str, rounds: int = ROUNDS
) -> Result:
    """Run both once to warm up, then `rounds` times in turn; return our median in ms against theirs.

    Raises:
        AssertionError: the two do not give the same answer, so that comparing them would say nothing.
    """
    assert await ours() == await theirs(), f"{name}: the baseline gives another answer."
    ours_s, theirs_s = [], []
    for _ in range(rounds):
        ours_s.append(await _seconds(ours))
        theirs_s.append(await _seconds(theirs))
    median = statistics.median(ours_s)
    return Result(name, median * 1000, "ms", statistics.median(theirs_s) / median, baseline)


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin
