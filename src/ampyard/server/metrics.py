"""What an api process counts, as Prometheus reads it."""

import asyncio
from collections import Counter as TallyCounter
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any, Final

import asyncpg
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ampyard.engine import GraphQLApp, Observe, OperationReport
from ampyard.services.planning.figures import PlanFigures

# Clients choose the names of their operations and their own: these bound what they can make us remember.
_MAX_OPERATIONS: Final = 200
_MAX_CLIENTS: Final = 50
_MAX_SERIES: Final = 2_000
_MAX_CHARACTERS: Final = 64
_COUNT_S: Final = 2.0
_OTHER: Final = "other"

_LABELS: Final = ("graph", "operation", "type", "client", "version", "outcome")
_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._operations = Counter(
            "ampyard_graphql_operations", "Operations that are over, by name, kind, client and outcome.", _LABELS, registry=self.registry
        )
        self._durations = Histogram(
            "ampyard_graphql_operation_duration_seconds",
            "How long queries and mutations took.",
            _LABELS,
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._graphs: dict[str, GraphQLApp[Any]] = {}
        self.registry.register(_Graphs(self._graphs))
        self._writes = _Writes()
        self._alerts = Gauge(
            "ampyard_unresolved_alerts", "Alerts that are not resolved, of all tenants.", ("kind", "severity"), registry=self.registry
        )
        self.registry.register(self._writes)
        self._plans = Gauge("ampyard_plans", "Depots with a plan that counts, of all tenants.", ("status",), registry=self.registry)
        self._plan_gap = Gauge(
            "ampyard_plan_gap", "How far the worst of those plans may be from the best, as a share of it.", registry=self.registry
        )
        self._plan_solve_s = Gauge("ampyard_plan_solve_seconds", "How long the slowest of those plans took.", registry=self.registry)
        self._plan_age_s = Gauge("ampyard_plan_age_seconds", "How old the oldest of those plans is.", registry=self.registry)
        self._series: dict[tuple[str, ...], tuple[Counter, Histogram]] = {}
        self._names = _Bounded(_MAX_OPERATIONS)
        self._clients = _Bounded(_MAX_CLIENTS)

    def observer(self, graph: str) -> Observe:
        """Return what counts the operations of a graph."""

        def observe(report: OperationReport) -> None:
            name = _cut(report.name or "")
            client = (_cut(report.client.name), _cut(report.client.version))
            known = self._clients(client)
            labels = (
                graph,
                name if self._names((graph, name)) else _OTHER,
                report.type or "unknown",
                *(client if known else (_OTHER, _OTHER)),
                report.outcome,
            )
            operations, durations = self._child(labels)
            operations.inc()
            if report.type in {"query", "mutation"}:
                durations.observe(report.duration_s)

        return observe

    def watch(self, graph: str, app: GraphQLApp[Any]) -> None:
        """Show what a graph is doing and what it holds whenever somebody looks."""
        self._graphs[graph] = app

    def show_alerts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Show how many alerts there are now, by kind and severity."""
        self._alerts.clear()
        for labels, count in counts.items():
            self._alerts.labels(*labels).set(count)

    def show_profile_writes(self, count: int) -> None:
        """Show how many charging profiles have been written so far."""
        self._writes.count = count

    def show_plans(self, plans: Sequence[PlanFigures], *, at: datetime) -> None:
        """Show how good the plans are that count now."""
        self._plans.clear()
        for status, count in TallyCounter(plan.status for plan in plans).items():
            self._plans.labels(status.value).set(count)
        self._plan_gap.set(max((plan.gap for plan in plans), default=0.0))
        self._plan_solve_s.set(max((plan.solve_s for plan in plans), default=0.0))
        self._plan_age_s.set(max(((at - plan.made_at).total_seconds() for plan in plans), default=0.0))

    def _child(self, labels: tuple[str, ...]) -> tuple[Counter, Histogram]:
        found = self._series.get(labels)
        if found is None:
            if len(self._series) >= _MAX_SERIES:
                graph, _, type_, _, _, _ = labels
                labels = (graph, _OTHER, type_, _OTHER, _OTHER, _OTHER)
            found = self._operations.labels(*labels), self._durations.labels(*labels)
            self._series[labels] = found
        return found


class _Writes(Collector):
    """Charging profiles written, as the database counts them."""

    def __init__(self) -> None:
        self.count: int | None = None

    def collect(self) -> Iterator[Metric]:
        description = "Charging profiles written to the flash of EVSEs, of all tenants."
        yield CounterMetricFamily("ampyard_charging_profile_writes", description, value=self.count)


class _Bounded:
    """The first values that come, up to a number."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: set[Hashable] = set()

    def __call__(self, value: Hashable) -> bool:
        """Return whether a value is one of them."""
        if value not in self._values:
            if len(self._values) >= self._limit:
                return False
            self._values.add(value)
        return True


def _cut(text: str) -> str:
    return text[:_MAX_CHARACTERS]


class _Graphs(Collector):
    """What the graphs hold at the moment of the question."""

    def __init__(self, graphs: Mapping[str, GraphQLApp[Any]]) -> None:
        self._graphs = graphs

    def collect(self) -> Iterator[Metric]:
        running = GaugeMetricFamily("ampyard_graphql_running_operations", "Operations that run now.", labels=["graph"])
        sockets = GaugeMetricFamily("ampyard_graphql_open_sockets", "WebSockets that are open now.", labels=["graph"])
        documents = GaugeMetricFamily("ampyard_graphql_documents", "Documents that are held, parsed and validated.", labels=["graph"])
        characters = GaugeMetricFamily("ampyard_graphql_document_characters", "Length of the documents held.", labels=["graph"])
        lookups = CounterMetricFamily(
            "ampyard_graphql_document_lookups", "Documents looked for, and whether they were held.", labels=["graph", "result"]
        )
        unbudgeted = CounterMetricFamily(
            "ampyard_graphql_unbudgeted_operations", "Operations that went on because no budget could be asked.", labels=["graph"]
        )
        executions = CounterMetricFamily(
            "ampyard_graphql_executions", "Executions, and how: by a compiled plan, or why by graphql-core.", labels=["graph", "how"]
        )
        for graph, app in self._graphs.items():
            counts = app.schema.documents.counts
            running.add_metric([graph], app.activity.operations)
            sockets.add_metric([graph], app.activity.sockets)
            documents.add_metric([graph], counts.documents)
            characters.add_metric([graph], counts.characters)
            lookups.add_metric([graph, "hit"], counts.hits)
            lookups.add_metric([graph, "miss"], counts.misses)
            unbudgeted.add_metric([graph], 0 if app.budget is None else app.budget.unasked)
            for how, count in dict(app.schema.plans.counts).items():
                executions.add_metric([graph, how], count)
        yield from (running, sockets, documents, characters, lookups, unbudgeted, executions)


# Brings up to date what is counted in the database.
Refresh = Callable[[], Awaitable[None]]


def metrics_view(metrics: Metrics, token: str | None, refresh: Refresh | None = None) -> Callable[[Request], Awaitable[Response]]:
    """Serve the metrics: to bearers of the token; where there is none, to this machine alone. `refresh` counts for each who asks."""

    async def view(request: Request) -> Response:
        if token is None:
            if not _from_this_machine(request):
                return PlainTextResponse("Metrics are served to this machine alone unless AMPYARD_METRICS_TOKEN is set.", status_code=403)
        elif not compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()):
            return PlainTextResponse("This needs the bearer token of the metrics.", status_code=401, headers={"www-authenticate": "Bearer"})
        if refresh is not None:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # the others are told all the same
                async with asyncio.timeout(_COUNT_S):
                    await refresh()
        # Thousands of series take a while to write; nobody else waits for that.
        text = await asyncio.to_thread(generate_latest, metrics.registry)
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    return view


def _from_this_machine(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
