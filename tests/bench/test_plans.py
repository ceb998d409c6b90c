"""Looking at plans: everything the graph can ask is asked, of a small tenant, and what would be wrong is found."""

import pytest

from ampyard.schema.internal import schema
from bench.plans.explain import Explained, Observed, observe
from bench.plans.fleet import Caller, samples
from bench.plans.operations import Asked, operations
from bench.plans.page import page
from tests.busy import NOW, Busy
from tests.fleet import user


@pytest.fixture(scope="module")
async def caller(busy: Busy) -> Caller:
    return Caller("whole tenant", user(busy.tenant_id))


async def test_every_list_edge_and_chart_is_asked_without_an_error(busy: Busy, caller: Caller) -> None:
    asked = list(operations(schema, await samples(busy.backend, caller, NOW)))

    observed = [await observe(schema, busy.backend, caller.principal, caller.name, it, rounds=1) for it in asked]

    assert [(it.asked.name, it.errors) for it in observed if it.errors] == []
    # Roles are in the code: all else is in the database.
    assert {it.asked.name for it in observed if not it.statements} == {"roles"}
    names = {it.name for it in asked}
    assert len(names) == len(asked) > 150
    assert {
        "transactions",
        "transactions, counted",
        "transactions, from the end",
        "transactions by {field: ENERGY, direction: ASC}",
        "Depot.transactions",
        "Depot.energyChart of 365 days by DAY",
        "ChargePoint.utilisationChart of 365 days by MONTH in another zone",
    } <= names
    assert any(name.startswith("transactions where {vehicleId: ") for name in names)


def explained(name: str, *, loops: int = 1, ms: float = 1.0) -> Explained:
    scan = {"Node Type": "Seq Scan", "Relation Name": name, "Actual Rows": 3, "Actual Loops": loops}
    top = {"Node Type": "Limit", "Actual Rows": 2, "Actual Loops": 1, "Plans": [scan], "Shared Hit Blocks": 7}
    return Explained("SELECT", ms, {"Plan": top})


def test_what_is_not_as_it_is_to_be_is_found() -> None:
    sizes = {"transaction": 1e6, "depot": 50.0}
    asked = Asked("transactions", "{ transactions }", {})

    assert Observed(asked, "all", [explained("depot")]).faults(sizes) == []
    assert Observed(asked, "all", [explained("transaction", loops=0)]).faults(sizes) == []
    assert Observed(asked, "all", [explained("transaction")]).faults(sizes) == ["reads all of transaction"]
    assert Observed(asked, "all", [explained("depot", ms=60), explained("depot", ms=60)]).faults(sizes) == ["120 ms"]
    assert Observed(asked, "all", [], ["No."]).faults(sizes) == ["No."]


def test_the_page_tells_times_faults_and_plans() -> None:
    observed = [Observed(Asked("transactions", "", {}), "all", [explained("transaction", ms=3.25)])]

    text = page(observed, {"transaction": 1e6}, rounds=3, environment={"Machine": "small"})

    assert "- Machine: small" in text
    assert "| transaction | 1,000,000 |" in text
    assert "| transactions | all | reads all of transaction |" in text
    assert "| transactions | all | 1 | 2 | 3.2 |" in text
    assert "Limit: 2 rows, 7 blocks\n  Seq Scan transaction: 3 rows, 0 blocks" in text
