"""Apollo's subgraph compatibility tests, with products built on our engine."""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from conformance.node import Node
from conformance.products.subgraph import app
from tests.server.serving import serving

# What the tests are of, and how many there are of it.
CHECKS = {
    "introspection": 1,
    "@key single": 2,
    "@key multiple": 2,
    "@key composite": 2,
    "repeatable @key": 2,
    "@requires": 1,
    "@provides": 1,
    "ftv1": 1,
    "@link": 1,
    "@shareable": 2,
    "@tag": 1,
    "@override": 2,
    "@inaccessible": 2,
    "@composeDirective": 1,
    "@interfaceObject": 2,
}


@pytest.fixture(scope="module")
async def products() -> AsyncIterator[str]:
    """The address of our subgraph."""
    async with serving(app) as url:
        yield url


async def test_all_23_checks_pass(node: Node, products: str) -> None:
    async with node.serving("products/supergraph.mjs", products) as gateway:
        results = json.loads(await node.run("products/checks.mjs", products, gateway))
    assert [one for one in results if not one["passed"]] == []
    assert Counter(one["of"] for one in results) == CHECKS
    assert len(results) == 23


async def test_apollo_reads_our_traces(node: Node, products: str) -> None:
    document = """query ($of: [_Any!]!) {
      federated: product(id: "apollo-federation") { research { study { caseNumber } } }
      _entities(representations: $of) { ... on User { name } }
    }"""
    representations = [{"__typename": "User", "email": "support@apollographql.com"}, {"__typename": "User"}]
    request = {"query": document, "variables": {"of": representations}}
    async with httpx.AsyncClient(headers={"apollo-federation-include-trace": "ftv1"}) as http:
        answer = (await http.post(products, json=request)).json()
    [error] = answer["errors"]

    trace = await node.json("products/trace.mjs", answer["extensions"]["ftv1"])

    assert abs(trace["startTime"]["seconds"] - time.time()) < 60
    assert tree(trace["root"], trace["durationNs"]) == {
        "federated": {
            "is": "Product Query product",
            "research": {
                "is": "[ProductResearch!]! Product",
                0: {"study": {"is": "CaseStudy! ProductResearch", "caseNumber": {"is": "ID! CaseStudy"}}},
            },
        },
        "_entities": {
            "is": "[_Entity]! Query",
            0: {"name": {"is": "String User"}},
            1: {"errors": [{"message": error["message"], "location": error["locations"], "json": error}]},
        },
    }


def tree(node: dict[str, Any], until_ns: int) -> dict[str | int, Any]:
    """Return a node of a trace as what it is and what is below it; checks that it lies within a span of time."""
    told: dict[str | int, Any] = {}
    if "type" in node:
        told["is"] = " ".join([node["type"], node["parentType"], *([node["originalFieldName"]] if "originalFieldName" in node else [])])
        assert 0 <= node["startTime"] <= node["endTime"] <= until_ns
    if "error" in node:
        told["errors"] = [one | {"json": json.loads(one["json"])} for one in node["error"]]
    return told | {child.get("responseName", child.get("index")): tree(child, until_ns) for child in node.get("child", ())}
