"""Budgets as the api process keeps them: for users and for keys, over the event server, by setting."""

from pathlib import Path

import pytest

from ampyard.domain.access import Role
from ampyard.services.backend import Backend
from ampyard.services.seeding import Seeded
from tests.fleet import new_fleet
from tests.server.api.client import Api, bearer, serving_api


@pytest.fixture
async def someone(backend: Backend) -> Seeded:
    """A tenant whose members have spent nothing yet."""
    return await new_fleet(backend)


async def test_answers_tell_what_is_left(api: Api, someone: Seeded) -> None:
    token = api.token(someone.tenant_id, Role.VIEWER)
    first = await api.ask(token, "{ depots(first: 3) { nodes { name } } }")
    status = {"maximumAvailable": 1_000_000, "currentlyAvailable": 999_998, "restoreRate": 50_000}
    cost = first["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (4, 2)
    # What has come back meanwhile is less than what was spent, or all of it.
    assert 999_998 <= cost["throttleStatus"]["currentlyAvailable"] <= 1_000_000
    assert cost["throttleStatus"] | {"currentlyAvailable": 999_998} == status


async def test_an_api_key_has_a_budget_of_its_own(api: Api, someone: Seeded) -> None:
    answer = (await api.post("{ depots { nodes { name } } }", path="/public/graphql", headers={"x-api-key": someone.api_key})).json()
    cost = answer["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (51, 2)
    assert (cost["throttleStatus"]["maximumAvailable"], cost["throttleStatus"]["restoreRate"]) == (20_000, 2_000)


async def test_processes_share_what_a_user_may_spend(backend: Backend, home: Path, someone: Seeded) -> None:
    small = {"cost_capacity": 60, "cost_restore_per_s": 1}
    document = "{ depots { nodes { name } } }"
    async with serving_api(backend, home, **small) as one, serving_api(backend, home, **small) as other:
        headers = bearer(one.token(someone.tenant_id, Role.VIEWER))
        spent = await one.post("{ a: depots(first: 50) { nodes { name } } b: depots(first: 5) { totalCount } }", headers=headers)
        assert spent.json()["extensions"]["cost"]["requestedQueryCost"] == 57
        # The actual cost was 8: 2 for the list with its one depot, 6 for the count. 52 are left, all in reach of the other process soon.
        assert spent.json()["extensions"]["cost"]["actualQueryCost"] == 8
        for _ in range(3):
            await other.post("{ depots { totalCount nodes { name } } }", headers=headers)
        throttled = await other.post(document.replace("depots", "depots(first: 55)"), headers=headers)
    assert throttled.status_code == 200
    (error,) = throttled.json()["errors"]
    assert error["extensions"]["code"] == "THROTTLED"
    assert throttled.headers["retry-after"] == str(error["extensions"]["retryAfter"])
    assert throttled.json()["data"] is None


async def test_more_than_the_capacity_is_refused_and_zero_is_no_limit(backend: Backend, home: Path, someone: Seeded) -> None:
    document = "{ depots(first: 200) { nodes { chargePoints(first: 200) { nodes { name } } } } }"
    async with serving_api(backend, home, cost_capacity=1_000) as strict, serving_api(backend, home, cost_capacity=0) as lax:
        token = strict.token(someone.tenant_id, Role.VIEWER)
        refused = await strict.ask(token, document)
        assert [error["extensions"] for error in refused["errors"]] == [{"code": "MAX_COST_EXCEEDED", "cost": 40_401, "maxCost": 1_000}]
        answered = await lax.ask(token, document)
    assert answered.keys() == {"data"}


async def test_operations_without_a_budget_are_counted(api: Api) -> None:
    metrics = (await api.http.get("/metrics")).text
    for graph in ("internal", "public"):
        assert f'ampyard_graphql_unbudgeted_operations_total{{graph="{graph}"}} 0.0' in metrics


async def test_a_cost_beyond_all_numbers_is_told_as_far_as_json_can(api: Api, someone: Seeded) -> None:
    token = api.token(someone.tenant_id, Role.VIEWER)
    asked = {"query": "query ($n: Int) { depots(first: $n) { nodes { id } } }", "variables": {"n": 1e300}}
    response = await api.http.post("/graphql", json=asked, headers=bearer(token))

    (error,) = response.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["cost"]) == ("MAX_COST_EXCEEDED", 2**53 - 1)
