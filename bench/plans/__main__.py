"""`make plans`: look at the plans of the large tenant, print what is not as it is to be, and write `docs/plans/README.md`."""

import argparse
import asyncio
import platform
import sys
from pathlib import Path

import psutil

from ampyard.repositories.directory import Directory
from ampyard.schema.internal import schema
from ampyard.server.settings import Settings
from ampyard.server.wiring import open_backend
from ampyard.services.large_fleet import LARGE
from bench.plans.explain import Observed, observe
from bench.plans.fleet import callers, samples, sizes
from bench.plans.operations import operations
from bench.plans.page import page

_PAGE = Path(__file__).parents[2] / "docs" / "plans" / "README.md"


async def main() -> int:
    """Look at all operations, or those whose name contains what is given; returns 1 where one is not as it is to be."""
    parser = argparse.ArgumentParser(prog="python -m bench.plans", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="only operations whose name contains this; nothing is written then")
    parser.add_argument("--tenant", default=LARGE, help="the tenant's slug; `ampyard seed --profile large` makes the usual one")
    parser.add_argument("--rounds", type=int, default=3, help="how often each statement is timed")
    given = parser.parse_args()
    settings = Settings()
    observed: list[Observed] = []
    async with open_backend(settings, "plans") as backend:
        async with backend.database.system_snapshot() as system:
            tenant_id = await Directory(system).tenant_id(given.tenant)
        if tenant_id is None:
            raise SystemExit(f"There is no tenant {given.tenant!r}: run `ampyard seed --profile large` first, while `make run` runs.")
        known = await sizes(settings.resolved_database_owner_url)
        for caller in await callers(backend, tenant_id):
            for asked in operations(schema, await samples(backend, caller, backend.clock())):
                if given.only in asked.name:
                    done = await observe(schema, backend, caller.principal, caller.name, asked, rounds=given.rounds)
                    observed.append(done)
                    if (faults := done.faults(known)) or given.only:
                        print(f"{asked.name}, {caller.name}: {'; '.join(faults) or f'{done.ms:.1f} ms'}", flush=True)
    if not observed:
        raise SystemExit(f"No operation's name contains {given.only!r}.")
    if not given.only:
        machine = f"{psutil.cpu_count()} CPUs, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} {platform.machine()}"
        _PAGE.parent.mkdir(parents=True, exist_ok=True)
        load = ", ".join(f"{average:.1f}" for average in psutil.getloadavg())
        environment = {"Machine": machine, "Load average (1, 5, 15 minutes)": load, "Tenant": given.tenant}
        _PAGE.write_text(page(observed, known, rounds=given.rounds, environment=environment))
    return int(any(it.faults(known) for it in observed))


sys.exit(asyncio.run(main()))
