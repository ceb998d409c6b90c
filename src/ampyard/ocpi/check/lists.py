"""One list of a sender: pages and their headers, and whether the parameters do what they say (section 4.1, Pagination)."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from pydantic import BaseModel, ValidationError

from ampyard.ocpi.check.findings import Finding, Findings, Outcome
from ampyard.ocpi.check.peer import Peer, Reply
from ampyard.ocpi.wire.faults import faults
from ampyard.ocpi.wire.types import format_date_time, parse_date_time

_PAGES = "4.1.4.2"
_HEADERS = "4.1.4.3"
_NUMBER = re.compile(r"[0-9]+")
_NEXT = re.compile(r'<([^<>]+)>\s*;\s*rel="?next"?', re.IGNORECASE)
_HUGE = 1_000_000
_FEW = 2


class ListCheck:
    """Looks at one list.

    Args:
        peer: whom to ask.
        url: of the list.
        model: the class of its objects.
        found: where to note what is found.
        most_pages: how many pages are followed.
    """

    def __init__(self, peer: Peer, url: str, model: type[BaseModel], found: Findings, most_pages: int) -> None:
        self._peer = peer
        self._url = url
        self._model = model
        self._found = found
        self._most_pages = most_pages

    async def run(self) -> None:
        """Look at everything; what needs objects is skipped where there are too few."""
        first = await self._peer.get(self._url)
        if not self._found.hold("page", first.fault() or _no_list(first), _PAGES):
            return
        self._found.hold("message ids", first.ids_fault(), "4.2")
        self._check_headers("first page", first)
        self._check_objects(first)
        self._check_order(first)
        await self._steadily(self._check_limits)
        if len(first.objects) < _FEW:
            self._found.skip("offset, dates, links", f"it has {len(first.objects)} objects; two are needed", _PAGES)
            return
        for look in (self._check_offset, self._check_dates, self._check_links):
            await self._steadily(look)

    async def _steadily(self, look: Callable[[Reply], Awaitable[None]]) -> None:
        """Look while nothing changes: what is compared comes from several requests, and a list in use changes between them.

        Where it does not hold still, what would be a fault of a list that did is skipped.
        """
        for last in (False, False, True):
            before = await self._peer.get(self._url)
            tried = Findings(self._found.subject)
            kept, self._found = self._found, tried
            try:
                await look(before)
            finally:
                self._found = kept
            is_sound = all(it.outcome is Outcome.PASSED for it in tried.found)
            is_steady = is_sound or _state(before) == _state(await self._peer.get(self._url))
            if is_steady or last:
                self._found.found += tried.found if is_steady else [_unsteady(it) for it in tried.found]
                return

    def _check_headers(self, name: str, reply: Reply) -> None:
        total, limit = _number(reply, "X-Total-Count"), _number(reply, "X-Limit")
        count = len(reply.objects)
        few = f"X-Total-Count is {total}, and {count} objects are here" if total is not None and total < count else None
        many = f"X-Limit is {limit}, and {count} objects are here" if limit is not None and limit < count else None
        self._found.hold(f"{name}: X-Total-Count", few if total is not None else _missing(reply, "X-Total-Count"), _HEADERS)
        self._found.hold(f"{name}: X-Limit", many if limit is not None else _missing(reply, "X-Limit"), _HEADERS)

    def _check_objects(self, reply: Reply) -> None:
        wrong = []
        for position, value in enumerate(reply.objects):
            try:
                self._model.model_validate(value)
            except ValidationError as error:
                wrong.append(f"object {position} ({value.get('id') or value.get('uid')}): {faults(error)}")
        more = f" - and {len(wrong) - 1} more objects" if len(wrong) > 1 else ""
        self._found.hold("objects", wrong[0] + more if wrong else None, "8 to 14")

    def _check_order(self, reply: Reply) -> None:
        moments = [moment for it in reply.objects if (moment := _moment(it)) is not None]
        sorted_ = all(earlier <= later for earlier, later in pairwise(moments))
        self._found.hold("oldest first", None if sorted_ else "last_updated is not ascending", _HEADERS, advice=True)

    async def _check_limits(self, first: Reply) -> None:
        one = await self._peer.get(self._url, {"limit": "1"})
        wrong = one.fault() or (f"limit=1 gives {len(one.objects)} objects" if len(one.objects) > 1 else None)
        self._found.hold("limit is kept", wrong, _PAGES)
        told = _number(one, "X-Limit")
        self._found.hold("limit=1: X-Limit", None if told == 1 else f"X-Limit is {told}, expected 1", _HEADERS)
        huge = await self._peer.get(self._url, {"limit": str(_HUGE)})
        wrong = huge.fault()
        told, total = _number(huge, "X-Limit"), _number(huge, "X-Total-Count")
        if wrong is None and told == _HUGE and total is not None and len(huge.objects) < total:
            wrong = f"X-Limit is {told}, but {len(huge.objects)} of {total} objects are here; it should be the limit that was applied"
        self._found.hold("a limit that is too large is clamped", wrong, _HEADERS)
        same = [_id(it) for it in (await self._peer.get(self._url)).objects] == [_id(it) for it in first.objects]
        self._found.hold(
            "the same page twice", None if same else "two requests one after the other give other objects", _HEADERS, advice=True
        )

    async def _check_offset(self, _: Reply) -> None:
        both = await self._peer.get(self._url, {"limit": "2"})
        second = await self._peer.get(self._url, {"limit": "1", "offset": "1"})
        ids, got = [_id(it) for it in both.objects], [_id(it) for it in second.objects]
        if len(ids) < _FEW:
            self._found.hold("offset", f"limit=2 gives {len(ids)} objects of a list that has more", _PAGES)
            return
        self._found.hold("offset", None if got == ids[1:2] else f"offset=1&limit=1 gives {got}, expected {ids[1:2]}", _PAGES)
        total = _number(both, "X-Total-Count") or 0
        beyond = await self._peer.get(self._url, {"offset": str(total + 1000)})
        wrong = beyond.fault() or (f"offset={total + 1000} gives {len(beyond.objects)} objects of {total}" if beyond.objects else None)
        self._found.hold("an offset behind the end", wrong, _PAGES)

    async def _check_dates(self, first: Reply) -> None:
        moments = sorted({moment for it in first.objects if (moment := _moment(it)) is not None})
        if not moments:
            self._found.skip("date_from, date_to", "no object has last_updated", _PAGES)
            return
        seam = moments[len(moments) // 2]
        since = await self._peer.get(self._url, {"date_from": format_date_time(seam)})
        early = [_id(it) for it in since.objects if (_moment(it) or seam) < seam]
        self._found.hold("date_from is applied", since.fault() or (f"{early[0]} is older than date_from" if early else None), _PAGES)
        at_seam = any(_moment(it) == seam for it in since.objects)
        counted = _number(since, "X-Total-Count") or 0
        seen = at_seam or counted > len(since.objects)
        self._found.hold("date_from is inclusive", None if seen else f"what was updated at {format_date_time(seam)} is missing", _PAGES)
        until = await self._peer.get(self._url, {"date_to": format_date_time(seam)})
        late = [_id(it) for it in until.objects if (_moment(it) or seam) > seam]
        self._found.hold("date_to is applied", until.fault() or (f"{late[0]} is newer than date_to" if late else None), _PAGES)
        equal = [_id(it) for it in until.objects if _moment(it) == seam]
        self._found.hold("date_to is exclusive", f"{equal[0]} was updated at date_to itself" if equal else None, _PAGES)
        future = format_date_time(datetime.now(UTC) + timedelta(days=3650))
        nothing = await self._peer.get(self._url, {"date_from": future})
        some = f"date_from={future} gives {len(nothing.objects)} objects, X-Total-Count {nothing.headers.get('X-Total-Count')}"
        empty = not nothing.objects and _number(nothing, "X-Total-Count") == 0
        self._found.hold("dates count", nothing.fault() or (None if empty else some), _HEADERS)

    async def _check_links(self, first: Reply) -> None:
        """Follow the links from page to page: they lead on, keep the filters, end, and nothing comes twice."""
        total = _number(first, "X-Total-Count") or 0
        size = max(1, min(len(first.objects), total) // _FEW)
        since = {"limit": str(size), "date_from": "2000-01-01T00:00:00Z"}
        pages = [await self._peer.get(self._url, since)]
        fault = None
        while fault is None and len(pages) < self._most_pages:
            here = pages[-1]
            link = _NEXT.search(here.headers.get("Link", ""))
            seen = sum(len(it.objects) for it in pages)
            if link is None:
                fault = None if seen >= total else f"page {len(pages)} has no Link, and {seen} of {total} objects were seen"
                break
            if seen >= total:
                fault = f"the last page has a Link to {link[1]}"
                break
            fault = self._link_fault(link[1])
            if fault is None:
                pages.append(await self._peer.get(urljoin(self._url, link[1])))
                fault = pages[-1].fault() or _no_list(pages[-1]) or (None if pages[-1].objects else f"{link[1]} leads to an empty page")
        self._found.hold("links lead through the list", fault, _HEADERS)
        ids = Counter(_id(it) for page in pages for it in page.objects)
        twice = [id_ for id_, count in ids.items() if count > 1]
        self._found.hold("nothing comes twice", f"{twice[0]} is on more than one page" if twice else None, _HEADERS)

    def _link_fault(self, link: str) -> str | None:
        parts = urlsplit(link)
        if parts.scheme not in {"http", "https"}:
            return f"the Link {link} is no absolute address"
        if "date_from" not in parse_qs(parts.query):
            return f"the Link {link} has lost the filter date_from"
        return None


def _state(reply: Reply) -> tuple[str | None, list[tuple[str, Any]]]:
    return reply.headers.get("X-Total-Count"), [(_id(it), it.get("last_updated")) for it in reply.objects]


def _unsteady(finding: Finding) -> Finding:
    if finding.outcome is Outcome.PASSED:
        return finding
    return replace(finding, outcome=Outcome.SKIPPED, detail=f"the list changes while it is looked at ({finding.detail})")


def _no_list(reply: Reply) -> str | None:
    return None if isinstance(reply.data, list) else f"data is {type(reply.data).__name__}, expected a list"


def _missing(reply: Reply, header: str) -> str:
    value = reply.headers.get(header)
    return f"{header} is missing" if value is None else f"{header} is {value!r}; it should be a whole number"


def _number(reply: Reply, header: str) -> int | None:
    value = reply.headers.get(header, "")
    return int(value) if _NUMBER.fullmatch(value) else None


def _id(value: dict[str, Any]) -> str:
    return "/".join(str(value.get(name, "")) for name in ("country_code", "party_id", "id", "uid", "type"))


def _moment(value: dict[str, Any]) -> datetime | None:
    try:
        return parse_date_time(str(value.get("last_updated")))
    except ValueError:
        return None
