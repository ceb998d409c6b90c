"""A VTN for tests: it speaks OpenADR 3.0.1 over real HTTP, keeps what it is told, and misbehaves on demand."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.receivers import LOCALHOST, Call, WebServer, web_server

CLIENT_ID, CLIENT_SECRET = "depot", "open sesame"


@dataclass
class TopNode:
    """The VTN; `refuses` says with which status, and `says` with what, it answers a path instead."""

    web: WebServer
    programs: list[dict[str, Any]] = field(default_factory=lambda: [{"id": "p-1", "programName": "tariff"}])
    events: list[dict[str, Any]] = field(default_factory=list)
    vens: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)
    says: dict[str, bytes] = field(default_factory=dict)
    # How many access tokens have been given; the last one is good.
    tokens: int = 0

    def __post_init__(self) -> None:
        self.web.answer = self._answer

    @property
    def url(self) -> str:
        return f"http://{LOCALHOST}:{self.web.port}/openadr3/3.0.1"

    def asked(self, path: str) -> list[Call]:
        return [call for call in self.web.calls if urlsplit(call.path).path == f"/openadr3/3.0.1/{path}"]

    def _answer(self, call: Call) -> bytes:
        parts = urlsplit(call.path)
        what = parts.path.removeprefix("/openadr3/3.0.1/")
        if what in self.refuses:
            return _http(self.refuses[what], b"{}")
        if what in self.says:
            return _http(200, self.says[what])
        if what == "auth/token":
            return self._token(parse_qs(call.body.decode()))
        if call.headers.get("authorization") != f"Bearer access-{self.tokens}":
            return _http(401, b'{"title": "no such token"}')
        if call.method == "POST":
            return self._made(what, json.loads(call.body))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        found = [it for it in getattr(self, what) if "programID" not in query or it["programID"] == query["programID"]]
        begin = int(query["skip"])
        return _http(200, json.dumps(found[begin : begin + int(query["limit"])]).encode())

    def _token(self, asked: dict[str, list[str]]) -> bytes:
        if asked != {"grant_type": ["client_credentials"], "client_id": [CLIENT_ID], "client_secret": [CLIENT_SECRET]}:
            return _http(401, b'{"error": "invalid_client"}')
        self.tokens += 1
        return _http(200, json.dumps({"access_token": f"access-{self.tokens}", "token_type": "Bearer", "expires_in": 3600}).encode())

    def _made(self, what: str, body: dict[str, Any]) -> bytes:
        getattr(self, what).append({**body, "id": f"{what}-{len(getattr(self, what))}"})
        return _http(201, json.dumps(body).encode())


def _http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d Said\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


def event(
    event_id: str, begin: datetime | None, duration: str, *values: float, kind: str = "IMPORT_CAPACITY_LIMIT", **more: Any
) -> dict[str, Any]:
    """Return an event whose intervals follow each other, each with one value."""
    period = {} if begin is None else {"intervalPeriod": {"start": begin.isoformat(), "duration": duration}}
    intervals = [{"id": number, "payloads": [{"type": kind, "values": [value]}]} for number, value in enumerate(values)]
    return {"id": event_id, "programID": "p-1", "intervals": intervals, **period, **more}


@asynccontextmanager
async def top_node() -> AsyncIterator[TopNode]:
    """Run a VTN on this machine."""
    async with web_server() as web:
        yield TopNode(web)
