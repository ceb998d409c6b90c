"""What holds for every request, whatever module it is for: routing, bodies, limits, and what errors of use cases become."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from ampyard.domain.access import Principal, PrincipalKind, Scope
from ampyard.domain.clock import utc_now
from ampyard.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from ampyard.domain.ids import new_id
from ampyard.domain.roaming.partners import (
    InterfaceRole,
    OcpiPartner,
    PartnerParty,
    PartnerRole,
    PartyId,
    RegistrationState,
)
from ampyard.ocpi.call import MAX_BODY_BYTES, Call
from ampyard.ocpi.envelope import answer
from ampyard.ocpi.errors import OcpiError, Refusal, StatusCode
from ampyard.ocpi.limits import RequestLimits
from ampyard.ocpi.modules import Module, Route
from ampyard.ocpi.routing import routing_of
from ampyard.ocpi.serving import Serving
from ampyard.services import parties
from ampyard.services.backend import Backend
from tests.fleet import new_fleet, user
from tests.ocpi.conftest import token_header

DOCS = Path(__file__).parents[2] / "docs" / "ocpi.md"
_ERRORS = {
    "invalid": InvalidInputError("kwh is -1; give 0 or more.", ("kwh",), [InvalidInputError("id is empty; give one.")]),
    "missing": NotFoundError("There is no such session."),
    "conflict": ConflictError("The session has ended."),
    "forbidden": ForbiddenError("It is not yours."),
}


async def _echo(call: Call) -> Response:
    to = call.routing.receiver
    seen = {"body": await call.body(), "to": to.party_id if to else None, "from": str(call.routing.sender) if call.routing.sender else None}
    return answer(call.request, seen)


async def _fail(call: Call) -> Response:
    raise _ERRORS[call.path["how"]]


def _module(*, configuration: bool) -> Module:
    routes = (Route("PUT", "", _echo, "Say it again"), Route("GET", "/{how}", _fail, "Fail"))
    return Module("config" if configuration else "echo", InterfaceRole.RECEIVER, routes, configuration=configuration)


@pytest.fixture(scope="module")
async def address(backend: Backend) -> AsyncIterator[str]:
    """The address of two modules of our own making, one of them a configuration module."""
    serving = Serving(backend, None)
    routes = [
        StarletteRoute(f"/{{version}}/{module.identifier}{it.path}", serving.endpoint(module, {it.method: it}), methods=[it.method])
        for module in (_module(configuration=False), _module(configuration=True))
        for it in module.routes
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 # uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/2.3.0"
    server.should_exit = True
    await task


@pytest.fixture(scope="module")
async def client(backend: Backend) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A partner of a tenant with two parties, and the id of the second, whose country is NL; the first is the fleet's own."""
    seeded = await new_fleet(backend)
    first = (await parties.of_tenant(backend, user(seeded.tenant_id)))[0]
    second = await parties.create_party(backend, user(seeded.tenant_id), country_code="NL", party_id=first.party_id, name="Second")
    async with httpx.AsyncClient(headers=token_header(seeded.ocpi_token)) as http:
        yield http, second.party_id


def _envelope(response: httpx.Response) -> tuple[int, int, str]:
    return response.status_code, response.json()["status_code"], response.json()["status_message"]


def _routed(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("ocpi-")}


async def test_the_answer_goes_back_from_the_party_that_was_asked(client: tuple[httpx.AsyncClient, str], address: str) -> None:
    http, party = client
    asked = {
        "OCPI-from-country-code": "be",
        "OCPI-from-party-id": "bec",
        "OCPI-to-country-code": "nl",
        "OCPI-to-party-id": party.lower(),
    }
    response = await http.put(f"{address}/echo", json=1, headers=asked)
    assert response.json()["data"] == {"body": 1, "to": party, "from": "be*bec"}
    # Theirs as they write it, ours as we do.
    assert _routed(response) == {
        "ocpi-to-country-code": "be",
        "ocpi-to-party-id": "bec",
        "ocpi-from-country-code": "NL",
        "ocpi-from-party-id": party,
    }


async def test_who_names_no_receiver_is_answered_by_the_first_party_and_who_names_nobody_without(
    client: tuple[httpx.AsyncClient, str], address: str
) -> None:
    http, party = client
    response = await http.put(f"{address}/echo", json=1, headers={"OCPI-from-country-code": "BE", "OCPI-from-party-id": "BEC"})
    assert response.json()["data"]["to"] is None
    assert (response.headers["OCPI-from-country-code"], response.headers["OCPI-from-party-id"]) == ("DE", party)
    assert _routed(await http.put(f"{address}/echo", json=1)) == {}


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"OCPI-to-country-code": "NL", "OCPI-to-party-id": "XXX"}, "OCPI-to is NL*XXX, which is no party here; these are: DE*"),
        ({"OCPI-to-country-code": "NL"}, "OCPI-to-party-id is missing"),
        ({"OCPI-from-party-id": "BEC"}, "OCPI-from-country-code is missing"),
    ],
)
async def test_wrong_routing_is_refused_in_the_envelope_and_not_looked_at_by_configuration_modules(
    client: tuple[httpx.AsyncClient, str], address: str, headers: dict[str, str], message: str
) -> None:
    http, _ = client
    status, code, told = _envelope(await http.put(f"{address}/echo", json=1, headers=headers))
    assert (status, code) == (200, StatusCode.INVALID_PARAMETERS)
    assert message in told
    response = await http.put(f"{address}/config", json=1, headers=headers)
    assert (_envelope(response)[:2], _routed(response)) == ((200, 1000), {})


def test_a_partner_sends_for_its_own_parties_and_a_hub_for_any() -> None:
    partner = _partner(PartnerParty(PartyId("BE", "BEC"), PartnerRole.EMSP, "BeCharged"))
    headers = Headers({"OCPI-from-country-code": "NL", "OCPI-from-party-id": "TNM"})
    with pytest.raises(OcpiError, match=r"OCPI-from is NL\*TNM, which is none of your parties; these are: BE\*BEC\.") as refused:
        routing_of(headers, partner, [])
    assert refused.value.refusal is Refusal.ROUTING_WRONG
    hub = replace(partner, parties=(PartnerParty(PartyId("BE", "HUB"), PartnerRole.HUB, "Hub"),))
    assert routing_of(headers, hub, []).sender == PartyId("nl", "tnm")


async def test_a_body_is_json_with_decimals_and_of_bounded_size(client: tuple[httpx.AsyncClient, str], address: str) -> None:
    http, _ = client
    answered = await http.put(f"{address}/echo", content=b'{"kwh":0.10,"n":1e2}')
    assert b'"body":{"kwh":0.10,"n":100}' in answered.content
    status, code, told = _envelope(await http.put(f"{address}/echo", content=b"{kwh}"))
    assert (status, code) == (400, 2001)
    assert told.startswith("The body should be JSON in UTF-8, and is not: Expecting property name")
    assert _envelope(await http.put(f"{address}/echo", content=b""))[:2] == (400, 2001)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1000 + 1):
            yield b" " * 1000

    for content in (b" " * (MAX_BODY_BYTES + 1), endless()):
        response = await http.put(f"{address}/echo", content=content)
        assert _envelope(response) == (413, 2000, f"The body has more than {MAX_BODY_BYTES} bytes.")


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("invalid", (200, 2001, "kwh is -1; give 0 or more. id is empty; give one.")),
        ("missing", (404, 2000, "There is no such session.")),
        ("conflict", (200, 2000, "The session has ended.")),
        ("forbidden", (404, 2001, "It is not yours.")),
    ],
)
async def test_errors_of_use_cases_are_told_in_the_envelope(
    client: tuple[httpx.AsyncClient, str], address: str, how: str, expected: tuple[int, int, str]
) -> None:
    http, party = client
    headers = {"OCPI-to-country-code": "NL", "OCPI-to-party-id": party}
    for sent in ({}, headers):
        response = await http.get(f"{address}/echo/{how}", headers=sent)
        assert _envelope(response) == expected
        assert "data" not in response.json()
        assert ("ocpi-from-party-id" in response.headers) == bool(sent)


async def test_a_partner_may_ask_so_often_a_minute_and_is_told_when_again(backend: Backend) -> None:
    limits = RequestLimits(backend.budgets)
    partner = replace(_partner(), requests_per_minute=3)
    principals = [Principal(new_id(), name, PrincipalKind.PARTY, frozenset({Scope.FLEET_READ})) for name in "ab"]
    for _ in range(3):
        await limits.take(partner, principals[0])
    with pytest.raises(OcpiError, match=r"You may ask 3 times a minute; ask again in [0-9]+ s") as refused:
        await limits.take(partner, principals[0])
    assert refused.value.refusal is Refusal.TOO_MANY_REQUESTS
    assert 1 <= int((refused.value.headers or {})["Retry-After"]) <= 20
    await limits.take(partner, principals[1])


def test_the_table_of_errors_in_the_docs_is_the_one_that_is_served() -> None:
    told = re.findall(r"^\| `([A-Z_]+)` \| (\d{3}) \| (\d{4}) \|", DOCS.read_text(), re.MULTILINE)
    assert told == [(refusal.name, str(refusal.http.value), str(refusal.code.value)) for refusal in Refusal]
    # Chapter 5: what has reached the OCPI layer is answered with HTTP 200.
    reached = {Refusal.OBJECT_INVALID, Refusal.ID_DIFFERS, Refusal.OWNER_DIFFERS, Refusal.LAST_UPDATED_MISSING, Refusal.NOT_POSSIBLE_NOW}
    assert {refusal.http.value for refusal in reached} == {200}


def _partner(*theirs: PartnerParty) -> OcpiPartner:
    now = utc_now()
    return OcpiPartner(
        id=new_id(),
        tenant_id=new_id(),
        name="p",
        state=RegistrationState.REGISTERED,
        version="2.3.0",
        versions_url=None,
        parties=theirs,
        endpoints=(),
        requests_per_minute=600,
        author=None,
        registered_at=now,
        created_at=now,
        updated_at=now,
    )
