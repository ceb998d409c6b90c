"""Timing several ways of doing the same thing, in turn, so that a machine whose speed drifts drifts for all."""

import cProfile
import gc
import io
import pstats
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Work = Callable[[], Awaitable[object]]

_ROUND_S = 0.5
_PROFILED_S = 3.0
_PROFILE_LINES = 15


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the output: medians over rounds; `ratio` is how many times better than the baseline, and `target` what it shall be."""

    name: str
    value: float
    unit: str
    ratio: float
    baseline: str
    baseline_value: float | None = None
    target: float | None = None
    notes: str = ""

    @property
    def missed(self) -> bool:
        """Whether there is a target that the ratio does not reach."""
        return self.target is not None and self.ratio < self.target

    def line(self) -> str:
        """`name value unit ratio baseline`."""
        verdict = "" if self.target is None else f"  ({'MISSED: ' if self.missed else ''}target {self.target:g}x)"
        return f"{self.name:<20} {self.value:>10.2f} {self.unit:<5} {self.ratio:>7.2f}x  {self.baseline}{verdict}"


async def compare(name: str, ours: Work, theirs: Work, *, baseline: str, rounds: int, target: float | None = None) -> Result:
    """Run both to warm up, then for `rounds` rounds in turn; return our median in ms for one run against theirs.

    Raises:
        AssertionError: the two do not give the same answer, so that comparing them would say nothing.
    """
    assert await ours() == await theirs(), f"{name}: the baseline gives another answer."
    times = [await _runs_a_round(work) for work in (ours, theirs)]
    ours_s, theirs_s = [], []
    for _ in range(rounds):
        ours_s.append(await _seconds(ours, times[0]))
        theirs_s.append(await _seconds(theirs, times[1]))
    median, theirs_median = statistics.median(ours_s), statistics.median(theirs_s)
    return Result(name, median * 1000, "ms", theirs_median / median, baseline, theirs_median * 1000, target)


async def _runs_a_round(work: Work) -> int:
    """Return how often something can run in a round, having run it three times to warm it up."""
    fastest = min([await _seconds(work, 1) for _ in range(3)])
    return max(1, int(_ROUND_S / fastest))


async def _seconds(work: Work, times: int) -> float:
    """Return how long one run takes, on average."""
    gc.collect()  # what others have left behind is not collected in this one's time
    begin = time.perf_counter()
    for _ in range(times):
        await work()
    return (time.perf_counter() - begin) / times


def median_ms(work: Callable[[], object], rounds: int) -> float:
    """Return how long one run takes, in ms: the median over rounds, of which each is one run of its own, after one to warm up."""
    work()
    took_s = []
    for _ in range(rounds):
        gc.collect()  # as in `_seconds`
        begin = time.perf_counter()
        work()
        took_s.append(time.perf_counter() - begin)
    return statistics.median(took_s) * 1000


async def profile(work: Work) -> str:
    """Run something for some seconds under the profiler; return where the time goes."""
    await work()
    profiler = cProfile.Profile()
    runs, until = 0, time.perf_counter() + _PROFILED_S
    with profiler:
        while time.perf_counter() < until:
            await work()
            runs += 1
    return top(pstats.Stats(profiler), runs)


def top(stats: pstats.Stats, runs: float) -> str:
    """Return the functions with the most time of their own, per run in ms (the profiler's own cost included)."""
    out = io.StringIO()
    total_s = sum(own for _, _, own, _, _ in stats.stats.values())  # type: ignore[attr-defined]  # not in its stub
    print(f"{total_s / runs * 1000:.2f} ms a run; functions by own time:\n", file=out)
    print("  own ms     %    calls  total ms  function", file=out)
    rows = sorted(stats.stats.items(), key=lambda entry: -entry[1][2])[:_PROFILE_LINES]  # type: ignore[attr-defined]  # as above
    for (file, line, function), (_, calls, own_s, cumulative_s, _) in rows:
        place = function if file == "~" else f"{_short(file)}:{line} {function}"
        figures = f"{own_s / runs * 1000:8.3f} {own_s / total_s * 100:5.1f} {calls / runs:8.1f} {cumulative_s / runs * 1000:9.3f}"
        print(f"{figures}  {place}", file=out)
    return out.getvalue().rstrip()


def _short(file: str) -> str:
    for marker in ("/site-packages/", "/src/", "/lib/"):
        _, found, rest = file.rpartition(marker)
        if found:
            return rest
    return file.rpartition("/")[2]
