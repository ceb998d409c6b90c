"""Every way into the internal graph as every kind of caller: what is opened, what is refused, and that nothing out of reach is shown."""

import uuid
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
)
from sqlalchemy import select

from ampyard.domain.access import ROLE_SCOPES, TENANT_WIDE, Grant, Principal, PrincipalKind, Role
from ampyard.repositories.depots import Depots
from ampyard.repositories.tables import metadata
from ampyard.resolvers.ids import decode_any
from ampyard.schema.internal import schema
from tests.busy import Busy
from tests.grants import group_of
from tests.repositories.test_reach import UNCONFINED
from tests.schema.graph import ENTITIES, Graph

CORE = schema._schema
OPEN, REFUSED, NOTHING, OWN = "yes", "no", "none", "own"


@dataclass(frozen=True)
class Client:
    """One kind of caller, and the rows (table, id) of the busy tenant that it must not be shown."""

    name: str
    graph: Graph
    hidden: frozenset[tuple[str, uuid.UUID]]


async def clients(busy: Busy, twin: Busy) -> list[Client]:
    """Return all kinds: of the other tenant, without a grant, with each role, and owners of groups with all, a part, or nothing in them."""
    rows = await _rows(busy)
    everything = frozenset((table, row["id"]) for table, of in rows.items() for row in of if "id" in row)
    unconfined = frozenset((table, row_id) for table, row_id in everything if table in UNCONFINED)
    depots = {depot.name: depot.id for depot in await busy.all(Depots)}
    north = await group_of(busy.backend, busy.tenant_id, depot_id=depots["North"])
    central = await group_of(busy.backend, busy.tenant_id, depot_id=depots["Central"])
    empty = await group_of(busy.backend, busy.tenant_id)
    nothing: frozenset[tuple[str, uuid.UUID]] = frozenset()

    def client(name: str, hidden: frozenset[tuple[str, uuid.UUID]], role: Role | None, *granted: uuid.UUID, of: Busy = busy) -> Client:
        scopes = frozenset() if role is None else ROLE_SCOPES[role]
        grants = (Grant(scopes - TENANT_WIDE, frozenset(granted)),) if granted else ()
        principal = Principal(of.tenant_id, "tester", PrincipalKind.USER, frozenset() if granted else scopes, None, grants)
        return Client(name, Graph(of.backend, principal), hidden)

    confined = everything - unconfined
    return [
        client("other tenant", everything, Role.OWNER, of=twin),
        client("no grant", everything, None),
        *(client(role.value, nothing, role) for role in Role),
        client("owner of all groups", nothing, Role.OWNER, north, central),
        client("owner of one group", confined - _within(rows, depots["North"]), Role.OWNER, north),
        client("owner of an empty group", confined, Role.OWNER, empty),
    ]


async def _rows(busy: Busy) -> dict[str, list[Mapping[str, Any]]]:
    async with busy.backend.database.snapshot(busy.tenant_id) as snapshot:
        return {
            table.name: [dict(row._mapping) for row in await snapshot.fetch(select(table))]
            for table in metadata.sorted_tables
            if "tenant_id" in table.c
        }


# Of columns that are not called as the table they refer to.
_ALIASES = {"link_id": "depot_link"}


def _within(rows: Mapping[str, Sequence[Mapping[str, Any]]], depot: uuid.UUID) -> frozenset[tuple[str, uuid.UUID]]:
    """Return what has to do with a depot: the depot, and whatever refers, over any number of steps, to something that has.

    This knows nothing of the policies. It is wider than they are: a transaction in another depot refers to this one through its vehicle.
    """
    referred: dict[tuple[str, uuid.UUID], list[tuple[str, uuid.UUID]]] = defaultdict(list)
    for table in metadata.sorted_tables:
        for row in rows.get(table.name, ()):
            for column in table.c:
                target = _ALIASES.get(column.name, column.name.removesuffix("_id").removeprefix("return_").removeprefix("departure_"))
                if column.name.endswith("_id") and target in rows and target not in UNCONFINED and row[column.name] is not None:
                    referred[target, row[column.name]].append((table.name, row.get("id", depot)))
    for row in rows["vehicle_group_member"]:
        # A group is seen where one of its vehicles is.
        referred["vehicle_group_member", row["id"]].append(("vehicle_group", row["vehicle_group_id"]))
    found: set[tuple[str, uuid.UUID]] = set()
    waiting = [("depot", depot)]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            # Power nodes name their parents, charge points their nodes: nothing leads from one depot to another but vehicles that travel.
            waiting += referred[one]
    return frozenset(found)


@dataclass(frozen=True)
class Way:
    """A way to a field: the document that asks for it, with its variables, and where in the answer its values are."""

    coordinates: str
    document: str
    variables: Mapping[str, Any]
    steps: tuple[str, ...]


def ways(given: Mapping[str, Mapping[str, Any]]) -> Iterator[Way]:
    """Yield a way to each field that can be read: to edges one by one, to the plain fields of a type together.

    `given` has the arguments of the fields that need some, by name at the root and as Type.field below.
    """
    paths = _paths(given)
    for type_name, path in paths.items():
        type_ = CORE.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        if type_name.endswith(("Connection", "Edge")) or type_name == "PageInfo":
            continue  # they are had with the list they are of
        plain = [name for name, field in type_.fields.items() if is_leaf_type(get_named_type(field.type)) and not field.args]
        if plain and type_name != "Query":
            yield _way(f"{type_name}.*", path, [_Step(name, type_.fields[name], {}) for name in plain])
        for name, field in type_.fields.items():
            if name not in plain and not name.startswith("_"):
                arguments = _arguments(type_name, name, field, given)
                yield _way(f"{type_name}.{name}", path, [_Step(name, field, arguments)])


@dataclass(frozen=True)
class _Step:
    name: str
    field: GraphQLField
    arguments: Mapping[str, Any]


def _paths(given: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[_Step, ...]]:
    """Return a shortest path from the root to each object type: through the root's lists where there are, so that there is much there."""
    assert CORE.query_type is not None
    paths: dict[str, tuple[_Step, ...]] = {"Query": ()}
    for by_lists in (True, False):
        waiting = deque(paths)
        while waiting:
            at = waiting.popleft()
            type_ = CORE.type_map[at]
            assert isinstance(type_, GraphQLObjectType)
            for name, field in sorted(type_.fields.items(), key=lambda item: item[0] != "nodes"):
                to = get_named_type(field.type)
                if not isinstance(to, GraphQLObjectType) or to.name in paths or name.startswith("_") or name == "node":
                    continue
                if at != "Query" or _is_list(field) or not by_lists:
                    paths[to.name] = (*paths[at], _Step(name, field, _arguments(at, name, field, given)))
                    waiting.append(to.name)
    return paths


def _is_list(field: GraphQLField) -> bool:
    bare = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    return isinstance(bare, GraphQLList) or get_named_type(bare).name.endswith("Connection")


def _arguments(type_name: str, name: str, field: GraphQLField, given: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    key = name if type_name in {"Query", "Mutation", "Subscription"} else f"{type_name}.{name}"
    arguments = given.get(key, {})
    missing = {argument for argument, it in field.args.items() if is_required_argument(it)} - set(arguments)
    assert not missing, f"valid_inputs() of a day (tests/days) has no {missing} for {key!r}."
    return arguments


def _way(coordinates: str, path: Sequence[_Step], last: Sequence[_Step]) -> Way:
    variables: dict[str, Any] = {}
    types: list[str] = []

    def call(step: _Step) -> str:
        placed = []
        for argument, value in step.arguments.items():
            variable = f"v{len(variables)}"
            variables[variable] = value
            types.append(f"${variable}: {step.field.args[argument].type}")
            placed.append(f"{argument}: ${variable}")
        return f"{step.name}({', '.join(placed)})" if placed else step.name

    opened = " { ".join(call(step) for step in path)
    inner = " ".join(f"{call(step)}{_selection(step.field)}" for step in last)
    body = f"{opened} {{ {inner} {'} ' * len(path)}" if path else inner
    head = f"query Q({', '.join(types)}) " if types else ""
    return Way(coordinates, f"{head}{{ {body} }}", variables, tuple(step.name for step in path))


def _selection(field: GraphQLField) -> str:
    type_ = get_named_type(field.type)
    if not is_composite_type(type_):
        return ""
    if isinstance(type_, GraphQLObjectType) and {"nodes", "totalCount"} <= set(type_.fields):
        node = get_named_type(type_.fields["nodes"].type)
        return f" {{ totalCount nodes {{ __typename{_id(node)} }} }}"
    return f" {{ __typename{_id(type_)} }}"


def _id(type_: Any) -> str:
    return " id" if type_.name in ENTITIES or type_.name == "Node" else ""


def shown(value: Any, steps: Sequence[str]) -> list[Any]:
    """Return the values that an answer has at the end of a path, those of all items of lists on it."""
    if isinstance(value, list):
        return [found for one in value for found in shown(one, steps)]
    if value is None:
        return []
    return shown(value.get(steps[0]), steps[1:]) if steps else [value]


def is_something(value: Any) -> bool:
    """Tell whether a value shows anything: null, an empty list and an empty page do not."""
    if isinstance(value, dict) and "totalCount" in value:
        return value["totalCount"] > 0 or bool(value.get("nodes"))
    if isinstance(value, dict):
        return any(is_something(inner) for inner in value.values())
    return value is not None and value != []


def ids_in(value: Any) -> Iterator[tuple[str, uuid.UUID]]:
    """Yield table and id of every entity in an answer."""
    if isinstance(value, list):
        for one in value:
            yield from ids_in(one)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name == "id" and isinstance(inner, str):
                entity, entity_id = decode_any("id", inner)
                yield ENTITIES[entity.__name__][1].table.name, uuid.UUID(str(entity_id))
            else:
                yield from ids_in(inner)
