"""What worked with the last release still does, or the CHANGELOG says that it does not, and why."""

import sys

import pytest

from ampyard.schema.sdl import documents
from tests.schema.releases import ROOT, breaking, dangerous, judge, last_release, released, waivers

DOCUMENTS = ["schema.graphql", "schema.public.graphql"]
OLD = """
type Query { depot(id: ID!, near: Place): Depot @requiresScopes(scopes: [["fleet:read"]]) }
type Depot @key(fields: "id") { id: ID! name: String! kind: Kind }
enum Kind { BUS VAN }
input Place { latitude: Float = 1 }
"""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_nothing_breaks_unsaid(document: str, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = released(document), documents()[document]
    untold, stale = judge(breaking(old, new), waivers((ROOT / "CHANGELOG.md").read_text(), document))

    if risks := dangerous(old, new):
        with capsys.disabled():  # told where it passes, too
            sys.stdout.write("\n".join([f"\n{document}: since {last_release()}, clients may not be ready for:", *risks, ""]))

    lines = [f"- Breaking in `{document}`: {change} <why, and what to use instead>" for change in untold]
    assert lines == [], "this breaks who uses the last release: undo it, or write these lines below Unreleased in CHANGELOG.md"
    assert stale == [], "these waivers in CHANGELOG.md are about nothing that has changed"


def test_the_last_release_is_kept() -> None:
    assert [path.name for path in sorted((ROOT / "releases" / last_release()).iterdir())] == DOCUMENTS, (
        "the version in pyproject.toml is that of the last release: run `make release` when it is raised"
    )


def test_the_changelog_has_a_place_for_waivers() -> None:
    assert (ROOT / "CHANGELOG.md").read_text().count("\n## Unreleased\n") == 1


@pytest.mark.parametrize(
    ("was", "is_now", "change"),
    [
        (" name: String!", "", "Field Depot.name was removed."),
        ("kind: Kind", "kind: String", "Field Depot.kind changed type from Kind to String."),
        ("name: String!", "name: String", "Field Depot.name changed type from String! to String."),
        ("near: Place", "near: Place!", "Argument Query.depot(near:) has changed type from Place to Place!."),
        (", near: Place", "", "Argument Query.depot(near:) was removed."),
        ("near: Place", "near: Place, at: Int!", "A required argument Query.depot(at:) was added."),
        ("latitude: Float", "longitude: Float! latitude: Float", "A required field Place.longitude was added."),
        (" VAN", "", "Enum value Kind.VAN was removed."),
        (' @key(fields: "id")', "", '@key(fields: "id") of Depot was removed.'),
        (' @key(fields: "id")', ' @key(fields: "id", resolvable: false)', '@key(fields: "id") of Depot was removed.'),
        ("kind: Kind", "kind: Kind @authenticated", "@authenticated is now asked for Depot.kind."),
        ("fleet:read", "fleet:all", '@requiresScopes(scopes: [["fleet:all"]]) is now asked for Query.depot.'),
    ],
)
def test_a_breaking_change_is_found_and_let_pass_by_its_own_waiver_alone(was: str, is_now: str, change: str) -> None:
    new = OLD.replace(was, is_now)
    assert new != OLD

    found = breaking(OLD, new)

    assert found == [change]
    own, other = f"{change} Nobody used it.", "Field Depot.other was removed. Nobody used it."
    assert judge(found, [own]) == ([], [])
    assert judge(found, [other]) == ([change], [other])
    assert judge(found, [own, other]) == ([], [other])
    # Without a reason it is no waiver.
    assert judge(found, [change]) == ([change], [change])


@pytest.mark.parametrize(
    ("was", "is_now", "risks"),
    [
        ("VAN", "VAN TRUCK", ["Enum value Kind.TRUCK was added."]),
        ("= 1", "= 2", ["Place.latitude has changed defaultValue from 1 to 2."]),
        ("near: Place", "near: Place, at: Int", ["An optional argument Query.depot(at:) was added."]),
        ("kind: Kind", "kind: Kind city: String @cost(weight: 1) @authenticated", []),
        (' @requiresScopes(scopes: [["fleet:read"]])', "", []),
        ('@key(fields: "id")', '@key(fields: "id") @key(fields: "name") @shareable', []),
        ("enum Kind", "type Vehicle @authenticated { id: ID! } enum Kind", []),
    ],
)
def test_what_breaks_nobody_is_let_pass_and_what_may_surprise_is_told(was: str, is_now: str, risks: list[str]) -> None:
    new = OLD.replace(was, is_now)
    assert new != OLD
    assert (breaking(OLD, new), dangerous(OLD, new)) == ([], risks)


def test_waivers_are_those_of_the_next_release_and_of_one_document() -> None:
    changelog = """# Changelog

## Unreleased

### Changed

- Faster.
- Breaking in `schema.graphql`: Field Depot.city was removed. It is in `address`
  now.
- Breaking in `schema.public.graphql`: Enum value Kind.VAN was removed. There are none.

## 0.1.0 - 2026-11-23

- Breaking in `schema.graphql`: Field Depot.name was removed. Long ago.
"""
    assert waivers(changelog, "schema.graphql") == ["Field Depot.city was removed. It is in `address` now."]
    assert waivers(changelog, "schema.public.graphql") == ["Enum value Kind.VAN was removed. There are none."]
