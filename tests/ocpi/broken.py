"""A small OCPI server that keeps the rules, but for the one it is told to break."""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ampyard.ocpi.wire.types import format_date_time, parse_date_time

TOKEN = "Token c2VjcmV0"  # "secret"
_MOST = 50
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def location(number: int) -> dict[str, Any]:
    """Return a Location; each was updated an hour after the one before."""
    updated = format_date_time(_BEGIN + timedelta(hours=number))
    connector = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 32,
        "last_updated": updated,
    }
    return {
        "country_code": "NL",
        "party_id": "TST",
        "id": f"LOC{number}",
        "publish": True,
        "address": "Stationsplein 1",
        "city": "Utrecht",
        "country": "NLD",
        "coordinates": {"latitude": "52.089444", "longitude": "5.110278"},
        "time_zone": "Europe/Amsterdam",
        "evses": [{"uid": f"E{number}", "status": "AVAILABLE", "connectors": [connector], "last_updated": updated}],
        "last_updated": updated,
    }


class Broken:
    """The server; `flaw` names the rule that it breaks, and is empty for none."""

    def __init__(self, flaw: str = "", count: int = 9) -> None:
        self.flaw = flaw
        self.objects = [location(number) for number in range(count)]
        if flaw == "invalid object":
            del self.objects[3]["coordinates"]
        if flaw == "newest first":
            self.objects.reverse()
        if flaw == "twice":
            self.objects[5] = self.objects[4]

    def app(self) -> Starlette:
        """Return the application."""
        paths = {"/versions": self.versions, "/2.2.1": self.details, "/2.2.1/locations": self.locations}
        return Starlette(routes=[Route(path, self._guarded(handler)) for path, handler in paths.items()])

    def _guarded(self, handler: Any) -> Any:
        async def serve(request: Request) -> Response:
            if request.headers.get("Authorization") != TOKEN and self.flaw != "open to all":
                return self._told(request, None, status=401, code=2001)
            response: Response = handler(request)
            return response

        return serve

    def versions(self, request: Request) -> Response:
        if self.flaw == "html":
            return PlainTextResponse("<h1>It works!</h1>")
        version = "2.1.1" if self.flaw == "old version" else "2.2.1"
        return self._told(request, [{"version": version, "url": f"{request.base_url}2.2.1"}])

    def details(self, request: Request) -> Response:
        identifiers = ["locations"] if self.flaw == "no credentials" else ["locations", "credentials"]
        root = "/ocpi" if self.flaw == "relative address" else str(request.base_url).rstrip("/")
        endpoints = [{"identifier": it, "role": "SENDER", "url": f"{root}/2.2.1/{it}"} for it in identifiers]
        if self.flaw == "endpoint twice":
            endpoints.append(endpoints[0])
        return self._told(request, {"version": "2.2" if self.flaw == "other version" else "2.2.1", "endpoints": endpoints})

    def locations(self, request: Request) -> Response:
        query = request.query_params
        if self.flaw == "in use":
            self._change_the_oldest()
        asked = int(query.get("limit", _MOST))
        limit = asked if self.flaw == "unclamped" else min(asked, _MOST)
        offset = 0 if self.flaw == "offset ignored" else int(query.get("offset", 0))
        if self.flaw == "limit ignored":
            limit = _MOST
        found = [it for it in self.objects if self._within(it, query)]
        page = found[offset : offset + limit]
        if self.flaw == "unclamped":
            page = page[:_FEWER]
        headers = {"X-Total-Count": str(len(found)), "X-Limit": str(limit)}
        if self.flaw == "total of all":
            headers["X-Total-Count"] = str(len(self.objects))
        if self.flaw == "total of the page":
            headers["X-Total-Count"] = str(max(0, len(page) - 1))
        headers = {name: value for name, value in headers.items() if self.flaw != f"no {name}"}
        if offset + limit < len(found) or self.flaw == "link on the last page":
            lost = {"offset", "limit", *(["date_from"] if self.flaw == "link without filters" else [])}
            kept = [f"{name}={value}" for name, value in query.items() if name not in lost]
            target = request.url.path if self.flaw == "relative link" else f"{request.base_url}2.2.1/locations"
            headers["Link"] = f'<{target}?{"&".join([f"offset={offset + limit}", f"limit={limit}", *kept])}>; rel="next"'
        if self.flaw == "no link":
            headers.pop("Link", None)
        return self._told(request, page, headers=headers)

    def _change_the_oldest(self) -> None:
        newest = parse_date_time(self.objects[-1]["last_updated"])
        self.objects.append(self.objects.pop(0) | {"last_updated": format_date_time(newest + timedelta(hours=1))})

    def _within(self, value: dict[str, Any], query: Any) -> bool:
        updated = parse_date_time(value["last_updated"])
        since, until = query.get("date_from"), query.get("date_to")
        if since is not None and self.flaw != "date_from ignored":
            moment = parse_date_time(since)
            if updated < moment or (updated == moment and self.flaw == "date_from exclusive"):
                return False
        if until is not None and self.flaw != "date_to ignored":
            moment = parse_date_time(until)
            return updated < moment or (updated == moment and self.flaw == "date_to inclusive")
        return True

    def _told(self, request: Request, data: Any, *, status: int = 200, code: int = 1000, headers: dict[str, str] | None = None) -> Response:
        ids = {} if self.flaw == "no message ids" else {name: request.headers[name] for name in ("X-Request-ID", "X-Correlation-ID")}
        envelope = {"status_code": code, "timestamp": "2026-01-31T09:30:00Z"} | ({} if data is None else {"data": data})
        if self.flaw == "local time":
            envelope["timestamp"] = "2026-01-31T10:30:00+01:00"
        if self.flaw == "bare" and status == 200:
            return JSONResponse(data, headers=ids)
        return JSONResponse(envelope, status, headers={**ids, **(headers or {})})


# What a server that does not tell its true limit gives out at most.
_FEWER = 5
