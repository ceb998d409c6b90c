"""The api process: internal and public graph, OCPI, files, health."""

from collections.abc import Awaitable, Callable

import httpx
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from ampyard.console import console_route
from ampyard.domain.access import Principal, system_principal
from ampyard.domain.errors import DomainError, ForbiddenError
from ampyard.engine import GraphQLApp, UnauthenticatedError
from ampyard.ocpi.app import ocpi_app
from ampyard.resolvers.context import Context
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.links import FileLinks
from ampyard.schema.internal import schema as internal_schema
from ampyard.schema.public import schema as public_schema
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer, RemoteKeys, TokenVerifier
from ampyard.services.access import api_key_principal
from ampyard.services.backend import Backend
from ampyard.services.reports import read_report


def api_app(settings: Settings, backend: Backend) -> Starlette:
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

    internal = GraphQLApp(schema=internal_schema, authenticate=_bearer(verifier), context=context, ide=settings.development)
    public = GraphQLApp(schema=public_schema, authenticate=_api_key(backend), context=context, ide=settings.development)
    routes = [
        Route("/graphql", internal),
        WebSocketRoute("/graphql", internal),
        Route("/public/graphql", public),
        WebSocketRoute("/public/graphql", public),
        Mount("/ocpi", ocpi_app(backend, public_url=settings.public_url)),
        Route("/files/{token}", _download(backend, links)),
        Route("/healthz", _healthz),
        Route("/readyz", _readyz(backend)),
    ]
    if issuer is not None:
        routes.append(Route("/.well-known/jwks.json", _jwks(issuer)))
    return Starlette(routes=[*routes, console_route()])


def _bearer(verifier: TokenVerifier) -> Callable[[HTTPConnection, str | None], Awaitable[Principal]]:
    async def authenticate(connection: HTTPConnection, authorization: str | None) -> Principal:
        scheme, _, token = (authorization or connection.headers.get("authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UnauthenticatedError("A bearer token is required: Authorization: Bearer <token>. `ampyard token` prints one.")
        try:
            return await verifier.principal(token.strip())
        except httpx.HTTPError as error:
            raise UnauthenticatedError("The issuer's keys cannot be fetched right now; try again.") from error

    return authenticate


def _api_key(backend: Backend) -> Callable[[HTTPConnection, str | None], Awaitable[Principal]]:
    async def authenticate(connection: HTTPConnection, authorization: str | None) -> Principal:
        key = connection.headers.get("x-api-key")
        if key is None:
            scheme, _, key = (authorization or connection.headers.get("authorization", "")).partition(" ")
            key = key.strip() if scheme.lower() == "bearer" else ""
        principal = await api_key_principal(backend, key) if key else None
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
