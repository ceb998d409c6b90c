"""Who is let in, what they are told when not, and that no tenant sees another's."""

import base64
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from ampyard.domain.access import system_principal
from ampyard.domain.clock import utc_now
from ampyard.ocpi import ocpi_app
from ampyard.repositories import tables
from ampyard.services.backend import Backend
from tests.fleet import new_fleet
from tests.ocpi.conftest import VERSIONS, Partner, token_header

PATHS = ("/versions", *(path for v in VERSIONS for path in (f"/{v}", f"/{v}/locations", f"/{v}/locations/x", f"/{v}/locations/x/y/z")))


def assert_refused(response: httpx.Response, status: int, code: int, message: str) -> None:
    envelope = response.json()
    assert (response.status_code, envelope["status_code"], "data" in envelope) == (status, code, False)
    assert message in envelope["status_message"]
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_needs_a_token(http: httpx.AsyncClient, root_url: str, path: str) -> None:
    response = await http.get(root_url + path)
    assert_refused(response, 401, 2001, "The Authorization header is missing")
    assert response.headers["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Bearer abc", "is of another scheme"),
        ("Token", "is not known here"),
        ("Token bm9ib2R5", "is not known here"),
        ("Token ///=", "is not known here"),
        ("Token /w==", "is not known here"),
        ("Token é", "is not known here"),
    ],
)
async def test_a_wrong_token_is_refused(http: httpx.AsyncClient, root_url: str, header: str, message: str) -> None:
    response = await http.get(f"{root_url}/2.2.1/locations", headers=[(b"Authorization", header.encode("latin-1"))])
    assert_refused(response, 401, 2001, message)


async def test_a_token_is_known_in_base64_with_the_line_feed_of_the_standards_example_and_raw(
    backend: Backend, http: httpx.AsyncClient, root_url: str
) -> None:
    token = (await new_fleet(backend)).ocpi_token
    line = base64.b64encode(f"{token}\n".encode()).decode()
    for header in (token_header(token)["Authorization"], f"Token {line}", f"Token {token}", f"token {line}"):
        assert (await http.get(f"{root_url}/versions", headers={"Authorization": header})).status_code == 200
    twice = base64.b64encode(base64.b64encode(token.encode())).decode()
    assert_refused(await http.get(f"{root_url}/versions", headers={"Authorization": f"Token {twice}"}), 401, 2001, "not known")


async def test_a_revoked_token_is_refused_from_the_next_request_on(backend: Backend, http: httpx.AsyncClient, root_url: str) -> None:
    seeded = await new_fleet(backend)
    header = token_header(seeded.ocpi_token)
    assert (await http.get(f"{root_url}/2.2.1/locations", headers=header)).status_code == 200

    async with backend.unit_of_work(system_principal(seeded.tenant_id, "test")) as work:
        await work.session.execute(update(tables.ocpi_credential).values(revoked_at=utc_now()))
        await work.commit()

    assert_refused(await http.get(f"{root_url}/2.2.1/locations", headers=header), 401, 2001, "not known")


@pytest.mark.parametrize("version", VERSIONS)
async def test_tenants_with_the_same_fleet_see_nothing_of_each_other(
    backend: Backend, http: httpx.AsyncClient, root_url: str, version: str
) -> None:
    headers = [token_header((await new_fleet(backend)).ocpi_token) for _ in range(2)]
    lists = [(await http.get(f"{root_url}/{version}/locations", headers=header)).json()["data"] for header in headers]

    def ids(found: list[dict[str, Any]]) -> set[str]:
        return {location["id"] for location in found} | {evse["uid"] for location in found for evse in location["evses"]}

    assert [len(ids(found)) for found in lists] == [6, 6]
    assert ids(lists[0]).isdisjoint(ids(lists[1]))
    assert lists[0][0]["party_id"] != lists[1][0]["party_id"]
    # ... nor by an id that was guessed
    mine, theirs = lists[0][0], lists[1][0]
    guesses = {
        f"/{theirs['id']}": "Unknown Location",
        f"/{theirs['id']}/{theirs['evses'][0]['uid']}": "Unknown Location",
        f"/{theirs['id']}/{theirs['evses'][0]['uid']}/1": "Unknown Location",
        f"/{mine['id']}/{theirs['evses'][0]['uid']}": "Unknown EVSE",
        f"/{mine['id']}/{theirs['evses'][0]['uid']}/1": "Unknown EVSE",
    }
    for guess, message in guesses.items():
        assert_refused(await http.get(f"{root_url}/{version}/locations{guess}", headers=headers[0]), 404, 2003, message)


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_does_not_exist_is_not_found(partner: Partner, version: str) -> None:
    location = (await partner.data(f"/{version}/locations"))[0]
    evse = location["evses"][0]
    missing = "019a0000-0000-7000-8000-000000000000"
    for path, message in {
        f"/{missing}": "Unknown Location",
        "/LOC1": "Unknown Location",
        f"/{{{location['id']}}}": "Unknown Location",
        f"/{location['id']}/{missing}": "Unknown EVSE",
        f"/{location['id']}/3256": "Unknown EVSE",
        f"/{location['id']}/{evse['uid']}/2": "Unknown Connector",
    }.items():
        assert_refused(await partner.get(f"/{version}/locations{path}"), 404, 2003, message)


async def test_versions_that_are_not_served_are_named_as_such(partner: Partner) -> None:
    for path in ("/2.1.1", "/2.1.1/locations", "/2.2/locations/x", "/cpo"):
        assert_refused(await partner.get(path), 404, 3002, "is not served here; these are: 2.2.1, 2.3.0")
    assert_refused(await partner.get("/2.2.1/nothing"), 404, 2000, "Nothing is served at /ocpi/2.2.1/nothing")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_not_allowed(partner: Partner, method: str) -> None:
    for path in ("/versions", "/2.2.1", "/2.3.0/locations", "/2.3.0/locations/x/y"):
        response = await partner.http.request(method, partner.root_url + path, json={})
        assert_refused(response, 405, 2000, f"{method} is not served here; GET, HEAD is.")
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


async def test_message_ids_are_repeated_and_made_where_missing(partner: Partner, http: httpx.AsyncClient) -> None:
    sent = {"X-Request-ID": "2b9f3d6e-request", "X-Correlation-ID": "c0ffee-correlation"}
    for path in ("/versions", "/2.2.1/locations", "/2.2.1/locations/x", "/9.9/locations", "/2.2.1/nothing"):
        response = await partner.get(path, headers=sent)
        assert {name: response.headers[name] for name in sent} == sent
    refused = await http.get(f"{partner.root_url}/versions", headers=sent)
    assert {name: refused.headers[name] for name in sent} == sent

    first, second = [await partner.get("/versions") for _ in range(2)]
    made = [response.headers[name] for response in (first, second) for name in sent]
    assert len(set(made)) == 4


async def test_a_failure_of_ours_is_masked(backend: Backend, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the secret is kumquat")

    monkeypatch.setattr("ampyard.services.ocpi.authenticate", broken)
    transport = httpx.ASGITransport(ocpi_app(backend), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://ampyard.test") as client:
        response = await client.get("/versions", headers={**token_header("any"), "X-Request-ID": "r-1"})

    assert_refused(response, 500, 3000, "Something failed on our side")
    assert "kumquat" not in response.text
    assert response.headers["X-Request-ID"] == "r-1"
