"""Lists: what a partner asks for, and the headers of the answer (OCPI, chapter 4, Pagination)."""

import re
import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from ampyard.domain.paging import ChangedPage, ChangedRequest, Keyset
from ampyard.ocpi.call import Call
from ampyard.ocpi.errors import invalid_parameter
from ampyard.ocpi.wire.types import format_date_time, parse_date_time

MAX_LIMIT = 100
# 18 digits fit PostgreSQL's bigint whatever they are.
_NUMBER = re.compile(r"[0-9]{1,18}")
_POSITION = re.compile(r"(?P<moment>[^_]+)_(?P<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def list_request(query: QueryParams) -> ChangedRequest:
    """Return what `date_from` (inclusive), `date_to` (exclusive), `offset` and `limit` ask for; raises `OcpiError` if unreadable.

    `after` is ours and part of the links we give: offsets slip when an object that was passed already changes while a
    client crawls, and the object at the seam would be missed.
    """
    return ChangedRequest(
        limit=min(_number(query, "limit", MAX_LIMIT, at_least=1), MAX_LIMIT),
        offset=_number(query, "offset", 0, at_least=0),
        since=_date_time(query, "date_from"),
        until=_date_time(query, "date_to"),
        after=_position(query),
    )


def list_headers(call: Call, list_url: str, request: ChangedRequest, page: ChangedPage[Any]) -> dict[str, str]:
    """Return X-Total-Count, X-Limit and, unless this is the last page, the Link to the next one with all other parameters kept."""
    headers = {"X-Total-Count": str(page.total), "X-Limit": str(request.limit)}
    if page.next_after is not None:
        ours = {
            "offset": str(request.offset + len(page.items)),
            "limit": str(request.limit),
            "after": f"{format_date_time(page.next_after.value)}_{page.next_after.id}",
        }
        theirs = [(name, value) for name, value in call.request.query_params.multi_items() if name not in ours]
        headers["Link"] = f'<{list_url}?{urlencode([*theirs, *ours.items()], safe=":")}>; rel="next"'
    return headers


def _number(query: QueryParams, name: str, default: int, *, at_least: int) -> int:
    value = query.get(name)
    if value is None:
        return default
    if not _NUMBER.fullmatch(value) or int(value) < at_least:
        raise invalid_parameter(name, value, f"a whole number, {at_least} or more")
    return int(value)


def _date_time(query: QueryParams, name: str) -> datetime | None:
    value = query.get(name)
    if value is None:
        return None
    try:
        return parse_date_time(value)
    except ValueError:
        raise invalid_parameter(name, value, "a date and time in UTC, such as 2026-01-31T09:30:00Z") from None


def _position(query: QueryParams) -> Keyset | None:
    value = query.get("after")
    if value is None:
        return None
    parts = _POSITION.fullmatch(value)
    try:
        if parts is not None:
            return Keyset(parse_date_time(parts["moment"]), uuid.UUID(parts["id"]))
    except ValueError:
        pass
    raise invalid_parameter("after", value, "as it was in the Link header, or left out")
