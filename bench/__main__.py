"""`make bench`: run the benchmarks, print one line a result, and write `bench/results.json`."""

import asyncio
import json
import platform
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path

from bench import nested_fleet, now_step
from bench.measure import Result

BENCHMARKS: dict[str, Callable[[], AsyncIterator[Result]]] = {"now-step": now_step.run, "nested-fleet": nested_fleet.run}


async def main(only: str | None) -> int:
    """Run all benchmarks, or the one named; returns the exit code."""
    if only is not None and only not in BENCHMARKS:
        print(f"There is no benchmark {only!r}; known: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    results = []
    for name, run in BENCHMARKS.items():
        if only in {None, name}:
            async for result in run():
                print(result.line(), flush=True)
                results.append(asdict(result))
    content = {"python": platform.python_version(), "machine": platform.machine(), "results": results}
    (Path(__file__).parent / "results.json").write_text(json.dumps(content, indent=2) + "\n")
    return 0


sys.exit(asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None)))
