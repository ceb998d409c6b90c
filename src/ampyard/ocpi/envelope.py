from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ampyard.domain.clock import utc_now
from ampyard.domain.ids import new_id
from ampyard.ocpi.errors import StatusCode
from ampyard.ocpi.wire.types import format_date_time

_MESSAGE_IDS = ("X-Request-ID", "X-Correlation-ID")


def answer(
    request: Request,
    data: Any = None,
    *,
    status: int = HTTPStatus.OK,
    code: StatusCode = StatusCode.SUCCESS,
    message: str = "Success",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return `data` (JSON values; `None`: absent) in the response format of OCPI (chapter 4, Response format).

    The unique message ids of the request are repeated (chapter 4, Unique message IDs); a request without them gets new ones.
    """
    envelope = {"status_code": code, "status_message": message, "timestamp": format_date_time(utc_now())}
    if data is not None:
        envelope = {"data": data} | envelope
    ids = {name: request.headers.get(name) or str(new_id()) for name in _MESSAGE_IDS}
    return Response(orjson.dumps(envelope), status_code=status, headers={**(headers or {}), **ids}, media_type="application/json")
