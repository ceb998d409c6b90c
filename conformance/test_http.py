"""GraphQL over HTTP, as the audits of graphql-http (the reference implementation) see it."""

import pytest

from conformance.graphs import Api
from conformance.node import Node


@pytest.mark.parametrize("name", ["internal", "public"])
async def test_every_audit_is_passed_without_a_warning(node: Node, lenient_api: Api, name: str) -> None:
    """Those about variables introspect, so it is a developer who asks."""
    graph = lenient_api.internal if name == "internal" else lenient_api.public
    results = await node.json("audits.mjs", {"url": graph.url, "headers": dict(graph.headers)})
    assert [audit for audit in results if audit["status"] != "ok"] == []
    assert len(results) == 61
