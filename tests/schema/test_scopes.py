"""Permissions: each way into a graph names the scope it needs, and is shut without it. Fields are walked, new ones too."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_composite_type, is_required_argument
from strawberry.federation.schema_directives import Authenticated, RequiresScopes

from ampyard.domain.access import Scope
from ampyard.domain.errors import ForbiddenError
from ampyard.engine import Schema
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.depots import Depots
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.reports import Reports
from ampyard.repositories.vehicles import Vehicles
from ampyard.resolvers.ids import NODES, SCOPES, encode_id
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from tests import days
from tests.busy import Busy
from tests.schema.graph import Graph

SCHEMAS = {"internal": internal, "public": public}
# Federation's own: the document, which is no secret to whoever is signed in, and entities, whose scopes are tested below.
# For whoever is signed in: who they are.
OPEN = {"viewer"}
FEDERATION = {"_service", "_entities"}


def root_fields(schema: Schema) -> list[tuple[str, str]]:
    """Return operation type and name of each field one can begin with."""
    core = schema._schema
    roots = {"query": core.query_type, "mutation": core.mutation_type, "subscription": core.subscription_type}
    return [(operation, name) for operation, root in roots.items() if root for name in root.fields if name not in FEDERATION | OPEN]


every_way_in = pytest.mark.parametrize(
    ("schema", "operation", "name"),
    [
        pytest.param(schema, operation, name, id=f"{which}-{operation}-{name}")
        for which, schema in SCHEMAS.items()
        for operation, name in root_fields(schema)
    ],
)


def field(schema: Schema, operation: str, name: str) -> Any:
    root = getattr(schema._schema, f"{operation}_type")
    return root.fields[name]


def printed_scopes(schema: Schema, operation: str, name: str) -> set[Scope]:
    """Return the scopes that the document says a field needs."""
    directives = field(schema, operation, name).extensions["strawberry-definition"].directives
    scopes = [directive.scopes for directive in directives if isinstance(directive, RequiresScopes)]
    assert len(scopes) == 1, f"{name} says nothing of scopes: make it with scoped(), scoped_subscription() or connection(scope=...)."
    ((alternative,),) = scopes
    return {Scope(scope) for scope in alternative}


async def valid_inputs(busy: Busy) -> dict[str, dict[str, object]]:
    """Return arguments with which each field that needs some would do something, were it allowed."""
    vehicle, depot = (await busy.all(Vehicles))[-1], (await busy.all(Depots))[0]
    evse = next(e for e in await busy.all(Evses) if e.charge_point_id == busy.stations["CP-4"].charge_point_id)
    running = await busy.transaction("tx-2")
    by_its_id = {entity: (await busy.all(repository))[0].id for entity, repository in NODES.items()}
    return {
        **await days.valid_inputs(busy),
        **{entity.__name__[0].lower() + entity.__name__[1:]: {"id": encode_id(entity, it)} for entity, it in by_its_id.items()},
        "node": {"id": encode_id(type(depot), depot.id)},
        "depotPower": {"depotId": encode_id(type(depot), depot.id)},
        "setPriority": {"input": {"level": "HIGH", "vehicleId": encode_id(type(vehicle), vehicle.id)}},
        "clearPriority": {"input": {"priorityId": encode_id(NODE_OF[Priorities], (await busy.all(Priorities))[0].id)}},
        "startTransaction": {"input": {"evseId": encode_id(type(evse), evse.id), "vehicleId": encode_id(type(vehicle), vehicle.id)}},
        "stopTransaction": {"input": {"transactionId": encode_id(type(running), running.id)}},
    }


NODE_OF = {repository: entity for entity, repository in NODES.items()}


def document(schema: Schema, operation: str, name: str, given: dict[str, object]) -> str:
    """Return an operation of one root field, which takes what it is given from variables and asks for as little as it can."""
    definition = field(schema, operation, name)
    missing = {argument for argument, it in definition.args.items() if is_required_argument(it)} - set(given)
    assert not missing, f"valid_inputs() has no {missing} for the new field {name}."
    variables = ", ".join(f"${argument}: {definition.args[argument].type}" for argument in given)
    arguments = ", ".join(f"{argument}: ${argument}" for argument in given)
    selection = " { __typename }" if is_composite_type(get_named_type(definition.type)) else ""
    if operation == "mutation":
        selection = " { errors { code message } }"
    call = f"{name}({arguments})" if given else name
    return f"{operation} Q({variables}) {{ {call}{selection} }}" if given else f"{operation} {{ {call}{selection} }}"


@every_way_in
async def test_a_way_in_is_shut_without_its_scope_and_nothing_happens(
    graph: Graph, busy: Busy, schema: Schema, operation: str, name: str
) -> None:
    needed = printed_scopes(schema, operation, name)
    given = (await valid_inputs(busy)).get(name, {})
    asked = document(schema, operation, name, given)
    before = await busy.everything()

    for scopes in ([], [scope for scope in Scope if scope not in needed]):
        refused = Graph(graph.backend, graph.principal, schema).with_scopes(*scopes)
        ((code, message),) = await refused.refusals(asked, **given)
        assert code == "FORBIDDEN"
        assert message == f"This needs the scope {next(iter(needed)).value}, which user:tester does not have."

    assert await busy.everything() == before


@pytest.mark.parametrize(
    ("schema", "name"),
    [pytest.param(s, name, id=f"{w}-{name}") for w, s in SCHEMAS.items() for op, name in root_fields(s) if op == "query"],
)
async def test_a_query_is_open_with_its_scope_alone(graph: Graph, busy: Busy, schema: Schema, name: str) -> None:
    given = (await valid_inputs(busy)).get(name, {})

    allowed = Graph(graph.backend, graph.principal, schema).with_scopes(*printed_scopes(schema, "query", name))

    assert (await allowed.data(document(schema, "query", name, given), **given))[name] is not None


def test_internal_types_ask_for_a_signed_in_caller() -> None:
    # Roots have scopes at their fields. PageInfo is shared with other subgraphs, and says nothing by itself.
    exempt = {"Query", "Mutation", "Subscription", "PageInfo", "_Service"}
    types = [t for t in internal._schema.type_map.values() if isinstance(t, GraphQLObjectType) and not t.name.startswith("__")]
    definitions = {t.name: t.extensions["strawberry-definition"] for t in types}
    without = {name for name, it in definitions.items() if not any(isinstance(d, Authenticated) for d in it.directives)}
    assert without == exempt
    assert len(types) > 30


def resolvers(schema: Schema) -> list[Any]:
    """Return (type, field, resolver) of each field below the roots that is given the operation's context: those that load."""
    found = []
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and type_.name not in {"Query", "Mutation", "Subscription"}:
            for name, it in type_.fields.items():
                definition = it.extensions.get("strawberry-definition")
                resolver = getattr(getattr(definition, "base_resolver", None), "wrapped_func", None)
                # A connection is had only where its own edge has asked for the scope of what it lists.
                if resolver is not None and "info" in inspect.signature(resolver).parameters and name != "totalCount":
                    found.append(pytest.param(resolver, id=f"{type_.name}.{name}"))
    return found


# It leads to whatever it may lead to, which differs from record to record, and is null for the rest.
OF_ANY_KIND = {"AuditRecord.target"}
# These lead nowhere: they ask what time it is.
OF_ITSELF = {"GridLink.state", "GridSignal.state"}


@pytest.mark.parametrize("resolver", [it for it in (*resolvers(internal), *resolvers(public)) if it.id not in OF_ANY_KIND | OF_ITSELF])
async def test_an_edge_needs_the_scope_of_what_it_leads_to_wherever_it_begins(graph: Graph, resolver: Any) -> None:
    # A payload, or a report, must not lead its reader further than a query would.
    parameters = [name for name in inspect.signature(resolver).parameters if name not in {"root", "info"}]
    context = graph.with_scopes().context()
    with pytest.raises(ForbiddenError):
        await resolver(root=None, info=SimpleNamespace(context=context), **dict.fromkeys(parameters))


def test_there_are_edges_to_walk() -> None:
    walked = {param.id for param in resolvers(internal)}
    assert {"Depot.chargePoints", "Evse.activeTransaction", "Transaction.priority", "Report.downloadUrl", "PowerNode.power"} <= walked
    assert len(walked) > 40


async def test_who_may_read_reports_alone_gets_no_further(graph: Graph) -> None:
    readers = graph.with_scopes(Scope.REPORTS_READ)
    assert await readers.data("{ reports { nodes { fileName } } }")
    result = await readers.run("{ reports { nodes { depot { name } } } }")
    assert (result.data, [(e.extensions or {})["code"] for e in result.errors or ()]) == (None, ["FORBIDDEN"])


async def test_who_may_read_the_fleet_alone_gets_no_reports(graph: Graph, busy: Busy) -> None:
    viewer = graph.with_scopes(Scope.FLEET_READ)
    report = (await busy.all(Reports))[0]
    report_id = encode_id(type(report), report.id)

    result = await viewer.run("{ depots { nodes { reports { totalCount } } } }")
    assert (result.data, [(e.extensions or {})["code"] for e in result.errors or ()]) == (None, ["FORBIDDEN"])
    assert await viewer.codes("query Q($id: ID!) { node(id: $id) { id } }", id=report_id) == ["FORBIDDEN"]


async def test_entities_need_their_scopes(graph: Graph, busy: Busy) -> None:
    asked = "query Q($of: [_Any!]!) { _entities(representations: $of) { __typename } }"
    entities = [(entity, (await busy.all(repository))[0]) for entity, repository in NODES.items()]
    of = [{"__typename": entity.__name__, "id": encode_id(entity, it.id)} for entity, it in entities]

    result = await graph.with_scopes(Scope.REPORTS_READ).run(asked, of=of)

    assert result.data == {
        "_entities": [{"__typename": "Report"} if SCOPES[entity] is Scope.REPORTS_READ else None for entity, _ in entities]
    }
    assert await graph.with_scopes().codes(asked, of=of) == ["FORBIDDEN"] * len(of)


def test_every_scope_is_somewhere_asked_for() -> None:
    asked = {scope for op, name in root_fields(internal) for scope in printed_scopes(internal, op, name)}
    # Introspection asks for the one, and granting the role of an owner for the other.
    assert asked == set(Scope) - {Scope.SCHEMA_READ, Scope.OWNERS_WRITE}
