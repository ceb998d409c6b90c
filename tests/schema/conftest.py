from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from ampyard.services.backend import Backend
from tests.fleet import user
from tests.schema.busy import Busy, busy_tenant
from tests.schema.graph import Graph


@pytest.fixture(scope="session")
async def busy(backend: Backend) -> Busy:
    """A tenant that tests read and leave as it is."""
    return await busy_tenant(backend)


@pytest.fixture(scope="session")
async def twin(backend: Backend) -> Busy:
    """Another tenant with the same in it, to be left as it is too."""
    return await busy_tenant(backend)


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
