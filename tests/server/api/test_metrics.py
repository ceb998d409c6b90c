"""What Prometheus reads, and who may read it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import Route

from ampyard.domain.alerts import AlertKind, AlertState
from ampyard.engine import OperationReport
from ampyard.engine.observing import Client
from ampyard.repositories.alerts import Alerts
from ampyard.repositories.plans import keep_plan
from ampyard.schema.internal import schema as internal
from ampyard.server.metrics import Metrics, metrics_view
from ampyard.services.backend import Backend
from ampyard.services.seeding import Seeded
from tests.busy import Busy
from tests.days.planning import plan_of
from tests.server.api.client import Api, bearer, serving_api
from tests.services.supplied import new_site

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """Return the sum of the samples of this name that have at least these labels."""
    return sum(number for (sample, of), number in found.items() if sample == name and of >= frozenset(labels.items()))


async def read(http: httpx.AsyncClient) -> Samples:
    response = await http.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return samples(response.text)


async def test_operations_are_counted_by_name_kind_client_and_outcome(backend: Backend, home: Path, busy: Busy, tenant: Seeded) -> None:
    async with serving_api(backend, home) as api:
        headers = {**bearer(api.token(busy.tenant_id)), "graphql-client-name": "board", "graphql-client-version": "4.2"}
        for _ in range(3):
            await api.post("query Depots { depots { totalCount } }", headers=headers)
        await api.post("query Wrong { garages { id } }", headers=headers)
        await api.post("query Fleet { vehicles { totalCount } }", path="/public/graphql", headers={"x-api-key": tenant.api_key})
        found = await read(api.http)

    depots = {"graph": "internal", "operation": "Depots", "type": "query", "client": "board", "version": "4.2", "outcome": "OK"}
    assert value(found, "ampyard_graphql_operations_total", **depots) == 3
    assert value(found, "ampyard_graphql_operation_duration_seconds_count", **depots) == 3
    assert value(found, "ampyard_graphql_operation_duration_seconds_bucket", **depots, le="+Inf") == 3
    assert 0 < value(found, "ampyard_graphql_operation_duration_seconds_sum", **depots) < 5
    wrong = {"graph": "internal", "operation": "", "type": "unknown", "client": "board", "outcome": "GRAPHQL_VALIDATION_FAILED"}
    assert value(found, "ampyard_graphql_operations_total", **wrong) == 1
    assert value(found, "ampyard_graphql_operation_duration_seconds_count", **wrong) == 0
    assert value(found, "ampyard_graphql_operations_total", graph="public", operation="Fleet", client="", outcome="OK") == 1
    assert value(found, "ampyard_graphql_operations_total") == 5
    assert value(found, "ampyard_graphql_running_operations") == value(found, "ampyard_graphql_open_sockets") == 0


async def test_documents_and_plans_are_counted(api: Api, busy: Busy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of all that this process asked before, the store may be full: then one goes for each that comes.
    monkeypatch.setattr(internal.documents, "_max_documents", 1_000_000)
    monkeypatch.setattr(internal.documents, "_max_characters", 1_000_000_000)
    document = f"{{ depots {{ totalCount }} }} # {tmp_path.name}"
    before = await read(api.http)
    for _ in range(3):
        await api.post(document, headers=bearer(api.token(busy.tenant_id)))
    after = await read(api.http)

    def more(name: str, **labels: str) -> float:
        return value(after, name, graph="internal", **labels) - value(before, name, graph="internal", **labels)

    assert more("ampyard_graphql_document_lookups_total", result="miss") == 1
    assert more("ampyard_graphql_document_lookups_total", result="hit") == 2
    assert more("ampyard_graphql_documents") == 1
    assert more("ampyard_graphql_document_characters") == len(document)
    assert more("ampyard_graphql_executions_total") == more("ampyard_graphql_executions_total", how="compiled") == 3
    assert value(after, "process_resident_memory_bytes") > 1_000_000


async def test_a_token_once_set_is_needed(backend: Backend, home: Path, busy: Busy) -> None:
    token = "a token for prometheus"
    async with serving_api(backend, home, metrics_token=token) as api:
        user = api.token(busy.tenant_id)
        answers = [await api.http.get("/metrics", headers=headers) for headers in ({}, bearer("another"), bearer(user), bearer(token))]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 200]
    assert all("ampyard_graphql" not in answer.text for answer in answers[:3])


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1", 200), ("127.8.9.1", 200), ("::1", 200), ("10.0.0.7", 403), ("2001:db8::1", 403), ("testclient", 403)]
)
async def test_without_a_token_this_machine_alone_may_read(host: str, status: int) -> None:
    app = Starlette(routes=[Route("/metrics", metrics_view(Metrics(), None))])
    transport = httpx.ASGITransport(app, client=(host, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        assert (await http.get("/metrics")).status_code == status


# What clients choose is bounded


@contextmanager
def observing() -> Iterator[tuple[Any, Any]]:
    metrics = Metrics()
    observe = metrics.observer("internal")

    def report(name: str = "A", client: Client = Client(), outcome: str = "OK") -> None:  # noqa: B008 - it is immutable
        observe(OperationReport(name=name, type="query", client=client, outcome=outcome, duration_s=0.1))

    def labels(name: str) -> list[str]:
        return sorted({sample.labels[name] for family in metrics.registry.collect() for sample in family.samples if name in sample.labels})

    yield report, labels


def test_names_beyond_a_number_are_other() -> None:
    with observing() as (report, labels):
        for number in range(300):
            report(f"Operation{number:03}")
        assert labels("operation") == [*(f"Operation{number:03}" for number in range(200)), "other"]
        report("Operation007")
        assert len(labels("operation")) == 201


def test_clients_beyond_a_number_are_other() -> None:
    with observing() as (report, labels):
        for number in range(100):
            report(client=Client("board", f"{number:03}"))
        assert labels("version") == [*(f"{number:03}" for number in range(50)), "other"]
        assert labels("client") == ["board", "other"]


def test_long_names_are_cut() -> None:
    with observing() as (report, labels):
        report("x" * 10_000, Client("y" * 10_000, "z" * 10_000))
        assert (labels("operation"), labels("client"), labels("version")) == (["x" * 64], ["y" * 64], ["z" * 64])


def test_series_are_bounded_however_names_are_combined() -> None:
    with observing() as (report, labels):
        for number in range(5_000):
            report(f"Operation{number % 200}", Client(f"client{number % 40}"), f"OUTCOME{number}")
        assert len(labels("outcome")) == 2_001
        assert "other" in labels("outcome")


def test_metrics_of_one_application_are_not_those_of_another() -> None:
    one, other = Metrics(), Metrics()
    one.observer("internal")(OperationReport(name="A", type="query", client=Client(), outcome="OK", duration_s=0.1))
    counted = [
        sum(
            sample.value
            for family in metrics.registry.collect()
            for sample in family.samples
            if re.search("operations_total$", sample.name)
        )
        for metrics in (one, other)
    ]
    assert counted == [1, 0]


@pytest.mark.parametrize(("compiled", "how"), [(True, "compiled"), (False, "switched off")])
async def test_plans_are_used_unless_switched_off(backend: Backend, home: Path, busy: Busy, *, compiled: bool, how: str) -> None:
    async with serving_api(backend, home, compiled_plans=compiled) as api:
        before = value(await read(api.http), "ampyard_graphql_executions_total", graph="internal", how=how)
        answer = await api.post("{ depots { totalCount } }", headers=bearer(api.token(busy.tenant_id)))
        after = value(await read(api.http), "ampyard_graphql_executions_total", graph="internal", how=how)

    assert answer.json()["data"] == {"depots": {"totalCount": 2}}
    assert after - before == 1


async def test_alerts_that_wait_are_counted_by_kind_and_severity(backend: Backend, home: Path, busy: Busy) -> None:
    async with serving_api(backend, home) as api:
        found = await read(api.http)
    waiting = [alert for alert in await busy.all(Alerts) if alert.state is not AlertState.RESOLVED and alert.kind is AlertKind.OVER_LIMIT]
    assert len(waiting) == 2
    # Other tenants of the tests have theirs.
    assert value(found, "ampyard_unresolved_alerts", kind="OVER_LIMIT", severity="CRITICAL") >= len(waiting)


async def test_plans_that_count_are_told_with_the_worst_of_their_figures(backend: Backend, home: Path) -> None:
    site = await new_site(backend)
    made = plan_of(site.tenant_id, site.depot_id, backend.clock() - timedelta(minutes=2))
    async with site.backend.unit_of_work(site.who) as work:
        await keep_plan(work.session, made, [])
        await work.commit()

    async with serving_api(backend, home) as api:
        found = await read(api.http)

    # Other tenants of the tests may have theirs.
    assert value(found, "ampyard_plans", status="FEASIBLE") >= 1
    assert value(found, "ampyard_plan_gap") >= made.gap
    assert value(found, "ampyard_plan_solve_seconds") >= made.solve_s
    assert 120 <= value(found, "ampyard_plan_age_seconds") < 900
