"""Our graph and the partners': the subgraphs that are composed, and what is done with what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    REMOVE,
    BreakingChange,
    DangerousChange,
    DirectiveDefinitionNode,
    DirectiveNode,
    EnumValueNode,
    ScalarTypeDefinitionNode,
    Visitor,
    build_ast_schema,
    find_breaking_changes,
    find_dangerous_changes,
    parse,
    print_ast,
    visit,
)

from conformance.node import FOLDER
from conformance.partners import telematics

NAMES = ("ampyard", "telematics", "incidents")
_SECURITY = {"authenticated", "requiresScopes"}


@dataclass(frozen=True)
class Subgraph:
    """A subgraph, as composition is given it."""

    name: str
    url: str
    sdl: str


def subgraphs(urls: Mapping[str, str]) -> list[Subgraph]:
    """Return our internal graph, as committed, and those of the partners; `urls` by `NAMES`."""
    sdls = {
        "ampyard": (FOLDER.parent / "schema.graphql").read_text(),
        "telematics": telematics.schema.as_str(),
        "incidents": (FOLDER / "partners" / "incidents.graphql").read_text(),
    }
    return [Subgraph(name, urls[name], sdls[name]) for name in NAMES]


def without_security(supergraph: str) -> str:
    """Return a supergraph without @authenticated and @requiresScopes.

    Apollo Gateway does not start on one that has them, because it cannot enforce them (Apollo Router can). Our subgraph does so itself.
    """
    return print_ast(visit(parse(supergraph), _WithoutSecurity()))


def differences(one: str, other: str) -> list[str]:
    """Return in what the types of two client schemas differ, whatever they say about them in descriptions and directives."""
    a, b = (build_ast_schema(visit(parse(sdl), _WithoutSecurity()), assume_valid=True) for sdl in (one, other))
    changes: list[BreakingChange | DangerousChange] = [*find_breaking_changes(a, b), *find_breaking_changes(b, a)]
    changes += [*find_dangerous_changes(a, b), *find_dangerous_changes(b, a)]
    return [change.description for change in changes]


class _WithoutSecurity(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        purposes = (argument.value for argument in node.arguments or () if argument.name.value == "for")
        is_link = any(isinstance(purpose, EnumValueNode) and purpose.value == "SECURITY" for purpose in purposes)
        return REMOVE if is_link or node.name.value in _SECURITY else None

    def enter_directive_definition(self, node: DirectiveDefinitionNode, *_: Any) -> Any:
        return REMOVE if node.name.value in _SECURITY else None

    def enter_scalar_type_definition(self, node: ScalarTypeDefinitionNode, *_: Any) -> Any:
        # The type of scopes: `requiresScopes__Scope`, WunderGraph's `openfed__Scope`.
        return REMOVE if node.name.value.endswith("__Scope") else None
