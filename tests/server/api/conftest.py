from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ampyard.services.backend import Backend
from ampyard.services.seeding import Seeded
from tests.fleet import new_fleet
from tests.server.api.client import Api, serving_api


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
async def api(backend: Backend, home: Path) -> AsyncIterator[Api]:
    async with serving_api(backend, home) as api:
        yield api


@pytest.fixture(scope="module")
async def tenant(backend: Backend) -> Seeded:
    return await new_fleet(backend)
