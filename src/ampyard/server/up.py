"""`ampyard up`: the whole system in one terminal."""

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta

from rich.console import Console
from rich.markup import escape

from ampyard.domain.access import Role
from ampyard.domain.clock import utc_now
from ampyard.migrations import upgrade
from ampyard.repositories.directory import Directory
from ampyard.server.demo import SLUG, DemoFiles, seed_demo
from ampyard.server.embedded import EmbeddedServers, ensure_port_free
from ampyard.server.settings import Settings
from ampyard.server.supervisor import ChildSpec, Supervisor, http_ready
from ampyard.server.tokens import EmbeddedIssuer
from ampyard.server.wiring import open_backend
from ampyard.services.backend import Backend

_TOKEN_LIFETIME = timedelta(days=30)


async def run_up(settings: Settings, servers: EmbeddedServers, *, speed: float, simulate: bool) -> int:
    """Start everything on `servers` (claimed by the caller) and supervise it; returns the exit code."""
    say = _progress()
    ensure_port_free(settings.port, host=settings.host)
    ensure_port_free(settings.resolved_connect_port, host=settings.host, setting="AMPYARD_CONNECT_PORT")
    if settings.embedded_database or settings.embedded_redis:
        servers.start(say, postgres=settings.embedded_database, valkey=settings.embedded_redis)
    await upgrade(settings.resolved_database_owner_url, say)
    files = DemoFiles(settings.home)
    async with open_backend(settings, "up") as backend:
        await seed_demo(backend, files, say)
        banner = await _banner(settings, backend, files)
    if simulate and not files.fleet.exists():
        say(f"No simulated fleet: {files.fleet} is missing, and only it knows the charge points' passwords.")
        simulate = False
    say("Starting the api, connect and worker processes" + (" and the simulated fleet." if simulate else "."))
    supervisor = Supervisor(
        _children(settings, files, speed=speed, simulate=simulate),
        logs=settings.home / "logs",
        show=lambda text: _console.print(text, highlight=False, markup=False, soft_wrap=True),
        failure=servers.ended,
    )

    async def announce() -> None:
        _console.print(banner, highlight=False, markup=False, soft_wrap=True)

    return await supervisor.run(when_ready=announce)


def _children(settings: Settings, files: DemoFiles, *, speed: float, simulate: bool) -> list[ChildSpec]:
    base = [sys.executable, "-m", "ampyard"]
    env = {"AMPYARD_DEVELOPMENT": os.environ.get("AMPYARD_DEVELOPMENT", "true")}
    connect_url = f"http://{settings.host}:{settings.resolved_connect_port}"
    children = [
        ChildSpec("worker", [*base, "worker"], env),
        ChildSpec("api", [*base, "api"], env, ready=http_ready(f"http://{settings.host}:{settings.port}/readyz")),
        ChildSpec("connect", [*base, "connect"], env, ready=http_ready(f"{connect_url}/readyz")),
    ]
    if simulate:
        url = f"ws://{settings.host}:{settings.resolved_connect_port}/ocpp"
        state = str(settings.home / "simulator")
        argv = [*base, "simulate", "--url", url, "--fleet", str(files.fleet), "--state", state, "--speed", str(speed)]
        children.append(ChildSpec("simulator", argv, env, after=["connect"]))
    return children


async def _banner(settings: Settings, backend: Backend, files: DemoFiles) -> str:
    async with backend.database.system_snapshot() as snapshot:
        tenant_id = await Directory(snapshot).tenant_id(SLUG)
    if tenant_id is None:
        raise LookupError(f"There is no tenant {SLUG!r} after seeding.")
    token = EmbeddedIssuer(settings).mint(tenant_id, "operator", Role.ADMINISTRATOR, lifetime=_TOKEN_LIFETIME, now=utc_now())
    try:
        access = files.read_access()
        api_key, ocpi_token = access.api_key, access.ocpi_token
    except OSError:
        api_key = ocpi_token = f"(gone: {files.access} is missing)"
    url = settings.base_url
    json = "-H 'content-type: application/json'"
    bearer = f"-H 'authorization: Bearer {token}'"
    charging = "chargePoint { identity ocppVersion } vehicle { name } powerKw energyWh"
    now = f"{{ transactions(first: 5, filter: {{state: ACTIVE}}) {{ nodes {{ {charging} }} }} }}"
    live = "subscription { transactionUpdated { chargePoint { identity } powerKw energyWh } }"
    public = "{ chargePoints(first: 5) { nodes { identity connected evses { status } } } }"
    return f"""
Ampyard is running. Ctrl-C stops it; the data stays in {settings.home}.

  Console          {url}/#token={token}
  Internal graph   {url}/graphql            (GraphiQL in the browser)
  Public graph     {url}/public/graphql
  OCPI             {url}/ocpi/versions
  OCPP             ws://{settings.host}:{settings.resolved_connect_port}/ocpp/<identity>
  Logs             {settings.home}/logs

  Token for the internal graph (administrator of the tenant {SLUG}, 30 days):
  {token}

  API key for the public graph:  {api_key}
  Token for OCPI:                {ocpi_token}

Three commands to try, in another terminal:

  1. What is charging now:
     curl -s {url}/graphql {json} {bearer} -d '{{"query": "{now}"}}'

  2. Watch it live:
     curl -sN {url}/graphql -H 'accept: text/event-stream' {json} {bearer} -d '{{"query": "{live}"}}'

  3. As an integrator sees it:
     curl -s {url}/public/graphql {json} -H 'x-api-key: {api_key}' -d '{{"query": "{public}"}}'

Tokens of people who see less: `ampyard token --subject dispatcher@hafen`, or viewer@hafen, dispatcher@werk, viewer@werk.
"""


_console = Console(stderr=False)


def _progress() -> Callable[[str], None]:
    begin = time.monotonic()

    def say(text: str) -> None:
        _console.print(f"[dim]{time.monotonic() - begin:5.1f} s[/dim]  {escape(text)}", highlight=False, soft_wrap=True)

    return say
