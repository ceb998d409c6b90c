"""An api process on a real socket, and a client of it."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from ampyard.domain.access import Role
from ampyard.server.api import api_app
from ampyard.server.settings import Settings
from ampyard.server.tokens import EmbeddedIssuer
from ampyard.services.backend import Backend
from tests.server.serving import serving

PATIENCE_S = 8.0


@dataclass(frozen=True)
class Api:
    """An api process: where it is, and the issuer whose tokens it takes."""

    url: str
    settings: Settings
    backend: Backend
    http: httpx.AsyncClient

    def token(self, tenant_id: uuid.UUID, role: Role = Role.ADMINISTRATOR, *, lifetime: timedelta = timedelta(minutes=5)) -> str:
        of = None if role is Role.SYSTEM_ADMINISTRATOR else tenant_id
        return EmbeddedIssuer(self.settings).mint(of, "somebody", role, lifetime=lifetime, now=datetime.now(UTC))

    async def post(
        self, document: str, *, path: str = "/graphql", headers: dict[str, str] | None = None, **variables: object
    ) -> httpx.Response:
        return await self.http.post(path, json={"query": document, "variables": variables}, headers=headers)

    async def ask(self, token: str, document: str) -> Any:
        """Return the answer of the internal graph to a bearer of a token."""
        response = await self.post(document, headers=bearer(token))
        assert response.status_code == 200
        return response.json()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@asynccontextmanager
async def serving_api(backend: Backend, home: Path, **options: Any) -> AsyncIterator[Api]:
    settings = Settings(home=home, **options)
    async with serving(api_app(settings, backend)) as url, httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as http:
        yield Api(url, settings, backend, http)
