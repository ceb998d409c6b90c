"""`make bench`: run the benchmarks, print one line a result; a whole run writes `bench/results.json` and `bench/RESULTS.md`."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

from bench import bus_week, execution, now_step, planning, results, served, subscriptions
from bench.acn import run as acn
from bench.lab import Lab
from bench.measure import Result

BENCHMARKS: dict[str, Callable[[Lab], AsyncIterator[Result]]] = {
    "now-step": now_step.run,
    "plan": planning.run,
    "bus-depot": bus_week.run,
    "acn-ideal": acn.ideal,
    "acn-real": acn.real,
    "execution-flat": execution.flat,
    "execution-nested": execution.nested,
    "entities": execution.entities,
    "http-nested": served.nested,
    "http-by-id": served.by_id,
    "subscriptions": subscriptions.run,
}

# Where our side's time goes: shown with `--profile`, and in RESULTS.md where a target was missed.
PROFILES: dict[str, Callable[[Lab], Awaitable[str]]] = {
    "execution-flat": execution.profile_flat,
    "execution-nested": execution.profile_nested,
    "entities": execution.profile_entities,
    "http-nested": served.profile_nested,
    "http-by-id": served.profile_by_id,
    "subscriptions": subscriptions.profile,
}


async def main() -> None:
    """Run all benchmarks, or the one named."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("only", nargs="?", choices=BENCHMARKS, metavar="NAME", help=f"only this one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--profile", action="store_true", help="print where our side spends its time instead of measuring")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see whether it works; nothing is written")
    given = parser.parse_args()
    names = [given.only] if given.only else list(BENCHMARKS)
    async with AsyncExitStack() as stack:
        lab = Lab(stack, rounds=2, seconds=1.0) if given.quick else Lab(stack, rounds=7, seconds=4.0)
        if given.profile:
            for name in names:
                if name in PROFILES:
                    print(f"{name} under the profiler: {await PROFILES[name](lab)}\n", flush=True)
            return
        measured, profiles = [], {}
        for name in names:
            missed = False
            async for result in BENCHMARKS[name](lab):
                print(result.line(), flush=True)
                if given.quick and result.notes:
                    print(f"    {result.notes}")
                measured.append(result)
                missed = missed or result.missed
            if missed and name in PROFILES and not given.quick:
                profiles[name] = await PROFILES[name](lab)
                print(f"\nA target of {name} was missed. Under the profiler: {profiles[name]}\n", flush=True)
        if not (given.only or given.quick):
            await results.write(measured, profiles, lab)


try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit(130)
