"""Draws what happened at each depot of `tests.failsafe.sites` into docs/plots: `make plots`."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ampyard.migrations import upgrade
from ampyard.repositories.budgets import Budgets
from ampyard.repositories.database import Database
from ampyard.repositories.files import FolderFiles
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.server.embedded import EmbeddedServers
from ampyard.services.backend import Backend
from ampyard.services.events import EventHub
from tests.failsafe.sites import END_S, Site, run
from tests.failsafe.svg import Line, chart

_FOLDER = Path(__file__).parents[2] / "docs" / "plots"
_TITLES = {
    "grid-cut": "The grid limit is cut by half",
    "planner-killed": "Nobody shares power; a vehicle plugs in meanwhile",
    "site-meter-lost": "The site meter falls silent; the building takes more than it told",
    "links-cut": "All links are cut, and come back",
    "limits-ignored": "One charge point ignores its limits; the grid limit is lowered",
    "late-to-obey": "The grid limit is cut by half; one charge point follows after 30 s",
}


def drawn(site: Site) -> str:
    """Return what flowed at the grid connection of a depot, its limit, and what each charge point drew, over time."""
    lines = [Line("limit", "#c0392b", site.limits["Grid"], dashed=True), Line("grid connection", "#1b2631", site.loads["Grid"])]
    shades = ("#2471a3", "#5499c7", "#7fb3d5", "#a9cce3")
    for number, (flows, shade) in enumerate(zip(site.by_point.values(), shades, strict=True), start=1):
        lines.append(Line(f"charge point {number}", shade, flows))
    return chart(_TITLES[site.name], lines, marks=site.happened, until=END_S)


async def main() -> None:
    """Run all depots once, and draw each."""
    with TemporaryDirectory(prefix="ampyard-plots-") as folder, EmbeddedServers(Path(folder) / "home", durable=False) as servers:
        servers.start(print)
        await upgrade(servers.database_owner_url, lambda _: None)
        database, redis = Database(servers.database_url), connect_redis(servers.redis_url)
        hub, budgets = EventHub(EventStream(redis)), Budgets(redis)
        try:
            sites = await run(Backend(database=database, events=hub, files=FolderFiles(Path(folder)), budgets=budgets))
        finally:
            await hub.close()
            await budgets.close()
            await redis.aclose()
            await database.dispose()
    _FOLDER.mkdir(exist_ok=True)
    for name, site in sites.items():
        (_FOLDER / f"{name}.svg").write_text(drawn(site))
        over_s = round(site.reaction_s(), 2)
        sys.stdout.write(f"{name}: under every limit {over_s:g} s after the trouble began\n")


if __name__ == "__main__":
    asyncio.run(main())
