"""The api process: internal and public graph, OCPI, files, health, metrics."""

import logging
import uuid
from collections.abc import Awaitable, Callable, Hashable, Mapping

import httpx
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ConnectionScope

from ampyard.console import console_route
from ampyard.domain.access import Principal, PrincipalKind, Scope, system_principal
from ampyard.domain.errors import DomainError, ForbiddenError
from ampyard.engine import Gateway, GraphQLApp, PersistedDocuments, Standing, TrustedDocuments, UnauthenticatedError
from ampyard.grid.app import grid_app
from ampyard.ocpi.app import ocpi_app
from ampyard.repositories.budgets import Buckets
from ampyard.resolvers.context import Context
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.links import FileLinks
from ampyard.schema.internal import schema as internal_schema
from ampyard.schema.public import schema as public_schema
from ampyard.server.metrics import Metrics, metrics_view
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer, RemoteKeys, TokenVerifier
from ampyard.services.access import ApiKeys, Impersonating, UserGrants
from ampyard.services.alerts.counting import count_unresolved
from ampyard.services.backend import Backend
from ampyard.services.impersonation import TOKEN_PREFIX
from ampyard.services.limits import count_profile_writes
from ampyard.services.planning.figures import plan_figures
from ampyard.services.reports import read_report
from ampyard.vdv463.app import vdv463_route

_log = logging.getLogger(__name__)


def api_app(settings: Settings, backend: Backend) -> ASGIApp:
    """Return the api's ASGI application."""
    issuer = EmbeddedIssuer(settings) if settings.oidc_issuer is None else None
    verifier = (
        TokenVerifier(issuer, issuer=issuer.name, audience=settings.oidc_audience)
        if issuer is not None
        else TokenVerifier(
            RemoteKeys(str(settings.oidc_issuer), settings.oidc_jwks_url), issuer=str(settings.oidc_issuer), audience=settings.oidc_audience
        )
    )
    cursors = CursorCodec(settings.key)
    links = FileLinks(settings.key, settings.base_url)

    def context(principal: Principal, _connection: HTTPConnection) -> Context:
        return Context(backend, principal, cursors=cursors, links=links)

    gateway = Gateway(credential=settings.gateway_credential, traces=settings.development)
    metrics = Metrics()
    metrics_token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
    internal = GraphQLApp(
        schema=internal_schema,
        authenticate=_bearer(verifier, gateway, UserGrants(backend), Impersonating(backend)),
        context=context,
        ide=settings.development,
        compiled=settings.compiled_plans,
        gateway=gateway,
        persisted=PersistedDocuments(
            shared=backend.documents, trusted=_trusted_documents(settings), trusted_only=settings.trusted_documents_only
        ),
        developer=_developer(settings),
        observe=metrics.observer("internal"),
        budget=_budget(backend, settings.cost_capacity, settings.cost_restore_per_s),
        standing=Standing(_rights),
        max_variables_bytes=_WITH_A_FILE,
    )
    public = GraphQLApp(
        schema=public_schema,
        authenticate=_api_key(ApiKeys(backend)),
        context=context,
        ide=settings.development,
        compiled=settings.compiled_plans,
        persisted=PersistedDocuments(shared=backend.documents),
        developer=_developer(settings),
        observe=metrics.observer("public"),
        budget=_budget(backend, settings.public_cost_capacity, settings.public_cost_restore_per_s),
        standing=Standing(_rights),
    )
    metrics.watch("internal", internal)
    metrics.watch("public", public)
    routes = [
        Mount("/grid", grid_app(backend)),
        Mount("/ocpi", ocpi_app(backend, public_url=settings.public_url)),
        vdv463_route(backend),
        Route("/files/{token}", _download(backend, links)),
        Route("/healthz", _healthz),
        Route("/readyz", _readyz(backend)),
        Route("/metrics", metrics_view(metrics, metrics_token, lambda: _count(metrics, backend))),
    ]
    if issuer is not None:
        routes.append(Route("/.well-known/jwks.json", _jwks(issuer)))
    return _Front({"/graphql": internal, "/public/graphql": public}, Starlette(routes=[*routes, console_route()]))


# Files come as variables, in base64: room for `services.imports.MAX_BYTES` and what else an import is told.
_WITH_A_FILE = 1_000_000


class _Front:
    """The graphs, which nearly all requests are for and which answer for their errors themselves; Starlette for everything else."""

    def __init__(self, graphs: Mapping[str, ASGIApp], others: Starlette) -> None:
        self._graphs = graphs
        self._others = others

    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        await self._graphs.get(scope.get("path", ""), self._others)(scope, receive, send)


def _rights(principal: Principal) -> Hashable:
    return principal.rights


def _budget(backend: Backend, capacity: int, restore_per_s: int) -> Buckets | None:
    if backend.budgets is None or capacity == 0:
        return None
    return backend.budgets.buckets(capacity=capacity, restore_per_s=restore_per_s)


def _developer(settings: Settings) -> Callable[[Principal], bool]:
    return lambda principal: settings.development or Scope.SCHEMA_READ in principal.scopes


def _trusted_documents(settings: Settings) -> TrustedDocuments | None:
    if settings.trusted_documents is None:
        return None
    trusted = TrustedDocuments.read(settings.trusted_documents)
    for id_ in trusted.refused_by(internal_schema.documents):
        _log.warning("The trusted document %s is not valid in this version of the internal graph.", id_)
    return trusted


# A router that polls the document acts for nobody: without a tenant it sees no data, and without a scope it passes no root field.
_GATEWAY = Principal(tenant_id=uuid.UUID(int=0), subject="gateway", kind=PrincipalKind.SYSTEM, scopes=frozenset())


def _bearer(
    verifier: TokenVerifier, gateway: Gateway, grants: UserGrants, impersonating: Impersonating
) -> Callable[[HTTPConnection, str | None], Awaitable[Principal]]:
    async def authenticate(connection: HTTPConnection, authorization: str | None) -> Principal:
        credential = authorization or connection.headers.get("authorization")
        if credential is None and gateway.is_behind(connection):
            return _GATEWAY
        scheme, _, token = (credential or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthenticatedError("A bearer token is required: Authorization: Bearer <token>. `ampyard token` prints one.")
        if token.strip().startswith(f"{TOKEN_PREFIX}_"):
            principal = await impersonating.principal(token.strip())
            if principal is None:
                raise UnauthenticatedError("The impersonation is over; start another one.")
            return principal
        try:
            return await grants.granted(await verifier.principal(token.strip()))
        except httpx.HTTPError as error:
            raise UnauthenticatedError("The issuer's keys cannot be fetched right now; try again.") from error
        except ForbiddenError as error:
            raise UnauthenticatedError(str(error)) from error

    return authenticate


def _api_key(keys: ApiKeys) -> Callable[[HTTPConnection, str | None], Awaitable[Principal]]:
    async def authenticate(connection: HTTPConnection, authorization: str | None) -> Principal:
        key = connection.headers.get("x-api-key")
        if key is None:
            scheme, _, key = (authorization or connection.headers.get("authorization", "")).partition(" ")
            key = key.strip() if scheme.lower() == "bearer" else ""
        principal = await keys.principal(key) if key else None
        if principal is None:
            raise UnauthenticatedError("A valid API key is required: X-API-Key: <key>.")
        return principal

    return authenticate


def _download(backend: Backend, links: FileLinks) -> Callable[[Request], Awaitable[Response]]:
    async def download(request: Request) -> Response:
        try:
            tenant_id, report_id = links.read(request.path_params["token"], now=backend.clock())
            report, content = await read_report(backend, system_principal(tenant_id, "link"), report_id)
        except ForbiddenError as error:
            return PlainTextResponse(str(error), status_code=403)
        except DomainError as error:
            return PlainTextResponse(str(error), status_code=404)
        headers = {"content-disposition": f'attachment; filename="{report.file_name}"', "cache-control": "private, no-store"}
        return Response(content, media_type=report.content_type, headers=headers)

    return download


async def _healthz(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _readyz(backend: Backend) -> Callable[[Request], Awaitable[Response]]:
    async def readyz(_request: Request) -> Response:
        if not await backend.database.reachable():
            return JSONResponse({"status": "the database does not answer"}, status_code=503)
        return JSONResponse({"status": "ready"})

    return readyz


def _jwks(issuer: EmbeddedIssuer) -> Callable[[Request], Awaitable[Response]]:
    async def jwks(_request: Request) -> Response:
        return JSONResponse(issuer.jwks())

    return jwks


async def _count(metrics: Metrics, backend: Backend) -> None:
    """Bring up to date what is counted in the database."""
    counts = await count_unresolved(backend)
    metrics.show_alerts({(kind.value, severity.name): count for (kind, severity), count in counts.items()})
    metrics.show_plans(await plan_figures(backend), at=backend.clock())
    metrics.show_profile_writes(await count_profile_writes(backend))
