"""The access proof: every field, mutation and subscription as every kind of caller. What comes of it is docs/access.md.

`pytest tests/schema/test_access.py --snapshot-update` writes that page anew; look at what it changes.
"""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type
from strawberry.types.execution import ExecutionResult, PreExecutionError

from ampyard.domain.errors import ConflictError
from ampyard.domain.events import Event, EventKind
from ampyard.repositories.charge_points import ChargePoints
from ampyard.repositories.depots import Depots
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.resolvers.ids import NODES, encode_id
from ampyard.schema.internal import schema
from ampyard.services.backend import Backend
from tests import days
from tests.busy import Busy, busy_tenant
from tests.fleet import user
from tests.schema.access import CORE, NOTHING, OPEN, OWN, REFUSED, Client, Way, clients, ids_in, is_something, shown, ways
from tests.schema.live import relayed, subscribed
from tests.schema.test_scopes import document, valid_inputs

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
HEAD = """# Access

What each kind of caller gets of every field, change and subscription of the internal graph, found by asking it
(`tests/schema/test_access.py`).
Everything is asked of one tenant's busy day; "other tenant" is the owner of another one with the same in it.

`yes`: it is opened. `no`: it is refused. `none`: it finds nothing that the caller may see (for a change: "There is no such …").
`own`: it is about the other tenant's own fleet.
`Type.*` are the plain fields of a type, which are had with it. What the owners of groups get is checked id by id to be theirs.

"""


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    """A tenant of this module's own: others make rules and groups in theirs."""
    return await busy_tenant(backend)


@pytest.fixture(scope="module")
async def callers(tenant: Busy, twin: Busy) -> list[Client]:
    return await clients(tenant, twin)


@pytest.fixture(scope="module")
async def given(tenant: Busy) -> dict[str, dict[str, Any]]:
    return await valid_inputs(tenant)


async def ask(client: Client, asked: str, variables: Any) -> ExecutionResult:
    return await schema.execute(asked, dict(variables), client.graph.context())


def codes(result: ExecutionResult) -> set[str]:
    return {(error.extensions or {})["code"] for error in result.errors or ()}


async def outcome(client: Client, way: Way) -> str:
    """Return what a caller gets on a way, having checked that nothing in it is out of its reach."""
    result = await ask(client, way.document, way.variables)
    assert client.hidden.isdisjoint(ids_in(result.data)), f"{way.coordinates} shows {client.name} what is out of reach"
    assert codes(result) <= {"FORBIDDEN", "NOT_FOUND"}, (way, client.name, result.errors)
    if "FORBIDDEN" in codes(result):
        return REFUSED
    return _opened_by(client) if any(is_something(value) for value in shown(result.data, way.steps)) else NOTHING


def _opened_by(client: Client) -> str:
    return OWN if client.name == "other tenant" else OPEN


class Matrix:
    """Rows of outcomes, one for each caller."""

    def __init__(self, callers: list[Client]) -> None:
        self.names = [client.name for client in callers]
        self.rows: dict[str, list[str]] = {}

    def page(self) -> str:
        """Return the rows as a table in Markdown, headed by the callers."""
        lines = [f"| | {' | '.join(self.names)} |", f"|---{'|:-:' * len(self.names)}|"]
        lines += [f"| `{name}` | {' | '.join(cells)} |" for name, cells in self.rows.items()]
        return "\n".join(lines)


async def reading(callers: list[Client], given: dict[str, dict[str, Any]]) -> Matrix:
    matrix = Matrix(callers)
    for way in ways(given):
        matrix.rows[way.coordinates] = [await outcome(client, way) for client in callers]
    return matrix


async def changing(callers: list[Client], given: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Matrix:
    """Ask for every change, and stop the allowed ones before anything is kept."""

    async def stop(work: UnitOfWork) -> None:
        await work.session.close()
        raise ConflictError("stopped by the test")

    monkeypatch.setattr(UnitOfWork, "commit", stop)
    matrix = Matrix(callers)
    assert CORE.mutation_type is not None
    for name in CORE.mutation_type.fields:
        assert name in given, f"valid_inputs() has nothing for {name}."
        asked = document(schema, "mutation", name, given[name])
        cells = []
        for client in callers:
            result = await ask(client, asked, given[name])
            assert not result.errors, (name, client.name, result.errors)
            assert result.data is not None
            told = result.data[name]["errors"]
            refusals = {error["code"] for error in told}
            if refusals & {"FORBIDDEN"}:
                cells.append(REFUSED)
            elif refusals & {"NOT_FOUND"}:
                cells.append(NOTHING)
            else:
                stopped = "stopped by the test" if name not in days.contradicted() else told[0]["message"]
                assert told == [] or told[0]["message"] == stopped, (name, client.name, told)
                cells.append(_opened_by(client))
        matrix.rows[f"Mutation.{name}"] = cells
    return matrix


async def watching(callers: list[Client], given: dict[str, dict[str, Any]]) -> Matrix:
    matrix = Matrix(callers)
    assert CORE.subscription_type is not None
    for name, field in CORE.subscription_type.fields.items():
        asked = document(schema, "subscription", name, given.get(name, {}))
        assert get_named_type(field.type)
        matrix.rows[f"Subscription.{name}"] = [await _opened(client, asked, given.get(name, {})) for client in callers]
    return matrix


async def _opened(client: Client, asked: str, variables: dict[str, Any]) -> str:
    operation = schema.prepare(asked)
    assert not isinstance(operation, PreExecutionError), operation.errors
    context = client.graph.context()
    results = schema.run(operation, context=context, variables=variables)
    async with aclosing(results):
        first = await _first_or_quiet(results)
    if first is None:
        return _opened_by(client)
    found = codes(first)
    return REFUSED if "FORBIDDEN" in found else NOTHING if "NOT_FOUND" in found else _opened_by(client)


async def _first_or_quiet(results: Any) -> Any:
    """Return a subscription's first result, or None where it is open and waits for events."""
    waiting = asyncio.ensure_future(anext(results, None))
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    if done:
        return waiting.result()
    waiting.cancel()
    await asyncio.wait([waiting])
    return None


async def test_the_matrix_is_what_is_written_down(
    tenant: Busy,
    callers: list[Client],
    given: dict[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    before = await tenant.everything()

    read = await reading(callers, given)
    watched = await watching(callers, given)
    with monkeypatch.context() as patch:
        changed = await changing(callers, given, patch)

    assert await tenant.everything() == before
    parts = [("Reading", read), ("Changing", changed), ("Watching", watched)]
    page = HEAD + "\n".join(f"## {title}\n\n{matrix.page()}\n" for title, matrix in parts)
    if pytestconfig.getoption("update_snapshots"):
        PAGE.write_text(page)
    assert page == PAGE.read_text(), "who gets what has changed: see the docstring of this module"

    rows = {**read.rows, **changed.rows, **watched.rows}
    column = {name: place for place, name in enumerate(read.names)}
    # Who they are, and what they are granted, everybody may know.
    rows = {row: cells for row, cells in rows.items() if not row.startswith(("Query.viewer", "Viewer"))}
    opened = {name: {row for row, cells in rows.items() if cells[place] == OPEN} for name, place in column.items()}
    assert opened["other tenant"] == opened["no grant"] == set()
    assert opened["viewer"] < opened["operator"] < opened["administrator"] == opened["owner"]
    assert opened["owner of one group"] <= opened["owner of all groups"] <= opened["owner"]
    # What an owner cannot open either is for system administrators, or not there in the busy day.
    never = {row for row, cells in rows.items() if OPEN not in cells}
    assert never <= UNOPENED


# Ways that nothing in the busy day leads anywhere on: no process of it tells that it runs.
UNOPENED = {"PlannerHealth.*", "ProcessHealth.*", "SystemHealth.processes"}


def lists() -> list[Any]:
    """Return each way to narrow a list at the root by an id: list, filter and the type that the id is of."""
    assert CORE.query_type is not None
    found = []
    types = {entity.__name__[0].lower() + entity.__name__[1:] + "Id": entity for entity in NODES}
    for name, field in CORE.query_type.fields.items():
        narrowing = get_named_type(field.args["filter"].type) if "filter" in field.args else None
        if isinstance(narrowing, GraphQLInputObjectType) and isinstance(get_named_type(field.type), GraphQLObjectType):
            found += [pytest.param(name, key, types[key], id=f"{name}-{key}") for key in narrowing.fields if key in types]
    return found


@pytest.mark.parametrize(("name", "key", "entity"), lists())
async def test_a_filter_by_an_id_out_of_reach_shows_nothing_out_of_reach(
    callers: list[Client], tenant: Busy, name: str, key: str, entity: type[Any]
) -> None:
    client = next(client for client in callers if client.name == "owner of one group")
    assert CORE.query_type is not None
    needed = CORE.query_type.fields[name]
    asked = f"query Q($id: ID!) {{ {name}(filter: {{{key}: $id}}) {{ totalCount nodes {{ __typename id }} }} }}"
    if "id" not in getattr(get_named_type(get_named_type(needed.type).fields["nodes"].type), "fields", {}):
        asked = asked.replace("__typename id", "__typename")
    for one in await tenant.all(NODES[entity]):
        result = await ask(client, asked, {"id": encode_id(entity, one.id)})
        if codes(result) == {"FORBIDDEN"}:
            return  # it is for the whole tenant alone
        assert result.data is not None, result.errors
        found = list(ids_in(result.data))
        assert client.hidden.isdisjoint(found)
        assert result.data[name]["totalCount"] == len(result.data[name]["nodes"])


# Subscriptions that a grant on a group never opens.
REFUSED_TO_GROUPS = {"jobRunUpdated"}


async def test_no_event_about_what_is_out_of_reach_arrives(callers: list[Client], tenant: Busy, given: dict[str, dict[str, Any]]) -> None:
    """Announce every kind of event about everything in Central: who reaches North alone hears of none, and who reaches all of some."""
    assert CORE.subscription_type is not None
    central = next(depot.id for depot in await tenant.all(Depots) if depot.name == "Central")
    confined, free = (next(c for c in callers if c.name == name) for name in ("owner of one group", "owner"))
    outside = [row_id for table, row_id in confined.hidden if table in {repository.table.name for repository in NODES.values()}]
    assert next(cp.id for cp in await tenant.all(ChargePoints) if cp.depot_id == central) in outside
    for name, field in CORE.subscription_type.fields.items():
        if name in given or name in REFUSED_TO_GROUPS:
            continue  # it takes the id of what is watched, or is about the tenant as a whole: that it is refused is in the matrix
        of = get_named_type(field.type)
        selection = "__typename id" if "id" in getattr(of, "fields", {}) else "__typename"
        asked = f"subscription {{ {name} {{ {selection} }} }}"
        async with subscribed(confined.graph, asked) as quiet, subscribed(free.graph, asked) as loud:
            async with tenant.backend.unit_of_work(user(tenant.tenant_id)) as work:
                for kind in EventKind:
                    for row_id in outside:
                        work.publish(Event(kind, row_id, central))
                await work.commit()
            await relayed(tenant.backend)
            assert await loud.next()
            assert await quiet.quiet(), f"{name} shows what is out of reach"
