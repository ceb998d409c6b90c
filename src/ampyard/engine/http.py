"""GraphQL over HTTP (draft of the GraphQL foundation): POST and GET, negotiation, status codes."""

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import lru_cache

import orjson
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp
from strawberry.http.ides import get_graphql_ide_html
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.engine import wire
from ampyard.engine.budget import Throttled
from ampyard.engine.endpoint import Endpoint, P, remaining_s
from ampyard.engine.errors import PublicError, UnauthenticatedError, internal_error, refused
from ampyard.engine.limits import exceeded_together
from ampyard.engine.schema import only
from ampyard.engine.sse import EventStream

_GRAPHQL_RESPONSE = "application/graphql-response+json"
_JSON = "application/json"
_EVENT_STREAM = "text/event-stream"
_NAMES_A_DOCUMENT = {"query", "documentId", "extensions"}


class _RefusedError(PublicError):
    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.headers = headers


@dataclass(frozen=True, slots=True)
class _Accepts:
    """What the client takes: the JSON media type to answer with, an event stream, or a page."""

    json: str | None
    event_stream: bool
    prefers_event_stream: bool
    html: bool

    @classmethod
    def of(cls, request: Request) -> "_Accepts":
        return _accepts(",".join(request.headers.getlist("accept")) or _JSON)

    @classmethod
    def parsed(cls, accept: str) -> "_Accepts":
        ranges = _media_ranges(accept)
        answers = [
            _JSON if media in {"application/*", "*/*"} else media
            for media in ranges
            if media in {_GRAPHQL_RESPONSE, _JSON, _EVENT_STREAM, "application/*", "*/*"}
        ]
        return cls(
            json=next((media for media in answers if media != _EVENT_STREAM), None),
            event_stream=_EVENT_STREAM in answers,
            prefers_event_stream=answers[:1] == [_EVENT_STREAM],
            html="text/html" in ranges,
        )


# Clients say the same in every request.
_accepts = lru_cache(maxsize=256)(_Accepts.parsed)


def _media_ranges(accept: str) -> list[str]:
    weighted = []
    for media_range in accept.split(","):
        media, *parameters = (part.strip().lower() for part in media_range.split(";"))
        try:
            quality = next((float(parameter[2:]) for parameter in parameters if parameter.startswith("q=")), 1.0)
        except ValueError:
            quality = 0.0
        if quality > 0:
            weighted.append((quality, media))
    return [media for _, media in sorted(weighted, key=lambda entry: -entry[0])]


async def respond(endpoint: Endpoint[P], request: Request) -> ASGIApp:
    """Answer one request; never raises."""
    accepts = _Accepts.of(request)
    try:
        return await _respond(endpoint, request, accepts)
    except _RefusedError as refused:
        return _json(wire.refusal(refused), accepts, refused.status, refused.headers)
    except UnauthenticatedError as error:
        return _json(wire.refusal(error), accepts, 401, {"www-authenticate": "Bearer"})
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except Exception as error:  # noqa: BLE001 - the outermost edge: logged here, and masked
        return _json(wire.refusal(internal_error(error)), accepts, 500)


async def _respond(endpoint: Endpoint[P], request: Request, accepts: _Accepts) -> ASGIApp:
    if request.method not in {"GET", "POST"}:
        raise _RefusedError(405, "METHOD_NOT_ALLOWED", "GraphQL is served by POST and GET.", {"allow": "GET, POST"})
    if request.method == "GET" and accepts.html and request.query_params.keys().isdisjoint(_NAMES_A_DOCUMENT):
        if not endpoint.ide:
            raise _RefusedError(406, "NOT_ACCEPTABLE", "There is no page here: this is a GraphQL endpoint; send a request by POST.")
        return HTMLResponse(get_graphql_ide_html("graphiql"))
    if not accepts.json and not accepts.event_stream:
        raise _RefusedError(406, "NOT_ACCEPTABLE", f"Answers are {_GRAPHQL_RESPONSE}, {_JSON} or {_EVENT_STREAM}.")
    principal = await endpoint.authenticate(request, None)
    parameters = await _parameters(request, endpoint)
    if isinstance(parameters, list):
        return await _batch(endpoint, request, parameters, principal, accepts)
    return await _single(endpoint, request, parameters, principal, accepts)


async def _single(endpoint: Endpoint[P], request: Request, parameters: wire.Parameters, principal: P, accepts: _Accepts) -> ASGIApp:
    operation = await endpoint.prepare(parameters, principal, request)
    if isinstance(operation, PreExecutionError):
        if accepts.prefers_event_stream:
            return EventStream(only(operation), endpoint, expires_in_s=None)
        return _json(operation, accepts)
    subscribes = operation.type is OperationType.SUBSCRIPTION
    if request.method == "GET" and operation.type is OperationType.MUTATION:
        raise _RefusedError(405, "METHOD_NOT_ALLOWED", "Mutations are served by POST only.", {"allow": "POST"})
    if subscribes and not accepts.event_stream:
        raise _RefusedError(406, "NOT_ACCEPTABLE", f"Subscriptions are served to 'Accept: {_EVENT_STREAM}' and over WebSocket.")

    if subscribes and "last-event-id" in request.headers:
        parameters = replace(parameters, last_event_id=request.headers["last-event-id"])
    results = endpoint.run(operation, parameters, principal, request)
    if subscribes or accepts.prefers_event_stream:
        return EventStream(
            results,
            endpoint,
            expires_in_s=remaining_s(principal),
            standing=lambda: endpoint.standing.watch(endpoint.authenticate, request, None, principal),
        )
    async with aclosing(results):
        return _json(await anext(results), accepts, max_bytes=endpoint.max_response_bytes)


async def _batch(endpoint: Endpoint[P], request: Request, batch: list[wire.Parameters], principal: P, accepts: _Accepts) -> Response:
    """Execute the requests of a batch one after another, each in a context of its own; the answer is the array of theirs."""
    if not accepts.json:
        raise _RefusedError(406, "NOT_ACCEPTABLE", f"Batches are answered in {_GRAPHQL_RESPONSE} or {_JSON}.")
    operations = [await endpoint.prepare(parameters, principal, request) for parameters in batch]
    sizes = (operation.size for operation in operations if not isinstance(operation, PreExecutionError))
    errors = exceeded_together(sizes, endpoint.schema.limits)
    if errors:
        return _json(refused("GRAPHQL_VALIDATION_FAILED", *errors), accepts)
    left, responses, answered = endpoint.max_response_bytes, [], []
    for parameters, operation in zip(batch, operations, strict=True):
        if isinstance(operation, PreExecutionError):
            result: ExecutionResult = operation
        elif operation.type is OperationType.SUBSCRIPTION:
            result = wire.refusal(PublicError("Subscriptions are not served in batches.", code="BAD_REQUEST"))
        else:
            async with aclosing(endpoint.run(operation, parameters, principal, request)) as results:
                result = await anext(results)
        answered.append(result)
        responses.append(wire.response(result, max(left, 0)))
        left -= len(responses[-1])
    return Response(b"[" + b",".join(responses) + b"]", headers=_retry_after(answered), media_type=f"{accepts.json}; charset=utf-8")


async def _parameters(request: Request, endpoint: Endpoint[P]) -> wire.Parameters | list[wire.Parameters]:
    try:
        if request.method == "GET":
            query = dict(request.query_params)
            decoded = {name: orjson.loads(query[name]) for name in ("variables", "extensions") if query.get(name)}
            variables_bytes = wire.MAX_BYTES_A_CHARACTER * len(query.get("variables", ""))
            return wire.parameters({**query, "variables": None, "extensions": None, **decoded}, variables_bytes)
        _require_json(request.headers.get("content-type", ""))
        body = await _body(request, endpoint.max_body_bytes)
        requested = orjson.loads(body)
        if isinstance(requested, list):
            _require_few(requested, endpoint.max_batch)
            return [wire.parameters(one, len(body)) for one in requested]
        return wire.parameters(requested, len(body))
    except orjson.JSONDecodeError as error:
        raise _RefusedError(400, "BAD_REQUEST", f"The request is not JSON: {error}.") from error
    except ValueError as error:
        raise _RefusedError(400, "BAD_REQUEST", str(error)) from error


def _require_few(batch: list[object], max_batch: int) -> None:
    if max_batch <= 1:
        raise _RefusedError(400, "BATCHING_NOT_ENABLED", "Batches are not served here; send one request object.")
    if not 1 <= len(batch) <= max_batch:
        raise _RefusedError(400, "BATCH_LIMIT_EXCEEDED", f"A batch holds 1 to {max_batch} requests.")


@lru_cache(maxsize=256)
def _require_json(content_type: str) -> None:
    # A browser sends the other types to any site without asking it first (a "simple" request), so taking them would invite forgery.
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charset = next((parameter.removeprefix("charset=").strip('"') for parameter in parameters if parameter.startswith("charset=")), "utf-8")
    if media != _JSON or charset not in {"utf-8", "utf8"}:
        raise _RefusedError(415, "UNSUPPORTED_MEDIA_TYPE", f"A POST needs 'Content-Type: {_JSON}', in UTF-8.")


async def _body(request: Request, max_body_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_body_bytes:
            raise _RefusedError(413, "PAYLOAD_TOO_LARGE", f"A request may have {max_body_bytes} bytes.", {"connection": "close"})
    return bytes(body)


def _json(
    result: ExecutionResult,
    accepts: _Accepts,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    max_bytes: int | None = None,
) -> Response:
    media = accepts.json or _JSON
    if status is None:
        # Under application/json a status other than 200 could be an intermediary's, so that type always answers 200 (section 6.4.1).
        status = 400 if isinstance(result, PreExecutionError) and media == _GRAPHQL_RESPONSE else 200
    return Response(wire.response(result, max_bytes), status, headers or _retry_after([result]), media_type=f"{media}; charset=utf-8")


def _retry_after(results: Iterable[ExecutionResult]) -> dict[str, str] | None:
    waits_s = [result.retry_after_s for result in results if isinstance(result, Throttled)]
    return {"retry-after": str(max(waits_s))} if waits_s else None
