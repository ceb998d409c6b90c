"""The audit log: every change leaves a record of who made it; and what records are about is led to, as far as it may be seen."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from ampyard.domain.access import Scope
from ampyard.domain.errors import ConflictError
from ampyard.repositories.audit import AuditRecords
from ampyard.repositories.priorities import Priorities
from ampyard.repositories.tables import audit_record
from ampyard.repositories.unit_of_work import UnitOfWork
from ampyard.resolvers.ids import NODES
from ampyard.schema.internal import schema
from ampyard.services.backend import Backend
from tests import days
from tests.busy import Busy, busy_tenant
from tests.fleet import user
from tests.schema.graph import Graph, id_of
from tests.schema.test_scopes import document, valid_inputs

# What the valid inputs of these ask for is so already: the busy day archives no depot.
ALREADY_SO = {"restoreDepot"}
# What is measured comes by the minute, and is kept itself.
MEASURED = {"reportSiteMeter", "reportStateOfCharge"}


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Busy:
    return await busy_tenant(backend)


@pytest.fixture(scope="module")
async def given(tenant: Busy) -> dict[str, dict[str, Any]]:
    return await valid_inputs(tenant)


def mutations() -> list[str]:
    root = schema._schema.mutation_type
    assert root is not None
    return sorted(root.fields)


@pytest.mark.parametrize("name", mutations())
async def test_every_change_leaves_a_record(
    tenant: Busy, given: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    left: list[tuple[str, str]] = []

    async def stop(work: UnitOfWork) -> None:
        # Of what is about to be kept, and seen by nobody else yet.
        found = await work.session.fetch(select(audit_record.c.id, audit_record.c.author, audit_record.c.action))
        left.extend((author, action) for record_id, author, action in found if record_id not in before)
        await work.session.close()
        raise ConflictError("stopped by the test")

    monkeypatch.setattr(UnitOfWork, "commit", stop)
    graph = Graph(tenant.backend, user(tenant.tenant_id))
    before = {record.id for record in await tenant.all(AuditRecords)}

    refusals = await graph.refusals(document(schema, "mutation", name, given[name]), **given[name])

    if name in days.contradicted():
        assert left == []
        return
    assert refusals == [("CONFLICT", "stopped by the test")]
    if name in ALREADY_SO | MEASURED:
        assert left == []
        return
    assert left, f"{name} changes something, and tells nobody who did it: call work.audit(...)."
    assert {author for author, _ in left} == {"user:tester"}
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", action) for _, action in left)


# What records are about


async def test_a_record_leads_to_what_it_is_about(graph: Graph, busy: Busy) -> None:
    asked = "{ auditRecords(first: 200) { nodes { id action targetKind targetId target { id __typename } } } }"
    by_id = {id_of(entity): type(entity).__name__ for repository in NODES.values() for entity in await busy.all(repository)}

    nodes = (await graph.data(asked))["auditRecords"]["nodes"]

    assert len(nodes) > 30
    for node in nodes:
        there = node["targetId"] in by_id
        assert node["target"] == ({"id": node["targetId"], "__typename": by_id[node["targetId"]]} if there else None)
    assert {"User", "ApiKey", "ResourceGroup", "JobRun", "Priority", "Tenant"} >= {
        node["target"]["__typename"] for node in nodes if node["action"].split(".")[0] in {"user", "api_key", "resource_group"}
    }


async def test_what_a_record_is_about_is_null_for_who_may_not_see_it(graph: Graph) -> None:
    asked = "{ auditRecords(first: 200) { nodes { targetKind target { __typename } } } }"
    auditors = graph.with_scopes(Scope.AUDIT_READ, Scope.FLEET_READ)

    nodes = (await auditors.data(asked))["auditRecords"]["nodes"]

    shown = {node["targetKind"] for node in nodes if node["target"] is not None}
    assert "priority" in shown
    assert not shown & {"user", "role_grant", "api_key", "resource_group", "tenant", "job_run"}


async def test_records_of_many_kinds_are_led_from_in_a_statement_a_kind(graph: Graph, statements: list[str]) -> None:
    statements.clear()
    nodes = (await graph.data("{ auditRecords(first: 100) { nodes { targetKind target { id } } } }"))["auditRecords"]["nodes"]

    kinds = {node["targetKind"] for node in nodes if node["target"] is not None}
    assert len(kinds) > 3
    # One for the list; kinds whose things are all gone are looked for, too.
    assert len(kinds) + 1 <= len(statements) <= len({node["targetKind"] for node in nodes}) + 1


@pytest.mark.parametrize(
    ("narrowing", "column"),
    [({"author": "system:seed"}, "author"), ({"action": "priority.set"}, "action"), ({"targetKind": "api_key"}, "target_kind")],
)
async def test_the_log_is_narrowed(graph: Graph, busy: Busy, narrowing: dict[str, str], column: str) -> None:
    asked = "query Q($filter: AuditRecordFilter) { auditRecords(filter: $filter, first: 200) { totalCount nodes { id } } }"
    (wanted,) = narrowing.values()
    expected = [record for record in await busy.all(AuditRecords) if getattr(record, column) == wanted]

    found = (await graph.data(asked, filter=narrowing))["auditRecords"]

    assert {node["id"] for node in found["nodes"]} == {id_of(record) for record in expected}
    assert found["totalCount"] == len(expected) > 0


async def test_the_log_is_narrowed_to_one_thing_and_to_a_time(graph: Graph, busy: Busy) -> None:
    asked = "query Q($filter: AuditRecordFilter) { auditRecords(filter: $filter) { nodes { id action } } }"
    cleared = next(rule for rule in await busy.all(Priorities) if rule.cleared_at is not None)
    records = [record for record in await busy.all(AuditRecords) if record.target_id == cleared.id]

    of_one = (await graph.data(asked, filter={"targetId": id_of(cleared)}))["auditRecords"]["nodes"]
    at = records[0].at.isoformat()
    from_then = (await graph.data(asked, filter={"targetId": id_of(cleared), "since": at}))["auditRecords"]["nodes"]
    before = (await graph.data(asked, filter={"targetId": id_of(cleared), "until": at}))["auditRecords"]["nodes"]

    assert sorted(node["action"] for node in of_one) == ["priority.clear", "priority.set"]
    assert (from_then, before) == (of_one, [])
