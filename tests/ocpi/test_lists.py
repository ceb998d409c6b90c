"""Paging through a list, and what of it was changed in a period."""

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from ampyard.domain.charge_points import ConnectorStatus
from ampyard.ocpi.wire.types import format_date_time, parse_date_time
from ampyard.services.backend import Backend
from tests.ocpi.conftest import VERSIONS, Partner, Serve, token_header
from tests.ocpi.fleets import new_depots, set_status
from tests.sent import statements_sent
from tests.services.stations import online


def next_link(response: httpx.Response) -> str | None:
    link = response.headers.get("Link")
    if link is None:
        return None
    match = re.fullmatch(r'<(http[^<>]+)>; rel="next"', link)
    assert match, link
    return match[1]


async def crawl(partner: Partner, first: httpx.Response) -> list[httpx.Response]:
    """Follow the links from the first page to the last; links that lead nowhere new are a failure, not an endless test."""
    pages = [first]
    while (link := next_link(pages[-1])) is not None:
        pages.append(await partner.http.get(link))
        assert len(pages) <= 20, f"{link} never ends"
    return pages


def locations_of(pages: list[httpx.Response]) -> list[dict[str, Any]]:
    return [location for page in pages for location in page.json()["data"]]


@asynccontextmanager
async def partner_of_seven(backend: Backend, root_url: str) -> AsyncIterator[tuple[Partner, uuid.UUID]]:
    """A partner of a new tenant with seven depots, whose changes all bear the same time, and the tenant's id."""
    seeded = await new_depots(backend, 7)
    async with httpx.AsyncClient(headers=token_header(seeded.ocpi_token)) as client:
        yield Partner(client, root_url), seeded.tenant_id


@pytest.fixture(scope="module")
async def seven(backend: Backend, root_url: str) -> AsyncIterator[Partner]:
    """A partner of a tenant with seven depots, which no test changes."""
    async with partner_of_seven(backend, root_url) as (partner, _):
        yield partner


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
async def test_pages_visit_every_location_once_in_one_order(seven: Partner, version: str, limit: int) -> None:
    whole = await seven.data(f"/{version}/locations")
    assert len(whole) == 7
    order = [(parse_date_time(location["last_updated"]), location["id"]) for location in whole]
    assert order == sorted(order)

    pages = await crawl(seven, await seven.get(f"/{version}/locations?limit={limit}"))
    assert locations_of(pages) == whole
    assert [len(page.json()["data"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert {(page.headers["X-Total-Count"], page.headers["X-Limit"]) for page in pages} == {("7", str(limit))}
    # ... and so do offsets that a client counts itself
    by_offset = [await seven.data(f"/{version}/locations?limit={limit}&offset={n}") for n in range(0, 7, limit)]
    assert [location for page in by_offset for location in page] == whole


async def test_a_change_during_a_crawl_makes_no_location_be_missed(backend: Backend, root_url: str) -> None:
    async with partner_of_seven(backend, root_url) as (partner, tenant_id):
        stations = await online(backend, tenant_id)
        first = await partner.get("/2.2.1/locations?limit=3")
        moved = first.json()["data"][0]
        # given: a location that was passed already changes, and moves to the end of the list
        await set_status(backend, stations[moved["name"].upper() + "-1"], ConnectorStatus.AVAILABLE)

        visited = [location["id"] for location in locations_of(await crawl(partner, first))]
        assert len(set(visited)) == 7
        assert visited[0] == visited[-1] == moved["id"]


async def test_an_offset_behind_the_end_is_an_empty_page(seven: Partner) -> None:
    response = await seven.get("/2.3.0/locations?offset=7")
    assert (response.json()["data"], response.headers["X-Total-Count"], "Link" in response.headers) == ([], "7", False)


async def test_the_limit_is_clamped_and_told(seven: Partner) -> None:
    shown = [(await seven.get(f"/2.2.1/locations{query}")).headers["X-Limit"] for query in ("", "?limit=100", "?limit=2000")]
    assert shown == ["100", "100", "100"]


async def test_links_keep_every_other_parameter(seven: Partner) -> None:
    query = {"date_from": "2020-01-01T00:00:00Z", "date_to": "2100-01-01T00:00:00", "limit": "2", "offset": "1", "of_theirs": "a&b=>c"}
    response = await seven.get("/2.2.1/locations", params=query)
    link = httpx.URL(next_link(response) or "")

    assert str(link).startswith(f"{seven.root_url}/2.2.1/locations?")
    last = response.json()["data"][-1]
    assert dict(link.params) == query | {"offset": "3", "after": f"{last['last_updated']}_{last['id']}"}


async def test_periods_include_their_beginning_and_exclude_their_end(backend: Backend, root_url: str) -> None:
    async with partner_of_seven(backend, root_url) as (partner, tenant_id):
        stations = await online(backend, tenant_id)
        await set_status(backend, stations["D-3-1"], ConnectorStatus.AVAILABLE)
        whole = await partner.data("/2.2.1/locations")
        times = list(dict.fromkeys(location["last_updated"] for location in whole))
        assert len(times) > 1

        async def between(start: str | None, end: str | None) -> list[str]:
            params = {name: value for name, value in (("date_from", start), ("date_to", end)) if value is not None}
            response = await partner.get("/2.2.1/locations", params=params)
            names = [location["name"] for location in response.json()["data"]]
            assert int(response.headers["X-Total-Count"]) == len(names)
            return names

        names = [location["name"] for location in whole]
        last = whole[-1]["last_updated"]
        assert names[-1] == "d-3"
        assert await between(last, None) == [x["name"] for x in whole if x["last_updated"] == last]
        assert await between(None, last) == [x["name"] for x in whole if x["last_updated"] != last]
        assert await between(format_date_time(parse_date_time(last) + timedelta(milliseconds=1)), None) == []
        # ... so that adjoining periods share nothing and miss nothing
        bounds = [None, *times, None]
        assert [name for start, end in pairwise(bounds) for name in await between(start, end)] == names


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("limit", "0", "a whole number, 1 or more"),
        ("limit", "-5", "a whole number, 1 or more"),
        ("limit", "many", "a whole number, 1 or more"),
        ("limit", "", "a whole number, 1 or more"),
        ("limit", "٣", "a whole number, 1 or more"),
        ("offset", "-1", "a whole number, 0 or more"),
        ("offset", "1.5", "a whole number, 0 or more"),
        ("offset", "9" * 19, "a whole number, 0 or more"),
        ("date_from", "yesterday", "a date and time in UTC"),
        ("date_from", "2026-01-31", "a date and time in UTC"),
        ("date_from", "2026-02-30T00:00:00Z", "a date and time in UTC"),
        ("date_to", "2026-01-31T09:30:00+01:00", "a date and time in UTC"),
        ("date_to", "2026-01-31T09:30:00Z\n", "a date and time in UTC"),
        ("after", "x", "as it was in the Link header"),
        ("after", "2026-02-30T00:00:00Z_019a0000-0000-7000-8000-000000000000", "as it was in the Link header"),
    ],
)
async def test_an_unreadable_parameter_is_named_with_its_value_and_what_would_be_right(
    partner: Partner, version: str, name: str, value: str, expected: str
) -> None:
    response = await partner.get(f"/{version}/locations", params={name: value})
    envelope = response.json()
    assert (response.status_code, envelope["status_code"], "data" in envelope) == (400, 2001, False)
    assert envelope["status_message"].startswith(f"Parameter {name} is {value!r}; it should be {expected}")


async def test_a_slash_at_the_end_changes_nothing(seven: Partner) -> None:
    assert await seven.data("/2.2.1/locations/?limit=2") == await seven.data("/2.2.1/locations?limit=2")


async def test_urls_begin_with_the_configured_address(backend: Backend, serve: Serve) -> None:
    token = token_header((await new_depots(backend, 2)).ocpi_token)
    async with serve(public_url="https://fleet.example/") as url, httpx.AsyncClient(headers=token) as client:
        versions = (await client.get(f"{url}/versions")).json()["data"]
        details = (await client.get(f"{url}/2.3.0")).json()["data"]
        link = next_link(await client.get(f"{url}/2.3.0/locations?limit=1"))
    assert [version["url"] for version in versions] == ["https://fleet.example/ocpi/2.2.1", "https://fleet.example/ocpi/2.3.0"]
    assert details["endpoints"][0]["url"] == "https://fleet.example/ocpi/2.3.0/locations"
    assert link is not None
    assert link.startswith("https://fleet.example/ocpi/2.3.0/locations?offset=1&limit=1&")


async def test_a_page_takes_as_many_statements_however_long_it_is(seven: Partner) -> None:
    for limit in (1, 7):
        with statements_sent() as sent:
            await seven.data(f"/2.2.1/locations?limit={limit}")
        # who asks; how many; the page; its charge points, their EVSEs, their connectors
        assert len(sent) == 6, sent
