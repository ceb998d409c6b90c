"""A capacity provider for tests: it speaks OSCP 2.0 over real HTTP, keeps what it is told, and misbehaves on demand."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from tests.grid.sites import Connected
from tests.receivers import LOCALHOST, Call, WebServer, web_server

TOKEN = "the provider's own token"


@dataclass
class Provider:
    """The capacity provider; `refuses` says with which status it answers a message instead of taking it."""

    here: Connected
    web: WebServer
    refuses: dict[str, int] = field(default_factory=dict)
    # What it comes to us with: first the token that was handed over, then the one that we tell it.
    token: str = ""

    def __post_init__(self) -> None:
        self.token = self.here.token or ""
        self.web.answer = self._answer

    @property
    def base_url(self) -> str:
        return f"http://{LOCALHOST}:{self.web.port}/oscp/cp/2.0"

    def _answer(self, call: Call) -> bytes:
        name = call.path.rpartition("/")[2]
        status = self.refuses.get(name, 204)
        if status == 204 and name == "register":
            self.token = json.loads(call.body)["token"]
        return b"HTTP/1.1 %d Said\r\ncontent-length: 0\r\n\r\n" % status

    def told(self, name: str) -> list[dict[str, Any]]:
        """Return the bodies of the messages of a name that it was sent."""
        return [json.loads(call.body) for call in self.web.calls if call.path == f"/oscp/cp/2.0/{name}"]

    def calls(self, name: str) -> list[Call]:
        return [call for call in self.web.calls if call.path == f"/oscp/cp/2.0/{name}"]

    async def send(self, name: str, body: Any, *, token: str | None = None, method: str = "POST", **headers: str) -> httpx.Response:
        """Send a message to the flexibility provider."""
        given = {"authorization": f"Token {token or self.token}", "x-request-id": str(uuid4())} | headers
        return await self.here.http.request(method, f"{self.here.root}/oscp/fp/2.0/{name}", json=body, headers=given)

    async def register(self) -> httpx.Response:
        return await self.send("register", {"token": TOKEN, "version_url": [{"version": "2.0", "base_url": self.base_url}]})

    async def forecast(
        self, *blocks: dict[str, Any], kind: str = "CONSUMPTION", group_id: str = "feeder-7", **headers: str
    ) -> httpx.Response:
        body = {"group_id": group_id, "type": kind, "forecasted_blocks": list(blocks)}
        return await self.send("update_group_capacity_forecast", body, **headers)


def block(begin: datetime, end: datetime, capacity: float, *, unit: str = "KW", phase: str = "ALL") -> dict[str, Any]:
    """Return a ForecastedBlock."""
    return {"capacity": capacity, "phase": phase, "unit": unit, "start_time": begin.isoformat(), "end_time": end.isoformat()}


@asynccontextmanager
async def provider(here: Connected) -> AsyncIterator[Provider]:
    """Run a capacity provider on this machine."""
    async with web_server() as web:
        yield Provider(here, web)
