from collections.abc import Iterator

import pytest

from tests.busy import Busy
from tests.fleet import user
from tests.schema.graph import Graph
from tests.sent import statements_sent


@pytest.fixture(scope="session")
def graph(busy: Busy) -> Graph:
    """The internal graph, asked by one who may do everything in the busy tenant."""
    return Graph(busy.backend, user(busy.tenant_id))


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL statements sent so far; clear it to count anew."""
    with statements_sent() as sent:
        yield sent
