"""Our subgraph composed with partners' by everyone's composer: Apollo's, The Guild's and WunderGraph's."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, build_schema

from conformance.node import Node
from conformance.supergraph import NAMES, Subgraph, differences, subgraphs

SUBGRAPHS = subgraphs({name: f"http://{name}.test/graphql" for name in NAMES})


@pytest.fixture(scope="module")
async def composed(node: Node) -> Any:
    """What the composers made of the subgraphs."""
    return await node.json("compose.mjs", [asdict(subgraph) for subgraph in SUBGRAPHS])


async def wgc(node: Node, composing: list[Subgraph], folder: Path) -> str:
    """Compose with WunderGraph's command line, which writes router.json; return what it says. It is not signed in anywhere."""
    for subgraph in composing:
        (folder / f"{subgraph.name}.graphql").write_text(subgraph.sdl)
    sources = [{"name": it.name, "routing_url": it.url, "schema": {"file": f"{it.name}.graphql"}} for it in composing]
    (folder / "graph.yaml").write_text(json.dumps({"version": 1, "subgraphs": sources}))  # JSON is YAML
    return await node.run("wgc.mjs", "router", "compose", "--input", "graph.yaml", "--out", "router.json", cwd=folder)


def router_schema(folder: Path) -> str:
    config = json.loads((folder / "router.json").read_text())
    return str(config["engineConfig"]["graphqlSchema"])


@pytest.mark.parametrize("composer", ["apollo", "guild", "wundergraph"])
def test_the_subgraphs_compose_and_nothing_is_remarked(composed: Any, composer: str) -> None:
    assert (composed[composer]["errors"], composed[composer]["hints"]) == ([], [])


def test_the_guilds_composition_is_given_the_highest_link_version_that_it_knows(composed: Any) -> None:
    # Ours is v2.11. When this fails, theirs has learnt more: raise it here.
    assert composed["guild"]["linked"] == "v2.9"


async def test_the_subgraphs_compose_with_wgc_offline_and_all_composers_make_the_same_of_them(
    node: Node, composed: Any, tmp_path: Path
) -> None:
    # No warning comes before it.
    assert await wgc(node, SUBGRAPHS, tmp_path) == "Router config successfully written to router.json\n"

    api = composed["apollo"]["api"]

    assert differences(api, composed["guild"]["api"]) == []
    # Cosmo's client schema does without the definition of @tag, which is for making contracts.
    assert differences(api, router_schema(tmp_path)) == ["Directive @tag was removed."]
    vehicle, charge_point = (build_schema(api).type_map[name] for name in ("Vehicle", "ChargePoint"))
    assert isinstance(vehicle, GraphQLObjectType)
    assert isinstance(charge_point, GraphQLObjectType)
    assert {"name", "batteryKwh", "odometerKm", "rangeKm"} <= vehicle.fields.keys()
    assert {"identity", "evses", "incidents"} <= charge_point.fields.keys()


async def test_composers_refuse_what_does_not_fit(node: Node) -> None:
    ours, telematics, incidents = SUBGRAPHS
    unfit = [ours, replace(telematics, sdl=telematics.sdl.replace("batteryKwh: Float!", "batteryKwh: String!")), incidents]

    refused = await node.json("compose.mjs", [asdict(subgraph) for subgraph in unfit])

    assert refused.keys() == {"apollo", "guild", "wundergraph"}
    for result in refused.values():
        assert result["errors"]
        assert all("batteryKwh" in message for message in result["errors"])
