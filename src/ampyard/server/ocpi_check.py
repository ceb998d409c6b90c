"""`ampyard ocpi check`: what an OCPI server does otherwise than the standard says, for people and, as JSON, for programs."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ampyard.ocpi.check import Finding, Outcome, check

ocpi_commands = typer.Typer(help="OCPI, from outside.", no_args_is_help=True)

_COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.ADVICE: "yellow", Outcome.SKIPPED: "dim"}


@ocpi_commands.callback()
def _commands() -> None:
    """OCPI, from outside."""


@ocpi_commands.command("check")
def check_server(
    url: Annotated[str, typer.Argument(help="Where its versions are, such as https://cpo.example/ocpi/versions.")],
    token: Annotated[str, typer.Option(envvar="AMPYARD_OCPI_TOKEN", help="The credentials token, as it was given: not in Base64.")],
    plain_token: Annotated[bool, typer.Option("--plain-token", help="Send the token without Base64.")] = False,  # noqa: FBT002 # a flag
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,  # noqa: FBT002 # a flag
    all_findings: Annotated[bool, typer.Option("--all", help="Print what passed, too.")] = False,  # noqa: FBT002 # a flag
    most_requests: Annotated[int, typer.Option(min=1, help="How many requests are made at most.")] = 500,
    most_pages: Annotated[int, typer.Option(min=1, help="How many pages of a list are followed.")] = 20,
) -> None:
    """Look at any OCPI server, reading only: versions, details, authentication, and each list it serves. Ends with 1 when a check fails."""
    findings = asyncio.run(check(url, token, plain=plain_token, most_requests=most_requests, most_pages=most_pages))
    if as_json:
        typer.echo(orjson.dumps([asdict(it) for it in findings], option=orjson.OPT_INDENT_2))
    else:
        _show(findings, all_findings=all_findings)
    raise typer.Exit(int(any(it.outcome is Outcome.FAILED for it in findings)))


def _show(findings: Sequence[Finding], *, all_findings: bool) -> None:
    console = Console()
    table = Table("subject", "check", "outcome", "what was found", "section", box=None, pad_edge=False)
    for it in findings:
        if all_findings or it.outcome is not Outcome.PASSED:
            outcome = f"[{_COLOURS[it.outcome]}]{it.outcome.value}[/]"
            table.add_row(escape(it.subject), escape(it.check), outcome, escape(it.detail), it.source)
    if table.row_count:
        console.print(table)
    counts = Counter(it.outcome for it in findings)
    console.print(", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome), highlight=False)
