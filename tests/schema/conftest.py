from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from ampyard.services.backend import Backend
from tests.busy import Busy
from tests.fleet import user
from tests.schema.graph import Graph


@pytest.fixture(scope="session")
def graph(busy: Busy) -> Graph:
    """The internal graph, asked by one who may do everything in the busy tenant."""
    return Graph(busy.backend, user(busy.tenant_id))


@pytest.fixture
def statements(backend: Backend) -> Iterator[list[str]]:
    """The SQL statements sent so far; clear it to count anew."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(backend.database.engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(backend.database.engine.sync_engine, "before_cursor_execute", note)
