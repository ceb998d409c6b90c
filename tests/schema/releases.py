"""What a change of a schema does to those who use its last release.

The last release is the version that pyproject.toml names; `make release` keeps its documents in releases/. A breaking change is let
pass by a line of the CHANGELOG below "Unreleased", which begins with what this says of it and goes on with the reason:

    - Breaking in `schema.graphql`: Field Depot.city was removed. Use `address.city`.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    build_ast_schema,
    find_breaking_changes,
    find_dangerous_changes,
    parse,
    print_ast,
)

ROOT = Path(__file__).parents[2]
_WAIVER = re.compile(r"^- Breaking in `(?P<document>[\w.]+)`: (?P<words>.+)$", re.MULTILINE)

# What other subgraphs build on, and what a caller must have: no type says either, so graphql-core does not compare them.
_OFFERS = {"key", "shareable"}
_DEMANDS = {"authenticated", "requiresScopes"}


def last_release() -> str:
    """Return the version of the last release."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def released(document: str) -> str:
    """Return one of the last release's documents, by its file name."""
    return (ROOT / "releases" / last_release() / document).read_text()


def breaking(old: str, new: str) -> list[str]:
    """Return each change between two documents by which something that worked no longer does."""
    before, after = parse(old), parse(new)
    # Federation's directives are imported by @link, not defined: taken as they are.
    by_type = find_breaking_changes(build_ast_schema(before, assume_valid=True), build_ast_schema(after, assume_valid=True))
    return [*(change.description for change in by_type), *_by_directive(before, after)]


def dangerous(old: str, new: str) -> list[str]:
    """Return each change between two documents that a client may not be ready for, such as a new value of an enumeration."""
    before, after = (build_ast_schema(parse(text), assume_valid=True) for text in (old, new))
    return [change.description for change in find_dangerous_changes(before, after)]


def waivers(changelog: str, document: str) -> list[str]:
    """Return what the CHANGELOG says is broken in a document since the last release, each with its reason."""
    unreleased = changelog.partition("\n## Unreleased\n")[2].partition("\n## ")[0]
    lines = re.sub(r"\n +", " ", unreleased)
    return [waiver["words"] for waiver in _WAIVER.finditer(lines) if waiver["document"] == document]


def judge(changes: list[str], waived: list[str]) -> tuple[list[str], list[str]]:
    """Return the changes that no waiver gives a reason for, and the waivers that are about none of the changes."""

    def is_about(waiver: str, change: str) -> bool:
        return waiver.startswith(f"{change} ")

    return (
        [change for change in changes if not any(is_about(waiver, change) for waiver in waived)],
        [waiver for waiver in waived if not any(is_about(waiver, change) for change in changes)],
    )


def _by_directive(before: DocumentNode, after: DocumentNode) -> Iterator[str]:
    old, new = _applied(before), _applied(after)
    for where in old.keys() & new.keys():
        yield from (f"{text} of {where} was removed." for text, name in (old[where] - new[where]) if name in _OFFERS)
        yield from (f"{text} is now asked for {where}." for text, name in (new[where] - old[where]) if name in _DEMANDS)


def _applied(document: DocumentNode) -> dict[str, set[tuple[str, str]]]:
    """Return the text and name of the directives on each type and field."""

    def of(directives: tuple[ConstDirectiveNode, ...] | None) -> set[tuple[str, str]]:
        return {(print_ast(directive), directive.name.value) for directive in directives or ()}

    found = {}
    for type_ in document.definitions:
        if name := getattr(type_, "name", None):
            found[name.value] = of(getattr(type_, "directives", ()))
            for field in getattr(type_, "fields", None) or ():
                found[f"{name.value}.{field.name.value}"] = of(field.directives)
    return found
