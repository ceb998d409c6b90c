"""The Python servers that the product's is measured against: `python -m bench.apps plain|sql PORT`, settings as for the product."""

import os
import sys
from typing import Any

import asyncpg
import strawberry.federation
import uvicorn
from sqlalchemy.engine import make_url
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.asgi import GraphQL

from ampyard.domain.transactions import Transaction as TransactionEntity
from ampyard.repositories.database import APPLICATION_ROLE, Database
from ampyard.repositories.files import FolderFiles
from ampyard.repositories.streams import EventStream, connect_redis
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.context import Context, Info
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.ids import SCOPES, decode_id
from ampyard.resolvers.links import FileLinks
from ampyard.resolvers.loading import by_id_of
from ampyard.schema.internal import Query
from ampyard.schema.scalars import CONFIG
from ampyard.schema.transactions import Transaction
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer, TokenVerifier
from ampyard.services.backend import Backend
from ampyard.services.events import EventHub

TENANT_VARIABLE = "BENCH_TENANT"

# What the nested query asks for, as one statement, which makes the whole response.
NESTED_SQL = """
SELECT json_build_object('data', json_build_object('depots', json_build_object('nodes', (
  SELECT json_agg(json_build_object('name', d.name, 'chargePoints', json_build_object('nodes', (
    SELECT coalesce(json_agg(json_build_object('identity', c.identity, 'connected', c.connected,
                                               'transactions', json_build_object('nodes', (
      SELECT coalesce(json_agg(json_build_object('startedAt', t.started_at, 'energyWh', t.energy_wh, 'vehicle', (
        SELECT json_build_object('name', v.name) FROM vehicle v WHERE v.id = t.vehicle_id))), '[]')
      FROM (SELECT * FROM transaction t WHERE t.charge_point_id = c.id ORDER BY t.started_at DESC, t.id DESC LIMIT 5) t)))), '[]')
    FROM (SELECT * FROM charge_point c WHERE c.depot_id = d.id ORDER BY c.identity, c.id LIMIT 20) c))))
  FROM (SELECT * FROM depot ORDER BY name, id LIMIT 10) d))))::text
"""


async def _resolve_reference(info: Info, id: strawberry.ID) -> Any:  # noqa: A002  # the key's field is named so
    info.context.principal.require(SCOPES[TransactionEntity])
    return await info.context.load(by_id_of(Transactions), decode_id("id", id, TransactionEntity))


def plain_schema() -> strawberry.federation.Schema:
    """Return Strawberry's own schema of the product's types: same fields, same resolvers; no extensions."""
    # Strawberry asks for one at a time, and a loader makes a batch of them; the product's own schema does not look at this name.
    Transaction.resolve_reference = staticmethod(_resolve_reference)  # type: ignore[attr-defined]  # as Strawberry has it
    return strawberry.federation.Schema(query=Query, config=CONFIG)


class _PlainApp(GraphQL[Context, None]):
    """`strawberry.asgi` with the product's authentication and context."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(plain_schema(), graphql_ide=None)
        redis = connect_redis(settings.resolved_redis_url)
        self._backend = Backend(
            Database(settings.resolved_database_url), EventHub(EventStream(redis)), FolderFiles(settings.home / "files")
        )
        issuer = EmbeddedIssuer(settings)
        self._verifier = TokenVerifier(issuer, issuer=issuer.name, audience=settings.oidc_audience)
        self._cursors, self._links = CursorCodec(settings.key), FileLinks(settings.key, settings.base_url)

    async def get_context(self, request: Any, response: Any) -> Context:
        del response
        principal = await self._verifier.principal(request.headers["authorization"].removeprefix("Bearer "))
        return Context(self._backend, principal, cursors=self._cursors, links=self._links)

    async def execute_operation(
        self, request: Request, request_adapter: Any, request_data: Any, context: Context, *rest: Any, **more: Any
    ) -> Any:
        try:
            return await super().execute_operation(request, request_adapter, request_data, context, *rest, **more)
        finally:
            await context.end_operation()


class _SqlApp:
    """One statement a request, on a pool of connections whose tenant is fixed; GraphQL is not looked at."""

    def __init__(self, settings: Settings) -> None:
        self._dsn = make_url(settings.resolved_database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._pool: asyncpg.Pool[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        while (await receive()).get("more_body"):
            pass
        if self._pool is None:
            server_settings = {"role": APPLICATION_ROLE, "ampyard.tenant": os.environ[TENANT_VARIABLE]}
            self._pool = await asyncpg.create_pool(self._dsn, min_size=8, max_size=10, server_settings=server_settings)
        body = (await self._pool.fetchval(NESTED_SQL)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve one of the applications as the api process is served."""
    name, port = sys.argv[1:]
    app: ASGIApp = _PlainApp(Settings()) if name == "plain" else _SqlApp(Settings())
    uvicorn.run(app, host="127.0.0.1", port=int(port), ws="none", lifespan="off", log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
