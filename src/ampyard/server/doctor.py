"""`ampyard doctor`: what a new installation most often lacks, checked one by one."""

from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.markup import escape

from ampyard.repositories.directory import Directory
from ampyard.repositories.streams import connect_redis
from ampyard.server.settings import Settings
from ampyard.server.wiring import open_backend
from ampyard.services.backend import Backend
from ampyard.services.health import application_role_faults

_console = Console()


async def examine(settings: Settings) -> int:
    """Print one line a check; returns 0 when all is well."""
    async with open_backend(settings, "doctor") as backend:
        checks: dict[str, Callable[[], Awaitable[str]]] = {
            "PostgreSQL": lambda: _database(backend),
            "Row-level security": lambda: _roles(backend),
            "Redis protocol": lambda: _redis(settings),
            "File store": lambda: _files(backend),
        }
        faults = 0
        for name, check in checks.items():
            try:
                _console.print(f"[green]ok[/green]    {name}: {await check()}", highlight=False, soft_wrap=True)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
                faults += 1
                _console.print(f"[red]fault[/red] {name}: {type(error).__name__}: {escape(str(error))}", highlight=False, soft_wrap=True)
    return 1 if faults else 0


async def _database(backend: Backend) -> str:
    async with backend.database.system_snapshot() as snapshot:
        tenants = await Directory(snapshot).tenant_slugs()
    return f"answers, and the schema is there; tenants: {', '.join(tenants) or 'none'}"


async def _roles(backend: Backend) -> str:
    faults = await application_role_faults(backend)
    if faults:
        raise RuntimeError("; ".join(faults))
    return "the application role owns nothing and is bound by it"


async def _redis(settings: Settings) -> str:
    redis = connect_redis(settings.resolved_redis_url)
    try:
        await redis.ping()
    finally:
        await redis.aclose()
    return "answers"


async def _files(backend: Backend) -> str:
    await backend.files.write("doctor/probe", b"probe", "text/plain")
    if await backend.files.read("doctor/probe") != b"probe":
        raise RuntimeError("what was written is not what is read")
    return "can be written and read"
