"""Looking at servers from outside: ours, one that keeps the rules, and one that breaks them one by one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from typer.testing import CliRunner

from ampyard.ocpi.check import Finding, Outcome, check
from ampyard.server.cli import app
from ampyard.services.backend import Backend
from tests.ocpi.broken import Broken
from tests.ocpi.conftest import VERSIONS
from tests.ocpi.fleets import new_depots


@asynccontextmanager
async def running(server: Broken) -> AsyncIterator[str]:
    """Serve on a real socket; yields the address of its versions."""
    uvicorn_server = uvicorn.Server(uvicorn.Config(server.app(), host="127.0.0.1", port=0, log_level="critical", lifespan="off"))
    task = asyncio.create_task(uvicorn_server.serve())
    while not uvicorn_server.started:  # noqa: ASYNC110 # uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{uvicorn_server.servers[0].sockets[0].getsockname()[1]}/versions"
    uvicorn_server.should_exit = True
    await task


def failures(findings: list[Finding], outcome: Outcome = Outcome.FAILED) -> dict[str, str]:
    return {f"{it.subject}: {it.check}": it.detail for it in findings if it.outcome is outcome}


async def test_our_own_server_lacks_credentials_alone_in_both_versions(backend: Backend, root_url: str) -> None:
    seeded = await new_depots(backend, 7)
    findings = await check(f"{root_url}/versions", seeded.ocpi_token)
    # Registration is not served yet; nothing else is missing.
    lacking = "there is no endpoint for credentials, which every version has"
    assert failures(findings) == {f"{version}: credentials": lacking for version in VERSIONS}
    assert failures(findings, Outcome.ADVICE) == {}
    subjects = {it.subject for it in findings}
    assert {"versions", "2.2.1", "2.3.0", "2.2.1 locations", "2.3.0 locations"} <= subjects
    passed = {it.check for it in findings if it.subject == "2.3.0 locations" and it.outcome is Outcome.PASSED}
    assert {"page", "objects", "offset", "date_from is inclusive", "date_to is exclusive", "links lead through the list"} <= passed


async def test_a_server_that_keeps_the_rules_passes() -> None:
    async with running(Broken()) as url:
        findings = await check(url, "secret")
    assert failures(findings) == failures(findings, Outcome.ADVICE) == failures(findings, Outcome.SKIPPED) == {}
    assert len(findings) == len({(it.subject, it.check) for it in findings}), "two findings of one name"


@pytest.mark.parametrize(
    ("flaw", "check_name", "detail"),
    [
        ("html", "versions: envelope", "answers no JSON object: <h1>It works!</h1>"),
        ("bare", "versions: envelope", "answers no JSON object"),
        ("local time", "versions: envelope", "timestamp is '2026-01-31T10:30:00+01:00'; it should be a DateTime in UTC"),
        ("old version", "versions: a version we know", "it has 2.1.1; we know 2.2.1, 2.3.0"),
        ("open to all", "versions: no token is refused", "answers HTTP 200, expected 401"),
        ("no message ids", "versions: message ids", "does not repeat X-Request-ID and X-Correlation-ID"),
        ("no credentials", "2.2.1: credentials", "there is no endpoint for credentials"),
        ("relative address", "2.2.1: version details", "endpoints[0].url is"),
        ("endpoint twice", "2.2.1: endpoints twice", "locations SENDER more than once"),
        ("other version", "2.2.1: the version itself", "are of version 2.2, expected 2.2.1"),
        ("invalid object", "2.2.1 locations: objects", "object 3 (LOC3): coordinates is missing."),
        ("limit ignored", "2.2.1 locations: limit is kept", "limit=1 gives 9 objects"),
        ("unclamped", "2.2.1 locations: a limit that is too large is clamped", "X-Limit is 1000000, but 5 of 9 objects are here"),
        ("offset ignored", "2.2.1 locations: offset", "offset=1&limit=1 gives ['NL/TST/LOC0//'], expected ['NL/TST/LOC1//']"),
        ("date_from ignored", "2.2.1 locations: date_from is applied", "NL/TST/LOC0// is older than date_from"),
        ("date_from exclusive", "2.2.1 locations: date_from is inclusive", "what was updated at 2026-01-01T04:00:00Z is missing"),
        ("date_to ignored", "2.2.1 locations: date_to is applied", "NL/TST/LOC5// is newer than date_to"),
        ("date_to inclusive", "2.2.1 locations: date_to is exclusive", "NL/TST/LOC4// was updated at date_to itself"),
        ("total of all", "2.2.1 locations: dates count", "gives 0 objects, X-Total-Count 9"),
        ("total of the page", "2.2.1 locations: first page: X-Total-Count", "X-Total-Count is 8, and 9 objects are here"),
        ("no X-Total-Count", "2.2.1 locations: first page: X-Total-Count", "X-Total-Count is missing"),
        ("no X-Limit", "2.2.1 locations: first page: X-Limit", "X-Limit is missing"),
        ("no link", "2.2.1 locations: links lead through the list", "page 1 has no Link, and 4 of 9 objects were seen"),
        ("relative link", "2.2.1 locations: links lead through the list", "is no absolute address"),
        ("link without filters", "2.2.1 locations: links lead through the list", "has lost the filter date_from"),
        ("link on the last page", "2.2.1 locations: links lead through the list", "the last page has a Link to"),
        ("twice", "2.2.1 locations: nothing comes twice", "NL/TST/LOC4// is on more than one page"),
    ],
)
async def test_a_broken_rule_is_found_and_named(flaw: str, check_name: str, detail: str) -> None:
    async with running(Broken(flaw)) as url:
        found = failures(await check(url, "secret"))
    assert detail in found.get(check_name, f"not found; there are {found}")


async def test_a_list_in_use_is_not_blamed_for_changing() -> None:
    async with running(Broken("in use")) as url:
        findings = await check(url, "secret")
    assert failures(findings) == failures(findings, Outcome.ADVICE) == {}
    skipped = failures(findings, Outcome.SKIPPED)
    assert skipped["2.2.1 locations: offset"].startswith("the list changes while it is looked at (offset=1&limit=1 gives")


async def test_what_is_only_advised_is_no_failure() -> None:
    async with running(Broken("newest first")) as url:
        findings = await check(url, "secret")
    assert failures(findings, Outcome.ADVICE) == {"2.2.1 locations: oldest first": "last_updated is not ascending"}
    assert not any("oldest" in it for it in failures(findings))


async def test_too_few_objects_are_said_and_a_server_that_is_not_there_is_a_finding() -> None:
    async with running(Broken(count=1)) as url:
        findings = await check(url, "secret")
    assert failures(findings) == {}
    assert failures(findings, Outcome.SKIPPED) == {"2.2.1 locations: offset, dates, links": "it has 1 objects; two are needed"}
    gone = failures(await check(url, "secret"))
    assert list(gone) == ["versions: it answers"]
    assert "was not reached" in gone["versions: it answers"]


async def test_no_more_requests_are_made_than_may_be() -> None:
    async with running(Broken()) as url:
        findings = await check(url, "secret", most_requests=6)
    assert "allow more with --most-requests" in failures(findings)["2.2.1 locations: it answers"]


async def test_the_command_tells_what_failed_and_ends_with_one() -> None:
    async with running(Broken("no link")) as url:
        arguments = ["ocpi", "check", url, "--token", "secret"]
        told = await asyncio.to_thread(CliRunner().invoke, app, arguments, env={"COLUMNS": "250"})
        as_json = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--json"])
    assert told.exit_code == as_json.exit_code == 1
    assert "links lead through the list" in told.output
    assert "1 failed, 0 advice, 0 skipped" in told.output
    assert "first page: X-Limit" not in told.output
    assert {it["outcome"] for it in json.loads(as_json.output)} == {"passed", "failed"}
    async with running(Broken()) as url:
        well = await asyncio.to_thread(CliRunner().invoke, app, ["ocpi", "check", url, "--all"], env={"AMPYARD_OCPI_TOKEN": "secret"})
    assert well.exit_code == 0
    assert "first page: X-Limit" in well.output
