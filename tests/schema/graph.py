"""Asking a schema as the api process does: a context of its own for each operation, over the real database."""

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from graphql import OperationType
from strawberry.types.execution import ExecutionResult

from ampyard.domain.access import Principal, Scope
from ampyard.engine import Schema
from ampyard.engine.operation import Operation
from ampyard.resolvers.context import Context
from ampyard.resolvers.cursors import CursorCodec
from ampyard.resolvers.ids import NODES, encode_id
from ampyard.resolvers.links import FileLinks
from ampyard.schema.internal import schema as internal
from ampyard.services.backend import Backend
from tests.engine.plans.oracle import assert_shown_alike
from tests.sent import counting

SECRET = b"a secret key of tests"
CURSORS = CursorCodec(SECRET)
LINKS = FileLinks(SECRET, "https://ampyard.test")

# By the name of its GraphQL type: each entity, and where it is kept.
ENTITIES = {entity.__name__: (entity, repository) for entity, repository in NODES.items()}


def id_of(entity: Any) -> str:
    """Return the global id of an entity."""
    return encode_id(type(entity), entity.id)


@dataclass(frozen=True)
class Graph:
    """One schema, asked by one principal."""

    backend: Backend
    principal: Principal
    schema: Schema = internal

    def with_scopes(self, *scopes: Scope) -> "Graph":
        """Return the graph as it is for the same principal with these scopes alone."""
        return replace(self, principal=replace(self.principal, scopes=frozenset(scopes)))

    def context(self) -> Context:
        return Context(self.backend, self.principal, cursors=CURSORS, links=LINKS)

    async def run(self, document: str, **variables: object) -> ExecutionResult:
        result = await self.schema.execute(document, variables, self.context())
        operation = self.schema.prepare(document)
        # graphql-core is the oracle of whatever the tests ask, but where they count what asking costs.
        if isinstance(operation, Operation) and operation.type is OperationType.QUERY and not counting():
            async with aclosing(self.schema.run(operation, context=self.context(), variables=variables, compiled=False)) as results:
                assert_shown_alike(result, await anext(results))
        return result

    async def data(self, document: str, **variables: object) -> Any:
        """Return the data of an operation without errors."""
        result = await self.run(document, **variables)
        assert result.errors is None, result.errors
        return result.data

    async def errors(self, document: str, **variables: object) -> list[tuple[str, str]]:
        """Return code and message of each error."""
        return [((error.extensions or {})["code"], error.message) for error in (await self.run(document, **variables)).errors or ()]

    async def refusals(self, document: str, **variables: object) -> list[tuple[str, str]]:
        """Return code and message of each error of an operation, and of those that the payload of its mutation has as data."""
        result = await self.run(document, **variables)
        payloads = [payload for payload in (result.data or {}).values() if isinstance(payload, dict)]
        told = [(error["code"], error["message"]) for payload in payloads for error in payload.get("errors", ())]
        return [*[((error.extensions or {})["code"], error.message) for error in result.errors or ()], *told]

    async def codes(self, document: str, **variables: object) -> list[str]:
        """Return the code of each error."""
        return [code for code, _ in await self.errors(document, **variables)]
