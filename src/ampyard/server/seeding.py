"""Seeding the large fleet while a person watches."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ampyard.services.backend import Backend
from ampyard.services.large_fleet import LARGE, make_large_fleet


async def seed_large(backend: Backend, seed: int, console: Console) -> None:
    """Make the large fleet's tenant, or what of it is missing, with a progress bar.

    Raises:
        ConflictError: there is one of another seed.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("What stands there", total=None)
        async for made in make_large_fleet(backend, seed=seed):
            progress.update(task, description=made.what, completed=made.done, total=made.of)
    console.print(f"The tenant {LARGE!r} is there. `ampyard token --tenant {LARGE}` lets you in.")
