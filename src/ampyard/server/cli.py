"""The command line. Each command imports what it runs: `ampyard token` should not load a web server."""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Coroutine
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console

from ampyard.domain.access import Role
from ampyard.domain.errors import DomainError
from ampyard.server.embedded import EmbeddedServers
from ampyard.server.ocpi_check import ocpi_commands
from ampyard.server.settings import Settings

app = typer.Typer(
    name="ampyard",
    help="The central backend of electric-fleet charging.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
report_app = typer.Typer(help="Write reports now.", no_args_is_help=True)
app.add_typer(report_app, name="report")
app.add_typer(ocpi_commands, name="ocpi")
_errors = Console(stderr=True)


def main() -> None:
    """Run the command line; what a person can mend is told without a traceback."""
    try:
        app()
    except Exception as error:
        from ampyard.server.faults import explain

        told = explain(error)
        if told is None:
            raise
        # No markup: the text may quote a log, whose brackets are no styles.
        _errors.print(told, style="red", markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(1) from error


@app.command()
def up(
    speed: Annotated[float, typer.Option(min=0.1, help="How much faster than real time the simulated vehicles come, fill and go.")] = 20.0,
    simulate: Annotated[bool, typer.Option(help="Run the simulated fleet too.")] = True,  # noqa: FBT002  # typer makes it --no-simulate
) -> None:
    """Start everything in this terminal: servers, migrations, demo, api, connect, worker, simulated fleet."""
    from ampyard.server.up import run_up

    settings = Settings()
    with EmbeddedServers(settings.home) as servers:
        servers.claim()
        try:
            code = asyncio.run(run_up(settings, servers, speed=speed, simulate=simulate))
        except KeyboardInterrupt:
            code = 0
    raise typer.Exit(code)


@app.command()
def api() -> None:
    """Serve the graphs, OCPI and files."""
    import uvicorn
    import uvloop

    from ampyard.engine.send_now import SendNowProtocol
    from ampyard.server.api import api_app
    from ampyard.server.listening import ApiServer
    from ampyard.server.wiring import running

    async def serve() -> None:
        settings = Settings()
        async with running(settings, "api") as backend:
            config = uvicorn.Config(
                api_app(settings, backend),
                host=settings.host,
                port=settings.port,
                http="httptools",
                ws=SendNowProtocol,
                # It would cost every socket a compressor, and every shared result one compression for each of its receivers.
                ws_per_message_deflate=False,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=3,
            )
            logging.getLogger("uvicorn.error").addFilter(_cut_streams_are_no_error)
            _collect_seldom()
            await ApiServer(config).serve()

    _run_role(serve(), loop_factory=uvloop.new_event_loop)


@app.command()
def connect() -> None:
    """Serve OCPP to charge points."""
    from ampyard.connect.server import run_connect
    from ampyard.server.wiring import running

    async def serve() -> None:
        settings = Settings()
        async with running(settings, "connect") as backend:
            await run_connect(backend, settings.host, settings.resolved_connect_port)

    _run_role(serve())


@app.command()
def worker() -> None:
    """Share power, relay events and run jobs."""
    from ampyard.grid.running import run_links
    from ampyard.jobs.worker import run_worker
    from ampyard.server.wiring import running
    from ampyard.services import power

    async def serve() -> None:
        settings = Settings()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with running(settings, "worker") as backend:
            grid = {"Calling grid links": lambda: run_links(backend, f"{settings.base_url}/grid")}
            await run_worker(backend, settings.resolved_database_url, tick=power.tick, stop=stop, also=grid)

    _run_role(serve())


@app.command()
def migrate(
    plan: Annotated[bool, typer.Option("--plan", help="Tell what would be done, and change nothing.")] = False,  # noqa: FBT002  # typer's way
    down: Annotated[str | None, typer.Option(metavar="REVISION", help="Undo what came after this revision.")] = None,
) -> None:
    """Bring the database to the present schema while it is in use, or back."""
    from ampyard.migrations import describe, downgrade, upgrade

    url = Settings().resolved_database_owner_url
    if plan:
        for line in asyncio.run(describe(url, down_to=down)):
            typer.echo(line)
    elif down is not None:
        asyncio.run(downgrade(url, typer.echo, to=down))
    else:
        asyncio.run(upgrade(url, typer.echo, explain=True))


class Profile(StrEnum):
    """What can be seeded."""

    DEMO = "demo"
    LARGE = "large"


@app.command()
def seed(
    profile: Annotated[Profile, typer.Option(help="The demo, or 50 depots with a year of transactions behind them.")] = Profile.DEMO,
    number: Annotated[int, typer.Option("--seed", help="Fixes all that is left to chance in the large fleet.")] = 1,
) -> None:
    """Make a tenant unless it is there: the demo, or a large fleet; what was cut off is gone on with."""
    from ampyard.server.demo import DemoFiles, seed_demo
    from ampyard.server.seeding import seed_large
    from ampyard.server.wiring import open_backend

    async def run() -> None:
        settings = Settings()
        async with open_backend(settings, "seed") as backend:
            if profile is Profile.LARGE:
                await seed_large(backend, number, Console())
            else:
                await seed_demo(backend, DemoFiles(settings.home), typer.echo)

    asyncio.run(run())


@app.command()
def simulate(
    url: Annotated[str, typer.Option(help="Where charge points connect, without the identity; this machine unless told.")] = "",
    charge_points: Annotated[int | None, typer.Option(min=1, help="How many; all of the fleet file, or 24 made up, unless told.")] = None,
    speed: Annotated[float, typer.Option(min=0.1, help="How much faster than real time vehicles come, fill and go.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Fixes every decision of the simulated world.")] = 1,
    fleet: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Fleet file; the demo's where there is one, else a fleet is made up.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Folder in which charge points keep what they must not forget.")] = None,
    password: Annotated[str, typer.Option(envvar="AMPYARD_SIMULATE_PASSWORD", help="Password of charge points without one.")] = "",
) -> None:
    """Run a simulated fleet of OCPP charge points."""
    from ampyard.server.demo import DemoFiles
    from ampyard.simulator.options import SimulatorOptions
    from ampyard.simulator.run import run_fleet

    if url and urlsplit(url).scheme not in {"ws", "wss"}:
        raise typer.BadParameter(f"{url!r} is no address that begins with ws:// or wss://.", param_hint="--url")
    settings = Settings()
    demo = DemoFiles(settings.home).fleet
    # The demo's charge points are known here alone: any other central system gets a made-up fleet.
    ours = not url or urlsplit(url).port == settings.resolved_connect_port
    options = SimulatorOptions(
        url=url or f"ws://{settings.host}:{settings.resolved_connect_port}/ocpp",
        charge_points=charge_points,
        speed=speed,
        seed=seed,
        fleet=fleet or (demo if ours and demo.exists() else None),
        state=state,
        password=password,
    )
    _run_role(run_fleet(options))


@app.command()
def token(
    role: Annotated[
        Role | None, typer.Option(help="The role the token carries; without one, and with --subject, what the tenant has granted.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="The tenant's slug.")] = "demo",
    subject: Annotated[str | None, typer.Option(help="Who the token speaks for; `operator` unless told.")] = None,
    hours: Annotated[float, typer.Option(min=0.01, help="How long it is valid.")] = 12.0,
) -> None:
    """Print a token of the embedded issuer."""
    from ampyard.domain.clock import utc_now
    from ampyard.server.tokens import EmbeddedIssuer
    from ampyard.server.wiring import open_backend
    from ampyard.services.tenants import tenant_by_slug

    async def mint() -> str:
        settings = Settings()
        carried = Role.VIEWER if role is None and subject is None else role
        tenant_id = None
        if carried is not Role.SYSTEM_ADMINISTRATOR:
            async with open_backend(settings, "token") as backend:
                tenant_id = await tenant_by_slug(backend, tenant)
        return EmbeddedIssuer(settings).mint(tenant_id, subject or "operator", carried, lifetime=timedelta(hours=hours), now=utc_now())

    typer.echo(asyncio.run(mint()))


@app.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when a file is out of date.")] = False,  # noqa: FBT002  # typer's way
    folder: Annotated[Path, typer.Option(help="Where schema.graphql and schema.public.graphql are.")] = Path(),
) -> None:
    """Write the two schemas as SDL."""
    from ampyard.schema.sdl import documents

    for name, text in documents().items():
        path = folder / name
        if check and (not path.exists() or path.read_text() != text):
            raise DomainError(f"{path} is out of date: run `make schema`.")
        if not check:
            path.write_text(text)
            typer.echo(f"Wrote {path}.")


@app.command()
def doctor() -> None:
    """Check that this installation can run, and say what is wrong."""
    from ampyard.server.doctor import examine

    raise typer.Exit(asyncio.run(examine(Settings())))


@report_app.command("daily-energy")
def daily_energy(
    tenant: Annotated[str, typer.Option(help="The tenant's slug.")] = "demo",
    depot: Annotated[str | None, typer.Option(help="The depot's name; all of them unless told.")] = None,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The local day; the last complete one unless told.")] = None,
) -> None:
    """Write the daily energy report of one or all depots now."""
    from ampyard.server.wiring import open_backend
    from ampyard.services.reports import run_daily_energy_now

    async def run() -> None:
        settings = Settings()
        wanted: date | None = day.date() if day else None
        async with open_backend(settings, "report") as backend:
            for report in await run_daily_energy_now(backend, tenant, depot, wanted):
                typer.echo(f"{report.file_key}: {report.energy_wh / 1000:.3f} kWh, {report.size_bytes} bytes")

    asyncio.run(run())


@app.command()
def replay(
    transaction: Annotated[str, typer.Argument(help="The transaction's id, as the graph shows it.")],
    tenant: Annotated[str, typer.Option(help="The tenant's slug.")] = "demo",
) -> None:
    """Compute each decision about a transaction again from what was known then, and tell whether it comes out the same."""
    from ampyard.domain.transactions import Transaction
    from ampyard.resolvers.ids import decode_id
    from ampyard.server.wiring import open_backend
    from ampyard.services.power.replaying import replay_now, told

    wanted = decode_id("transaction", transaction, Transaction)

    async def run() -> int:
        async with open_backend(Settings(), "replay") as backend:
            replayed = await replay_now(backend, tenant, wanted)
        for one in replayed:
            typer.echo(told(one))
        return int(any(one.replay is not None and not one.replay.same for one in replayed))

    raise typer.Exit(asyncio.run(run()))


def _cut_streams_are_no_error(record: logging.LogRecord) -> bool:
    # A live view is open for ever, so the api cuts it when it stops, upon which the client connects again.
    if str(record.msg).startswith("Cancel %s running task"):
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


def _collect_seldom() -> None:
    """Keep the garbage collector from looking through every answer: thousands of objects that are all in use, and freed by their counts.

    Schemas and modules, which stay, are not looked at again at all.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _run_role(role: Coroutine[Any, Any, None], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
    """Run a long-lived role: log to the terminal, end with the supervisor, end quietly on Ctrl-C."""
    from ampyard.server.supervisor import exit_with_supervisor

    exit_with_supervisor()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(role)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
