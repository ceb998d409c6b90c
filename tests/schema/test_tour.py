"""The tour of the graph (docs/graph.md) is true: its queries show something, its other documents are valid."""

import re
from pathlib import Path

import pytest
from strawberry.types.execution import PreExecutionError

from ampyard.schema.internal import schema
from tests.schema.graph import Graph

PAGE = Path(__file__).parents[2] / "docs" / "graph.md"
DOCUMENTS = re.findall(r"```graphql\n(.*?)```", PAGE.read_text(), re.DOTALL)
INLINE = re.findall(r"`(subscription \{.*?\})`", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("document", [*DOCUMENTS, *INLINE], ids=range(len(DOCUMENTS) + len(INLINE)))
def test_a_document_is_valid(document: str) -> None:
    prepared = schema.prepare(document)
    assert not isinstance(prepared, PreExecutionError), prepared.errors


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if document.startswith("{")])
async def test_a_query_shows_something(graph: Graph, document: str) -> None:
    assert all((await graph.data(document)).values())


def test_there_is_a_tour() -> None:
    assert len(DOCUMENTS) > 8
    assert len(INLINE) >= 1
