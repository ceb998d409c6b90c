"""A router in front of the internal graph: known by its credential, besides the user's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from ampyard.domain.access import Role
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.ids import encode_id
from ampyard.schema.sdl import documents
from ampyard.server.settings import Settings
from ampyard.services.backend import Backend
from tests.busy import Busy
from tests.server.api.client import Api, bearer, serving_api

CREDENTIAL = "correct-horse-battery-staple-gateway"
KNOWN = {"router-authorization": CREDENTIAL}
TRACED = {"apollo-federation-include-trace": "ftv1"}
ENTITIES = "query Q($of: [_Any!]!) { _entities(representations: $of) { ... on Vehicle { name } } }"
DOCUMENT = {"_service": {"sdl": documents()["schema.graphql"].removesuffix("\n")}}


@pytest.fixture(scope="module")
async def guarded(backend: Backend, home: Path) -> AsyncIterator[Api]:
    """An api with a gateway in front."""
    async with serving_api(backend, home, gateway_token=CREDENTIAL) as api:
        yield api


async def vehicle_of(busy: Busy) -> tuple[str, dict[str, str]]:
    """Return a vehicle's name and its representation."""
    vehicle = (await busy.all(Vehicles))[0]
    return vehicle.name, {"__typename": "Vehicle", "id": encode_id(type(vehicle), vehicle.id)}


async def test_entities_are_for_the_gateway_on_behalf_of_a_user(guarded: Api, busy: Busy, twin: Busy) -> None:
    (name, own), (_, foreign) = await vehicle_of(busy), await vehicle_of(twin)
    user = bearer(guarded.token(busy.tenant_id, Role.VIEWER))

    alone = (await guarded.post(ENTITIES, headers=user, of=[own])).json()
    through_gateway = (await guarded.post(ENTITIES, headers=user | KNOWN, of=[own, foreign])).json()

    assert [(set(alone), error["extensions"]["code"]) for error in alone["errors"]] == [({"errors"}, "FORBIDDEN")]
    assert through_gateway["data"] == {"_entities": [{"name": name}, None]}
    assert "errors" not in through_gateway


async def test_the_gateway_reads_the_document_without_a_user_and_nothing_else(guarded: Api, busy: Busy) -> None:
    _, of = await vehicle_of(busy)
    assert (await guarded.post("{ _service { sdl } }", headers=KNOWN)).json()["data"] == DOCUMENT

    entities = (await guarded.post(ENTITIES, headers=KNOWN, of=[of])).json()
    assert entities["data"] == {"_entities": [None]}
    assert [(error["path"], error["extensions"]["code"]) for error in entities["errors"]] == [(["_entities", 0], "FORBIDDEN")]
    fleet = (await guarded.post("{ depots { totalCount } }", headers=KNOWN)).json()
    assert (fleet["data"], [error["extensions"]["code"] for error in fleet["errors"]]) == (None, ["FORBIDDEN"])


async def test_a_credential_of_the_gateway_makes_up_for_no_bad_one_of_a_user(guarded: Api) -> None:
    refused = await guarded.post("{ _service { sdl } }", headers=KNOWN | bearer("forged"))
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("given", [{}, {"router-authorization": "x" * len(CREDENTIAL)}])
async def test_without_both_credentials_there_is_nothing(guarded: Api, given: dict[str, str]) -> None:
    refused = await guarded.post("{ _service { sdl } }", headers=given)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")


async def test_without_a_gateway_its_header_opens_nothing(api: Api, busy: Busy) -> None:
    assert (await api.post("{ _service { sdl } }", headers=KNOWN)).status_code == 401
    assert (await api.ask(api.token(busy.tenant_id), "{ _service { sdl } }"))["data"] == DOCUMENT


async def test_traces_are_for_the_gateway_or_in_development_for_all(
    guarded: Api, api: Api, backend: Backend, home: Path, busy: Busy
) -> None:
    user = bearer(api.token(busy.tenant_id)) | TRACED

    async def is_traced(of: Api, headers: dict[str, str]) -> bool:
        answer = (await of.post("{ depots { totalCount } }", headers=headers)).json()
        assert answer["data"] == {"depots": {"totalCount": 2}}
        return "ftv1" in answer.get("extensions", {})

    assert [await is_traced(guarded, user | KNOWN), await is_traced(guarded, user)] == [True, False]
    assert [await is_traced(api, user | KNOWN), await is_traced(api, user)] == [False, False]
    async with serving_api(backend, home, development=True) as development:
        assert await is_traced(development, user)


def test_a_secret_that_can_be_guessed_is_refused(home: Path) -> None:
    with pytest.raises(ValidationError, match="at least 32"):
        Settings(home=home, gateway_token="short")
