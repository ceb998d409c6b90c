"""Whatever is asked, valid or not: no 5xx, and every error is one of the closed family. Requests are made up by schemathesis."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from graphql import (
    IDLE,
    REMOVE,
    ArgumentNode,
    NameNode,
    ObjectFieldNode,
    ObjectValueNode,
    ValueNode,
    Visitor,
    introspection_from_schema,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from ampyard import engine
from ampyard.domain.api_keys import ApiKey
from ampyard.domain.charge_points import Evse
from ampyard.domain.errors import DomainError
from ampyard.domain.transactions import Transaction
from ampyard.repositories.api_keys import ApiKeyRecords
from ampyard.repositories.charge_points import Evses
from ampyard.repositories.transactions import Transactions
from ampyard.resolvers.ids import NODES, encode_id
from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public
from conformance.graphs import Api

_EXAMPLES = 15
_MODES = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
# Commands to charge points: none is given, because a request would wait for its answer (see `ids`).
_REFUSED = {
    "Mutation.startTransaction",
    "Mutation.stopTransaction",
    # For administrators of the installation, which this tenant's user is not; and for the days around one that is over.
    "Query.tenant",
    "Query.tenants",
    "Query.notReady",
}
# Orders to charge points, which wait for an answer whatever they are given, and what would shut the graph that is asked.
_LEFT_OUT = {
    f"Mutation.{name}"
    for name in (
        "changeAvailability",
        "checkChargingSchedule",
        "clearChargingProfiles",
        "refreshConfiguration",
        "resetChargePoint",
        "setFeatureFlag",
        "setVariable",
        "triggerMessage",
        "unlockConnector",
        "updateFirmware",
    )
}
_HIDDEN = {"_entities", "_service"}  # schemathesis leaves them out unless they are named


def _operations(schema: Any) -> list[Any]:
    loaded = schemathesis.graphql.from_dict(introspection_from_schema(schema._schema))
    hidden = loaded.include(name=[f"Query.{field}" for field in _HIDDEN])
    chosen = [loaded, hidden] if _HIDDEN & set(schema._schema.query_type.fields) else [loaded]
    operations = [operation.ok() for some in chosen for operation in some.get_all_operations()]
    return [operation for operation in operations if operation.label not in _LEFT_OUT]


_OPERATIONS = [(name, operation) for name, schema in [("internal", internal), ("public", public)] for operation in _operations(schema)]


def _family() -> set[str]:
    """Return the codes that a client may see: those that the engine's README tells of, and those of refusals of the domain."""
    table = re.findall(r"^\| (`[A-Z_]+`[^|]*) \|", (Path(engine.__file__).parent / "README.md").read_text(), re.MULTILINE)
    told = {code for row in table for code in re.findall(r"[A-Z_]+", row)}
    assert {"INTERNAL_SERVER_ERROR", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"} <= told
    # Were requests throttled here, we would learn nothing of them.
    return (told - {"INTERNAL_SERVER_ERROR", "THROTTLED"}) | {str(error.code) for error in DomainError.__subclasses__()}


@pytest.fixture(scope="module")
async def ids(lenient_api: Api) -> dict[str, str]:
    """An id of the tenant for each type by its name. The transaction is over and the EVSE in use, so that no command is given for them."""
    busy = lenient_api.busy
    chosen: dict[type[Any], Any] = {entity: (await busy.all(repository))[0] for entity, repository in NODES.items()}
    transactions = await busy.all(Transactions)
    active = {transaction.evse_id for transaction in transactions if transaction.ended_at is None}
    chosen[Transaction] = next(transaction for transaction in transactions if transaction.ended_at is not None)
    chosen[Evse] = next(evse for evse in await busy.all(Evses) if evse.id in active)
    # Not the key that is asked with: it would be revoked.
    chosen[ApiKey] = next(key for key in await busy.all(ApiKeyRecords) if key.resource_group_id is not None)
    return {entity.__name__: encode_id(entity, one.id) for entity, one in chosen.items()}


@pytest.fixture(scope="module", autouse=True)
def scalars(ids: dict[str, str]) -> None:
    """Have schemathesis use ids of the tenant, pages of a usual size, and times: with others alone it would see refusals only."""
    strange = st.text(max_size=20).map(nodes.String)
    known = st.sampled_from(list(ids.values())).map(nodes.String)
    kind = st.sampled_from(list(ids)).map(nodes.String)
    scalar = schemathesis.graphql.scalar
    scalar("ID", known | strange)
    scalar("Int", (st.integers(1, 20) | st.integers(-(2**31), 2**31 - 1)).map(nodes.Int))
    scalar("Date", st.dates().map(str).map(nodes.String) | strange)
    scalar("DateTime", st.datetimes().map(lambda at: nodes.String(f"{at.isoformat()}Z")) | strange)
    scalar("Decimal", st.decimals(0, 1_000, places=2).map(str).map(nodes.String) | strange)
    scalar("JSON", strange)
    scalar("Time", st.times().map(str).map(nodes.String) | strange)
    plausible = st.fixed_dictionaries({"__typename": kind | strange, "id": known | strange})
    scalar("_Any", (plausible | st.dictionaries(st.sampled_from(["__typename", "id", "name"]), kind | known | strange)).map(_object))


def _object(entries: Mapping[str, ValueNode]) -> ValueNode:
    fields = tuple(ObjectFieldNode(name=NameNode(value=name), value=value) for name, value in entries.items())
    return ObjectValueNode(fields=fields)


class _Plausible(Visitor):
    """Puts in ids of the right type, and leaves of a page's arguments those that go together: else nearly everything is refused."""

    def __init__(self, ids: Mapping[str, str], type_: str) -> None:
        super().__init__()
        self._ids = {f"{name[0].lower()}{name[1:]}Id": id_ for name, id_ in ids.items()} | ({"id": ids[type_]} if type_ in ids else {})

    def enter_argument(self, node: ArgumentNode, *_: object) -> Any:
        return REMOVE if node.name.value in {"after", "last", "before"} else self.enter_object_field(node)

    def enter_object_field(self, node: ArgumentNode | ObjectFieldNode, *_: object) -> Any:
        id_ = self._ids.get(node.name.value)
        return IDLE if id_ is None else type(node)(name=node.name, value=nodes.String(id_))


@pytest.mark.parametrize("mode", _MODES, ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize(("name", "operation"), _OPERATIONS, ids=lambda value: getattr(value, "label", value))
async def test_requests_made_up_are_answered_or_refused_with_a_code(
    lenient_api: Api, ids: dict[str, str], name: str, operation: Any, mode: Any
) -> None:
    graph = lenient_api.internal if name == "internal" else lenient_api.public
    field = operation.label.partition(".")[2]
    plausible = _Plausible(ids, f"{field[:1].upper()}{field[1:]}")
    family = _family()
    seen: Counter[str] = Counter()

    def ask(case: Any) -> None:
        answer = case.call(base_url=graph.url, headers={**graph.headers, "accept": "application/graphql-response+json"})
        assert answer.status_code in {200, 400}, answer.text
        body = answer.json()
        codes = [error["extensions"]["code"] for error in body.get("errors", [])]
        assert set(codes) <= family, body
        assert answer.status_code == (200 if "data" in body else 400)
        seen.update(codes or ["answered"])

    @settings(max_examples=_EXAMPLES, derandomize=True, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def explore(case: Any) -> None:
        ask(case)
        case.body = print_ast(visit(parse(case.body), plausible))
        ask(case)

    await asyncio.to_thread(explore)
    assert seen["answered"] > 0 or mode is schemathesis.GenerationMode.NEGATIVE or operation.label in _REFUSED, seen
