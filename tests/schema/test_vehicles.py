"""Vehicles with their tags and groups, over the wire."""

from collections import defaultdict
from typing import Any

from ampyard.domain.vehicles import Vehicle
from ampyard.repositories.id_tags import IdTags
from ampyard.repositories.vehicle_groups import VehicleGroupMembers, VehicleGroups
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.ids import encode_id
from tests.busy import Busy
from tests.schema.graph import Graph


async def test_a_vehicle_shows_the_tags_it_has_and_those_it_had(graph: Graph, busy: Busy) -> None:
    data = await graph.data("{ vehicles { nodes { id idTags { value } formerIdTags { value removedAt } } } }")

    has: dict[str, list[str]] = defaultdict(list)
    had: dict[str, list[str]] = defaultdict(list)
    for tag in sorted(await busy.all(IdTags), key=lambda one: one.value):
        (has if tag.removed_at is None else had)[encode_id(Vehicle, tag.vehicle_id)].append(tag.value)
    nodes = data["vehicles"]["nodes"]
    assert {node["id"]: [tag["value"] for tag in node["idTags"]] for node in nodes} == {node["id"]: has[node["id"]] for node in nodes}
    assert {node["id"]: [tag["value"] for tag in node["formerIdTags"]] for node in nodes if node["formerIdTags"]} == had
    assert all(tag["removedAt"] for node in nodes for tag in node["formerIdTags"])


async def test_groups_lead_to_their_vehicles_and_back(graph: Graph, busy: Busy) -> None:
    data = await graph.data("{ vehicleGroups { nodes { name vehicles { name groups { name } } } } }")

    names = {vehicle.id: vehicle.name for vehicle in await busy.all(Vehicles)}
    members: dict[Any, list[str]] = defaultdict(list)
    for member in await busy.all(VehicleGroupMembers):
        members[member.vehicle_group_id].append(names[member.vehicle_id])
    expected = sorted((group.name, sorted(members[group.id])) for group in await busy.all(VehicleGroups))
    shown = data["vehicleGroups"]["nodes"]
    assert [(group["name"], [vehicle["name"] for vehicle in group["vehicles"]]) for group in shown] == expected
    for group in shown:
        for vehicle in group["vehicles"]:
            assert [of["name"] for of in vehicle["groups"]] == [name for name, some in expected if vehicle["name"] in some]
